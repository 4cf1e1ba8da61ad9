//! Answers from a model, waited for: everything native that predicts goes through here (dev
//! evaluations, `eval`, `predict`).

use std::sync::Arc;

use anyhow::Result;
use slm_model::{Answered, Answerer, BaseModel, LoraAdapter};
use slm_task::{Example, Prediction, Recipe, recall::StopBias};
use tokio::runtime::Runtime;

/// Rows answered at once: enough to fill the matrix products, few enough to show progress.
pub const CHUNK: usize = 16;

/// Answers rows of one recipe with one system.
pub struct Predictor {
    answerer: Answerer,
    runtime: Runtime,
}

impl Predictor {
    /// A predictor; computes the recipe's prefix once.
    ///
    /// # Errors
    /// When the prefix does not fit the model, or the recipe's shape is not built yet.
    pub fn new(
        base: Arc<BaseModel>,
        adapter: Option<&LoraAdapter>,
        recipe: &Recipe,
        shots: Vec<Example>,
    ) -> Result<Self> {
        Ok(Self {
            answerer: Answerer::new(base, adapter, recipe, shots)?,
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
        })
    }

    /// Another adapter, or none; the prefix is computed again with it.
    pub fn set_adapter(&mut self, adapter: Option<&LoraAdapter>) {
        self.answerer.set_adapter(adapter);
    }

    /// Nats on the decision to stop a list of spans; see [`Answerer::set_stop_bias`].
    pub fn set_stop_bias(&mut self, bias: StopBias) {
        self.answerer.set_stop_bias(bias);
    }

    /// Whether objects are written without their grammar; see [`Answerer::set_free`].
    pub fn set_free(&mut self, free: bool) {
        self.answerer.set_free(free);
    }

    /// Answers texts, in order. A text that does not fit the context is a counted failure.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn predict(&mut self, texts: &[&str]) -> Result<Vec<Prediction>> {
        let answered = self.answer(texts)?;
        Ok(answered.into_iter().map(|a| a.prediction).collect())
    }

    /// [`Self::predict`], with what each answer took.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn answer(&mut self, texts: &[&str]) -> Result<Vec<Answered>> {
        Ok(self.runtime.block_on(self.answerer.answer(texts))?)
    }

    /// [`Self::predict`] on rows, chunk by chunk.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn predict_rows(&mut self, rows: &[Example]) -> Result<Vec<Prediction>> {
        let mut predictions = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK) {
            let texts: Vec<&str> = chunk.iter().map(|row| row.prompt.as_str()).collect();
            predictions.extend(self.predict(&texts)?);
        }
        Ok(predictions)
    }

    /// Answers rows, each with the -log p of its right answer; see [`Answerer::evaluate`].
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn evaluate(&mut self, rows: &[Example]) -> Result<(Vec<Prediction>, Vec<Option<f64>>)> {
        let mut all = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK) {
            all.extend(self.runtime.block_on(self.answerer.evaluate(chunk))?);
        }
        Ok(all.into_iter().unzip())
    }

    /// -log p of the right answer of each row; none for a row that does not fit the context.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn losses(&mut self, rows: &[Example]) -> Result<Vec<Option<f64>>> {
        Ok(self.runtime.block_on(self.answerer.losses(rows))?)
    }
}
