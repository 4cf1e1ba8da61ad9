//! Multi-label metrics, computed as scikit-learn 1.9 computes them on indicator matrices, to the
//! last bit. Everything follows from counts that rows add to, so that a resample of the rows is
//! scored by merging their counts.
//!
//! A row without a prediction is predicted to have no label at all: it costs recall, and it is right
//! only where the gold is empty too. How many such rows there are is counted apart.

use super::tally::{self, Scores, Tally, ZeroDivision, share};
use crate::error::TaskError;

/// Counts of gold against predicted label sets over `k` labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// One a label, over the rows.
    labels: Vec<Tally>,
    /// One a row, over the labels. In the order of the rows, as the last bit of a mean over rows
    /// depends on it.
    rows: Vec<Tally>,
    exact: u64,
    failures: u64,
}

impl Counts {
    /// No rows yet, over `k` labels.
    pub fn new(k: usize) -> Self {
        Self {
            labels: vec![Tally::default(); k],
            rows: Vec::new(),
            exact: 0,
            failures: 0,
        }
    }

    /// Counts rows: sets of label indices, none for a row without a prediction.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] without rows, for unequal lengths, and for an index that is not below
    /// `k`.
    pub fn of_rows<S: AsRef<[usize]>>(
        k: usize,
        gold: &[S],
        predicted: &[Option<S>],
    ) -> Result<Self, TaskError> {
        super::same_rows(gold.len(), predicted.len())?;
        let mut counts = Self::new(k);
        for (gold, predicted) in gold.iter().zip(predicted) {
            counts.add(gold.as_ref(), predicted.as_ref().map(AsRef::as_ref))?;
        }
        Ok(counts)
    }

    /// Counts one more row: the indices of its gold labels and of its predicted ones, in any order;
    /// repeated ones count once.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for an index that is not below `k`; nothing is counted then.
    pub fn add(&mut self, gold: &[usize], predicted: Option<&[usize]>) -> Result<(), TaskError> {
        let wanted = self.indicator(gold)?;
        let chosen = self.indicator(predicted.unwrap_or_default())?;
        let mut row = Tally::default();
        for (label, (wanted, chosen)) in self.labels.iter_mut().zip(wanted.iter().zip(&chosen)) {
            let one = Tally {
                right: u64::from(*wanted && *chosen),
                predicted: u64::from(*chosen),
                support: u64::from(*wanted),
            };
            *label += one;
            row += one;
        }
        self.rows.push(row);
        self.exact += u64::from(wanted == chosen);
        self.failures += u64::from(predicted.is_none());
        Ok(())
    }

    /// Whether each label is in a set.
    fn indicator(&self, set: &[usize]) -> Result<Vec<bool>, TaskError> {
        let mut indicator = vec![false; self.labels.len()];
        for label in set {
            let Some(cell) = indicator.get_mut(*label) else {
                return Err(TaskError::Mismatch(format!(
                    "row {}: label index {label} of {} labels",
                    self.rows.len() + 1,
                    self.labels.len()
                )));
            };
            *cell = true;
        }
        Ok(indicator)
    }

    /// Adds the rows of `other`, which is over the same labels, after these.
    pub fn merge(&mut self, other: &Self) {
        for (label, theirs) in self.labels.iter_mut().zip(&other.labels) {
            *label += *theirs;
        }
        self.rows.extend_from_slice(&other.rows);
        self.exact += other.exact;
        self.failures += other.failures;
    }

    /// Rows.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Rows without a prediction.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// Counts of each label.
    pub fn labels(&self) -> &[Tally] {
        &self.labels
    }

    /// Scores of each label.
    pub fn per_label(&self, zero: ZeroDivision) -> Vec<Scores> {
        self.labels.iter().map(|t| t.scores(zero)).collect()
    }

    /// Unweighted means over the labels.
    pub fn macro_average(&self, zero: ZeroDivision) -> Scores {
        tally::macro_average(&self.labels, zero)
    }

    /// Scores of all labels' counts together.
    pub fn micro_average(&self, zero: ZeroDivision) -> Scores {
        tally::micro_average(&self.labels, zero)
    }

    /// Means over the labels, weighted by support.
    pub fn weighted_average(&self, zero: ZeroDivision) -> Scores {
        tally::weighted_average(&self.labels, zero)
    }

    /// Means over the rows, each scored on its own. With [`ZeroDivision::Zero`] a row that rightly
    /// has no label counts 0.
    pub fn samples_average(&self, zero: ZeroDivision) -> Scores {
        tally::macro_average(&self.rows, zero)
    }

    /// Share of rows whose set is right as a whole. 0 without rows.
    pub fn subset_accuracy(&self) -> f64 {
        share(self.exact, self.rows())
    }

    /// Share of all decisions, one a row and label, that are wrong. 0 without rows.
    pub fn hamming_loss(&self) -> f64 {
        let total = tally::total(&self.labels);
        let wrong = total.predicted + total.support - 2 * total.right;
        share(wrong, self.rows() * self.labels.len() as u64)
    }

    /// Of each label, rows by `[wanted][predicted]`: true and false negatives and positives as in
    /// `multilabel_confusion_matrix`.
    pub fn confusion(&self) -> Vec<[[u64; 2]; 2]> {
        let rows = self.rows();
        let one = |t: &Tally| {
            let (false_positive, false_negative) = (t.predicted - t.right, t.support - t.right);
            let true_negative = rows - t.right - false_positive - false_negative;
            [[true_negative, false_positive], [false_negative, t.right]]
        };
        self.labels.iter().map(one).collect()
    }
}
