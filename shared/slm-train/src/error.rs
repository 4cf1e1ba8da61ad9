//! The one error type of this crate.

use slm_model::ModelError;

/// Why training cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There is nothing to train on.
    #[error("no training rows: the data is empty, or every row was dropped")]
    NoRows,
    /// A row breaks what training relies on.
    #[error("training row {row} (from 0): {problem}")]
    Row {
        /// Position in the rows handed over, from 0.
        row: usize,
        /// What is wrong, with the expected value.
        problem: String,
    },
    /// A setting is out of its range.
    #[error("{key} is {found}; expected {expected}")]
    Setting {
        /// Recipe key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// The loss or the gradient stopped being a number.
    #[error(
        "step {step}: the {what} is {value}, not a finite number. Lower `sft.lr` (now {lr}), or keep `sft.clip` above 0"
    )]
    NotFinite {
        /// Optimizer step, from 1.
        step: usize,
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Learning rate of the step.
        lr: f32,
    },
    /// A gate of step 0 is not met: training would not do what it says.
    #[error("step-0 gate not met: {0}")]
    Gate(String),
    /// A saved state is not one, or belongs to other data or settings.
    #[error("saved state: {0}")]
    State(String),
    /// The model refused.
    #[error(transparent)]
    Model(#[from] ModelError),
}
