//! Metrics of JSON objects, compared field by field under a rule each. Everything follows from
//! counts that rows add to, so that a resample of the rows is scored by merging their counts.
//!
//! Two views of a field, which answer different questions:
//!
//! - *presence*: precision, recall and F1 over the values that are there, over all rows. A row whose
//!   answer did not parse has no predicted value;
//! - *accuracy*: the share of rows, among those whose answer parsed, where the field is right; absent
//!   on both sides is right. Where most fields are mostly absent, an answer that is always `{}` scores
//!   high here, and 0 in presence.
//!
//! Arrays are compared in order, element `i` with element `i`: one element too many at the front makes
//! all of them wrong. `null` is absent. Only the fields that are listed are looked at.

mod compare;
mod field;

pub use compare::Compare;
pub use field::Field;

use serde_json::Value;

use super::{
    sums::nan_mean,
    tally::{self, Scores, Tally, ZeroDivision, share},
};

/// Counts of gold against predicted objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Values that are present, of each field.
    present: Vec<Tally>,
    /// Rows that parsed and have the field right, of each field.
    right: Vec<u64>,
    rows: u64,
    valid: u64,
    exact: u64,
}

impl Counts {
    /// No rows yet, over `fields` fields.
    pub fn new(fields: usize) -> Self {
        Self {
            present: vec![Tally::default(); fields],
            right: vec![0; fields],
            rows: 0,
            valid: 0,
            exact: 0,
        }
    }

    /// Counts one more row: the gold object, and the predicted one, none where the answer did not
    /// parse. `fields` are as many as the counts are over, and the same in each row.
    pub fn add(&mut self, fields: &[Field], gold: &Value, predicted: Option<&Value>) {
        let mut all_right = predicted.is_some();
        let counted = self.present.iter_mut().zip(&mut self.right);
        for (field, (present, right)) in fields.iter().zip(counted) {
            let mut field_right = true;
            field.pairs(Some(gold), predicted, &mut |gold, predicted| {
                let same = match (gold, predicted) {
                    (Some(gold), Some(predicted)) => field.compare.same(gold, predicted),
                    _ => false,
                };
                *present += Tally {
                    right: u64::from(same),
                    predicted: u64::from(predicted.is_some()),
                    support: u64::from(gold.is_some()),
                };
                field_right &= same || (gold.is_none() && predicted.is_none());
            });
            *right += u64::from(field_right && predicted.is_some());
            all_right &= field_right;
        }
        self.rows += 1;
        self.valid += u64::from(predicted.is_some());
        self.exact += u64::from(all_right);
    }

    /// Adds the rows of `other`, which is over the same fields.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.present.iter_mut().zip(&other.present) {
            *ours += *theirs;
        }
        for (ours, theirs) in self.right.iter_mut().zip(&other.right) {
            *ours += theirs;
        }
        self.rows += other.rows;
        self.valid += other.valid;
        self.exact += other.exact;
    }

    /// Rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows whose answer did not parse.
    pub fn failures(&self) -> u64 {
        self.rows - self.valid
    }

    /// Present values of each field: predicted, in the gold, and the same in both.
    pub fn present(&self) -> &[Tally] {
        &self.present
    }

    /// Scores of each field over its present values. Undefined ratios count 0 here and in averages.
    pub fn per_field(&self) -> Vec<Scores> {
        let scores = |t: &Tally| t.scores(ZeroDivision::Zero);
        self.present.iter().map(scores).collect()
    }

    /// Scores of all fields' present values together.
    pub fn micro_average(&self) -> Scores {
        tally::micro_average(&self.present, ZeroDivision::Zero)
    }

    /// Unweighted means over the fields of the scores over present values. A field that no row has
    /// and none predicts counts 0.
    pub fn macro_average(&self) -> Scores {
        tally::macro_average(&self.present, ZeroDivision::Zero)
    }

    /// Of each field, the share of rows where it is right, among the rows that parsed. 0 when none
    /// did.
    pub fn accuracies(&self) -> Vec<f64> {
        self.right.iter().map(|r| share(*r, self.valid)).collect()
    }

    /// Unweighted mean of the fields' accuracies. NaN without fields.
    pub fn mean_accuracy(&self) -> f64 {
        nan_mean(&self.accuracies())
    }

    /// Share of all rows where every field is right; an answer that did not parse is not. 0 without
    /// rows.
    pub fn exact_rate(&self) -> f64 {
        share(self.exact, self.rows)
    }

    /// Share of rows whose answer parsed. 0 without rows.
    pub fn valid_rate(&self) -> f64 {
        share(self.valid, self.rows)
    }
}
