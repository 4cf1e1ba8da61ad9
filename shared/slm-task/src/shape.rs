//! The closed set of task shapes. Constraint, parser, scorer and view follow from it by exhaustive
//! matches, so that a new shape does not compile until each of them knows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::TaskError;

/// The structural form of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One label out of a fixed list.
    SingleLabel,
    /// Any subset of a fixed list of labels.
    MultiLabel,
    /// Zero to many labelled spans of the input.
    Spans,
    /// One JSON object under a schema.
    Structured,
    /// Prose that rests on given passages, or a refusal.
    Grounded,
    /// A call of one of the offered tools, or none.
    ToolCall,
}

impl Shape {
    /// Every shape's name as recipes write it.
    pub const NAMES: [&'static str; 6] = [
        "single-label",
        "multi-label",
        "spans",
        "structured",
        "grounded",
        "tool-call",
    ];

    /// The name as recipes write it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Nothing, where the engine, the scorer and the views of the shape are built.
    ///
    /// # Errors
    /// [`TaskError::Shape`] with the step that `what` names.
    pub fn built(self, what: &'static str) -> Result<(), TaskError> {
        match self {
            Self::SingleLabel | Self::MultiLabel | Self::Spans | Self::Structured => Ok(()),
            Self::Grounded | Self::ToolCall => Err(TaskError::Shape { shape: self, what }),
        }
    }

    /// Name of the metric that selects checkpoints, the first of every report's headline.
    pub fn selection_metric(self) -> &'static str {
        match self {
            Self::SingleLabel | Self::MultiLabel => "macro_f1",
            Self::Spans => "span_f2",
            Self::Structured => "exact_object",
            Self::Grounded => "answer_and_refusal",
            Self::ToolCall => "outcome",
        }
    }

    /// Whether an answer is made of the recipe's labels, so that the recipe must list them.
    pub fn needs_labels(self) -> bool {
        match self {
            Self::SingleLabel | Self::MultiLabel | Self::Spans => true,
            Self::Structured | Self::Grounded | Self::ToolCall => false,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_file_format() {
        for (i, name) in Shape::NAMES.iter().enumerate() {
            let shape: Shape = serde_json::from_value((*name).into()).unwrap();
            assert_eq!(shape as usize, i);
            assert_eq!(shape.to_string(), *name);
        }
    }
}
