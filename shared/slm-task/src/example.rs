//! One row of data.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One row: what the model is asked and what it should answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The user's text.
    pub prompt: String,
    /// The right answer.
    pub target: Target,
    /// A named subset that reports break down by (`hard_negative`, `rare`, …).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// Line in the file it came from, from 1.
    pub line: usize,
}

/// The right answer, one variant a shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Single-label.
    Label(String),
    /// Multi-label: the labels that hold, in recipe order; none is an answer too.
    Labels(Vec<String>),
    /// Spans: parts of the text in its order, none overlapping another; none is an answer too.
    Spans(Vec<Span>),
    /// Structured: a valid object in the one form that [`Schema::tidied`](crate::Schema::tidied) gives.
    Object(Value),
}

impl Target {
    /// What the row counts under when classes are balanced or looked for: its label or labels, each
    /// once; of an object the fields at its top.
    pub fn classes(&self) -> Vec<&str> {
        match self {
            Self::Label(label) => vec![label],
            Self::Labels(labels) => labels.iter().map(String::as_str).collect(),
            Self::Spans(spans) => {
                let labels: BTreeSet<&str> = spans.iter().map(|s| s.label.as_str()).collect();
                labels.into_iter().collect()
            }
            Self::Object(object) => {
                let fields = object
                    .as_object()
                    .into_iter()
                    .flat_map(|fields| fields.keys());
                fields.map(String::as_str).collect()
            }
        }
    }

    /// The answer in a line, for people; of spans their labels.
    pub fn in_words(&self) -> String {
        if let Self::Object(object) = self {
            return object.to_string();
        }
        let classes = self.classes();
        match classes.is_empty() {
            true => "none".into(),
            false => classes.join(", "),
        }
    }
}

pub use self::{
    checks::{check_labels, class_counts},
    jsonl::{Rows, read_jsonl, read_rows},
    spans::{Span, code_points},
};

mod checks;
mod jsonl;
mod objects;
mod spans;
mod targets;
