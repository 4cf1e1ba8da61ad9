//! Counts of gold against predicted labels, and the metrics that follow from them alone.

use super::{
    sums::nan_mean,
    tally::{self, Scores, Tally, ZeroDivision},
};
use crate::error::TaskError;

/// A confusion matrix over `k` labels, with a column apart for rows without a prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    k: usize,
    /// `k` rows of `k + 1` numbers: gold by predicted, failures last.
    cells: Vec<u64>,
}

/// A metric that a headline shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Unweighted mean of F1 over the labels.
    MacroF1,
    /// Share of rows that are right.
    Accuracy,
    /// Matthews correlation coefficient.
    Mcc,
}

impl Metric {
    /// The metrics of a single-label headline, the one that selects checkpoints first.
    pub const SINGLE_LABEL: [Self; 3] = [Self::MacroF1, Self::Accuracy, Self::Mcc];

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MacroF1 => "macro_f1",
            Self::Accuracy => "accuracy",
            Self::Mcc => "mcc",
        }
    }

    /// Value on some counts.
    pub fn of(self, counts: &Counts) -> f64 {
        match self {
            Self::MacroF1 => counts.macro_average(ZeroDivision::Zero).f1,
            Self::Accuracy => counts.accuracy(),
            Self::Mcc => counts.mcc(),
        }
    }
}

impl Counts {
    /// No rows yet, over `k` labels.
    pub fn new(k: usize) -> Self {
        Self {
            k,
            cells: vec![0; k * (k + 1)],
        }
    }

    /// Counts rows: label indices, none for a row without a prediction.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] without rows or for unequal lengths.
    pub fn of_rows(
        k: usize,
        gold: &[usize],
        predicted: &[Option<usize>],
    ) -> Result<Self, TaskError> {
        super::same_rows(gold.len(), predicted.len())?;
        let mut counts = Self::new(k);
        for (gold, predicted) in gold.iter().zip(predicted) {
            counts.add(*gold, *predicted);
        }
        Ok(counts)
    }

    /// Counts one more row.
    pub fn add(&mut self, gold: usize, predicted: Option<usize>) {
        self.cells[gold * (self.k + 1) + predicted.unwrap_or(self.k)] += 1;
    }

    /// Rows.
    pub fn rows(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// Rows without a prediction.
    pub fn failures(&self) -> u64 {
        self.predicted(self.k)
    }

    /// `[gold][predicted]`, without failures.
    pub fn confusion(&self) -> Vec<Vec<u64>> {
        (0..self.k)
            .map(|g| self.row(g)[..self.k].to_vec())
            .collect()
    }

    fn row(&self, gold: usize) -> &[u64] {
        &self.cells[gold * (self.k + 1)..(gold + 1) * (self.k + 1)]
    }

    fn right(&self, label: usize) -> u64 {
        self.row(label)[label]
    }

    /// Gold rows of a label.
    pub fn support(&self, label: usize) -> u64 {
        self.row(label).iter().sum()
    }

    /// Rows predicted as a label. Failures stand one beyond the last label.
    pub fn predicted(&self, label: usize) -> u64 {
        (0..self.k).map(|gold| self.row(gold)[label]).sum()
    }

    /// Share of rows that are right.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.k).map(|label| self.right(label)).sum();
        right as f64 / self.rows() as f64
    }

    /// Rows of each label: gold, predicted, and both.
    pub(crate) fn tallies(&self) -> Vec<Tally> {
        let tally = |label| Tally {
            right: self.right(label),
            predicted: self.predicted(label),
            support: self.support(label),
        };
        (0..self.k).map(tally).collect()
    }

    /// Scores of each label.
    pub fn per_class(&self, zero: ZeroDivision) -> Vec<Scores> {
        self.tallies().iter().map(|t| t.scores(zero)).collect()
    }

    /// Unweighted means over the labels.
    pub fn macro_average(&self, zero: ZeroDivision) -> Scores {
        tally::macro_average(&self.tallies(), zero)
    }

    /// Macro-F1 over the labels that occur, gold or predicted: scikit-learn without `labels=`. 0
    /// when none does.
    pub fn macro_f1_of_seen(&self) -> f64 {
        // Every label that occurs has a defined F1, so NaN marks exactly the others.
        let f1 = self.per_class(ZeroDivision::Nan).into_iter().map(|s| s.f1);
        let seen: Vec<f64> = f1.filter(|f1| !f1.is_nan()).collect();
        if seen.is_empty() {
            0.0
        } else {
            nan_mean(&seen)
        }
    }

    /// Unweighted mean of the recall of some labels; those without a gold row are left out, and it
    /// is 0 when none has one.
    pub fn mean_recall(&self, labels: &[usize]) -> f64 {
        let known = labels.iter().filter(|&&label| self.support(label) > 0);
        let recalls: Vec<f64> = known
            .map(|&label| self.right(label) as f64 / self.support(label) as f64)
            .collect();
        recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
    }

    /// Means over the labels, weighted by support.
    pub fn weighted_average(&self, zero: ZeroDivision) -> Scores {
        tally::weighted_average(&self.tallies(), zero)
    }

    /// Scores of all labels' counts together.
    pub fn micro_average(&self, zero: ZeroDivision) -> Scores {
        tally::micro_average(&self.tallies(), zero)
    }

    /// Matthews correlation coefficient for many classes (Gorodkin 2004); failures are a class of
    /// their own among the predictions. 0 when gold or predictions are all of one class.
    pub fn mcc(&self) -> f64 {
        // Whole numbers: exact in f64 below 2^53, as in numpy.
        let rows = self.rows() as f64;
        let right: u64 = (0..self.k).map(|l| self.right(l)).sum();
        let mut gold_predicted = 0.0;
        let mut gold_gold = 0.0;
        let failures = self.failures() as f64;
        let mut predicted_predicted = failures * failures;
        for label in 0..self.k {
            let gold = self.support(label) as f64;
            let predicted = self.predicted(label) as f64;
            gold_predicted += gold * predicted;
            gold_gold += gold * gold;
            predicted_predicted += predicted * predicted;
        }
        let covariance = right as f64 * rows - gold_predicted;
        let variances = (rows * rows - predicted_predicted) * (rows * rows - gold_gold);
        if variances == 0.0 {
            0.0
        } else {
            covariance / variances.sqrt()
        }
    }
}
