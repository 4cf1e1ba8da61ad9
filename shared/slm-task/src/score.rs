//! Scoring: what several systems answered to the same rows, against the rows' targets. One scorer a
//! shape; a report is made from any of them in the same way.

mod multi_label;
mod single_label;
pub(crate) mod spans;
pub(crate) mod structured;

use crate::{
    error::TaskError,
    example::Example,
    prediction::Prediction,
    recipe::Recipe,
    report::{Figures, System},
    shape::Shape,
};

/// Scores of systems on rows, both by index.
pub(crate) trait Scorer {
    /// Names of the headline's metrics, the one that selects checkpoints first.
    fn metrics(&self) -> Vec<&'static str>;

    /// The headline's metrics of a system on some rows, which may repeat (a resample).
    fn values(&self, system: usize, rows: &[usize]) -> Vec<f64>;

    /// The selection metric of a system on a slice of the rows; none where it needs something wanted
    /// and no row of the slice wants anything.
    fn on_slice(&self, system: usize, rows: &[usize]) -> Option<f64>;

    /// Whether a system's whole answer to a row is right.
    fn is_right(&self, system: usize, row: usize) -> bool;

    /// Everything that the shape measures of a system on all rows.
    ///
    /// # Errors
    /// As [`scorer`].
    fn figures(&self, system: usize) -> Result<Figures, TaskError>;
}

/// How a system does on rows, in short: what a training or an evaluation under way shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The selection metric.
    pub score: f64,
    /// Rows whose whole answer is right.
    pub right: usize,
    /// Rows without a prediction.
    pub failures: usize,
    /// Rows.
    pub rows: usize,
}

/// Scores one system's predictions on rows.
///
/// # Errors
/// [`TaskError::Shape`] for a shape that is not built yet; [`TaskError::Mismatch`] without rows, and
/// for targets and predictions that do not belong to the recipe or to each other.
pub fn summary(
    recipe: &Recipe,
    rows: &[Example],
    predictions: Vec<Prediction>,
) -> Result<Summary, TaskError> {
    if rows.is_empty() || rows.len() != predictions.len() {
        let (answers, rows) = (predictions.len(), rows.len());
        return Err(TaskError::Mismatch(format!(
            "{answers} predictions for {rows} rows"
        )));
    }
    let failures = predictions.iter().filter(|p| p.is_failure()).count();
    let name = String::new();
    let systems = [System { name, predictions }];
    let scorer = scorer(recipe, rows, &systems, None)?;
    let all: Vec<usize> = (0..rows.len()).collect();
    Ok(Summary {
        score: scorer.values(0, &all)[0],
        right: all.iter().filter(|&&row| scorer.is_right(0, row)).count(),
        failures,
        rows: rows.len(),
    })
}

/// The scorer of a recipe's shape.
///
/// # Errors
/// [`TaskError::Shape`] for a shape that is not built yet; [`TaskError::Mismatch`] for targets and
/// predictions that do not belong to the recipe.
pub(crate) fn scorer<'a>(
    recipe: &'a Recipe,
    rows: &'a [Example],
    systems: &'a [System],
    train: Option<&'a ClassCounts>,
) -> Result<Box<dyn Scorer + 'a>, TaskError> {
    match recipe.shape {
        Shape::SingleLabel => Ok(Box::new(single_label::SingleLabel::new(
            recipe, rows, systems, train,
        )?)),
        Shape::MultiLabel => Ok(Box::new(multi_label::MultiLabel::new(
            recipe, rows, systems,
        )?)),
        Shape::Spans => Ok(Box::new(spans::Spans::new(recipe, rows, systems)?)),
        Shape::Structured => Ok(Box::new(structured::Structured::new(
            recipe, rows, systems,
        )?)),
        shape @ (Shape::Grounded | Shape::ToolCall) => {
            let what = "scoring";
            Err(TaskError::Shape { shape, what })
        }
    }
}

/// Training rows of each class.
pub(crate) type ClassCounts = std::collections::BTreeMap<String, usize>;

/// A prediction or a target of another shape than the recipe's.
fn foreign(row: usize, what: &str) -> TaskError {
    TaskError::Mismatch(format!("row {}: a {what} of another shape", row + 1))
}
