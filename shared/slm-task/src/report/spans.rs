//! What a report says of spans beyond its headline.

use serde::{Deserialize, Serialize};

/// Metrics of spans, in three views (see [`crate::metrics::spans`]) and by what stays readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spans {
    /// Whose numbers [`entities`](Self::entities) are.
    pub convention: String,
    /// Over words: label and both bounds equal, in words.
    pub entities: SpanView,
    /// Over characters: label and both bounds equal. The headline's view.
    pub exact: SpanView,
    /// Over characters: the same label and at least one byte shared.
    pub overlap: SpanView,
    /// Gold characters in no predicted span, whatever its label.
    pub leak: LeakMetrics,
    /// The same for the gold spans of each label, recipe order.
    pub leaks: Vec<LeakMetrics>,
    /// Mean probability mass of what the grammar does not allow; absent without probabilities.
    pub outside: Option<f64>,
    /// Rows whose list the limit of tokens cut: its whole spans count, the row is not right.
    pub cut: u64,
}

/// One view of the spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanView {
    /// One entry a label, recipe order.
    pub per_type: Vec<SpanMetrics>,
    /// Over all spans.
    pub micro: SpanAverage,
    /// Unweighted means over the labels that occur, gold or predicted.
    #[serde(rename = "macro")]
    pub macro_average: SpanAverage,
}

/// Scores of the spans of one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanMetrics {
    /// The label.
    pub label: String,
    /// Right / predicted.
    pub precision: f64,
    /// Found / gold.
    pub recall: f64,
    /// 2 P R / (P + R).
    pub f1: f64,
    /// 5 P R / (4 P + R).
    pub f2: f64,
    /// Gold spans.
    pub support: u64,
    /// Predicted spans.
    pub predicted: u64,
}

/// Averages of precision, recall and their F-scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanAverage {
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F1.
    pub f1: f64,
    /// F2: recall counts twice as much as precision.
    pub f2: f64,
}

/// Characters that a redaction by the predictions would leave readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakMetrics {
    /// Characters (Unicode code points) in gold spans.
    pub characters: u64,
    /// Of these, in no predicted span.
    pub leaked: u64,
    /// leaked / characters; 0 without gold characters.
    pub share: f64,
}
