//! What was right, predicted and wanted, and the precision, recall and F1 that scikit-learn makes of
//! them: of one label, and averaged over labels or rows. It must not know what was counted.

use std::ops::AddAssign;

use super::sums::{nan_mean, nan_weighted_mean};

/// What an undefined ratio (0 / 0) counts: scikit-learn's `zero_division`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZeroDivision {
    /// 0, the default.
    Zero,
    /// 1.
    One,
    /// NaN, which averages leave out.
    Nan,
}

/// Precision, recall and F1, with what was wanted behind them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// right / predicted.
    pub precision: f64,
    /// right / support.
    pub recall: f64,
    /// 2 right / (predicted + support).
    pub f1: f64,
    /// Wanted, by the gold.
    pub support: u64,
}

/// How often one thing was predicted, wanted, and both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Predicted and wanted.
    pub right: u64,
    /// Predicted.
    pub predicted: u64,
    /// Wanted, by the gold.
    pub support: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.right += other.right;
        self.predicted += other.predicted;
        self.support += other.support;
    }
}

impl Tally {
    /// Scores from these counts alone.
    pub fn scores(self, zero: ZeroDivision) -> Scores {
        let (right, predicted) = (self.right as f64, self.predicted as f64);
        let support = self.support as f64;
        Scores {
            precision: ratio(right, predicted, zero),
            recall: ratio(right, support, zero),
            f1: ratio(2.0 * right, support + predicted, zero),
            support: self.support,
        }
    }
}

/// Unweighted means of the tallies' scores.
pub(super) fn macro_average(tallies: &[Tally], zero: ZeroDivision) -> Scores {
    averaged(tallies, zero, nan_mean)
}

/// Macro-F1 over the labels of a resample of rows. A label that the resample misses by chance (wanted
/// nowhere, never predicted) is left out: it says nothing there, and counting it 0 would bias the
/// interval down. One that all the rows miss counts 0 here as it does there.
pub(crate) fn macro_f1_of_resample(whole: &[Tally], resample: &[Tally]) -> f64 {
    let seen = |tally: &Tally| tally.support + tally.predicted > 0;
    let labels = whole.iter().zip(resample);
    let missed = labels
        .filter(|(all, here)| seen(all) && !seen(here))
        .count();
    let value = macro_average(resample, ZeroDivision::Zero).f1;
    let k = resample.len();
    match missed {
        0 => value,
        missed => value * k as f64 / (k - missed).max(1) as f64,
    }
}

/// Means of the tallies' scores, weighted by support.
pub(super) fn weighted_average(tallies: &[Tally], zero: ZeroDivision) -> Scores {
    let weights: Vec<f64> = tallies.iter().map(|t| t.support as f64).collect();
    averaged(tallies, zero, |values| nan_weighted_mean(values, &weights))
}

/// Scores of all counts together.
pub(super) fn micro_average(tallies: &[Tally], zero: ZeroDivision) -> Scores {
    total(tallies).scores(zero)
}

/// The sum of all tallies.
pub(super) fn total(tallies: &[Tally]) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum += *tally;
    }
    sum
}

fn averaged(tallies: &[Tally], zero: ZeroDivision, mean: impl Fn(&[f64]) -> f64) -> Scores {
    let scores: Vec<Scores> = tallies.iter().map(|t| t.scores(zero)).collect();
    let of = |pick: fn(&Scores) -> f64| mean(&scores.iter().map(pick).collect::<Vec<_>>());
    Scores {
        precision: of(|s| s.precision),
        recall: of(|s| s.recall),
        f1: of(|s| s.f1),
        support: scores.iter().map(|s| s.support).sum(),
    }
}

fn ratio(numerator: f64, denominator: f64, zero: ZeroDivision) -> f64 {
    if denominator != 0.0 {
        return numerator / denominator;
    }
    match zero {
        ZeroDivision::Zero => 0.0,
        ZeroDivision::One => 1.0,
        ZeroDivision::Nan => f64::NAN,
    }
}

/// part / whole; 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
