//! What can go wrong in the page, in words that a person can act on. Knows no browser.

use serde::{Deserialize, Serialize};
use slm_task::TaskError;

/// A failure as it is shown: what happened and what to do, each a whole sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// What the person can do.
    pub advice: String,
}

/// Everything that the page and the worker can fail at.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AppError {
    /// The request did not reach the server, or the answer broke off.
    #[error("{name} could not be fetched: the network or the server cannot be reached.")]
    Unreachable {
        /// File name.
        name: String,
    },
    /// The server answered with an error status.
    #[error("{name} could not be fetched: the server answered {status}.")]
    Status {
        /// File name.
        name: String,
        /// HTTP status.
        status: u16,
    },
    /// A web page came back where a file was asked for.
    #[error("{name} is not there: the server sent a web page in its place.")]
    Html {
        /// File name.
        name: String,
    },
    /// A recipe, rows, or one of our JSON files that its reader refuses.
    #[error("{0}")]
    Task(#[from] TaskError),
    /// A file does not have the bytes that its manifest promises.
    #[error("{name} is damaged: its {property} is {found}, the manifest says {expected}.")]
    Damaged {
        /// File name.
        name: String,
        /// `sha256` or `size`.
        property: &'static str,
        /// What the manifest says.
        expected: String,
        /// What arrived.
        found: String,
    },
    /// The manifest leaves out a file that every bundle has.
    #[error("the manifest of this recipe is wrong: {reason}.")]
    Manifest {
        /// What is wrong with it.
        reason: String,
    },
    /// The adapter was trained on another base model.
    #[error(
        "the adapter belongs to another base model: it was trained on {adapter}, this gallery serves {base}."
    )]
    WrongBase {
        /// sha256 of the base the adapter was trained on, shortened.
        adapter: String,
        /// sha256 of the gallery's base, shortened.
        base: String,
    },
    /// Report and probes were made by another version of the numerics.
    #[error("the bundle was made with numerics version {bundle}; this page has version {runtime}.")]
    Numerics {
        /// Version of the bundle.
        bundle: u32,
        /// Version of this build.
        runtime: u32,
    },
    /// This browser computes something else than the trainer did.
    #[error("this browser does not reproduce probe {number}: {difference}.")]
    Probe {
        /// Which probe, from 1.
        number: usize,
        /// What differs.
        difference: String,
    },
    /// The browser would not give the memory.
    #[error("the browser has no {megabytes} MB of memory to give to the model.")]
    Memory {
        /// What was asked for.
        megabytes: u64,
    },
    /// Adapter or model are refused by the library that reads them.
    #[error("{name} is refused: {reason}")]
    Refused {
        /// File name.
        name: String,
        /// The library's words.
        reason: String,
    },
    /// The engine failed while it ran, or the worker stopped.
    #[error("the engine stopped: {reason}")]
    Engine {
        /// In words.
        reason: String,
    },
    /// Something that the browser lacks or forbids.
    #[error("the browser refused: {reason}")]
    Browser {
        /// The browser's words.
        reason: String,
    },
}

impl AppError {
    /// What the person can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "Check the connection (or that the server still runs), then press Retry. What has arrived is kept."
            }
            Self::Status { status: 404, .. } | Self::Html { .. } => {
                "The folder may have been uploaded in part. Ship it again, upload every file, then press Retry."
            }
            Self::Status { .. } => "Wait a moment, then press Retry.",
            Self::Task(_) | Self::Damaged { .. } | Self::Manifest { .. } => {
                "Press Retry to fetch it anew. If it stays so, ship the folder again and upload every file."
            }
            Self::Numerics { .. } => {
                "Page and bundle are of different age. Ship the folder again with one version of slm."
            }
            Self::WrongBase { .. } => {
                "Ship the recipe again together with the base model it was trained on."
            }
            Self::Probe { .. } => {
                "Results here would not be the reported ones, so nothing is computed. Try another browser, and please report this."
            }
            Self::Memory { .. } => {
                "Close other tabs or use a device with more memory, then press Retry."
            }
            Self::Refused { .. } => "Ship the recipe again from a good run.",
            Self::Engine { .. } => "Press Retry to start it again.",
            Self::Browser { .. } => {
                "Use a current browser, and open the page over https or from localhost."
            }
        }
    }

    /// True when the same request may succeed if it is simply made again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

impl From<&AppError> for Problem {
    fn from(error: &AppError) -> Self {
        // These carry advice of their own.
        if let AppError::Task(TaskError::Input {
            place,
            found,
            expected,
            advice,
        }) = error
        {
            return Self {
                what: format!("{place}: found {found}; expected {expected}."),
                advice: advice.clone(),
            };
        }
        Self {
            what: capitalized(&error.to_string()),
            advice: error.advice().to_owned(),
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::from(&error)
    }
}

/// First letter in upper case, as a sentence begins; file names stay as they are.
fn capitalized(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default();
    if first_word.contains(['.', '/']) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_and_what_to_do() {
        let check = |error: AppError, what: &str| {
            let problem = Problem::from(&error);
            assert_eq!(problem.what, what);
            assert!(problem.advice.ends_with('.'), "{}", problem.advice);
        };
        check(
            AppError::Status {
                name: "gallery.json".into(),
                status: 404,
            },
            "gallery.json could not be fetched: the server answered 404.",
        );
        check(
            AppError::WrongBase {
                adapter: "aaaa".into(),
                base: "bbbb".into(),
            },
            "The adapter belongs to another base model: it was trained on aaaa, this gallery serves bbbb.",
        );
        check(
            AppError::Damaged {
                name: "adapter_model.safetensors".into(),
                property: "sha256",
                expected: "aa".into(),
                found: "bb".into(),
            },
            "adapter_model.safetensors is damaged: its sha256 is bb, the manifest says aa.",
        );
    }

    #[test]
    fn only_what_may_pass_by_itself_is_tried_again() {
        let status = |status| AppError::Status {
            name: String::new(),
            status,
        };
        assert!(status(503).is_transient());
        assert!(!status(404).is_transient());
        assert!(
            AppError::Unreachable {
                name: String::new()
            }
            .is_transient()
        );
        assert!(!AppError::Memory { megabytes: 1 }.is_transient());
    }
}
