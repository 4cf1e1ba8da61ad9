//! `slm model`.

use std::{cell::RefCell, path::PathBuf};

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use crate::{
    base_model::{self, Progress},
    files,
    terminal::{self, Bar},
};

/// Fetch, list and verify base models.
///
/// A model is named by the path of a GGUF file, or as owner/name[:file] on Hugging Face.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Get a base model once; offline ever after
    #[command(after_help = "Example: slm model pull
         slm model pull HuggingFaceTB/SmolLM2-360M-Instruct-GGUF")]
    Pull {
        /// Model [default: SmolLM2-135M-Instruct]
        name: Option<String>,
    },
    /// The base models on this machine
    #[command(after_help = "Example: slm model list")]
    List {
        /// Write the list as JSON; - for standard output
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Read a base model whole and check it
    #[command(after_help = "Example: slm model verify")]
    Verify {
        /// Model [default: SmolLM2-135M-Instruct]
        name: Option<String>,
    },
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// No network, no space, no such model, or a damaged file.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Pull { name } => {
                let bars = Bars::default();
                let path = base_model::pull(name.as_deref(), &bars);
                bars.finish();
                terminal::print(&format!("{}\n", path?.display()))?;
            }
            Self::List { json } => list(json)?,
            Self::Verify { name } => {
                let checked = base_model::verify(name.as_deref())?;
                terminal::print(&format!(
                    "{}\nsha256  {}\nsize    {} bytes\nlayers  {}, width {}\n",
                    checked.path.display(),
                    checked.sha256,
                    checked.size,
                    checked.config.layers,
                    checked.config.hidden
                ))?;
            }
        }
        Ok(())
    }
}

fn list(json: Option<PathBuf>) -> Result<()> {
    let models = base_model::list()?;
    if let Some(path) = json {
        let rows: Vec<_> = models
            .iter()
            .map(|model| json!({"path": model.path, "size": model.size, "default": model.default}))
            .collect();
        return files::write_json(&path, &rows);
    }
    if models.is_empty() {
        let home = base_model::home()?;
        return terminal::print(&format!(
            "no base models in {}; get one with `slm model pull`\n",
            home.display()
        ));
    }
    let line = |model: &base_model::Installed| {
        let mark = if model.default { "  (default)" } else { "" };
        let megabytes = model.size as f64 / 1e6;
        format!("{megabytes:8.1} MB  {}{mark}\n", model.path.display())
    };
    terminal::print(&models.iter().map(line).collect::<String>())
}

/// A bar for each step of a pull, in megabytes.
#[derive(Default)]
struct Bars(RefCell<Option<(String, Bar)>>);

impl Bars {
    fn finish(&self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish();
        }
    }
}

impl Progress for Bars {
    fn at(&self, step: &str, done: u64, total: u64) {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000) as usize;
        let mut open = self.0.borrow_mut();
        if open.as_ref().is_none_or(|(name, _)| name != step) {
            if let Some((_, bar)) = open.take() {
                bar.finish();
            }
            *open = Some((step.to_string(), Bar::new(step, megabytes(total))));
        }
        if let Some((_, bar)) = open.as_mut() {
            bar.set(megabytes(done), "MB");
        }
    }
}
