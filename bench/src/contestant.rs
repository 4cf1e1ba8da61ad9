//! A contestant: an engine in a process of its own, which holds the model and answers requests.
//!
//! One JSON object a line. First the contestant says who it is, `{"name": …}`; then each request gets
//! an answer. What trainers are asked is in `training/requests.rs`. Engines that answer prompts get
//! `{"text": …, "tokens": […], "decode": n}` and say `{"prefill": seconds, "decode": seconds, "decoded": n}`: the
//! time to the first token after the prompt, the time of the tokens after that one, and how many
//! these were. Nothing is kept from one request to the next.

use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The command line of a contestant that is a part of this program.
#[derive(clap::Args)]
pub struct Options {
    /// The model, a GGUF file
    pub model: PathBuf,
    /// How many threads compute
    pub threads: usize,
}

/// Who answers.
#[derive(Serialize, Deserialize)]
pub struct Name {
    /// As it stands in tables.
    pub name: String,
}

/// What is to be computed.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// The prompt, for engines that tokenize for themselves.
    pub text: String,
    /// The prompt, for the others.
    pub tokens: Vec<u32>,
    /// Tokens to write after the first one, greedily.
    pub decode: usize,
}

/// What it took.
#[derive(Serialize, Deserialize)]
pub struct Answer {
    /// Seconds from the request to the first token.
    pub prefill: f64,
    /// Seconds of the tokens after that one.
    pub decode: f64,
    /// How many these were: fewer than asked for where the model ended its text.
    pub decoded: usize,
}

/// The other side of a contestant in this process: reads requests, writes answers.
///
/// # Errors
/// A request that cannot be read, or whatever `measure` fails with.
pub fn serve<Q: DeserializeOwned, A: Serialize>(
    name: &str,
    mut measure: impl FnMut(&Q) -> Result<A>,
) -> Result<()> {
    let mut output = io::stdout().lock();
    let mut say = |answer: String| -> Result<()> {
        writeln!(output, "{answer}")?;
        Ok(output.flush()?)
    };
    say(serde_json::to_string(&Name { name: name.into() })?)?;
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?).context("a request")?;
        say(serde_json::to_string(&measure(&request)?)?)?;
    }
    Ok(())
}

/// A running contestant. It ends when this is dropped.
pub struct Contestant {
    /// As it calls itself.
    pub name: String,
    process: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Contestant {
    /// Starts it and waits until it has loaded the model.
    ///
    /// # Errors
    /// It does not start, or ends without a word.
    pub fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("{program} has no pipes");
        };
        let mut contestant = Self {
            name: program,
            process,
            requests,
            answers: BufReader::new(answers).lines(),
        };
        contestant.name = contestant.answer::<Name>()?.name;
        Ok(contestant)
    }

    /// Asks once.
    ///
    /// # Errors
    /// It ended, or answers in another way than was agreed.
    pub fn ask<Q: Serialize, A: DeserializeOwned>(&mut self, request: &Q) -> Result<A> {
        writeln!(self.requests, "{}", serde_json::to_string(request)?)
            .with_context(|| format!("{} takes no more requests", self.name))?;
        self.answer()
    }

    /// The largest memory that its process has used so far, in bytes, where the system tells.
    pub fn peak_memory(&self) -> Option<u64> {
        crate::machine::peak_memory(self.process.id())
    }

    fn answer<A: DeserializeOwned>(&mut self) -> Result<A> {
        let name = &self.name;
        let line = self.answers.next();
        let line = line.with_context(|| format!("{name} ended; its own words stand above"))??;
        serde_json::from_str(&line).with_context(|| format!("{name} answered {line:?}"))
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
