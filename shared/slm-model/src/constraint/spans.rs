//! Spans as a JSON array of `{"label","text"}`, where each text stands in the input.
//!
//! The grammar holds for one list of labels, the constraint for one input. A text is any sequence of
//! tokens that spells a part of the input, so that training's tokenization is one of those allowed.
//! What the labels mean, and what the spans are for, is not known here.

mod align;
mod constraint;
mod parts;
mod source;

use std::{ops::Range, sync::Arc};

use crate::{base::BaseModel, decode::Decoded, engine::Engine, error::ModelError};
pub use align::{Alignment, SpanOrder};
pub use constraint::SpanConstraint;
use parts::Parts;

/// How lists of spans are written: for one base model, one list of labels, one order.
pub struct SpanGrammar {
    model: Arc<BaseModel>,
    parts: Parts,
    order: SpanOrder,
}

/// A span that a model found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpan {
    /// Index of its label in the grammar's list.
    pub label: usize,
    /// Its text.
    pub text: String,
    /// Its place in the input, in bytes, by the rule of the [`SpanOrder`].
    pub place: Range<usize>,
    /// Probability of writing it after what stands before it: the product over its tokens, from the
    /// decision against stopping to the end of the text. Forced tokens count as certain.
    pub probability: f64,
    /// Log-odds, in nats and without bias, of stopping instead of writing this span.
    pub stop_log_odds: f64,
}

/// The spans of an answer, in its order.
///
/// The bias touches nothing but the decision to stop, so the spans for a bias `b` are those for a
/// lower one up to the first with `stop_log_odds + b > 0`: decoding once with a low bias shows what
/// every higher one would give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoundSpans {
    /// Every span that is whole; one that the limit cut is not.
    pub spans: Vec<FoundSpan>,
    /// Log-odds, in nats and without bias, of stopping after the last whole span; `None` where nothing
    /// but stopping was allowed, or the limit came before the choice.
    pub stop_log_odds: Option<f64>,
}

impl SpanGrammar {
    /// A grammar for answers with these labels.
    ///
    /// # Errors
    /// [`ModelError::Constraint`] for no labels, and a label that is blank, given twice, or not to
    /// be written with the model's vocabulary.
    pub fn new(
        model: &Arc<BaseModel>,
        labels: &[String],
        order: SpanOrder,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            model: model.clone(),
            parts: Parts::new(labels, model.tokenizer())?,
            order,
        })
    }

    /// Tokens of the answer that lists `spans`, labels with places in bytes of `input`, the
    /// end-of-turn token included: what a model is trained on, and what [`Self::constrain`] allows.
    ///
    /// In text order spans are sorted; in free order they are written as given, each pair of label
    /// and text once.
    ///
    /// # Errors
    /// [`ModelError::Constraint`] for an unknown label, a place that is empty, outside the input,
    /// inside a character or with white space at an edge, a character that the vocabulary cannot
    /// write, and, in text order, spans that overlap.
    pub fn answer(
        &self,
        input: &str,
        spans: &[(&str, Range<usize>)],
    ) -> Result<Vec<u32>, ModelError> {
        (self.parts).answer(input, spans, self.order, self.model.tokenizer())
    }

    /// The constraint for one input. `stop_bias`, in nats, is added to the logit of stopping
    /// wherever another span could come: negative for more spans, positive for fewer.
    pub fn constrain<'a>(&'a self, input: &'a str, stop_bias: f32) -> SpanConstraint<'a> {
        SpanConstraint::new(self, input, stop_bias)
    }
}

impl Engine {
    /// Writes the spans of `input` after prefix and prompt; as [`Engine::decode`] under
    /// [`SpanGrammar::constrain`].
    ///
    /// # Errors
    /// As [`Engine::decode`].
    pub async fn decode_spans(
        &mut self,
        prompt: &[u32],
        grammar: &SpanGrammar,
        input: &str,
        stop_bias: f32,
        limit: usize,
    ) -> Result<(FoundSpans, Decoded), ModelError> {
        let mut constraint = grammar.constrain(input, stop_bias);
        let answer = self.decode(prompt, Some(&mut constraint), limit).await?;
        Ok((constraint.found(&answer), answer))
    }
}
