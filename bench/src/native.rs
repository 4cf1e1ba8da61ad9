//! Our native engine beside llama.cpp and candle, turn by turn, on the same file and tokens.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::comparison::Comparison;
use crate::contestant::Contestant;
use crate::results::{self, Case, Unit};
use crate::speeds::{Speeds, Work};

/// Measures, then prints the table.
///
/// # Errors
/// An engine that does not start or ends too soon.
pub fn run(options: &Comparison) -> Result<()> {
    let work = Work::new(&options.base()?)?;
    let mut cases = Vec::new();
    for threads in [1, 2] {
        cases.extend(at(threads, options, &work)?);
    }
    results::show("native", &cases, options.json.as_deref())
}

fn at(threads: usize, options: &Comparison, work: &Work) -> Result<Vec<Case>> {
    let mut contestants = [part_of_this_program("ours")?, llama_cpp(&options.peers)]
        .into_iter()
        .map(|command| start(command, &options.model, threads))
        .collect::<Result<Vec<Contestant>>>()?;
    let mut speeds = Speeds::new(threads);
    for round in 0..=options.rounds {
        for request in work.requests() {
            for contestant in &mut contestants {
                let answer = contestant.ask(&request)?;
                speeds.add(round, &contestant.name, &request, &answer);
            }
        }
    }
    // Once, without a turn to warm up: its turns would take longer than those of the others together.
    let mut candle = start(part_of_this_program("candle")?, &options.model, threads)?;
    for request in work.requests() {
        let answer = candle.ask(&request)?;
        speeds.add(1, &candle.name, &request, &answer);
    }
    contestants.push(candle);
    let mut memory = Case::at("peak_memory", threads, Unit::Megabytes);
    for contestant in &contestants {
        let bytes = contestant.peak_memory().map_or(f64::NAN, |b| b as f64);
        memory.add(&contestant.name, bytes / 1e6);
    }
    let mut cases = speeds.into_cases();
    cases.push(memory);
    Ok(cases)
}

/// Starts a contestant that takes model and number of threads.
///
/// # Errors
/// As [`Contestant::start`].
pub fn start(mut command: Command, model: &Path, threads: usize) -> Result<Contestant> {
    Contestant::start(command.arg(model).arg(threads.to_string()))
}

/// llama.cpp, in the folder of the peers.
pub fn llama_cpp(peers: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(peers.join("llama_cpp.mjs"));
    command
}

/// This program as a contestant.
///
/// # Errors
/// The system does not say where it is.
pub fn part_of_this_program(name: &str) -> Result<Command> {
    let own = std::env::current_exe().context("the path of this program")?;
    let mut command = Command::new(own);
    command.arg(name);
    Ok(command)
}
