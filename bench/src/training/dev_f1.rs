//! How soon the dev macro-F1 is reached that TRL with PEFT reaches: theirs with the job's settings, ours
//! by `slm train` with the recipe's own. Evaluations are not counted on either side.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use slm_task::{Prediction, Shape, score};

use super::job::Task;
use super::requests::{Request, Scores, Trained};
use super::{megabytes, peft, prepare};
use crate::contestant::Contestant;
use crate::results::{Case, Unit};

/// Options of this part.
#[derive(clap::Args)]
pub struct Options {
    /// Also let PEFT train so many optimizer steps, and ours until it has PEFT's best dev macro-F1
    #[arg(long, value_name = "STEPS", default_value_t = 0)]
    to_dev_f1: usize,
    /// PEFT's optimizer steps between two evaluations on the dev rows
    #[arg(long, value_name = "STEPS", default_value_t = 8)]
    evaluate_every: usize,
    /// Dev rows that both are scored on, a seeded subsample; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub dev_rows: usize,
    /// Change a key of the recipe for our run of `slm train`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// A training up to an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reached {
    /// Seconds of the optimizer steps before it.
    seconds: f64,
    /// Dev macro-F1.
    score: f64,
}

/// The cases of this part; none where it was not asked for.
///
/// # Errors
/// A recipe of another shape, a trainer that fails.
pub fn run(options: &super::Options, task: &Task, folder: &Path) -> Result<Vec<Case>> {
    if options.dev_f1.to_dev_f1 == 0 {
        return Ok(Vec::new());
    }
    ensure!(
        task.recipe.shape == Shape::SingleLabel,
        "--to-dev-f1 scores single labels, and the recipe {} has another shape",
        task.recipe.id
    );
    let (name, theirs, their_memory) = theirs(options, task, folder)?;
    let (ours, our_memory) = ours(options, task, folder, theirs.score)?;
    let case = |key: &str, unit, ours: f64, theirs: f64| {
        let mut case = Case::new(key, unit);
        case.add("SLM Gallery", ours);
        case.add(&name, theirs);
        case
    };
    let bytes = megabytes;
    Ok(vec![
        case(
            "seconds_to_dev_f1",
            Unit::Seconds,
            ours.seconds,
            theirs.seconds,
        ),
        case("dev_f1", Unit::MacroF1, ours.score, theirs.score),
        case(
            "peak_memory_to_dev_f1",
            Unit::Megabytes,
            bytes(our_memory),
            bytes(their_memory),
        ),
    ])
}

/// The best evaluation of PEFT's, the first of equals, with its name and peak memory.
fn theirs(
    options: &super::Options,
    task: &Task,
    folder: &Path,
) -> Result<(String, Reached, Option<u64>)> {
    let (steps, every) = (
        options.dev_f1.to_dev_f1,
        options.dev_f1.evaluate_every.max(1),
    );
    let prepared = prepare(options, task, steps, folder)?;
    let mut peft = Contestant::start(&mut peft(options, &prepared.file, false))?;
    prepared.expected.check(&mut peft)?;
    let (mut seconds, mut memory) = (0.0, None);
    let mut evaluations = Vec::new();
    let mut done = 0;
    while done < steps {
        let turn = every.min(steps - done);
        let trained: Trained = peft.ask(&Request::Train { steps: turn })?;
        done += turn;
        seconds += trained.seconds;
        // Before the first evaluation, which a training need not have.
        memory = memory.or_else(|| peft.peak_memory());
        let scores: Scores = peft.ask(&Request::Score)?;
        let score = macro_f1(task, &scores)?;
        eprintln!(
            "{}: {done} steps, {seconds:.0} s, dev macro-F1 {score:.3}",
            peft.name
        );
        evaluations.push(Reached { seconds, score });
    }
    let best = best(&evaluations).context("no evaluation")?;
    Ok((peft.name.clone(), best, memory))
}

fn macro_f1(task: &Task, scores: &Scores) -> Result<f64> {
    let labels = &task.recipe.labels;
    let predictions = scores.scores.iter();
    let predictions = predictions.map(|row| Prediction::from_log_probabilities(labels, row));
    Ok(score::summary(&task.recipe, &task.dev, predictions.collect())?.score)
}

/// The first of the best.
fn best(evaluations: &[Reached]) -> Option<Reached> {
    let better = |best: Reached, other: Reached| match other.score > best.score {
        true => other,
        false => best,
    };
    evaluations.iter().copied().reduce(better)
}

/// Runs `slm train` and takes its first evaluation that is as good as `target`, and its peak memory.
fn ours(
    options: &super::Options,
    task: &Task,
    folder: &Path,
    target: f64,
) -> Result<(Reached, Option<u64>)> {
    let (run, outcome) = (folder.join("run"), folder.join("outcome.json"));
    let mut train = Command::new(&options.slm);
    train.arg("train").arg(&options.recipe);
    train.arg("--base").arg(&options.comparison.model);
    train.arg("--out").arg(&run).arg("--json").arg(&outcome);
    for change in same_evaluations(options, task)
        .iter()
        .chain(&options.dev_f1.set)
    {
        train.arg("--set").arg(change);
    }
    let status = train.stdout(std::process::Stdio::null()).status()?;
    ensure!(status.success(), "slm train failed");
    let metrics = fs::read_to_string(run.join("metrics.jsonl"))?;
    let reached = reached(&metrics, target)?;
    let outcome: Outcome = serde_json::from_str(&fs::read_to_string(outcome)?)?;
    Ok((reached, outcome.peak_memory_bytes))
}

/// What makes our run evaluate on the same dev rows, as often as PEFT's (more often where it is short),
/// to the end.
fn same_evaluations(options: &super::Options, task: &Task) -> [String; 3] {
    let steps = task.train.len().div_ceil(task.recipe.sft.batch);
    let per_epoch = steps as f64 / options.dev_f1.evaluate_every.max(1) as f64;
    [
        format!("scoring.dev_rows={}", options.dev_f1.dev_rows),
        format!("sft.evals_per_epoch={per_epoch}"),
        "sft.patience=0".to_owned(),
    ]
}

/// What `slm train --json` writes, as far as it matters here.
#[derive(Deserialize)]
struct Outcome {
    peak_memory_bytes: Option<u64>,
}

/// A line of a run's `metrics.jsonl`, as far as it matters here.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Metric {
    Step { seconds: f64 },
    Dev { step: usize, score: f64 },
}

/// The first evaluation of a training that is as good as `target`; the bare base's is not one. Where
/// there is none, the best score, in no time that counts (NaN).
fn reached(metrics: &str, target: f64) -> Result<Reached> {
    let (mut spent, mut best) = (0.0, 0.0_f64);
    for line in metrics.lines() {
        match serde_json::from_str(line).with_context(|| line.to_owned())? {
            Metric::Step { seconds } => spent += seconds,
            Metric::Dev { step, score } if step > 0 && score >= target => {
                return Ok(Reached {
                    seconds: spent,
                    score,
                });
            }
            Metric::Dev { step, score } if step > 0 => best = best.max(score),
            Metric::Dev { .. } => (),
        }
    }
    eprintln!("our training ended before it had a dev macro-F1 of {target:.3}");
    Ok(Reached {
        seconds: f64::NAN,
        score: best,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64, score: f64) -> Reached {
        Reached { seconds, score }
    }

    #[test]
    fn the_first_of_the_best_counts() {
        let check = |evaluations: &[Reached], expected| assert_eq!(best(evaluations), expected);
        check(&[], None);
        check(
            &[at(1.0, 0.5), at(2.0, 0.8), at(3.0, 0.8), at(4.0, 0.7)],
            Some(at(2.0, 0.8)),
        );
    }

    #[test]
    fn a_training_is_timed_by_its_steps() {
        let metrics = r#"{"kind": "dev", "step": 0, "score": 0.9, "seconds": 7.0}
{"kind": "step", "step": 1, "loss": 1.0, "seconds": 2.0}
{"kind": "dev", "step": 1, "score": 0.5, "seconds": 7.0}
{"kind": "step", "step": 2, "loss": 1.0, "seconds": 3.0}
{"kind": "dev", "step": 2, "score": 0.8, "seconds": 7.0}"#;
        let check = |target, expected| assert_eq!(reached(metrics, target).unwrap(), expected);
        check(0.5, at(2.0, 0.5));
        check(0.7, at(5.0, 0.8));
        let never = reached(metrics, 0.9).unwrap();
        assert!(never.seconds.is_nan() && never.score == 0.8);
    }
}
