//! The trainer: everything behind the `slm` command. It owns files, the terminal, the clock and the
//! network; what training, models and tasks are is in the shared crates.

pub mod base_model;
pub mod check;
pub mod checkpoint;
pub mod cli;
pub mod clock;
pub mod dials;
pub mod eval;
pub mod exit;
pub mod files;
pub mod generate;
pub mod import;
pub mod new_recipe;
mod port_owner;
pub mod predictor;
pub mod recipe_file;
pub mod report_html;
pub mod rows;
pub mod run;
pub mod serve;
pub mod ship;
pub mod subject;
pub mod systems;
pub mod terminal;
pub mod train;
