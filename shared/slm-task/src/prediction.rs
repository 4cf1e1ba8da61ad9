//! What a model answered, parsed: a prediction or a typed failure. A failure is counted, never
//! turned into a label.

use serde::{Deserialize, Serialize};

/// One parsed answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Prediction {
    /// Single-label: the scored labels.
    Label(LabelPrediction),
    /// No usable answer.
    Failed(Failure),
}

/// Scored labels of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelPrediction {
    /// The most probable label; the first in recipe order on a tie.
    pub label: String,
    /// Probability of each label in recipe order, renormalized over the labels; sums to 1. Empty
    /// for a system that has no probabilities (majority class).
    pub probabilities: Vec<f64>,
    /// Probability mass of everything that is no label, before renormalizing, in `[0, 1]`.
    pub outside: f64,
}

/// Why there is no prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Failure {
    /// The prompt does not fit the context.
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// The limit.
        limit: usize,
    },
    /// The model wrote something that the shape's parser refuses.
    Unparsable {
        /// The raw answer.
        answer: String,
    },
    /// The runtime gave up on the row (logits that are not finite, say).
    Runtime {
        /// In words.
        message: String,
    },
}

impl Prediction {
    /// [`LabelPrediction::from_log_probabilities`], its failure kept as the row's outcome.
    pub fn from_log_probabilities(labels: &[String], log_probabilities: &[f64]) -> Self {
        match LabelPrediction::from_log_probabilities(labels, log_probabilities) {
            Ok(prediction) => Self::Label(prediction),
            Err(failure) => Self::Failed(failure),
        }
    }

    /// The predicted label, if there is one.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Label(p) => Some(&p.label),
            Self::Failed(_) => None,
        }
    }

    /// Probability of the predicted label; none for a failure or a system without probabilities.
    pub fn confidence(&self) -> Option<f64> {
        match self {
            Self::Label(p) => p.probabilities.iter().copied().reduce(f64::max),
            Self::Failed(_) => None,
        }
    }
}

impl LabelPrediction {
    /// Scores labels from the natural log-probability of each label's whole answer under the full
    /// softmax, in recipe order. A softmax over the labels renormalizes them; what the labels do
    /// not cover is [`outside`](Self::outside).
    ///
    /// # Errors
    /// [`Failure::Runtime`] when a number is not finite, or there is not one a label.
    pub fn from_log_probabilities(
        labels: &[String],
        log_probabilities: &[f64],
    ) -> Result<Self, Failure> {
        if labels.is_empty() || labels.len() != log_probabilities.len() {
            let (scores, labels) = (log_probabilities.len(), labels.len());
            let message = format!("{scores} scores for {labels} labels");
            return Err(Failure::Runtime { message });
        }
        for (label, value) in labels.iter().zip(log_probabilities) {
            if !value.is_finite() {
                let message = format!("the score of `{label}` is {value}, not a finite number");
                return Err(Failure::Runtime { message });
            }
        }
        let highest = log_probabilities.iter().copied().fold(f64::MIN, f64::max);
        // libm, not the platform's `exp`: the same bits natively and in the page.
        let scaled: Vec<f64> = log_probabilities
            .iter()
            .map(|&l| libm::exp(l - highest))
            .collect();
        let total: f64 = scaled.iter().sum();
        let probabilities: Vec<f64> = scaled.iter().map(|s| s / total).collect();
        let inside = libm::exp(highest) * total;
        Ok(Self {
            label: labels[first_largest(&probabilities)].clone(),
            probabilities,
            outside: (1.0 - inside).clamp(0.0, 1.0),
        })
    }
}

fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    #[test]
    fn renormalizes_and_reports_the_mass_outside() {
        let logs = [0.1f64.ln(), 0.3f64.ln(), 0.1f64.ln()];
        let p = LabelPrediction::from_log_probabilities(&labels(), &logs).unwrap();
        assert_eq!(p.label, "b");
        for (got, want) in p.probabilities.iter().zip([0.2, 0.6, 0.2]) {
            assert!((got - want).abs() < 1e-15, "{got} {want}");
        }
        assert!((p.outside - 0.5).abs() < 1e-15);
    }

    #[test]
    fn very_unlikely_labels_still_compare() {
        let p = LabelPrediction::from_log_probabilities(&labels(), &[-2000.0, -1999.0, -2001.0]);
        let p = p.unwrap();
        assert_eq!(p.label, "b");
        assert!((p.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert_eq!(p.outside, 1.0);
    }

    #[test]
    fn a_tie_goes_to_the_first_label() {
        let p = LabelPrediction::from_log_probabilities(&labels(), &[-2.0, -1.0, -1.0]).unwrap();
        assert_eq!(p.label, "b");
    }

    #[test]
    fn what_is_not_finite_is_a_failure() {
        let check = |logs: &[f64], expected: &str| {
            let Prediction::Failed(Failure::Runtime { message }) =
                Prediction::from_log_probabilities(&labels(), logs)
            else {
                panic!("{logs:?} gave a prediction");
            };
            assert!(message.contains(expected), "{message}");
        };
        check(&[-1.0, f64::NAN, -1.0], "`b` is NaN");
        check(&[-1.0, -1.0, f64::NEG_INFINITY], "`c` is -inf");
        check(&[f64::INFINITY, -1.0, -1.0], "`a` is inf");
        check(&[-1.0], "1 scores for 3 labels");
    }
}
