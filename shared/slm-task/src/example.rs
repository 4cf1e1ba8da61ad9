//! One row of data.

use serde::{Deserialize, Serialize};

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
}

impl Target {
    /// What the row counts under when classes are balanced or looked for: its label or labels, each
    /// once.
    pub fn classes(&self) -> Vec<&str> {
        match self {
            Self::Label(label) => vec![label],
            Self::Labels(labels) => labels.iter().map(String::as_str).collect(),
        }
    }

    /// The answer in a line, for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::Label(label) => label.clone(),
            Self::Labels(labels) if labels.is_empty() => "none".into(),
            Self::Labels(labels) => labels.join(", "),
        }
    }
}

pub use self::{
    checks::{check_labels, class_counts, duplicates, repeats},
    jsonl::{Rows, read_jsonl, read_prompts, read_rows},
};

mod checks;
mod jsonl;
mod targets;
