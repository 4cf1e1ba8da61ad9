//! The parts of an answer ([`SpanParts`]) for one list of labels, and what an answer may not hold.

use std::ops::Range;

use slm_task::{
    Tokenizer,
    prompt::{SpanPart, SpanParts, escaped},
};

use super::align::SpanOrder;
use crate::error::ModelError;

/// The tokens of every part but the texts.
pub(super) struct Parts {
    parts: SpanParts,
    names: Vec<String>,
}

impl Parts {
    pub(super) fn new(labels: &[String], tokenizer: &impl Tokenizer) -> Result<Self, ModelError> {
        let wrong = |what: String| {
            Err(ModelError::constraint(
                what,
                "one or more labels, all different, each with visible text",
                "Correct the recipe's list of labels.",
            ))
        };
        if labels.is_empty() {
            return wrong("no labels".into());
        }
        for (index, label) in labels.iter().enumerate() {
            if label.trim().is_empty() || write(label, tokenizer).is_none() {
                return wrong(format!("the label {label:?}"));
            }
            if labels[..index].contains(label) {
                return wrong(format!("the label {label:?} twice"));
            }
        }
        Ok(Self {
            parts: SpanParts::new(labels, tokenizer),
            names: labels.to_vec(),
        })
    }

    /// Tokens of a fixed part.
    pub(super) fn fixed(&self, part: SpanPart) -> &[u32] {
        self.parts.fixed(part)
    }

    /// Tokens of each label.
    pub(super) fn labels(&self) -> &[Vec<u32>] {
        self.parts.labels()
    }

    /// Tokens of a whole answer, as [`super::SpanGrammar::answer`] states.
    pub(super) fn answer(
        &self,
        input: &str,
        spans: &[(&str, Range<usize>)],
        order: SpanOrder,
        tokenizer: &impl Tokenizer,
    ) -> Result<Vec<u32>, ModelError> {
        let spelled = listed(input, spans, order)?
            .into_iter()
            .map(|(label, text)| {
                let tokens = write(text, tokenizer).ok_or_else(|| {
                    ModelError::constraint(
                        format!("the span {text:?}"),
                        "characters that the model's vocabulary can write",
                        "Remove the span, or use another base model.",
                    )
                })?;
                Ok((self.label(label)?, tokens))
            });
        let spelled = spelled.collect::<Result<Vec<_>, ModelError>>()?;
        Ok(self.parts.answer(spelled))
    }

    /// Place of a label among the recipe's.
    fn label(&self, label: &str) -> Result<usize, ModelError> {
        let known = self.names.iter().position(|name| name == label);
        known.ok_or_else(|| {
            ModelError::constraint(
                format!("the label {label:?}"),
                format!("one of {}", self.names.join(", ")),
                "Correct the label, or add it to the recipe's list.",
            )
        })
    }
}

/// Label and text of each span as the answer lists them.
fn listed<'a>(
    input: &'a str,
    spans: &[(&'a str, Range<usize>)],
    order: SpanOrder,
) -> Result<Vec<(&'a str, &'a str)>, ModelError> {
    let mut spans = spans.to_vec();
    if order == SpanOrder::Text {
        spans.sort_by_key(|(_, place)| (place.start, place.end));
        if let Some(pair) = spans
            .windows(2)
            .find(|pair| pair[1].1.start < pair[0].1.end)
        {
            return Err(ModelError::constraint(
                format!("spans at bytes {:?} and {:?}", pair[0].1, pair[1].1),
                "spans that do not overlap, since the answer lists them one after the other",
                "Remove one of the two spans.",
            ));
        }
    }
    let mut listed = Vec::new();
    for (label, place) in spans {
        let span = (label, text_of(input, &place)?);
        if order == SpanOrder::Text || !listed.contains(&span) {
            listed.push(span);
        }
    }
    Ok(listed)
}

/// The text of a span that an answer can hold.
fn text_of<'a>(input: &'a str, place: &Range<usize>) -> Result<&'a str, ModelError> {
    let text = input.get(place.clone());
    text.filter(|text| !text.is_empty() && text.trim() == *text)
        .ok_or_else(|| {
            ModelError::constraint(
                match text {
                    Some(text) => format!("the span {text:?} at bytes {place:?}"),
                    None => format!("a span at bytes {place:?} of a text of {}", input.len()),
                },
                "a part of the text that neither begins nor ends with white space",
                "Correct where the span begins and ends.",
            )
        })
}

/// Tokens of a text inside a JSON string; `None` where the vocabulary has no token for one of its
/// bytes.
fn write(text: &str, tokenizer: &impl Tokenizer) -> Option<Vec<u32>> {
    let escaped = escaped(text);
    let tokens = tokenizer.encode(&escaped);
    (tokenizer.decode(&tokens) == escaped).then_some(tokens)
}
