//! Everything that a developer or CI does, each thing one `cargo xtask` command.
//!
//! One file a command; what several commands share is in `shell` (child processes), `workspace`
//! (paths and cargo), `wasm_opt`, `dist` and `slm`. It drives the other crates from outside, as
//! processes, and links none of them.

mod app;
mod arm;
mod bench;
mod browser;
mod bundles;
mod check;
mod demo;
mod directions;
mod dist;
mod npm;
mod python;
mod setup;
mod shell;
mod sizes;
mod slm;
mod test;
mod wasm_opt;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, check, test and demonstrate the SLM Gallery.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the other commands need; done twice, it does nothing the second time
    Setup(setup::Options),
    /// Build the web page into target/app
    App(app::Options),
    /// Measure our engine beside others, or each kernel beside the machine
    Bench(bench::Options),
    /// Train every built-in recipe and keep what ships in static/bundles
    Bundles(bundles::Options),
    /// Train the sentiment recipe, measure it, ship it and serve it
    Demo(demo::Options),
    /// Everything that CI runs: setup, check, unit, arm, browser
    Test,
    /// Formatting, lints, documentation and the directions of dependencies
    Check,
    /// Every native test but the browser's
    Unit,
    /// The kernels' tests on AArch64, in an emulator
    Arm,
    /// The end-to-end tests in headless Chromium
    Browser(browser::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes in one line; a backtrace of xtask itself would help nobody.
            eprintln!("xtask: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Setup(options) => setup::run(&options),
        Command::App(options) => app::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Bundles(options) => bundles::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Test => test::run(),
        Command::Check => check::run(),
        Command::Unit => test::unit()?.or_error(),
        Command::Arm => arm::tests()?.or_error(),
        Command::Browser(options) => browser::tests(&options)?.or_error(),
    }
}
