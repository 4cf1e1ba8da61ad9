//! The `slm` command line: what can be typed, and nothing of how it is done.

mod data;
mod eval;
mod import;
mod model;
mod new;
mod predict;
mod report;
mod runs;
mod serve;
mod ship;
mod train;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Fine-tune small language models for common tasks, measure the lift, and ship a static page.
#[derive(Debug, Parser)]
#[command(name = "slm", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 3 a gate not met.

Example: slm train sentiment --out runs/mine && slm eval runs/mine"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch, list and verify base models
    #[command(subcommand)]
    Model(model::Command),
    /// Make a recipe folder from a data file
    New(new::Args),
    /// Check data files, bring them in from other formats, or make a recipe's sample data
    #[command(subcommand)]
    Data(data::Command),
    /// Train a LoRA adapter
    Train(train::Args),
    /// Score a run, a bundle or a base model against its baselines
    Eval(eval::Args),
    /// Answer texts from a file
    Predict(predict::Args),
    /// Write the report of a run as one HTML file
    Report(report::Args),
    /// List, show and compare runs
    #[command(subcommand)]
    Runs(runs::Command),
    /// Write the static gallery folder
    Ship(ship::Args),
    /// Serve a shipped folder on this machine
    Serve(serve::Args),
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// See [`crate::exit::code`] for which exit code an error gives.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Model(command) => command.run(),
            Command::New(args) => args.run(),
            Command::Data(command) => command.run(),
            Command::Train(args) => args.run(),
            Command::Eval(args) => args.run(),
            Command::Predict(args) => args.run(),
            Command::Report(args) => args.run(),
            Command::Runs(command) => command.run(),
            Command::Ship(args) => args.run(),
            Command::Serve(args) => args.run(),
        }
    }
}

/// A shape as recipes write it.
fn parse_shape(name: &str) -> Result<slm_task::Shape, String> {
    serde_json::from_value(name.into())
        .map_err(|_| format!("expected one of {}", slm_task::Shape::NAMES.join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let mut children = command.get_subcommands().peekable();
            if children.peek().is_none() {
                let help = command.get_after_help().map(ToString::to_string);
                let help = help.unwrap_or_default();
                assert!(help.contains("Example: slm "), "{}", command.get_name());
            }
            children.for_each(check);
        }
        check(&Cli::command());
    }
}
