//! Data files: bytes on disk to examples, with the hash that reports name them by.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use slm_task::{Example, Recipe, example};

use crate::{exit::bad_input, files};

/// A data file, read.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Where it is and what it holds.
    pub file: DataFile,
    /// Its rows.
    pub examples: Vec<Example>,
    /// What of them is not read, in words.
    pub warnings: Vec<String>,
}

/// A data file as a run remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path, absolute.
    pub path: PathBuf,
    /// sha256 of its bytes.
    pub sha256: String,
    /// Rows.
    pub rows: usize,
}

/// Reads a data file of a recipe.
///
/// # Errors
/// Bad input: no such file, no rows, or a row that is not what the recipe's shape expects.
pub fn load(path: &Path, recipe: &Recipe) -> Result<Rows> {
    let bytes = files::read(path)?;
    let shown = path.display().to_string();
    let example::Rows { examples, warnings } = example::read_rows(&bytes, &shown, recipe)?;
    if examples.is_empty() {
        return Err(bad_input(format!(
            "{shown}: found no rows; expected one JSON object a line. Fill the file, or name another."
        )));
    }
    Ok(Rows {
        file: DataFile {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
            sha256: files::sha256(&bytes),
            rows: examples.len(),
        },
        examples,
        warnings,
    })
}
