//! From rows and predictions to the body of a report.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Body, Headline, Lift, Mistake, Provenance, SliceReport, SystemReport};
use crate::{
    error::TaskError,
    example::{self, Example},
    metrics::{self, Counts, Metric},
    prediction::Prediction,
    recipe::Recipe,
    shape::Shape,
    stats::{self, Bootstrap},
};

/// Mistakes that a report shows.
const MISTAKES: usize = 20;

/// Name of the slice of rows without one.
const NO_SLICE: &str = "(none)";

/// A system and its answers, one a row, in row order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// `tuned`, `zero-shot`, `few-shot`, `majority`.
    pub name: String,
    /// One a row.
    pub predictions: Vec<Prediction>,
}

/// Everything that a report's body is a function of.
#[derive(Debug, Clone)]
pub struct ReportInput<'a> {
    /// The recipe: labels, resamples, seed.
    pub recipe: &'a Recipe,
    /// The rows scored.
    pub rows: &'a [Example],
    /// Rows in their file; more than `rows` when a subsample was taken.
    pub rows_in_file: usize,
    /// The subject first, then the baselines.
    pub systems: Vec<System>,
    /// Labels that the training rows have, where known.
    pub train_labels: Option<BTreeSet<String>>,
    /// What was measured with what.
    pub provenance: Provenance,
    /// What the caller wants the reader to know; stands before the report's own warnings.
    pub warnings: Vec<String>,
}

/// Builds the body of a report. The first system is its subject; the others are its baselines.
///
/// # Errors
/// [`TaskError::Shape`] for a shape other than single-label; [`TaskError::Mismatch`] without rows
/// or systems, for predictions that are not one a row, and for labels that the recipe lacks.
pub fn build(input: ReportInput<'_>) -> Result<Body, TaskError> {
    let scored = Scored::new(&input)?;
    let systems = scored.systems()?;
    Ok(Body {
        recipe: input.recipe.id.clone(),
        title: input.recipe.title.clone(),
        rows: input.rows.len(),
        rows_in_file: input.rows_in_file,
        subject: systems[0].name.clone(),
        headline: systems[0].headline.clone(),
        lift: scored.lift(&systems),
        slices: scored.slices(),
        mistakes: scored.mistakes(),
        warnings: scored.warnings(),
        systems,
        provenance: input.provenance,
    })
}

/// Rows and predictions as label indices, with the bootstrap over them.
struct Scored<'a> {
    recipe: &'a Recipe,
    rows: &'a [Example],
    rows_in_file: usize,
    inputs: &'a [System],
    train_labels: Option<&'a BTreeSet<String>>,
    given_warnings: &'a [String],
    gold: Vec<usize>,
    /// `[system][row]`
    predicted: Vec<Vec<Option<usize>>>,
    bootstrap: Bootstrap,
}

impl<'a> Scored<'a> {
    fn new(input: &'a ReportInput<'a>) -> Result<Self, TaskError> {
        match input.recipe.shape {
            Shape::SingleLabel => {}
            shape @ (Shape::MultiLabel
            | Shape::Spans
            | Shape::Structured
            | Shape::Grounded
            | Shape::ToolCall) => {
                let what = "scoring";
                return Err(TaskError::Shape { shape, what });
            }
        }
        let (recipe, rows, inputs) = (input.recipe, input.rows, &input.systems[..]);
        check_lengths(rows, inputs)?;
        let labels: Vec<&str> = rows.iter().map(|row| row.target.label()).collect();
        let gold = metrics::gold_indices(&recipe.labels, &labels)?;
        let predicted = inputs
            .iter()
            .map(|s| metrics::predicted_indices(&recipe.labels, &s.predictions))
            .collect::<Result<Vec<_>, _>>()?;
        let bootstrap = Bootstrap::new(
            recipe.labels.len(),
            &gold,
            &predicted,
            &Metric::SINGLE_LABEL,
            recipe.scoring.resamples,
            recipe.scoring.seed,
        );
        Ok(Self {
            recipe,
            rows,
            rows_in_file: input.rows_in_file,
            inputs,
            train_labels: input.train_labels.as_ref(),
            given_warnings: &input.warnings,
            gold,
            predicted,
            bootstrap,
        })
    }

    fn systems(&self) -> Result<Vec<SystemReport>, TaskError> {
        let gold: Vec<&str> = self.rows.iter().map(|row| row.target.label()).collect();
        let one = |(at, system): (usize, &System)| {
            let counts = self.counts(at)?;
            let headline = Metric::SINGLE_LABEL.iter().enumerate();
            Ok(SystemReport {
                name: system.name.clone(),
                headline: headline
                    .map(|(m, metric)| Headline {
                        name: metric.name().to_string(),
                        value: metric.of(&counts),
                        ci: self.bootstrap.interval(at, m),
                    })
                    .collect(),
                failures: self.predicted[at].iter().filter(|p| p.is_none()).count(),
                classification: metrics::classification(
                    &self.recipe.labels,
                    &gold,
                    &system.predictions,
                )?,
            })
        };
        self.inputs.iter().enumerate().map(one).collect()
    }

    fn counts(&self, system: usize) -> Result<Counts, TaskError> {
        let k = self.recipe.labels.len();
        Counts::of_rows(k, &self.gold, &self.predicted[system])
    }

    fn right(&self, system: usize, row: usize) -> bool {
        self.predicted[system][row] == Some(self.gold[row])
    }

    /// Every metric against its best baseline, then against the others in their order.
    fn lift(&self, systems: &[SystemReport]) -> Vec<Lift> {
        let mut best = Vec::new();
        let mut others = Vec::new();
        for metric in 0..Metric::SINGLE_LABEL.len() {
            let mut order: Vec<usize> = (1..systems.len()).collect();
            // Stable: of two equal baselines the first stays first.
            order.sort_by(|&a, &b| {
                let value = |s: usize| systems[s].headline[metric].value;
                value(b).total_cmp(&value(a))
            });
            let Some((&first, rest)) = order.split_first() else {
                continue;
            };
            best.push(self.lift_over(systems, first, metric));
            let mut rest = rest.to_vec();
            rest.sort_unstable();
            others.extend(rest.iter().map(|&s| self.lift_over(systems, s, metric)));
        }
        best.append(&mut others);
        best
    }

    fn lift_over(&self, systems: &[SystemReport], baseline: usize, metric: usize) -> Lift {
        let ci = self.bootstrap.interval_of_difference(0, baseline, metric);
        let rows = 0..self.rows.len();
        let only = |a: usize, b: usize| {
            let rows = rows.clone();
            rows.filter(|&r| self.right(a, r) && !self.right(b, r))
                .count() as u64
        };
        let value = |s: usize| systems[s].headline[metric].value;
        Lift {
            metric: Metric::SINGLE_LABEL[metric].name().to_string(),
            vs: systems[baseline].name.clone(),
            value: value(0) - value(baseline),
            ci,
            p: stats::mcnemar(only(0, baseline), only(baseline, 0)),
            decisive: ci[0] > 0.0 || ci[1] < 0.0,
        }
    }

    fn slices(&self) -> BTreeMap<String, SliceReport> {
        let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
        for (row, example) in self.rows.iter().enumerate() {
            let name = example.slice.as_deref().unwrap_or(NO_SLICE).to_string();
            let slice = counts
                .entry(name)
                .or_insert_with(|| Counts::new(self.recipe.labels.len()));
            slice.add(self.gold[row], self.predicted[0][row]);
        }
        let one = |(name, counts): (String, Counts)| {
            let slice = SliceReport {
                rows: counts.rows() as usize,
                accuracy: counts.accuracy(),
                macro_f1: counts.macro_f1_of_seen(),
            };
            (name, slice)
        };
        counts.into_iter().map(one).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let predictions = &self.inputs[0].predictions;
        let confidence = |row: usize| predictions[row].confidence().unwrap_or(0.0);
        let mut wrong: Vec<usize> = (0..self.rows.len())
            .filter(|&row| !self.right(0, row))
            .collect();
        wrong.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
        let one = |&row: &usize| Mistake {
            line: self.rows[row].line,
            prompt: self.rows[row].prompt.clone(),
            gold: self.rows[row].target.label().to_string(),
            prediction: predictions[row].clone(),
            slice: self.rows[row].slice.clone(),
        };
        wrong.iter().take(MISTAKES).map(one).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.given_warnings.to_vec();
        if self.rows.len() < self.rows_in_file {
            warnings.push(format!(
                "scored on a sample of {} of the file's {} rows",
                self.rows.len(),
                self.rows_in_file
            ));
        }
        for (at, system) in self.inputs.iter().enumerate() {
            let failures = self.predicted[at].iter().filter(|p| p.is_none()).count();
            if failures > 0 {
                warnings.push(format!(
                    "{}: {failures} of {} rows have no prediction and count as wrong",
                    system.name,
                    self.rows.len()
                ));
            }
        }
        warnings.extend(self.unseen_labels());
        warnings.extend(example::check_labels(self.rows, &self.recipe.labels));
        warnings
    }

    /// Gold labels that training never saw: their rows are kept.
    fn unseen_labels(&self) -> Vec<String> {
        let Some(train) = self.train_labels else {
            return Vec::new();
        };
        let labels = self.recipe.labels.iter().enumerate();
        let counted = labels.map(|(at, label)| {
            let rows = self.gold.iter().filter(|g| **g == at).count();
            (label, rows)
        });
        counted
            .filter(|(label, rows)| *rows > 0 && !train.contains(*label))
            .map(|(label, rows)| {
                format!(
                    "`{label}` has no training row; its {rows} rows stay in and count as missed"
                )
            })
            .collect()
    }
}

fn check_lengths(rows: &[Example], systems: &[System]) -> Result<(), TaskError> {
    if rows.is_empty() || systems.is_empty() {
        let (rows, systems) = (rows.len(), systems.len());
        let message = format!("a report needs rows and systems, not {rows} and {systems}");
        return Err(TaskError::Mismatch(message));
    }
    for system in systems {
        let (name, answers) = (&system.name, system.predictions.len());
        if answers != rows.len() {
            return Err(TaskError::Mismatch(format!(
                "{name}: {answers} predictions for {} rows",
                rows.len()
            )));
        }
    }
    Ok(())
}
