//! Recipes, examples, prompts, predictions, scorers, metrics and reports.
//!
//! Text and numbers in, text and numbers out: no I/O, no async, no platform, and no knowledge of
//! the model. A tokenizer is a trait here. The same code runs in the trainer and in the page, so a
//! report made from the same predictions is the same, byte for byte.

#![warn(missing_docs)]

pub mod baseline;
pub mod bundle;
pub mod error;
pub mod example;
pub mod json;
pub mod metrics;
pub mod prediction;
pub mod prompt;
pub mod recall;
pub mod recipe;
pub mod report;
pub mod rng;
pub mod routing;
pub mod sample;
pub mod schema;
pub mod score;
pub mod shape;
pub mod stats;
#[cfg(test)]
mod test_data;

pub use error::TaskError;
pub use example::{Example, Target};
pub use prediction::{
    Failure, FoundSpan, LabelPrediction, LabelsPrediction, ObjectPrediction, Prediction,
    SpansPrediction,
};
pub use prompt::{Control, Prompt, Renderer, Sequence, Tokenizer};
pub use recipe::Recipe;
pub use report::Report;
pub use schema::Schema;
pub use shape::Shape;
