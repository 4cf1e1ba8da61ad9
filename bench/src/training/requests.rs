//! What a trainer is asked, one JSON object a line, and what it answers.

use serde::{Deserialize, Serialize};

/// A request.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// The logits after these tokens: [`Logits`].
    Logits {
        /// Token ids.
        tokens: Vec<u32>,
    },
    /// The next optimizer steps of the job: [`Trained`].
    Train {
        /// How many.
        steps: usize,
    },
    /// The dev rows, answered with the adapter as it stands: [`Scores`].
    Score,
}

/// Logits of one token.
#[derive(Serialize, Deserialize)]
pub struct Logits {
    /// One a token of the vocabulary.
    pub logits: Vec<f32>,
}

/// What some optimizer steps took.
#[derive(Serialize, Deserialize)]
pub struct Trained {
    /// Seconds of all of them.
    pub seconds: f64,
    /// Mean loss over the supervised tokens of each, before its update.
    pub losses: Vec<f64>,
}

/// Scores of the dev rows.
#[derive(Serialize, Deserialize)]
pub struct Scores {
    /// For each row, the log-probability of each label with the end of the turn after it.
    pub scores: Vec<Vec<f64>>,
}
