//! `slm eval`: every system on the same rows, and the report made from their answers.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Result;
use slm_task::{
    Example, Report, Shape,
    baseline::{self, Trivial},
    bundle::Predictions,
    example,
    recall::StopBias,
    report::{self, CurvePoint, Provenance, ReportInput, RunInfo},
    sample,
};

use crate::{
    base_model, clock,
    exit::bad_input,
    files,
    rows::{self, Rows},
    run::{Metric, Run},
    subject::Subject,
    systems::{Kind, Setting, System},
};

/// What to evaluate on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Rows other than the subject's own test rows.
    pub data: Option<PathBuf>,
    /// At most this many rows, a seeded subsample; 0 for all.
    pub rows: usize,
}

/// A finished evaluation.
pub struct Evaluation {
    /// The report.
    pub report: Report,
    /// The answers that it was made from.
    pub predictions: Predictions,
}

/// Evaluates a subject. On its own test rows, whole, a run also gets `predictions.json` and
/// `report.json`. They are those that its test file has now, not when it was trained: nothing was
/// learnt from them.
///
/// # Errors
/// Bad input, or a failing engine or disk; answers that were finished are kept.
pub fn evaluate(subject: &Subject, options: &Options) -> Result<Evaluation> {
    let path = options.data.clone().or_else(|| subject.test.clone());
    let path = path.ok_or_else(|| bad_input("no test rows are known; name some with --data."))?;
    let data = rows::load(&path, &subject.recipe)?;
    let own = subject.test.as_ref();
    let own_rows = own.is_some_and(|own| files::is_same_place(own, &path));
    let chosen = choose(&data, options.rows, subject.recipe.scoring.seed);
    let cache = cache_folder(subject)?;
    let setting = Setting {
        base: &subject.base,
        recipe: &subject.recipe,
        recipe_sha256: &subject.recipe_sha256,
        rows: &chosen,
        data_sha256: &data.file.sha256,
        cache: &cache,
    };
    let mut seconds = 0.0;
    let mut answered = Vec::new();
    let systems = systems(subject);
    for system in &systems {
        let (predictions, spent) = setting.predictions(system)?;
        seconds += spent;
        answered.push(report::System {
            name: system.name.to_string(),
            predictions,
        });
    }
    let free = match systems.first().and_then(System::without_grammar) {
        Some(system) if subject.recipe.shape == Shape::Structured => {
            let (predictions, spent) = setting.predictions(&system)?;
            seconds += spent;
            Some(predictions)
        }
        _ => None,
    };
    let predictions = Predictions {
        free,
        systems: answered,
        train_classes: train_classes(subject),
        dials: subject.dials.clone(),
        warnings: warnings(subject),
    };
    let report = build(subject, &data, &chosen, &predictions, seconds)?;
    if let Some(run) = &subject.run
        && options.rows == 0
        && own_rows
        && subject.recipe_sha256 == run.config.recipe_sha256
    {
        files::write_json(&run.path("predictions.json"), &predictions)?;
        files::write_json(&run.path("report.json"), &report)?;
    }
    Ok(Evaluation {
        report,
        predictions,
    })
}

/// The systems to compare, the subject first. Without training rows there are neither trivial systems
/// nor shots.
fn systems(subject: &Subject) -> Vec<System> {
    let model = |name, adapter: Option<_>, shots| System {
        name,
        kind: Kind::Model {
            // Dials are set for the tuned model.
            stop_bias: match adapter {
                Some(_) => subject.dials.stop_bias(),
                None => StopBias::default(),
            },
            adapter,
            shots,
            free: false,
        },
    };
    let mut systems = Vec::new();
    if let Some(adapter) = &subject.adapter {
        systems.push(model("tuned", Some(adapter.clone()), Vec::new()));
    }
    systems.push(model("zero-shot", None, Vec::new()));
    if let Some(train) = &subject.train {
        let recipe = &subject.recipe;
        let scoring = &recipe.scoring;
        let shots = baseline::shots(&train.examples, recipe, scoring.shots, scoring.seed);
        if !shots.is_empty() {
            systems.push(model("few-shot", None, shots));
        }
        let trivial = Trivial::systems(&train.examples, recipe);
        systems.extend(trivial.into_iter().map(|system| System {
            name: system.name,
            kind: Kind::Trivial(system),
        }));
    }
    systems
}

fn choose(data: &Rows, rows: usize, seed: u64) -> Vec<Example> {
    let chosen = sample::subsample(data.examples.len(), rows, seed);
    chosen
        .into_iter()
        .map(|row| data.examples[row].clone())
        .collect()
}

/// Where finished answers are kept: in the run, or beside the base models.
fn cache_folder(subject: &Subject) -> Result<PathBuf> {
    Ok(match &subject.run {
        Some(run) => run.path("cache"),
        None => base_model::home()?.join("predictions"),
    })
}

fn train_classes(subject: &Subject) -> Option<BTreeMap<String, usize>> {
    let rows = &subject.train.as_ref()?.examples;
    Some(example::class_counts(rows))
}

fn warnings(subject: &Subject) -> Vec<String> {
    match subject.train {
        Some(_) => Vec::new(),
        None => vec![
            "The training rows are not known here: no trivial and no few-shot baseline."
                .to_string(),
        ],
    }
}

fn build(
    subject: &Subject,
    data: &Rows,
    chosen: &[Example],
    predictions: &Predictions,
    seconds: f64,
) -> Result<Report> {
    let body = report::build(ReportInput {
        recipe: &subject.recipe,
        rows: chosen,
        rows_in_file: data.examples.len(),
        systems: predictions.systems.clone(),
        train_classes: predictions.train_classes.clone(),
        dials: predictions.dials.clone(),
        free: predictions.free.clone(),
        provenance: Provenance {
            numerics: slm_model::NUMERICS,
            base: subject.base.sha256().to_string(),
            adapter: subject.adapter.as_ref().map(|(_, sha256)| sha256.clone()),
            data: data.file.sha256.clone(),
            recipe: subject.recipe_sha256.clone(),
            train: subject.train.as_ref().map(|rows| rows.file.sha256.clone()),
        },
        warnings: predictions.warnings.clone(),
    })?;
    Ok(Report {
        format: 1,
        body,
        run: Some(RunInfo {
            time: clock::now(),
            machine: clock::machine(),
            command: clock::command_line(),
            train_command: subject.run.as_ref().map(|run| run.config.command.clone()),
            seconds,
            curve: subject
                .run
                .as_ref()
                .map(curve)
                .transpose()?
                .unwrap_or_default(),
        }),
    })
}

/// The training curve: the loss since the point before, at each evaluation.
fn curve(run: &Run) -> Result<Vec<CurvePoint>> {
    let mut curve = Vec::new();
    let (mut sum, mut tokens) = (0.0, 0usize);
    for metric in run.metrics()? {
        match metric {
            Metric::Step {
                loss, supervised, ..
            } => {
                sum += loss * supervised as f64;
                tokens += supervised;
            }
            Metric::Dev { step, score, .. } => {
                curve.push(CurvePoint {
                    step,
                    loss: (tokens > 0).then(|| sum / tokens as f64),
                    dev: Some(score.score),
                });
                (sum, tokens) = (0.0, 0);
            }
        }
    }
    Ok(curve)
}

/// Reads the report of a run.
///
/// # Errors
/// Bad input when the run was not evaluated yet.
pub fn read_report(run: &Run) -> Result<Report> {
    let path = run.path("report.json");
    if !path.is_file() {
        return Err(bad_input(format!(
            "{}: no report yet. Make it with `slm eval {}`.",
            run.folder.display(),
            run.folder.display()
        )));
    }
    files::read_json(&path)
}
