//! Our trainer beside TRL with PEFT: the same base, rows, order, rank, targets, batch and learning rates,
//! turn by turn.

mod agreement;
mod dev_f1;
mod job;
pub mod ours;
mod requests;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use self::agreement::Expected;
use self::job::{Job, Task};
use self::requests::{Request, Trained};
use crate::comparison::Comparison;
use crate::contestant::Contestant;
use crate::native::part_of_this_program;
use crate::results::{self, Case, Unit};

/// Options of the comparison.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    comparison: Comparison,
    /// Python with TRL and PEFT
    #[arg(long)]
    python: PathBuf,
    /// The slm command
    #[arg(long)]
    slm: PathBuf,
    /// Folder of the recipe that is trained
    #[arg(long, overrides_with = "recipe")]
    recipe: PathBuf,
    /// Optimizer steps a turn
    #[arg(long, default_value_t = 2)]
    steps: usize,
    #[command(flatten)]
    dev_f1: dev_f1::Options,
}

/// Measures, then prints the table.
///
/// # Errors
/// A trainer that does not start, ends too soon, or trains something else than ours.
pub fn run(options: &Options) -> Result<()> {
    let task = Task::read(&options.recipe, options.dev_f1.dev_rows)?;
    let folder = tempfile::tempdir().context("a folder for what is trained")?;
    let mut cases = turn_by_turn(options, &task, folder.path())?;
    cases.extend(dev_f1::run(options, &task, folder.path())?);
    results::show("train", &cases, options.comparison.json.as_deref())
}

fn turn_by_turn(options: &Options, task: &Task, folder: &Path) -> Result<Vec<Case>> {
    let rounds = options.comparison.rounds;
    let prepared = prepare(options, task, (rounds + 1) * options.steps, folder)?;
    let Prepared {
        job,
        file,
        expected,
    } = prepared;
    let mut ours = part_of_this_program("trainer")?;
    let mut contestants = vec![Contestant::start(ours.arg(&file))?];
    for checkpointing in [false, true] {
        let mut theirs = Contestant::start(&mut peft(options, &file, checkpointing))?;
        expected.check(&mut theirs)?;
        contestants.push(theirs);
    }
    let mut examples = Case::new("examples_per_second", Unit::ExamplesPerSecond);
    let mut tokens = Case::new("tokens_per_second", Unit::TokensPerSecond);
    for round in 0..=rounds {
        let (from, steps) = (round * options.steps, options.steps);
        let size = job.size(from..from + steps);
        let mut first: Option<Trained> = None;
        for contestant in &mut contestants {
            let trained: Trained = contestant.ask(&Request::Train { steps })?;
            let (name, seconds) = (&contestant.name, trained.seconds);
            eprintln!("turn {round} of {rounds}: {name}, {seconds:.1} s");
            if round > 0 {
                examples.add(&contestant.name, size.0 as f64 / trained.seconds);
                tokens.add(&contestant.name, size.1 as f64 / trained.seconds);
                continue;
            }
            match &first {
                Some(ours) => agreement::check_losses(&contestant.name, ours, &trained)?,
                None => first = Some(trained),
            }
        }
    }
    let mut memory = Case::new("peak_memory", Unit::Megabytes);
    for contestant in &contestants {
        memory.add(&contestant.name, megabytes(contestant.peak_memory()));
    }
    Ok(vec![examples, tokens, memory])
}

/// What the trainers are given, and what they are checked against.
struct Prepared {
    job: Job,
    /// The job, as a file.
    file: PathBuf,
    expected: Expected,
}

fn prepare(options: &Options, task: &Task, steps: usize, folder: &Path) -> Result<Prepared> {
    let base = options.comparison.base()?;
    let job = Job::new(&base, &options.comparison.model, task, steps, folder)?;
    let file = folder.join("job.json");
    job.write(&file)?;
    let expected = Expected::new(&base, &job)?;
    Ok(Prepared {
        job,
        file,
        expected,
    })
}

/// TRL and PEFT, from the folder of the peers. With checkpointing, TRL's default, activations are
/// computed again for the backward pass: less memory, more time.
fn peft(options: &Options, job: &Path, checkpointing: bool) -> Command {
    let mut command = Command::new(&options.python);
    let script = options.comparison.peers.join("peft_train.py");
    command.arg(script).arg(job);
    if checkpointing {
        command.arg("--checkpointing");
    }
    command
}

fn megabytes(bytes: Option<u64>) -> f64 {
    bytes.map_or(f64::NAN, |bytes| bytes as f64 / 1e6)
}
