//! The report of one run: everything in `body` is a pure function of rows, predictions and
//! provenance, and is byte-identical wherever it is computed. Time and machine stand apart.
//!
//! The types of the file are here. [`build`] makes a body, [`text`] writes a report for a terminal.

mod build;
mod spans;
mod structured;
pub mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::TaskError, example::Target, prediction::Prediction, recall::RecallDial,
    routing::RoutingReport,
};

pub use build::{ReportInput, System, build};
pub use spans::{LeakMetrics, SpanAverage, SpanMetrics, SpanView, Spans};
pub use structured::{Decoding, FieldMetrics, Structured, Written};

/// Layout version of report files.
pub const FORMAT: u32 = 1;

/// A report file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Layout version of this file.
    pub format: u32,
    /// The deterministic part.
    pub body: Body,
    /// How and when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunInfo>,
}

impl Report {
    /// A report of the current layout.
    pub fn new(body: Body, run: Option<RunInfo>) -> Self {
        let format = FORMAT;
        Self { format, body, run }
    }

    /// Reads a report file. `file` is the name that errors show.
    ///
    /// # Errors
    /// [`TaskError::Input`] for what is not JSON, not a report, or of another layout.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        crate::json::parse_versioned(text, file, "a report", FORMAT)
    }

    /// The file's text: sorted, indented, with a line end. The same report gives the same bytes.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }
}

impl Body {
    /// The body's text, for comparing two bodies byte by byte.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }
}

/// The deterministic part of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Recipe id.
    pub recipe: String,
    /// Recipe title.
    pub title: String,
    /// Rows scored.
    pub rows: usize,
    /// Rows in the file, when a seeded subsample was taken.
    pub rows_in_file: usize,
    /// The system that the headline is about (`tuned`, or `zero-shot` when a base was evaluated).
    pub subject: String,
    /// Metrics a person reads first; selection metric first.
    pub headline: Vec<Headline>,
    /// One entry a system, the subject first.
    pub systems: Vec<SystemReport>,
    /// Subject against the others: every headline metric against its best baseline, the selection
    /// metric first, then every metric against the remaining baselines.
    pub lift: Vec<Lift>,
    /// The subject by slice; rows without one are `(none)`.
    pub slices: BTreeMap<String, SliceReport>,
    /// The subject with the recipe's fallback in front of it, where the recipe routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<RoutingReport>,
    /// How recall was bought on the dev rows, where the recipe has a floor for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallDial>,
    /// What the grammar does to the subject's answers, where it was also asked without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoding: Option<Decoding>,
    /// The subject's most confident mistakes, at most 20, worst first; failures come last.
    pub mistakes: Vec<Mistake>,
    /// Things the reader must know (labels never seen in training, failures, subsample).
    pub warnings: Vec<String>,
    /// What was measured with what.
    pub provenance: Provenance,
}

/// A metric with its 95 % bootstrap interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// Metric name (`macro_f1`).
    pub name: String,
    /// Value on the rows.
    pub value: f64,
    /// 95 % percentile bootstrap interval over rows.
    pub ci: [f64; 2],
}

/// All metrics of one system on the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemReport {
    /// `tuned`, `zero-shot`, `few-shot`, `majority`.
    pub name: String,
    /// Metrics with intervals, same names and order for every system.
    pub headline: Vec<Headline>,
    /// Rows without a prediction.
    pub failures: usize,
    /// Everything else that the shape measures.
    pub figures: Figures,
}

/// What a shape measures of one system beyond the headline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figures {
    /// Single-label metrics, `sklearn-1.9` convention.
    SingleLabel(Classification),
    /// Multi-label metrics, `sklearn-1.9` convention.
    MultiLabel(MultiLabel),
    /// Metrics of spans, seqeval's over words among them.
    Spans(Spans),
    /// Metrics of JSON objects, field by field.
    Structured(Structured),
}

impl Figures {
    /// The figures of a single-label system.
    pub fn single_label(&self) -> Option<&Classification> {
        match self {
            Self::SingleLabel(classification) => Some(classification),
            Self::MultiLabel(_) | Self::Spans(_) | Self::Structured(_) => None,
        }
    }

    /// Whose way of computing the figures follow.
    pub fn convention(&self) -> &str {
        match self {
            Self::SingleLabel(classification) => &classification.convention,
            Self::MultiLabel(figures) => &figures.convention,
            Self::Spans(figures) => &figures.convention,
            Self::Structured(figures) => &figures.convention,
        }
    }
}

/// Multi-label metrics as scikit-learn 1.9 computes them on indicator matrices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiLabel {
    /// Naming convention of the numbers below.
    pub convention: String,
    /// One entry a label, recipe order; support counts the rows that have it.
    pub per_class: Vec<ClassMetrics>,
    /// Of each label, rows by `[wanted][predicted]`.
    pub confusion: Vec<[[u64; 2]; 2]>,
    /// Unweighted means over the labels.
    #[serde(rename = "macro")]
    pub macro_average: Average,
    /// Over all decisions.
    pub micro: Average,
    /// Means weighted by support.
    pub weighted: Average,
    /// Means over the rows, each scored on its own.
    pub samples: Average,
    /// Share of rows whose set of labels is right as a whole.
    pub subset_accuracy: f64,
    /// Share of decisions that are wrong.
    pub hamming_loss: f64,
    /// Mean probability mass of what is neither `yes` nor `no`; absent without probabilities.
    pub outside: Option<f64>,
}

/// Single-label metrics as scikit-learn 1.9 computes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Naming convention of the numbers below.
    pub convention: String,
    /// Labels in recipe order.
    pub labels: Vec<String>,
    /// One entry a label, recipe order.
    pub per_class: Vec<ClassMetrics>,
    /// `confusion[gold][predicted]`; failures have no column and are counted apart.
    pub confusion: Vec<Vec<u64>>,
    /// Share of rows that are right; a failure is wrong.
    pub accuracy: f64,
    /// Unweighted means over the labels.
    #[serde(rename = "macro")]
    pub macro_average: Average,
    /// Over all decisions.
    pub micro: Average,
    /// Means weighted by support.
    pub weighted: Average,
    /// Matthews correlation coefficient.
    pub mcc: f64,
    /// Expected calibration error over the rows with probabilities, 15 bins; absent without any.
    pub ece: Option<f64>,
    /// The bins behind `ece` and the reliability curve; none without probabilities.
    pub reliability: Vec<ReliabilityBin>,
    /// Mean probability mass outside the labels; absent without probabilities.
    pub outside: Option<f64>,
}

/// Precision, recall, F1 and support of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// The label.
    pub label: String,
    /// tp / predicted.
    pub precision: f64,
    /// tp / support.
    pub recall: f64,
    /// 2 tp / (predicted + support).
    pub f1: f64,
    /// Gold rows.
    pub support: u64,
}

/// An average of precision, recall and F1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F1.
    pub f1: f64,
}

/// Rows whose confidence lies in `[low, high)`; the last bin is `low = high = 1` and holds a
/// confidence of exactly 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower bound of confidence.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Rows.
    pub count: u64,
    /// Mean confidence; 0 in an empty bin.
    pub confidence: f64,
    /// Share right; 0 in an empty bin.
    pub accuracy: f64,
}

/// Subject minus baseline on one metric, paired by row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Metric name.
    pub metric: String,
    /// Baseline's name.
    pub vs: String,
    /// Difference.
    pub value: f64,
    /// 95 % paired bootstrap interval of the difference.
    pub ci: [f64; 2],
    /// Exact McNemar p over right/wrong rows.
    pub p: f64,
    /// The interval lies on one side of zero.
    pub decisive: bool,
}

/// The subject on one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceReport {
    /// Rows.
    pub rows: usize,
    /// Share of rows whose whole answer is right.
    pub accuracy: f64,
    /// The selection metric; a macro average is over the classes that occur in the slice. Absent
    /// where no row of the slice wants a label or a span: only accuracy is defined then.
    pub score: Option<f64>,
}

/// A row the subject got wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Line in the data file.
    pub line: usize,
    /// The text.
    pub prompt: String,
    /// The right answer; bounds of spans count bytes of the text.
    pub gold: Target,
    /// What the subject answered.
    pub prediction: Prediction,
    /// The row's slice.
    pub slice: Option<String>,
}

/// Hashes and names that tie a report to what it measured. Every hash is sha256 in hex.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Provenance {
    /// Version of the `serve` numerics.
    pub numerics: u32,
    /// The base model file.
    pub base: String,
    /// Adapter weights; absent for a base.
    pub adapter: Option<String>,
    /// The rows' file.
    pub data: String,
    /// `recipe.toml`.
    pub recipe: String,
    /// The training rows' file, where known.
    pub train: Option<String>,
}

/// What differs from run to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct RunInfo {
    /// RFC 3339, UTC.
    pub time: String,
    /// Processor and cores, in words.
    pub machine: String,
    /// Command line that made it.
    pub command: String,
    /// Command line that trained the subject; none for what was not trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_command: Option<String>,
    /// Seconds that the predictions took.
    pub seconds: f64,
    /// Training curve: one point a logged step or evaluation.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

/// One point of the training curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct CurvePoint {
    /// Optimizer step, from 1.
    pub step: usize,
    /// Training loss, mean over supervised tokens since the last point.
    pub loss: Option<f64>,
    /// Dev selection metric.
    pub dev: Option<f64>,
}
