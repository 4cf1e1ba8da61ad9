//! From rows and predictions to the body of a report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Body, Decoding, Headline, Lift, Mistake, Provenance, SliceReport, SystemReport};
use crate::{
    error::TaskError,
    example::{self, Example},
    prediction::Prediction,
    recipe::Recipe,
    routing::{Dials, RoutingReport},
    score::{self, Scorer},
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
    /// Training rows of each class, where known.
    pub train_classes: Option<BTreeMap<String, usize>>,
    /// What was set on the dev rows.
    pub dials: Dials,
    /// The subject's answers without its grammar, one a row, where it was asked so (structured).
    pub free: Option<Vec<Prediction>>,
    /// What was measured with what.
    pub provenance: Provenance,
    /// What the caller wants the reader to know; stands before the report's own warnings.
    pub warnings: Vec<String>,
}

/// Builds the body of a report. The first system is its subject; the others are its baselines.
///
/// # Errors
/// [`TaskError::Shape`] for a shape that is not built yet; [`TaskError::Mismatch`] without rows or
/// systems, for predictions that are not one a row, and for labels that the recipe lacks.
pub fn build(input: ReportInput<'_>) -> Result<Body, TaskError> {
    check_lengths(input.rows, &input.systems)?;
    let scored = Scored::new(&input)?;
    let systems = scored.systems()?;
    let routing = scored.routing()?;
    let decoding = scored.decoding()?;
    Ok(Body {
        recipe: input.recipe.id.clone(),
        title: input.recipe.title.clone(),
        rows: input.rows.len(),
        rows_in_file: input.rows_in_file,
        subject: systems[0].name.clone(),
        headline: systems[0].headline.clone(),
        lift: scored.lift(&systems),
        slices: scored.slices(),
        routing,
        recall: input.dials.recall.clone(),
        decoding,
        mistakes: scored.mistakes(),
        warnings: scored.warnings(),
        systems,
        provenance: input.provenance.clone(),
    })
}

/// The input with its scores, and the bootstrap over them.
struct Scored<'a> {
    input: &'a ReportInput<'a>,
    scorer: Box<dyn Scorer + 'a>,
    bootstrap: Bootstrap,
}

impl<'a> Scored<'a> {
    fn new(input: &'a ReportInput<'a>) -> Result<Self, TaskError> {
        let train = input.train_classes.as_ref();
        let scorer = score::scorer(input.recipe, input.rows, &input.systems, train)?;
        let scoring = &input.recipe.scoring;
        let bootstrap = Bootstrap::new(
            input.rows.len(),
            input.systems.len(),
            scoring.resamples,
            scoring.seed,
            |system, rows| scorer.values(system, rows),
        );
        Ok(Self {
            input,
            scorer,
            bootstrap,
        })
    }

    fn systems(&self) -> Result<Vec<SystemReport>, TaskError> {
        let all: Vec<usize> = (0..self.input.rows.len()).collect();
        let one = |(at, system): (usize, &System)| {
            let values = self.scorer.values(at, &all);
            let headline = self.scorer.metrics().into_iter().zip(values).enumerate();
            Ok(SystemReport {
                name: system.name.clone(),
                headline: headline
                    .map(|(m, (name, value))| Headline {
                        name: name.to_string(),
                        value,
                        ci: self.bootstrap.interval(at, m),
                    })
                    .collect(),
                failures: failures(system),
                figures: self.scorer.figures(at)?,
            })
        };
        self.input.systems.iter().enumerate().map(one).collect()
    }

    fn routing(&self) -> Result<Option<RoutingReport>, TaskError> {
        let Some(threshold) = &self.input.dials.routing else {
            return Ok(None);
        };
        let predictions = &self.input.systems[0].predictions;
        threshold
            .report(self.input.recipe, self.input.rows, predictions)
            .map(Some)
    }

    fn decoding(&self) -> Result<Option<Decoding>, TaskError> {
        let Some(free) = &self.input.free else {
            return Ok(None);
        };
        let constrained = &self.input.systems[0].predictions;
        Decoding::compare(self.input.recipe, self.input.rows, constrained, free).map(Some)
    }

    /// Every metric against its best baseline, then against the others in their order.
    fn lift(&self, systems: &[SystemReport]) -> Vec<Lift> {
        let mut best = Vec::new();
        let mut others = Vec::new();
        for metric in 0..self.scorer.metrics().len() {
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
        let right = |system: usize, row: usize| self.scorer.is_right(system, row);
        let only = |a: usize, b: usize| {
            let rows = 0..self.input.rows.len();
            rows.filter(|&r| right(a, r) && !right(b, r)).count() as u64
        };
        let value = |s: usize| systems[s].headline[metric].value;
        Lift {
            metric: systems[0].headline[metric].name.clone(),
            vs: systems[baseline].name.clone(),
            value: value(0) - value(baseline),
            ci,
            p: stats::mcnemar(only(0, baseline), only(baseline, 0)),
            decisive: ci[0] > 0.0 || ci[1] < 0.0,
        }
    }

    fn slices(&self) -> BTreeMap<String, SliceReport> {
        let mut slices: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, example) in self.input.rows.iter().enumerate() {
            let name = example.slice.as_deref().unwrap_or(NO_SLICE).to_string();
            slices.entry(name).or_default().push(row);
        }
        let one = |(name, rows): (String, Vec<usize>)| {
            let right = rows.iter().filter(|&&row| self.scorer.is_right(0, row));
            let slice = SliceReport {
                rows: rows.len(),
                accuracy: right.count() as f64 / rows.len() as f64,
                score: self.scorer.on_slice(0, &rows),
            };
            (name, slice)
        };
        slices.into_iter().map(one).collect()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let (rows, predictions) = (self.input.rows, &self.input.systems[0].predictions);
        let confidence = |row: usize| predictions[row].confidence().unwrap_or(0.0);
        let mut wrong: Vec<usize> = (0..rows.len())
            .filter(|&row| !self.scorer.is_right(0, row))
            .collect();
        wrong.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)));
        let one = |&row: &usize| Mistake {
            line: rows[row].line,
            prompt: rows[row].prompt.clone(),
            gold: rows[row].target.clone(),
            prediction: predictions[row].clone(),
            slice: rows[row].slice.clone(),
        };
        wrong.iter().take(MISTAKES).map(one).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let (rows, all) = (self.input.rows, self.input.rows_in_file);
        let mut warnings = self.input.warnings.clone();
        if rows.len() < all {
            let sampled = rows.len();
            warnings.push(format!(
                "scored on a sample of {sampled} of the file's {all} rows"
            ));
        }
        for system in &self.input.systems {
            let failures = failures(system);
            if failures > 0 {
                warnings.push(format!(
                    "{}: {failures} of {} rows have no prediction and count as wrong",
                    system.name,
                    rows.len()
                ));
            }
        }
        warnings.extend(self.unseen_classes());
        warnings.extend(example::check_labels(rows, &self.input.recipe.labels));
        warnings
    }

    /// Gold classes that training never saw: their rows are kept.
    fn unseen_classes(&self) -> Vec<String> {
        let Some(train) = &self.input.train_classes else {
            return Vec::new();
        };
        let gold = example::class_counts(self.input.rows);
        let labels = self.input.recipe.labels.iter();
        let unseen = labels.filter(|label| !train.contains_key(*label));
        unseen
            .filter_map(|label| gold.get(label).map(|rows| (label, rows)))
            .map(|(label, rows)| {
                format!(
                    "`{label}` has no training row; its {rows} rows stay in and count as missed"
                )
            })
            .collect()
    }
}

fn failures(system: &System) -> usize {
    let predictions = system.predictions.iter();
    predictions.filter(|p| p.is_failure()).count()
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
