//! Text in, answer out: a recipe's model with and without its adapter, proven on the probes.

use std::sync::Arc;

use slm_model::{Answerer, BaseModel, LoraAdapter, ModelError};
use slm_task::{
    Recipe,
    bundle::{Probe, Probes},
    recall::StopBias,
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
pub(super) struct RecipeModel {
    base: Arc<BaseModel>,
    recipe: Recipe,
    tuned: Answerer,
    /// Made when the person first asks for it.
    plain: Option<Answerer>,
    /// The shipped dial: nats on the decision to stop a list of spans.
    stop_bias: StopBias,
}

impl RecipeModel {
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
        let mut model = Self {
            tuned: answerer(&base, Some(&adapter), &bundle.recipe)?,
            plain: None,
            stop_bias: bundle.predictions.dials.stop_bias(),
            recipe: bundle.recipe.clone(),
            base,
        };
        model.run_probes(&bundle.probes, outbox).await?;
        Ok(model)
    }

    /// Gives back the memory that only an answer needs.
    pub(super) fn rest(&mut self) {
        self.tuned.engine().rest();
        self.plain = None;
    }

    /// Answers one text, with the shipped dial unless another one is given. A text that does not fit
    /// the context is a counted failure.
    ///
    /// # Errors
    /// The engine failed as a whole.
    pub(super) async fn answer(
        &mut self,
        text: &str,
        system: System,
        stop_bias: Option<f64>,
    ) -> Result<Answer, AppError> {
        let started = clock::now_ms();
        // The dial was set for the tuned model; the base alone is as the baselines had it.
        let stop_bias = match system {
            // Another place of the dial is one for all labels, as its figures on the dev rows are.
            System::Tuned => match stop_bias {
                Some(nats) if nats != self.stop_bias.all => StopBias::of(nats),
                _ => self.stop_bias.clone(),
            },
            System::Base => StopBias::default(),
        };
        let answerer = self.answerer(system)?;
        answerer.set_stop_bias(stop_bias);
        let answered = answerer.answer(&[text]).await.map_err(stopped)?;
        let answered = answered.into_iter().next();
        let answered = answered.ok_or_else(|| AppError::Engine {
            reason: "a text was not answered".to_owned(),
        })?;
        Ok(Answer {
            text: text.to_owned(),
            prediction: answered.prediction,
            tokens: answered.tokens,
            milliseconds: clock::now_ms() - started,
        })
    }

    /// Tokens a second over fixed work.
    ///
    /// # Errors
    /// The engine failed as a whole.
    pub(super) async fn measure(&mut self) -> Result<Speed, AppError> {
        let token = self.tuned.prefix().first().copied().unwrap_or_default();
        let engine = self.tuned.engine();
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

    fn answerer(&mut self, system: System) -> Result<&mut Answerer, AppError> {
        match (system, &mut self.plain) {
            (System::Tuned, _) => Ok(&mut self.tuned),
            (System::Base, Some(plain)) => Ok(plain),
            (System::Base, plain @ None) => {
                Ok(plain.insert(answerer(&self.base, None, &self.recipe)?))
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
        let prompt = self.tuned.prompt(&expected.prompt).map_err(stopped)?;
        let rendered = [self.tuned.prefix(), &prompt].concat();
        if let Err(difference) = probe::same_tokens(expected, &rendered) {
            return Ok(Err(difference));
        }
        let logits = self.tuned.engine().logits(&prompt).await.map_err(stopped)?;
        Ok(probe::same_logits(expected, &logits))
    }
}

fn answerer(
    base: &Arc<BaseModel>,
    adapter: Option<&LoraAdapter>,
    recipe: &Recipe,
) -> Result<Answerer, AppError> {
    Answerer::new(base.clone(), adapter, recipe, Vec::new()).map_err(stopped)
}

fn stopped(error: ModelError) -> AppError {
    AppError::Engine {
        reason: error.to_string(),
    }
}
