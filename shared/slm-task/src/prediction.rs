//! What a model answered, parsed: a prediction or a typed failure. A failure is counted, never
//! turned into a label.

mod objects;
mod spans;

use serde::{Deserialize, Serialize};

pub use objects::ObjectPrediction;
pub use spans::{FoundSpan, SpansPrediction};

/// One parsed answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Prediction {
    /// Single-label: the scored labels.
    Label(LabelPrediction),
    /// Multi-label: the labels that hold.
    Labels(LabelsPrediction),
    /// Spans: the labelled parts of the text.
    Spans(SpansPrediction),
    /// Structured: the object.
    Object(ObjectPrediction),
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

/// Which labels hold of one row, each decided by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelsPrediction {
    /// Labels with a probability of at least one half, in recipe order.
    pub labels: Vec<String>,
    /// Probability of `yes` of each label in recipe order, renormalized over `yes` and `no`, given
    /// what was decided for the labels before it. Empty for a system without probabilities.
    pub probabilities: Vec<f64>,
    /// Mean over the labels of the probability mass of what is neither `yes` nor `no`.
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
    /// The answer did not end within the recipe's `scoring.max_tokens`.
    Unended {
        /// The limit, in tokens.
        limit: usize,
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

    /// The predicted label of a single-label row, if there is one.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Label(p) => Some(&p.label),
            Self::Labels(_) | Self::Spans(_) | Self::Object(_) | Self::Failed(_) => None,
        }
    }

    /// Whether there is no usable answer.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// How sure the model is of the answer as a whole: the label's probability, or the product over
    /// the labels of the probability of what was decided, or that of each span and of stopping after
    /// the last, or that of every token that was chosen. None for a failure or a system without
    /// probabilities.
    pub fn confidence(&self) -> Option<f64> {
        match self {
            Self::Label(p) => p.probabilities.iter().copied().reduce(f64::max),
            Self::Labels(p) => {
                let sure = p.probabilities.iter().map(|&yes| yes.max(1.0 - yes));
                sure.reduce(|all, one| all * one)
            }
            Self::Spans(p) => p.probability(),
            Self::Object(p) => p.probability,
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

impl LabelsPrediction {
    /// From the natural log-probabilities of `yes` and `no` of each label, in recipe order.
    ///
    /// # Errors
    /// [`Failure::Runtime`] when a number is not finite, or there is not one pair a label.
    pub fn from_log_probabilities(labels: &[String], lines: &[[f64; 2]]) -> Result<Self, Failure> {
        if labels.is_empty() || labels.len() != lines.len() {
            let (lines, labels) = (lines.len(), labels.len());
            let message = format!("{lines} decisions for {labels} labels");
            return Err(Failure::Runtime { message });
        }
        let yes_or_no = ["yes", "no"].map(String::from);
        let mut prediction = Self {
            labels: Vec::new(),
            probabilities: Vec::with_capacity(labels.len()),
            outside: 0.0,
        };
        for (label, line) in labels.iter().zip(lines) {
            let decided = LabelPrediction::from_log_probabilities(&yes_or_no, line)?;
            let yes = decided.probabilities[0];
            if yes >= 0.5 {
                prediction.labels.push(label.clone());
            }
            prediction.probabilities.push(yes);
            prediction.outside += decided.outside / labels.len() as f64;
        }
        Ok(prediction)
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

    #[test]
    fn labels_are_decided_one_by_one() {
        let lines = [[0.6f64, 0.2], [0.1, 0.3], [0.25, 0.25]].map(|line| line.map(f64::ln));
        let p = LabelsPrediction::from_log_probabilities(&labels(), &lines).unwrap();
        assert_eq!(p.labels, ["a", "c"], "a tie is a yes");
        for (got, want) in p.probabilities.iter().zip([0.75, 0.25, 0.5]) {
            assert!((got - want).abs() < 1e-15, "{got} {want}");
        }
        assert!((p.outside - (0.2 + 0.6 + 0.5) / 3.0).abs() < 1e-15);
        let confidence = Prediction::Labels(p).confidence().unwrap();
        assert!((confidence - 0.75 * 0.75 * 0.5).abs() < 1e-15);
        assert!(LabelsPrediction::from_log_probabilities(&labels(), &lines[..2]).is_err());
    }
}
