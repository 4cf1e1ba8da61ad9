//! How far confidence is from the share that is right: expected calibration error and the bins of
//! the reliability curve, by torchmetrics 1.9's convention in float64 (torchmetrics itself rounds
//! confidences to float32).

use crate::{prediction::Prediction, report::ReliabilityBin};

/// Bins between 0 and 1.
const BINS: usize = 15;

/// Calibration of a system with probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Expected calibration error (L1): the mean over rows of |accuracy − confidence| of their bin.
    pub error: f64,
    /// Mean probability mass outside the labels.
    pub outside: f64,
    /// 15 equal bins `[low, high)`, then one of width 0 for a confidence of exactly 1.
    pub bins: Vec<ReliabilityBin>,
}

/// Calibration over the rows that have probabilities; none when no row has.
pub fn calibration(
    gold: &[usize],
    predicted: &[Option<usize>],
    predictions: &[Prediction],
) -> Option<Calibration> {
    let mut bins: Vec<ReliabilityBin> = (0..=BINS)
        .map(|i| ReliabilityBin {
            low: bound(i),
            high: bound((i + 1).min(BINS)),
            count: 0,
            confidence: 0.0,
            accuracy: 0.0,
        })
        .collect();
    let mut outside = 0.0;
    for ((gold, predicted), prediction) in gold.iter().zip(predicted).zip(predictions) {
        let (Some(confidence), Prediction::Label(p)) = (prediction.confidence(), prediction) else {
            continue;
        };
        let at = bins.iter().rposition(|b| confidence >= b.low).unwrap_or(0);
        let bin = &mut bins[at];
        bin.count += 1;
        bin.confidence += confidence;
        bin.accuracy += f64::from(u8::from(*predicted == Some(*gold)));
        outside += p.outside;
    }
    let rows: u64 = bins.iter().map(|b| b.count).sum();
    if rows == 0 {
        return None;
    }
    let mut error = 0.0;
    for bin in bins.iter_mut().filter(|b| b.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
        error += (bin.accuracy - bin.confidence).abs() * (bin.count as f64 / rows as f64);
    }
    Some(Calibration {
        error,
        outside: outside / rows as f64,
        bins,
    })
}

/// Bound `i` of `0..=BINS`.
fn bound(i: usize) -> f64 {
    i as f64 / BINS as f64
}
