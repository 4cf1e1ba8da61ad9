//! Our engine in the browser beside wllama, and beside native llama.cpp: the same Chromium, file and
//! prompts, turn by turn.
//!
//! Each engine has a page of its own (`bench/peers/*.html`) whose `contestant` is a promise of an
//! object with a `name` and four functions. `measure({text, tokens, decode})` gives `{tokens, prefill,
//! decode, decoded}`: tokens of the prompt, seconds to the first token after it, seconds of those
//! after that one, and how many these were. `prepare({prefix})` computes what prompts begin with;
//! `classify({prefix, prompt, labels})` gives `{seconds, label}`. `memory()` gives the bytes that the
//! engine holds, the model included.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use slm_tests::chrome::{Chrome, Tab, with_chrome};

use crate::comparison::Comparison;
use crate::contestant::{Answer, Contestant};
use crate::prompt::{self, Question};
use crate::results::{self, Case, Unit};
use crate::speeds::{Speeds, Work};
use crate::{native, server, visit};

/// The command line of `bench browser`.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    comparison: Comparison,
    /// The gallery as it ships, with the recipe
    #[arg(long)]
    gallery: PathBuf,
    /// The recipe whose question is asked of sentences
    #[arg(long)]
    recipe: PathBuf,
}

/// The contestants: ours in the build that Chromium takes, wllama, and our other build.
const PAGES: [&str; 3] = [
    "ours.html?build=relaxed",
    "wllama.html?",
    "ours.html?build=simd128",
];

/// Time for one answer: some engines need a minute for a long prompt.
const PATIENCE: Duration = Duration::from_secs(600);

/// Visits take long and vary little.
const MOST_VISITS: usize = 3;

/// Measures, then prints the table.
///
/// # Errors
/// An engine that does not start or fails.
///
/// # Panics
/// When Chromium cannot be driven.
pub fn run(options: &Options) -> Result<()> {
    let comparison = &options.comparison;
    let base = comparison.base()?;
    let work = Work::new(&base)?;
    let questions = prompt::questions(&base, &options.recipe)?;
    drop(base);
    let mut outcome = Err(anyhow!("the browser did not start"));
    with_chrome(1280, async |chrome| {
        outcome = measure(chrome, comparison, &work, &questions).await;
    });
    let mut cases = outcome?;
    let Comparison {
        model,
        peers,
        rounds,
        json,
    } = comparison;
    let rounds = (*rounds).min(MOST_VISITS);
    let visits = visit::measure(&options.gallery, peers, model, &questions[0], rounds)?;
    cases.extend(visits);
    results::show("browser", &cases, json.as_deref())
}

async fn measure(
    chrome: &Chrome,
    options: &Comparison,
    work: &Work,
    questions: &[Question],
) -> Result<Vec<Case>> {
    chrome.be_patient(PATIENCE).await;
    let url = server::start(&options.peers, &options.model).await?;
    let mut cases = Vec::new();
    for threads in [1, 2] {
        let mut pages = Vec::new();
        for page in PAGES {
            pages.push(Page::open(chrome, &format!("{url}{page}&threads={threads}")).await?);
        }
        cases.extend(speeds(&pages, threads, options, work).await?);
        cases.push(sentences(&pages, threads, questions).await?);
        cases.push(memory(&pages, threads).await?);
        for page in pages {
            page.close().await;
        }
    }
    Ok(cases)
}

/// Prefill and decode, the native engines among them.
async fn speeds(
    pages: &[Page<'_>],
    threads: usize,
    options: &Comparison,
    work: &Work,
) -> Result<Vec<Case>> {
    let mut natives = [
        native::llama_cpp(&options.peers),
        native::part_of_this_program("ours")?,
    ]
    .into_iter()
    .map(|command| native::start(command, &options.model, threads))
    .collect::<Result<Vec<Contestant>>>()?;
    let mut speeds = Speeds::new(threads);
    for round in 0..=options.rounds {
        for request in work.requests() {
            for page in pages {
                let answer = page.measure(&request).await?;
                speeds.add(round, &page.name, &request, &answer);
            }
            for native in &mut natives {
                let answer = native.ask(&request)?;
                let name = format!("{}, native", native.name);
                speeds.add(round, &name, &request, &answer);
            }
        }
    }
    Ok(speeds.into_cases())
}

/// One answer to each sentence, after one that is not counted.
async fn sentences(pages: &[Page<'_>], threads: usize, questions: &[Question]) -> Result<Case> {
    let mut case = Case::at("classify", threads, Unit::SentencesPerSecond);
    for page in pages {
        page.classify(&questions[0]).await?;
    }
    for question in questions {
        for page in pages {
            case.add(&page.name, 1.0 / page.classify(question).await?);
        }
    }
    Ok(case)
}

/// What each page holds at the end, the model included.
async fn memory(pages: &[Page<'_>], threads: usize) -> Result<Case> {
    let mut case = Case::at("memory", threads, Unit::Megabytes);
    for page in pages {
        case.add(&page.name, page.memory().await? / 1e6);
    }
    Ok(case)
}

/// A tab with a contestant in it.
struct Page<'a> {
    name: String,
    chrome: &'a Chrome,
    tab: Tab,
}

impl<'a> Page<'a> {
    /// Opens the page and waits until it has loaded the model.
    async fn open(chrome: &'a Chrome, url: &str) -> Result<Self> {
        let tab = chrome.new_tab().await;
        chrome.go(url).await;
        let mut page = Self {
            name: url.to_owned(),
            chrome,
            tab,
        };
        let name = page.value("contestant.then(engine => engine.name)").await?;
        page.name = name.as_str().context("an engine's name")?.to_owned();
        Ok(page)
    }

    async fn close(self) {
        self.chrome.close_tab(self.tab).await;
    }

    async fn value(&self, expression: &str) -> Result<Value> {
        self.chrome.switch_to(self.tab.clone()).await;
        let value = self.chrome.value(expression).await;
        value.map_err(|error| anyhow!("{}: {error}", self.name))
    }

    /// Calls a function of the contestant.
    async fn call(&self, function: &str, argument: Value) -> Result<Value> {
        self.value(&format!(
            "contestant.then(engine => engine.{function}({argument}))"
        ))
        .await
    }

    async fn measure(&self, request: &crate::contestant::Request) -> Result<Answer> {
        let answer = self.call("measure", json!(request)).await?;
        let tokens = &answer["tokens"];
        ensure!(
            *tokens == request.tokens.len(),
            "{} read {tokens} tokens where {} were meant",
            self.name,
            request.tokens.len()
        );
        serde_json::from_value(answer).with_context(|| format!("the answer of {}", self.name))
    }

    /// Seconds to the label of one sentence, once the prefix is computed.
    async fn classify(&self, question: &Question) -> Result<f64> {
        self.call("prepare", json!(question)).await?;
        let answer = self.call("classify", json!(question)).await?;
        let label = answer["label"].as_str().unwrap_or_default();
        ensure!(
            question.labels.iter().any(|known| known.text == label),
            "{} answered {answer}, which is no label",
            self.name
        );
        answer["seconds"].as_f64().context("seconds")
    }

    /// Bytes that the engine holds.
    async fn memory(&self) -> Result<f64> {
        let bytes = self.call("memory", Value::Null).await?;
        bytes.as_f64().context("bytes")
    }
}
