//! `slm eval`.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    eval::{self, Options},
    files,
    subject::Subject,
    terminal,
};

/// Score a run, a bundle or a base model against its baselines, on the same rows.
///
/// Compares majority class, base zero-shot, base few-shot and the tuned model. An evaluation that
/// was interrupted does nothing twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: slm eval runs/mine
         slm eval runs/mine --data other.jsonl --json report.json
         slm eval base --recipe sentiment --rows 50")]
pub struct Args {
    /// Run folder, bundle folder, or `base` (or a GGUF file)
    subject: String,
    /// Rows to score [default: the recipe's test rows]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Recipe, where the subject does not have one
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// Base model, where it has moved
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// Write the report as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Score at most this many rows, a seeded subsample
    #[arg(long, value_name = "N", default_value_t = 0)]
    rows: usize,
}

impl Args {
    /// Evaluates and prints the report.
    ///
    /// # Errors
    /// Bad input, or a failing engine or disk.
    pub fn run(self) -> Result<()> {
        let subject = Subject::open(&self.subject, self.recipe.as_deref(), self.base.as_deref())?;
        if let Some(json) = &self.json {
            let rows = self.data.iter().chain(&subject.test);
            let read: Vec<_> = rows.chain(&subject.files).map(|f| &**f).collect();
            files::keep_inputs(json, &read)?;
        }
        let options = Options {
            data: self.data,
            rows: self.rows,
        };
        let evaluation = eval::evaluate(&subject, &options)?;
        if let Some(path) = &self.json {
            files::write_json(path, &evaluation.report)?;
            if path.as_os_str() == "-" {
                return Ok(());
            }
        }
        terminal::print(&slm_task::report::text::report(&evaluation.report))
    }
}
