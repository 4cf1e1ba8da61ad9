//! Single-label metrics, computed as scikit-learn 1.9 computes them, to the last bit: from counts,
//! with the same formulas, and with the same order of summation. The calibration error follows
//! torchmetrics 1.9.
//!
//! A row without a prediction counts as wrong: it is in its class's support, and it is predicted
//! as none of the labels. scikit-learn gives the same numbers when such rows are predicted as one
//! more label that `labels=` leaves out.

mod calibration;
mod counts;
pub mod multi_label;
pub mod spans;
pub mod structured;
mod sums;
mod tally;

pub use calibration::{Calibration, calibration};
pub use counts::{Counts, Metric};
pub(crate) use tally::macro_f1_of_resample;
pub use tally::{Scores, Tally, ZeroDivision};

use crate::{
    error::TaskError,
    prediction::Prediction,
    report::{Average, ClassMetrics, Classification, MultiLabel},
};

/// Names the convention of every number in a [`Classification`].
pub const CONVENTION: &str = "sklearn-1.9";

/// All metrics of one system: `gold[i]` and `predictions[i]` belong to row `i`. Undefined ratios
/// count 0 (scikit-learn's default).
///
/// # Errors
/// [`TaskError::Mismatch`] without rows, for unequal lengths, for a label that is not in `labels`,
/// and for probabilities that are not one a label.
pub fn classification<S: AsRef<str>>(
    labels: &[String],
    gold: &[S],
    predictions: &[Prediction],
) -> Result<Classification, TaskError> {
    let gold = gold_indices(labels, gold)?;
    let predicted = predicted_indices(labels, predictions)?;
    let counts = Counts::of_rows(labels.len(), &gold, &predicted)?;
    let calibration = calibration(&gold, &predicted, predictions);
    let per_class = counts.per_class(ZeroDivision::Zero);
    Ok(Classification {
        convention: CONVENTION.to_string(),
        labels: labels.to_vec(),
        per_class: class_metrics(labels, per_class),
        confusion: counts.confusion(),
        accuracy: counts.accuracy(),
        macro_average: average(counts.macro_average(ZeroDivision::Zero)),
        micro: average(counts.micro_average(ZeroDivision::Zero)),
        weighted: average(counts.weighted_average(ZeroDivision::Zero)),
        mcc: counts.mcc(),
        ece: calibration.as_ref().map(|c| c.error),
        outside: calibration.as_ref().map(|c| c.outside),
        reliability: calibration.map(|c| c.bins).unwrap_or_default(),
    })
}

/// The figures of a multi-label system from its counts. Undefined ratios count 0.
pub(crate) fn multi_label_figures(
    labels: &[String],
    counts: &multi_label::Counts,
    predictions: &[Prediction],
) -> MultiLabel {
    let zero = ZeroDivision::Zero;
    let outside = mean(
        predictions
            .iter()
            .filter_map(|prediction| match prediction {
                Prediction::Labels(p) if !p.probabilities.is_empty() => Some(p.outside),
                _ => None,
            }),
    );
    MultiLabel {
        convention: CONVENTION.to_string(),
        per_class: class_metrics(labels, counts.per_label(zero)),
        confusion: counts.confusion(),
        macro_average: average(counts.macro_average(zero)),
        micro: average(counts.micro_average(zero)),
        weighted: average(counts.weighted_average(zero)),
        samples: average(counts.samples_average(zero)),
        subset_accuracy: counts.subset_accuracy(),
        hamming_loss: counts.hamming_loss(),
        outside,
    }
}

fn class_metrics(labels: &[String], scores: Vec<Scores>) -> Vec<ClassMetrics> {
    let one = |(label, scores): (&String, Scores)| ClassMetrics {
        label: label.clone(),
        precision: scores.precision,
        recall: scores.recall,
        f1: scores.f1,
        support: scores.support,
    };
    labels.iter().zip(scores).map(one).collect()
}

/// Mean of values in their order; none without any.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(crate) fn average(scores: Scores) -> Average {
    Average {
        precision: scores.precision,
        recall: scores.recall,
        f1: scores.f1,
    }
}

/// Index of each row's gold label in `labels`.
pub(crate) fn gold_indices<S: AsRef<str>>(
    labels: &[String],
    gold: &[S],
) -> Result<Vec<usize>, TaskError> {
    gold.iter()
        .enumerate()
        .map(|(row, label)| index(labels, label.as_ref(), row, "gold"))
        .collect()
}

/// Nothing, where there is a prediction for each of some rows.
fn same_rows(rows: usize, predictions: usize) -> Result<(), TaskError> {
    let message = match (rows, predictions) {
        (rows, predictions) if rows != predictions => {
            format!("{predictions} predictions for {rows} rows")
        }
        (0, _) => "no rows to score".to_string(),
        _ => return Ok(()),
    };
    Err(TaskError::Mismatch(message))
}

/// Index of each predicted label in `labels`; none for a failure.
pub(crate) fn predicted_indices(
    labels: &[String],
    predictions: &[Prediction],
) -> Result<Vec<Option<usize>>, TaskError> {
    let one = |(row, prediction): (usize, &Prediction)| match prediction {
        Prediction::Failed(_) => Ok(None),
        Prediction::Labels(_) | Prediction::Spans(_) | Prediction::Object(_) => Err(
            TaskError::Mismatch(format!("row {}: a prediction of another shape", row + 1)),
        ),
        Prediction::Label(p) => {
            let n = p.probabilities.len();
            let valid = |p: &f64| (0.0..=1.0).contains(p);
            if n != 0 && n != labels.len() {
                return Err(TaskError::Mismatch(format!(
                    "row {}: {n} probabilities for {} labels",
                    row + 1,
                    labels.len()
                )));
            }
            if !p.probabilities.iter().all(valid) || !valid(&p.outside) {
                return Err(TaskError::Mismatch(format!(
                    "row {}: a probability is not between 0 and 1",
                    row + 1
                )));
            }
            index(labels, &p.label, row, "predicted").map(Some)
        }
    };
    predictions.iter().enumerate().map(one).collect()
}

/// Index in `labels` of a label of a row (from 0) that is `what`: gold or predicted.
///
/// # Errors
/// [`TaskError::Mismatch`] for a label that is none of them.
pub(crate) fn index(
    labels: &[String],
    label: &str,
    row: usize,
    what: &str,
) -> Result<usize, TaskError> {
    labels.iter().position(|l| l == label).ok_or_else(|| {
        let (label, labels) = (crate::error::quoted(label), crate::error::listed(labels));
        let row = row + 1;
        TaskError::Mismatch(format!(
            "row {row}: {what} label {label} is none of {labels}"
        ))
    })
}
