//! JSON objects, decoded under the grammar of the recipe's schema or freely.

use serde_json::Value;
use slm_task::{Failure, ObjectPrediction, Prediction, Tokenizer as _};

use super::{Answered, Answerer};
use crate::{
    constraint::{Constraint, json::JsonGrammar},
    decode::Decoded,
    error::ModelError,
};

impl Answerer {
    /// Writes the object for each prompt. An answer that does not end, or is no JSON object, is a
    /// counted failure; so is one that the grammar gave up on.
    pub(super) async fn objects(
        &mut self,
        prompts: &[Vec<u32>],
        grammar: Option<&JsonGrammar>,
        limit: usize,
    ) -> Result<Vec<Answered>, ModelError> {
        let mut answered = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let mut constraint = grammar.map(JsonGrammar::constrain);
            let constraint = constraint.as_mut().map(|held| held as &mut dyn Constraint);
            let (prediction, written) = match self.engine.decode(prompt, constraint, limit).await {
                Ok(answer) => (
                    self.object(&answer, grammar.is_some(), limit),
                    answer.tokens.len(),
                ),
                Err(error @ ModelError::Constraint { .. }) => {
                    let message = error.to_string();
                    (Prediction::Failed(Failure::Runtime { message }), 0)
                }
                Err(error) => return Err(error),
            };
            answered.push(Answered::open(prediction, prompt.len() + written));
        }
        self.engine.rewind();
        Ok(answered)
    }

    fn object(&self, answer: &Decoded, is_held: bool, limit: usize) -> Prediction {
        let Some((_, text)) = answer.tokens.split_last().filter(|_| answer.ended) else {
            return Prediction::Failed(Failure::Unended { limit });
        };
        let text = self.engine.model().tokenizer().decode(text);
        match serde_json::from_str(&text) {
            Ok(object @ Value::Object(_)) => Prediction::Object(ObjectPrediction {
                object,
                probability: Some(libm::exp(answer.log_prob())),
                tokens: answer.tokens.len(),
                forced: answer.forced(),
                outside: is_held.then(|| answer.mean_removed()),
            }),
            _ => Prediction::Failed(Failure::Unparsable { answer: text }),
        }
    }
}
