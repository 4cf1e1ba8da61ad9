//! Evaluation on the dev rows, in the numerics that serve.

use std::time::Instant;

use anyhow::Result;
use slm_model::LoraAdapter;
use slm_task::{Example, Recipe, sample, score};

use crate::{predictor::Predictor, run::DevScore, train::prepare::Prepared};

/// The dev rows and the engine that answers them.
pub struct Dev {
    predictor: Predictor,
    recipe: Recipe,
    rows: Vec<Example>,
    seconds: f64,
}

impl Dev {
    /// The recipe's dev rows, or its seeded subsample of them, answered by the base.
    ///
    /// # Errors
    /// When the recipe's prefix does not fit the model.
    pub fn new(prepared: &Prepared) -> Result<Self> {
        let recipe = &prepared.recipe;
        let all = &prepared.dev.examples;
        let chosen = sample::subsample(all.len(), recipe.scoring.dev_rows, recipe.scoring.seed);
        Ok(Self {
            predictor: Predictor::new(prepared.base.clone(), None, recipe, Vec::new())?,
            recipe: recipe.clone(),
            rows: chosen.into_iter().map(|row| all[row].clone()).collect(),
            seconds: 0.0,
        })
    }

    /// Answers with this adapter from now on.
    pub fn set_adapter(&mut self, adapter: &LoraAdapter) {
        self.predictor.set_adapter(Some(adapter));
    }

    /// Name of the metric that selects checkpoints.
    pub fn metric(&self) -> &'static str {
        self.recipe.shape.selection_metric()
    }

    /// Scores the rows.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn score(&mut self) -> Result<DevScore> {
        let started = Instant::now();
        let (predictions, losses) = self.predictor.evaluate(&self.rows)?;
        let losses: Vec<f64> = losses.into_iter().flatten().collect();
        self.seconds = started.elapsed().as_secs_f64();
        let summary = score::summary(&self.recipe, &self.rows, predictions)?;
        Ok(DevScore {
            score: summary.score,
            accuracy: summary.right as f64 / summary.rows.max(1) as f64,
            loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            rows: summary.rows,
        })
    }

    /// -log p of the right answer of each row, in the `serve` numerics; none for a row that does
    /// not fit the context.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn losses(&mut self, rows: &[Example]) -> Result<Vec<Option<f64>>> {
        self.predictor.losses(rows)
    }

    /// Rows in an evaluation.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Seconds that the last scoring took.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}
