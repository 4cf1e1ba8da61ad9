//! A run: one folder that holds everything one training made.
//!
//! ```text
//! config.json       what it was started with          recipe.toml   the recipe, changes applied
//! metrics.jsonl     one line a step and an evaluation checkpoint.bin  to go on from, to the bit
//! adapter/          the best adapter, in PEFT's files
//! dials.json        what was set on the dev rows      predictions.json  answers to the test rows
//! report.json       the report made from them
//! cache/            predictions of an evaluation, as they come
//! ```

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use slm_model::{BaseModel, LoraAdapter};
use slm_task::Recipe;

use crate::{exit::bad_input, files, rows::DataFile};

/// Where runs are kept unless a path says otherwise.
pub const FOLDER: &str = "runs";

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// A run folder that exists.
#[derive(Debug, Clone)]
pub struct Run {
    /// The folder.
    pub folder: PathBuf,
    /// What it was started with.
    pub config: RunConfig,
}

/// `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Layout version of the run folder.
    pub format: u32,
    /// Recipe id.
    pub recipe: String,
    /// sha256 of `recipe.toml`.
    pub recipe_sha256: String,
    /// The base model.
    pub base: BaseFile,
    /// Training rows.
    pub train: DataFile,
    /// Rows for checkpoint selection.
    pub dev: DataFile,
    /// Rows for the report, where the recipe has them.
    pub test: Option<DataFile>,
    /// Version of this program.
    pub version: String,
    /// Version of the `serve` numerics.
    pub numerics: u32,
    /// Threads that training uses; exact resume needs the same number.
    pub threads: usize,
    /// Device that training uses.
    pub device: String,
    /// When it was started, RFC 3339.
    pub started: String,
    /// Processor and cores.
    pub machine: String,
    /// Command line that started it.
    pub command: String,
}

/// The base model as a run remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseFile {
    /// Name for people.
    pub name: String,
    /// Path, absolute.
    pub path: PathBuf,
    /// sha256 of the file.
    pub sha256: String,
}

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Metric {
    /// An optimizer step.
    Step {
        /// Steps taken, this one included.
        step: usize,
        /// Mean loss over the supervised tokens.
        loss: f64,
        /// Learning rate.
        rate: f32,
        /// Gradient norm before clipping.
        gradient_norm: f64,
        /// Supervised tokens.
        supervised: usize,
        /// Tokens of the rows, prefix included.
        tokens: usize,
        /// Tokens computed.
        computed: usize,
        /// Seconds that the step took.
        seconds: f64,
    },
    /// An evaluation on the dev rows.
    Dev {
        /// Steps taken before it.
        step: usize,
        /// The scores.
        #[serde(flatten)]
        score: DevScore,
        /// Seconds that it took.
        seconds: f64,
    },
}

/// Scores on the dev rows, in the `serve` numerics.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DevScore {
    /// The shape's selection metric: selects the checkpoint.
    pub score: f64,
    /// Share of rows whose whole answer is right.
    pub accuracy: f64,
    /// Mean of -log p of the right answer; breaks ties.
    pub loss: f64,
    /// Rows scored.
    pub rows: usize,
}

impl DevScore {
    /// A higher score, or as high with a lower loss.
    pub fn better_than(&self, other: &DevScore) -> bool {
        self.score > other.score || (self.score == other.score && self.loss < other.loss)
    }
}

impl Run {
    /// Opens a run by folder, or by name under `runs/`.
    ///
    /// # Errors
    /// Bad input when there is no run, or its configuration does not parse.
    pub fn open(name: &Path) -> Result<Self> {
        let folder = [name.to_path_buf(), Path::new(FOLDER).join(name)]
            .into_iter()
            .find(|folder| folder.join("config.json").is_file())
            .ok_or_else(|| {
                bad_input(format!(
                    "{}: no run there (no config.json). `slm runs list` shows the runs.",
                    name.display()
                ))
            })?;
        let config: RunConfig = files::read_json(&folder.join("config.json"))?;
        Ok(Self { folder, config })
    }

    /// Creates the folder with its configuration and recipe.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path, config: RunConfig, recipe: &str) -> Result<Self> {
        files::create_folder(folder)?;
        files::write_atomic(&folder.join("recipe.toml"), recipe.as_bytes())?;
        files::write_json(&folder.join("config.json"), &config)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            config,
        })
    }

    /// Keeps other processes from training the same run for as long as the file lives.
    ///
    /// # Errors
    /// When another process does so already.
    pub fn lock(&self) -> Result<File> {
        let path = self.path(".lock");
        let file = File::create(&path).map_err(|error| files::write_error(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(bad_input(format!(
                "{}: another process is training this run. Wait for it, or name another with --out.",
                self.folder.display()
            ))),
            Err(TryLockError::Error(error)) => Err(files::write_error(&path, error)),
        }
    }

    /// Takes over a recipe that trains the same adapter ([`Recipe::for_training`]), with the command
    /// line that asks for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take_over(&mut self, recipe: &str, command: &str) -> Result<()> {
        files::write_atomic(&self.path("recipe.toml"), recipe.as_bytes())?;
        self.config.recipe_sha256 = files::sha256(recipe.as_bytes());
        self.config.command = command.to_owned();
        files::write_json(&self.path("config.json"), &self.config)
    }

    /// The recipe it was trained with.
    ///
    /// # Errors
    /// When the file is gone or was changed by hand: the adapter and every kept answer were made with
    /// the recipe as it was.
    pub fn recipe(&self) -> Result<Recipe> {
        let path = self.path("recipe.toml");
        let text = files::read_text(&path)?;
        let found = files::sha256(text.as_bytes());
        if found != self.config.recipe_sha256 {
            return Err(bad_input(format!(
                "{}: found sha256 {found}; expected {}, with which the run was trained. Put the file back, or change the recipe itself and go on with `slm train RECIPE --out RUN --resume`, which takes over what training does not depend on.",
                path.display(),
                self.config.recipe_sha256
            )));
        }
        Ok(Recipe::parse(&text, &path.display().to_string())?)
    }

    /// A file of the run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder of the best adapter.
    pub fn adapter_folder(&self) -> PathBuf {
        self.path("adapter")
    }

    /// Writes the adapter in PEFT's format, each file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_adapter(&self, files: &PeftFiles) -> Result<()> {
        let folder = self.adapter_folder();
        files::create_folder(&folder)?;
        files::write_atomic(&folder.join(WEIGHTS), &files.weights)?;
        files::write_atomic(&folder.join(CONFIG), &files.config)
    }

    /// The lines of `metrics.jsonl`; a torn last line is left out.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn metrics(&self) -> Result<Vec<Metric>> {
        let path = self.path("metrics.jsonl");
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let text = files::read_text(&path)?;
        Ok(text
            .lines()
            .map_while(|line| serde_json::from_str(line).ok())
            .collect())
    }
}

/// An adapter as PEFT stores it: the bytes of its two files.
pub struct PeftFiles {
    /// `adapter_config.json`
    pub config: Vec<u8>,
    /// `adapter_model.safetensors`
    pub weights: Vec<u8>,
}

/// Reads an adapter folder as PEFT writes it and checks that it belongs to the base.
///
/// # Errors
/// Bad input: missing files, damaged weights, values that are not finite, another base.
pub fn load_adapter(folder: &Path, base: &BaseModel) -> Result<(Arc<LoraAdapter>, String)> {
    let config = files::read(&folder.join(CONFIG))?;
    let weights = files::read(&folder.join(WEIGHTS))?;
    let adapter = LoraAdapter::from_peft(&config, &weights, base.config(), base.sha256())?;
    Ok((Arc::new(adapter), files::sha256(&weights)))
}

/// Every run under `runs/` (or another folder), by name.
pub fn list(folder: &Path) -> Vec<Run> {
    let mut runs: Vec<Run> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("config.json").is_file())
        .filter_map(|entry| Run::open(&entry.path()).ok())
        .collect();
    runs.sort_by(|a, b| a.folder.cmp(&b.folder));
    runs
}

/// The next free `runs/<recipe>-<n>`, and the newest one there is.
pub fn numbered(recipe: &str) -> (PathBuf, Option<PathBuf>) {
    let newest = fs::read_dir(FOLDER)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let number: usize = name.strip_prefix(recipe)?.strip_prefix('-')?.parse().ok()?;
            Some(number)
        })
        .max();
    let path = |number: usize| Path::new(FOLDER).join(format!("{recipe}-{number}"));
    (path(newest.map_or(1, |n| n + 1)), newest.map(path))
}
