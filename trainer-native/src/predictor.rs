//! A base model, an adapter or none, and a recipe: texts in, scored labels out, in the `serve`
//! numerics. Everything that predicts goes through here: dev evaluations, `eval`, `predict`.

use std::sync::Arc;

use anyhow::Result;
use slm_model::{BaseModel, Engine, LoraAdapter};
use slm_task::{Example, Failure, Prediction, Recipe, Renderer};
use tokio::runtime::Runtime;

/// Rows scored at once: enough to fill the matrix products, few enough to show progress.
pub const CHUNK: usize = 16;

/// Scores rows of one recipe with one system.
pub struct Predictor {
    engine: Engine,
    base: Arc<BaseModel>,
    recipe: Recipe,
    shots: Vec<Example>,
    answers: Vec<Vec<u32>>,
    /// Most tokens of a row after the prefix, so that the longest answer still fits.
    room: usize,
    prefix: usize,
    runtime: Runtime,
}

/// One row, scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The label, or why there is none.
    pub prediction: Prediction,
    /// Log-probability of each label under the full softmax, recipe order; empty for a row that
    /// was not scored.
    pub log_probabilities: Vec<f64>,
}

impl Predictor {
    /// A predictor; computes the recipe's prefix once.
    ///
    /// # Errors
    /// When the prefix does not fit the model, or the recipe's shape is not scored.
    pub fn new(
        base: Arc<BaseModel>,
        adapter: Option<&LoraAdapter>,
        recipe: &Recipe,
        shots: Vec<Example>,
    ) -> Result<Self> {
        let (prefix, answers) = {
            let renderer = Renderer::new(recipe, base.tokenizer(), &shots)?;
            (renderer.prefix(), renderer.answers())
        };
        let longest = answers.iter().map(Vec::len).max().unwrap_or(0);
        let mut engine = Engine::new(base.clone());
        engine.set_adapter(adapter);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        engine.set_prefix(&prefix)?;
        Ok(Self {
            room: engine.room(longest),
            engine,
            recipe: recipe.clone(),
            shots,
            answers,
            prefix: prefix.len(),
            runtime,
            base,
        })
    }

    /// Another adapter, or none; the prefix is computed again with it.
    pub fn set_adapter(&mut self, adapter: Option<&LoraAdapter>) {
        self.engine.set_adapter(adapter);
    }

    /// Scores texts, in order. A text that does not fit the context is a counted failure.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub fn predict(&mut self, texts: &[&str]) -> Result<Vec<Scored>> {
        let renderer = Renderer::new(&self.recipe, self.base.tokenizer(), &self.shots)?;
        let mut prompts = Vec::with_capacity(texts.len());
        let mut outcome = Vec::with_capacity(texts.len());
        for text in texts {
            let tokens = renderer.prompt(text).tokens;
            if tokens.len() > self.room {
                outcome.push(Some(Failure::TooLong {
                    tokens: self.prefix + tokens.len(),
                    limit: self.prefix + self.room,
                }));
            } else {
                outcome.push(None);
                prompts.push(tokens);
            }
        }
        let score = self.engine.score(&prompts, &self.answers);
        let mut scores = self.runtime.block_on(score)?.into_iter();
        let scored = |failure: Option<Failure>| match failure {
            Some(failure) => Scored {
                prediction: Prediction::Failed(failure),
                log_probabilities: Vec::new(),
            },
            None => {
                let logs = scores.next().unwrap_or_default();
                Scored {
                    prediction: Prediction::from_log_probabilities(&self.recipe.labels, &logs),
                    log_probabilities: logs,
                }
            }
        };
        Ok(outcome.into_iter().map(scored).collect())
    }
}
