//! Sample data: rows written by seeded grammars, the same bytes for the same seed on every machine.
//! Knows words and labels; knows neither models nor tokens. A recipe's hand-written rows live with
//! the recipe, never here.

mod bank;
mod overlap;
mod sentiment;
mod style;

pub use sentiment::{Split, sample, sentiment};
