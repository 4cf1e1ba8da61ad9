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
}

impl Target {
    /// The right label of a single-label row.
    pub fn label(&self) -> &str {
        match self {
            Self::Label(label) => label,
        }
    }
}

pub use self::{
    checks::{check_labels, duplicates, repeats},
    jsonl::{Rows, read_jsonl, read_prompts, read_rows},
};

mod checks;
mod jsonl;
