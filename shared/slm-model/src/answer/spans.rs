//! Lists of spans, decoded under the grammar that holds them to the text.

use slm_task::{Failure, FoundSpan, Prediction, SpansPrediction};

use super::{Answered, Answerer};
use crate::{
    constraint::spans::{self, FoundSpans, SpanGrammar},
    decode::Decoded,
    error::ModelError,
};

impl Answerer {
    /// Lists the spans of each input. An answer that does not end is a counted failure.
    pub(super) async fn spans(
        &mut self,
        prompts: &[Vec<u32>],
        inputs: &[&str],
        grammar: &SpanGrammar,
        limit: usize,
    ) -> Result<Vec<Answered>, ModelError> {
        let mut answered = Vec::with_capacity(prompts.len());
        for (prompt, input) in prompts.iter().zip(inputs) {
            let decoding = self
                .engine
                .decode_spans(prompt, grammar, input, self.stop_bias, limit);
            let (found, answer) = decoding.await?;
            answered.push(Answered {
                prediction: match answer.ended {
                    true => Prediction::Spans(self.prediction(found, &answer)),
                    false => Prediction::Failed(Failure::Unended { limit }),
                },
                tokens: prompt.len() + answer.tokens.len(),
                log_probabilities: Vec::new(),
            });
        }
        self.engine.rewind();
        Ok(answered)
    }

    fn prediction(&self, found: FoundSpans, answer: &Decoded) -> SpansPrediction {
        let finite = |odds: f64| Some(odds).filter(|odds| odds.is_finite());
        let span = |span: spans::FoundSpan| FoundSpan {
            start: span.place.start,
            end: span.place.end,
            label: self.recipe.labels[span.label].clone(),
            probability: Some(span.probability),
            stop_log_odds: finite(span.stop_log_odds),
        };
        SpansPrediction {
            spans: found.spans.into_iter().map(span).collect(),
            stop_log_odds: found.stop_log_odds.and_then(finite),
            outside: Some(answer.mean_removed()),
        }
    }
}
