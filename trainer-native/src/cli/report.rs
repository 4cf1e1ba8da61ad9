//! `slm report`.

use std::path::PathBuf;

use anyhow::Result;

use crate::{eval, files, report_html, run::Run};

/// Write the report of a run as one HTML file that needs nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: slm report runs/mine --html report.html")]
pub struct Args {
    /// Run folder
    run: PathBuf,
    /// Where to write it
    #[arg(long, value_name = "OUT")]
    html: PathBuf,
}

impl Args {
    /// Writes the report.
    ///
    /// # Errors
    /// Bad input when there is no such run or it was not evaluated yet.
    pub fn run(self) -> Result<()> {
        let report = eval::read_report(&Run::open(&self.run)?)?;
        files::write_atomic(&self.html, report_html::render(&report).as_bytes())?;
        eprintln!("wrote {}", self.html.display());
        Ok(())
    }
}
