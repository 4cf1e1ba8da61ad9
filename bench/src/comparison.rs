//! What every comparison with other engines is told on the command line.

use std::path::PathBuf;

use anyhow::{Context, Result};
use slm_model::BaseModel;

/// Options that the comparisons share.
#[derive(clap::Args)]
pub struct Comparison {
    /// The model, a GGUF file
    #[arg(long)]
    pub model: PathBuf,
    /// Folder with our side of the other engines and what they need
    #[arg(long)]
    pub peers: PathBuf,
    /// Turns of each engine; one more comes before and is not counted
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Also write the figures here
    #[arg(long)]
    pub json: Option<PathBuf>,
}

impl Comparison {
    /// The model, for its tokenizer.
    ///
    /// # Errors
    /// The file cannot be read, or is no model.
    pub fn base(&self) -> Result<BaseModel> {
        let file = std::fs::read(&self.model).with_context(|| self.model.display().to_string())?;
        Ok(BaseModel::from_gguf(&file)?)
    }
}
