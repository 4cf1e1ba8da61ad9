//! What the trainers train on: the same rows, order, adapter at step 0 and learning rates for each, in
//! one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use slm_model::BaseModel;
use slm_task::recipe::Balance;
use slm_task::{Example, Recipe, Renderer, Sequence, example, sample};
use slm_train::{Data, Schedule, Trainer};

/// A recipe and the rows that it names.
pub struct Task {
    /// The recipe.
    pub recipe: Recipe,
    /// Training rows.
    pub train: Vec<Example>,
    /// The rows that are scored: all dev rows, or a seeded subsample as `scoring.dev_rows` has it.
    pub dev: Vec<Example>,
}

impl Task {
    /// Reads a recipe's folder.
    ///
    /// # Errors
    /// A file that is missing or not what it should be.
    pub fn read(folder: &Path, dev_rows: usize) -> Result<Self> {
        let read = |name: &str| {
            let file = folder.join(name);
            let shown = file.display().to_string();
            let text = fs::read_to_string(&file).with_context(|| shown.clone())?;
            anyhow::Ok((text, shown))
        };
        let (text, shown) = read("recipe.toml")?;
        let mut recipe = Recipe::parse(&text, &shown)?;
        recipe.scoring.dev_rows = dev_rows;
        let rows = |name: &str| {
            let (text, shown) = read(name)?;
            anyhow::Ok(example::read_rows(text.as_bytes(), &shown, &recipe)?.examples)
        };
        let (train, all) = (rows(&recipe.data.train)?, rows(&recipe.data.dev)?);
        let chosen = sample::subsample(all.len(), dev_rows, recipe.scoring.seed);
        let dev = chosen.into_iter().map(|row| all[row].clone()).collect();
        Ok(Self { recipe, train, dev })
    }
}

/// What is trained. The recipe is as both sides can follow it: an adapter on every layer, as PEFT
/// places it, and rows of equal weight.
#[derive(Serialize, Deserialize)]
pub struct Job {
    /// The base, a GGUF file.
    pub model: PathBuf,
    /// How many threads compute.
    pub threads: usize,
    /// Rank, targets, batch and the rest.
    pub recipe: Recipe,
    /// Tokens that every row begins with.
    pub prefix: Vec<u32>,
    /// Training rows.
    pub rows: Vec<Row>,
    /// The rows of each optimizer step.
    pub batches: Vec<Vec<usize>>,
    /// The learning rate of each optimizer step.
    pub rates: Vec<f32>,
    /// The adapter at step 0, as PEFT saves it (safetensors).
    pub adapter: PathBuf,
    /// Prompts of the dev rows.
    pub dev: Vec<Vec<u32>>,
    /// Tokens of each label, the end of the turn among them.
    pub answers: Vec<Vec<u32>>,
}

/// A training row.
#[derive(Serialize, Deserialize)]
pub struct Row {
    /// Token ids, the prefix among them.
    pub tokens: Vec<u32>,
    /// `mask[i]`: the loss counts the prediction of `tokens[i]`.
    pub mask: Vec<bool>,
}

impl Job {
    /// The first `steps` optimizer steps on a task; the adapter goes into `folder`.
    ///
    /// # Errors
    /// Rows or settings that our trainer refuses; a folder that cannot be written.
    pub fn new(
        base: &BaseModel,
        model: &Path,
        task: &Task,
        steps: usize,
        folder: &Path,
    ) -> Result<Self> {
        let mut recipe = task.recipe.clone();
        (recipe.lora.first_layer, recipe.lora.layers) = (0, Vec::new());
        recipe.twist.balance = Balance::None;
        let renderer = Renderer::new(&recipe, base.tokenizer(), &[])?;
        let prefix = renderer.prefix();
        let row = |example| -> Result<Row> {
            let Sequence { tokens, mask, .. } = renderer.training(example)?;
            Ok(Row { tokens, mask })
        };
        let prompt = |row: &Example| [&prefix[..], &renderer.prompt(&row.prompt).tokens].concat();
        let mut job = Self {
            model: model.into(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            rows: task.train.iter().map(row).collect::<Result<_>>()?,
            dev: task.dev.iter().map(prompt).collect(),
            answers: renderer.answers(),
            batches: Vec::new(),
            rates: rates(&recipe, steps),
            adapter: folder.join("adapter_model.safetensors"),
            prefix,
            recipe,
        };
        let mut trainer = job.trainer(base)?;
        job.batches = (0..steps).map(|step| trainer.batch(step)).collect();
        let (_, weights) = (trainer.adapter()).to_peft(base.config(), "base", base.sha256())?;
        fs::write(&job.adapter, weights).with_context(|| job.adapter.display().to_string())?;
        Ok(job)
    }

    /// Our trainer at step 0.
    ///
    /// # Errors
    /// Rows or settings that it refuses.
    pub fn trainer(&self, base: &BaseModel) -> Result<Trainer> {
        let sequence = |row: &Row| Sequence {
            tokens: row.tokens.clone(),
            prompt: row.mask.iter().take_while(|&&counts| !counts).count(),
            mask: row.mask.clone(),
        };
        let data = Data {
            prefix: self.prefix.clone(),
            rows: self.rows.iter().map(sequence).collect(),
            weights: vec![1.0; self.rows.len()],
        };
        let mut trainer = Trainer::new(base, &self.recipe, data)?;
        trainer.set_total_steps(self.rates.len());
        Ok(trainer)
    }

    /// Rows and their tokens, prefixes among them, in some optimizer steps.
    pub fn size(&self, steps: std::ops::Range<usize>) -> (usize, usize) {
        let rows = || self.batches[steps.clone()].iter().flatten();
        let tokens = rows().map(|&row| self.rows[row].tokens.len()).sum();
        (rows().count(), tokens)
    }

    /// Writes what [`read`](Self::read) reads.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string(self)?;
        fs::write(file, text).with_context(|| file.display().to_string())
    }

    /// Reads what [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// The file is missing or another.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text).with_context(|| file.display().to_string())
    }
}

/// The recipe's learning rates, over a training of so many steps.
fn rates(recipe: &Recipe, steps: usize) -> Vec<f32> {
    let schedule = Schedule {
        peak: recipe.sft.lr,
        total: steps,
        warmup: recipe.sft.warmup,
    };
    (0..steps).map(|step| schedule.rate(step)).collect()
}
