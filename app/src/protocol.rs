//! The messages between page and worker, as JSON text. Nothing here knows how they travel.
//!
//! A *session* is one opened recipe, numbered by the page. The worker answers with the number it
//! was asked under; the page drops whatever belongs to a session that it has left.

use serde::{Deserialize, Serialize};
use slm_task::{Prediction, Recipe, Report, bundle::BaseFile};

use crate::error::Problem;

/// Page to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The page's current session.
    pub session: u64,
    /// What to do.
    pub command: Command,
}

/// What the page asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Fetch and verify a bundle (not the base model). Answered by [`Event::Opened`].
    Open {
        /// Bundle folder relative to the page, ends with `/`.
        path: String,
        /// The gallery's base model.
        base: BaseFile,
    },
    /// Fetch and verify the base model, build the engine, run the probes. Answered by
    /// [`Event::Progress`] many times, then [`Event::Ready`].
    Load,
    /// Answer one text. Only the latest is answered when several wait.
    Classify {
        /// Chosen by the page, comes back with the answer.
        id: u64,
        /// The person's text.
        text: String,
        /// With or without the adapter.
        system: System,
        /// Nats on the decision to stop a list of spans; as shipped if none is given.
        stop_bias: Option<f64>,
    },
    /// Score every bundled test row and rebuild the report.
    Evaluate,
    /// Stop a running evaluation.
    Cancel,
    /// Measure prefill and decode speed on fixed tokens.
    Measure,
}

/// Which model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum System {
    /// Base model with the recipe's adapter.
    #[default]
    Tuned,
    /// Base model alone, same prompt.
    Base,
}

/// Worker to page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Session of the request that this belongs to.
    pub session: u64,
    /// What happened.
    pub event: Event,
}

/// What the worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The worker listens now.
    Started,
    /// The bundle is fetched and every file of it is verified.
    Opened(Box<Opened>),
    /// Loading goes on.
    Progress(Progress),
    /// Something the person should know while everything works.
    Note(String),
    /// The model answers from now on.
    Ready(EngineInfo),
    /// Answer to [`Command::Classify`].
    Classified {
        /// As in the command.
        id: u64,
        /// As in the command.
        system: System,
        /// The answer.
        answer: Answer,
    },
    /// Rows scored so far.
    Scored(Scored),
    /// The evaluation is over.
    Evaluated(Outcome),
    /// The evaluation was cancelled.
    Cancelled,
    /// Answer to [`Command::Measure`].
    Measured(Speed),
    /// The worker cannot go on; whatever was under way will not come.
    Stopped(Problem),
    /// A step failed; which one says what a retry must do again.
    Failed(Step, Problem),
}

/// The step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// [`Command::Open`].
    Open,
    /// [`Command::Load`].
    Load,
    /// [`Command::Classify`].
    Classify,
    /// [`Command::Evaluate`].
    Evaluate,
}

/// A verified bundle, as far as the page needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The recipe.
    pub recipe: Recipe,
    /// The shipped report.
    pub report: Report,
    /// Every file of the bundle relative to the page, to be kept for use without a network.
    pub files: Vec<String>,
    /// Licences of what is inside.
    pub licences: Vec<String>,
    /// Bundled test rows.
    pub test_rows: usize,
}

/// Where loading stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes (or probes) done.
    pub done: u64,
    /// Bytes (or probes) in all.
    pub total: u64,
    /// Bytes that were there before this attempt began.
    pub resumed: u64,
    /// Bytes a second, smoothed; 0 while unknown.
    pub rate: f64,
}

/// The phases of loading, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Looking for the file in this browser's storage.
    Looking,
    /// Another tab downloads the same file.
    Waiting,
    /// Over the network.
    Downloading,
    /// The connection broke; a new attempt follows.
    Reconnecting,
    /// From this browser's storage.
    Reading,
    /// Parsing the model and adding the adapter.
    Building,
    /// Comparing this browser's numbers with the trainer's.
    Probing,
}

/// What runs, for the status line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Base model, for people.
    pub base: String,
    /// What computes (`CPU, WebAssembly SIMD`).
    pub backend: String,
    /// Threads that compute.
    pub threads: usize,
    /// Version of the `serve` numerics.
    pub numerics: u32,
    /// Bytes of WebAssembly memory in use.
    pub memory: u64,
    /// Tokens of context.
    pub context: usize,
    /// Probes that were reproduced bit for bit.
    pub probes: usize,
    /// Where the base model is kept.
    pub kept: Kept,
    /// Milliseconds from [`Command::Load`] to ready.
    pub milliseconds: f64,
}

/// Where the base model file is after loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// In the browser's storage: the next visit needs no network.
    Stored,
    /// In memory only: the next visit downloads it again.
    MemoryOnly,
}

/// One answer and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text that was answered.
    pub text: String,
    /// The prediction, or why there is none.
    pub prediction: Prediction,
    /// Tokens computed (prompt after the fixed prefix, and the labels).
    pub tokens: usize,
    /// Wall-clock time.
    pub milliseconds: f64,
}

/// A running evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Rows scored.
    pub done: usize,
    /// Rows in all.
    pub total: usize,
    /// Rows that are right.
    pub right: usize,
    /// Rows without a prediction.
    pub failures: usize,
    /// The selection metric over the rows so far.
    pub score: f64,
    /// Rows a second, over all rows so far.
    pub rate: f64,
}

/// How the rebuilt report compares with the shipped one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Rows scored.
    pub rows: usize,
    /// Seconds it took.
    pub seconds: f64,
    /// The rebuilt body has the very bytes of the shipped one.
    pub equal: bool,
    /// Bytes of the rebuilt body.
    pub bytes: usize,
    /// sha256 of the rebuilt body, hex.
    pub sha256: String,
    /// Parts of the body that differ, when it is not equal.
    pub differences: Vec<String>,
    /// Rows whose prediction differs from the shipped one.
    pub changed_rows: usize,
}

/// Measured speed, tokens a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Many tokens at once.
    pub prefill: f64,
    /// One token at a time.
    pub decode: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_trip() {
        let request = Request {
            session: 7,
            command: Command::Classify {
                id: 3,
                text: "a \"quoted\"\nline \u{1F600}".into(),
                system: System::Base,
                stop_bias: Some(-0.5),
            },
        };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);

        let message = Message {
            session: 7,
            event: Event::Scored(Scored {
                done: 1,
                total: 3,
                right: 1,
                failures: 0,
                score: 1.0 / 3.0,
                rate: 2.5,
            }),
        };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
    }
}
