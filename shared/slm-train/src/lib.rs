//! Supervised fine-tuning of a LoRA adapter: batches, schedule, optimizer step and resumable state.
//!
//! Rows of tokens in, an adapter and bytes out. It knows no files, no terminal, no clock and no
//! async: the same loop runs in the trainer and, later, in the page. Everything it does follows
//! from its inputs and the number of steps taken, so a state saved as bytes continues to the bit.

#![warn(missing_docs)]

mod adapted;
pub mod balance;
mod data;
pub mod error;
pub mod order;
pub mod schedule;
pub mod state;
pub mod trainer;
pub mod trunk;

pub use data::Data;
pub use error::TrainError;
pub use schedule::Schedule;
pub use trainer::{Probe, StepReport, Trainer};
