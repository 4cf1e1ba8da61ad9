//! The one error type of this crate: what was found, what was expected, and what to do.

/// Everything that can be wrong with a model, an adapter, or what is asked of them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The bytes are not a GGUF file, or a damaged one.
    #[error("model file: {place}: found {found}; expected {expected}. {advice}")]
    File {
        /// Header, metadata key or tensor name.
        place: String,
        /// What stands there, shortened for display.
        found: String,
        /// What must stand there.
        expected: String,
        /// What the user can do about it, a whole sentence.
        advice: String,
    },
    /// A sound model file that this program cannot run.
    #[error("model file: {what} is not supported: {reason}. {advice}")]
    Unsupported {
        /// The feature, type or value.
        what: String,
        /// Why not.
        reason: String,
        /// What the user can do about it, a whole sentence.
        advice: String,
    },
    /// `adapter_config.json` or `adapter_model.safetensors` is not what it must be.
    #[error("{place}: found {found}; expected {expected}. {advice}")]
    Adapter {
        /// File and field or tensor.
        place: String,
        /// What stands there, shortened for display.
        found: String,
        /// What must stand there.
        expected: String,
        /// What the user can do about it, a whole sentence.
        advice: String,
    },
    /// The adapter was trained on another base model.
    #[error(
        "the adapter was trained on the base model with sha256 {adapter}, but the loaded base model has sha256 {base}. Load the base model it was trained on, or train it again on this one."
    )]
    WrongBase {
        /// sha256 in the adapter's configuration.
        adapter: String,
        /// sha256 of the loaded base.
        base: String,
    },
    /// More tokens than the model's context holds.
    #[error("{tokens} tokens do not fit the model's context of {context}. Shorten the text.")]
    TooLong {
        /// Tokens asked for.
        tokens: usize,
        /// The model's limit.
        context: usize,
    },
    /// An answer cannot be held to what is asked of it: a schema or label that no constraint can be
    /// made from, or a constraint that cannot go on.
    #[error("constraint: {what}; expected {expected}. {advice}")]
    Constraint {
        /// What was found.
        what: String,
        /// What can be made or gone on with.
        expected: String,
        /// What the user can do about it, a whole sentence.
        advice: String,
    },
    /// A call with arguments that do not belong together.
    #[error("{0}")]
    Input(String),
    /// The recipe or its rows cannot be rendered.
    #[error(transparent)]
    Task(#[from] slm_task::TaskError),
}

/// Advice for a file that is damaged rather than unsuitable.
pub(crate) const FETCH_AGAIN: &str =
    "The file is truncated or corrupted: fetch it again (`slm model pull`).";

impl ModelError {
    /// A damaged model file.
    pub(crate) fn damaged(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::File {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
            advice: FETCH_AGAIN.into(),
        }
    }

    /// A sound file with something this program cannot run.
    pub(crate) fn unsupported(
        what: impl Into<String>,
        reason: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            what: what.into(),
            reason: reason.into(),
            advice: advice.into(),
        }
    }

    /// A constraint that cannot be made or cannot go on.
    pub(crate) fn constraint(
        what: impl Into<String>,
        expected: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Constraint {
            what: what.into(),
            expected: expected.into(),
            advice: advice.into(),
        }
    }
}
