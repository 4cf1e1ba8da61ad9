//! Evaluation on the dev rows, in the numerics that serve.

use std::time::Instant;

use anyhow::Result;
use slm_model::LoraAdapter;
use slm_task::{Example, Prediction, Recipe, Target, metrics, sample};

use crate::{
    predictor::{CHUNK, Predictor, Scored},
    run::DevScore,
    train::prepare::Prepared,
};

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

    /// Scores the rows.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn score(&mut self) -> Result<DevScore> {
        let started = Instant::now();
        let mut scored = Vec::with_capacity(self.rows.len());
        for chunk in self.rows.chunks(CHUNK) {
            let texts: Vec<&str> = chunk.iter().map(|row| row.prompt.as_str()).collect();
            scored.extend(self.predictor.predict(&texts)?);
        }
        self.seconds = started.elapsed().as_secs_f64();
        self.summary(&scored)
    }

    /// -log p of the right answer of each text, in the `serve` numerics.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn losses(&mut self, rows: &[Example]) -> Result<Vec<f64>> {
        let texts: Vec<&str> = rows.iter().map(|row| row.prompt.as_str()).collect();
        let scored = self.predictor.predict(&texts)?;
        let pairs = rows.iter().zip(&scored);
        Ok(pairs
            .filter_map(|(row, scored)| self.loss(row, scored))
            .collect())
    }

    /// Rows in an evaluation.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Seconds that the last scoring took.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    fn summary(&self, scored: &[Scored]) -> Result<DevScore> {
        let gold: Vec<String> = self.rows.iter().map(|row| label(row).to_string()).collect();
        let predictions: Vec<Prediction> =
            scored.iter().map(|row| row.prediction.clone()).collect();
        let figures = metrics::classification(&self.recipe.labels, &gold, &predictions)?;
        let pairs = self.rows.iter().zip(scored);
        let losses: Vec<f64> = pairs
            .filter_map(|(row, scored)| self.loss(row, scored))
            .collect();
        Ok(DevScore {
            macro_f1: figures.macro_average.f1,
            accuracy: figures.accuracy,
            loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            rows: self.rows.len(),
        })
    }

    /// None for a row that was not scored.
    fn loss(&self, row: &Example, scored: &Scored) -> Option<f64> {
        let index = self
            .recipe
            .labels
            .iter()
            .position(|name| name == label(row))?;
        scored.log_probabilities.get(index).map(|log| -log)
    }
}

/// The right label of a row.
pub fn label(row: &Example) -> &str {
    match &row.target {
        Target::Label(label) => label,
    }
}
