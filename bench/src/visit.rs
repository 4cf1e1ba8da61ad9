//! What a visitor waits for: from opening the page to the first answer, in a browser that has never
//! seen it, then in one that has kept the model.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;
use slm_tests::chrome::{Chrome, with_chrome};

use crate::prompt::{Question, SENTENCES};
use crate::results::{Case, Unit};
use crate::server;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Whose page is visited.
#[derive(Clone, Copy)]
enum Visited {
    /// The gallery as it ships: model, adapter, probes.
    Gallery,
    /// wllama's page, which fetches the model through wllama's own cache.
    Wllama,
}

/// Times first and second visits, each first one in a browser of its own.
///
/// # Errors
/// A page that does not answer.
pub fn measure(
    gallery: &Path,
    peers: &Path,
    model: &Path,
    question: &Question,
    rounds: usize,
) -> Result<Vec<Case>> {
    let mut cold = Case::at("start_cold", 1, Unit::Seconds);
    let mut cached = Case::at("start_cached", 1, Unit::Seconds);
    let folders: [(Visited, &str, PathBuf); 2] = [
        (Visited::Gallery, "SLM Gallery (page)", gallery.into()),
        (Visited::Wllama, "wllama", peers.into()),
    ];
    for _ in 0..rounds {
        for (visited, name, folder) in &folders {
            let mut outcome = Err(anyhow!("the browser did not start"));
            with_chrome(1280, async |chrome| {
                outcome = visits(chrome, *visited, folder, model, question).await;
            });
            let [first, second] = outcome.with_context(|| format!("a visit to {name}"))?;
            cold.add(name, first);
            cached.add(name, second);
        }
    }
    Ok(vec![cold, cached])
}

/// Seconds of two visits, one after the other.
async fn visits(
    chrome: &Chrome,
    visited: Visited,
    folder: &Path,
    model: &Path,
    question: &Question,
) -> Result<[f64; 2]> {
    chrome.be_patient(PATIENCE).await;
    let url = server::start(folder, model).await?;
    let url = match visited {
        Visited::Gallery => format!("{url}#/recipe/sentiment/try"),
        Visited::Wllama => format!("{url}wllama.html?threads=1"),
    };
    let started = Instant::now();
    chrome.go(&url).await;
    answer(chrome, visited, question).await?;
    let first = started.elapsed().as_secs_f64();
    let started = Instant::now();
    chrome.reload().await;
    answer(chrome, visited, question).await?;
    Ok([first, started.elapsed().as_secs_f64()])
}

/// Asks about one sentence as soon as the page can answer, and waits for the answer.
async fn answer(chrome: &Chrome, visited: Visited, question: &Question) -> Result<()> {
    match visited {
        Visited::Gallery => {
            let ready = "(document.querySelector('.ready summary') ?? document.querySelector('.problem'))?.innerText";
            let words = chrome.until("model", ready, PATIENCE).await;
            ensure!(words.starts_with("Model ready"), "the page says: {words}");
            chrome.paste("#text", SENTENCES[0]).await;
            let answer = "document.querySelector('.result[aria-busy=false] .verdict')?.innerText";
            chrome.until("answer", answer, PATIENCE).await;
        }
        Visited::Wllama => {
            let ask = format!(
                "contestant.then(engine => engine.classify({}))",
                json!(question)
            );
            let answer = chrome.value(&ask).await;
            answer.map_err(|error| anyhow!("wllama: {error}"))?;
        }
    }
    Ok(())
}
