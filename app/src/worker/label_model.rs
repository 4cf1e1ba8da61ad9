//! Text in, label out: the two engines of a single-label recipe, with and without its adapter.

use std::{collections::BTreeSet, sync::Arc};

use slm_model::{BaseModel, Engine, LoraAdapter, ModelError};
use slm_task::{
    Failure, Prediction, Recipe, Renderer,
    bundle::{Probe, Probes},
};

use super::{bundle::Bundle, outbox::Outbox};
use crate::{
    error::AppError,
    platform::clock,
    protocol::{Answer, Phase, Speed, System},
    state::probe,
};

/// Tokens of the prefill measurement, and steps of the decode measurement.
const MEASURED_PREFILL: usize = 64;
const MEASURED_DECODE: usize = 12;

/// A model for one recipe.
pub(super) struct LabelModel {
    base: Arc<BaseModel>,
    recipe: Recipe,
    prefix: Vec<u32>,
    answers: Vec<Vec<u32>>,
    /// Tokens that the answers together add to a prompt.
    answer_tokens: usize,
    tuned: Engine,
    /// Made when the person first asks for it.
    plain: Option<Engine>,
}

impl LabelModel {
    /// Builds the model and runs the bundle's probes.
    ///
    /// # Errors
    /// The adapter does not fit, or this browser computes something else than the trainer did.
    pub(super) async fn proven(
        base: Arc<BaseModel>,
        bundle: &Bundle,
        outbox: &Outbox,
    ) -> Result<Self, AppError> {
        let adapter = LoraAdapter::from_peft(
            &bundle.adapter_config,
            &bundle.adapter,
            base.config(),
            base.sha256(),
        )
        .map_err(|error| AppError::Refused {
            name: "The adapter".to_owned(),
            reason: error.to_string(),
        })?;
        let (prefix, answers) = {
            let renderer = renderer(&bundle.recipe, &base)?;
            (renderer.prefix(), renderer.answers())
        };
        let mut model = Self {
            tuned: engine(&base, Some(&adapter), &prefix)?,
            plain: None,
            recipe: bundle.recipe.clone(),
            answer_tokens: computed_tokens(&answers),
            prefix,
            answers,
            base,
        };
        model.run_probes(&bundle.probes, outbox).await?;
        Ok(model)
    }

    /// Answers one text. A text that does not fit the context is a counted failure.
    ///
    /// # Errors
    /// The engine failed as a whole.
    pub(super) async fn answer(&mut self, text: &str, system: System) -> Result<Answer, AppError> {
        let started = clock::now_ms();
        let prompt = renderer(&self.recipe, &self.base)?.prompt(text).tokens;
        let longest = self.answers.iter().map(Vec::len).max().unwrap_or(0);
        let limit = self.base.config().context.saturating_sub(longest);
        let tokens = self.prefix.len() + prompt.len();
        if tokens > limit {
            return Ok(Answer {
                prediction: Prediction::Failed(Failure::TooLong { tokens, limit }),
                tokens: 0,
                milliseconds: clock::now_ms() - started,
            });
        }
        let computed = prompt.len() + self.answer_tokens;
        let answers = self.answers.clone();
        let scores = self
            .engine(system)?
            .score(&[prompt], &answers)
            .await
            .map_err(stopped)?;
        let scores = scores.first().map_or(&[][..], Vec::as_slice);
        Ok(Answer {
            prediction: Prediction::from_log_probabilities(&self.recipe.labels, scores),
            tokens: computed,
            milliseconds: clock::now_ms() - started,
        })
    }

    /// Tokens a second over fixed work.
    ///
    /// # Errors
    /// The engine failed as a whole.
    pub(super) async fn measure(&mut self) -> Result<Speed, AppError> {
        let token = self.prefix.first().copied().unwrap_or_default();
        let engine = &mut self.tuned;
        engine.rewind();
        let started = clock::now_ms();
        engine
            .extend(&[token; MEASURED_PREFILL])
            .await
            .map_err(stopped)?;
        let prefilled = clock::now_ms();
        for _ in 0..MEASURED_DECODE {
            engine.extend(&[token]).await.map_err(stopped)?;
        }
        let decoded = clock::now_ms();
        engine.rewind();
        let rate = |tokens: usize, from: f64, to: f64| 1000.0 * tokens as f64 / (to - from);
        Ok(Speed {
            prefill: rate(MEASURED_PREFILL, started, prefilled),
            decode: rate(MEASURED_DECODE, prefilled, decoded),
        })
    }

    fn engine(&mut self, system: System) -> Result<&mut Engine, AppError> {
        match (system, &mut self.plain) {
            (System::Tuned, _) => Ok(&mut self.tuned),
            (System::Base, Some(plain)) => Ok(plain),
            (System::Base, plain @ None) => {
                Ok(plain.insert(engine(&self.base, None, &self.prefix)?))
            }
        }
    }

    async fn run_probes(&mut self, probes: &Probes, outbox: &Outbox) -> Result<(), AppError> {
        let total = probes.probes.len();
        for (index, expected) in probes.probes.iter().enumerate() {
            outbox.steps(Phase::Probing, index as u64, total as u64);
            self.run_probe(expected)
                .await?
                .map_err(|difference| AppError::Probe {
                    number: index + 1,
                    difference,
                })?;
        }
        Ok(())
    }

    /// The inner result says what differs.
    async fn run_probe(&mut self, expected: &Probe) -> Result<Result<(), String>, AppError> {
        let prompt = renderer(&self.recipe, &self.base)?
            .prompt(&expected.prompt)
            .tokens;
        let rendered = [self.prefix.as_slice(), &prompt].concat();
        if let Err(difference) = probe::same_tokens(expected, &rendered) {
            return Ok(Err(difference));
        }
        let logits = self.tuned.logits(&prompt).await.map_err(stopped)?;
        Ok(probe::same_logits(expected, &logits))
    }
}

fn renderer<'a>(
    recipe: &'a Recipe,
    base: &'a BaseModel,
) -> Result<Renderer<'a, slm_model::GgufTokenizer>, AppError> {
    Ok(Renderer::new(recipe, base.tokenizer(), &[])?)
}

fn engine(
    base: &Arc<BaseModel>,
    adapter: Option<&LoraAdapter>,
    prefix: &[u32],
) -> Result<Engine, AppError> {
    let mut engine = Engine::new(base.clone());
    engine.set_adapter(adapter);
    engine.set_prefix(prefix).map_err(stopped)?;
    Ok(engine)
}

/// Tokens that scoring computes after the prompt: the distinct proper prefixes of the answers. An
/// answer's last token is predicted, not computed.
fn computed_tokens(answers: &[Vec<u32>]) -> usize {
    let prefixes = answers
        .iter()
        .flat_map(|answer| (1..answer.len()).map(|end| &answer[..end]));
    prefixes.collect::<BTreeSet<_>>().len()
}

fn stopped(error: ModelError) -> AppError {
    AppError::Engine {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_beginnings_of_answers_count_once() {
        let check = |answers: &[&[u32]], expected| {
            let answers: Vec<Vec<u32>> = answers.iter().map(|answer| answer.to_vec()).collect();
            assert_eq!(computed_tokens(&answers), expected);
        };
        check(&[&[1, 9], &[2, 9], &[3, 9]], 3);
        check(&[&[1, 2, 9], &[1, 3, 9]], 3);
        check(&[&[9]], 0);
    }
}
