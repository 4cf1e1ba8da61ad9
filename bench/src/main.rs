//! Benchmarks: our engine and others on the same file, turn by turn, on one machine.
//!
//! `cargo xtask bench WHAT` installs the others and runs this program. It measures and prints; it
//! asserts nothing, since machines differ and are busy.

mod browser;
mod candle;
mod comparison;
mod contestant;
mod kernels;
mod machine;
mod native;
mod ours;
mod prompt;
mod results;
mod server;
mod speeds;
mod training;
mod visit;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measure our engine beside others.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Our native engine, llama.cpp and candle: prefill and decode
    Native(comparison::Comparison),
    /// Our engine in Chromium, wllama, and native llama.cpp
    Browser(browser::Options),
    /// Each kernel beside what the machine can copy and multiply
    Kernels(kernels::Options),
    /// Our trainer, and TRL with PEFT: a LoRA adapter on the same rows
    Train(training::Options),
    /// Take part as our engine: answer requests on standard input
    #[command(hide = true)]
    Ours(contestant::Options),
    /// Take part as candle
    #[command(hide = true)]
    Candle(contestant::Options),
    /// Take part as our trainer
    #[command(hide = true)]
    Trainer(training::ours::Options),
}

fn main() -> ExitCode {
    let outcome: Result<()> = match Arguments::parse().command {
        Command::Native(options) => native::run(&options),
        Command::Browser(options) => browser::run(&options),
        Command::Kernels(options) => kernels::run(&options),
        Command::Train(options) => training::run(&options),
        Command::Ours(options) => ours::serve(&options),
        Command::Candle(options) => candle::serve(&options),
        Command::Trainer(options) => training::ours::serve(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
