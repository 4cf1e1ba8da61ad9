//! What a list of spans is written with: parts that are tokenized alone, so that every decision
//! falls between two tokens, the same two in training and in answers.
//!
//! ```text
//! [{"label":"  LABEL  ","text":"  TEXT  "}  ,{"label":"  LABEL  ","text":"  TEXT  "}  ]<|im_end|>
//! []<|im_end|>                                                     where there is no span
//! ```

use std::ops::Range;

use slm_task::{Control, Tokenizer};

use super::{align::SpanOrder, source::escape};
use crate::error::ModelError;

/// A fixed part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Before the first label.
    Open,
    /// Instead of everything, where there is no span.
    Empty,
    /// Between label and text.
    Middle,
    /// After a text.
    Close,
    /// Before every further label.
    Next,
    /// After the last span.
    Stop,
}

/// The tokens of every part but the texts.
pub(super) struct Parts {
    /// By [`Part`]; those that end the answer have the end-of-turn token.
    fixed: [Vec<u32>; 6],
    /// Name and tokens of each label.
    pub(super) labels: Vec<(String, Vec<u32>)>,
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
        let spelled = |label: &String| Some((label.clone(), write(label, tokenizer)?));
        let end = tokenizer.control(Control::TurnEnd);
        let ended = |text: &str| [tokenizer.encode(text), vec![end]].concat();
        Ok(Self {
            fixed: [
                tokenizer.encode("[{\"label\":\""),
                ended("[]"),
                tokenizer.encode("\",\"text\":\""),
                tokenizer.encode("\"}"),
                tokenizer.encode(",{\"label\":\""),
                ended("]"),
            ],
            labels: labels.iter().filter_map(spelled).collect(),
        })
    }

    /// Tokens of a fixed part.
    pub(super) fn fixed(&self, part: Part) -> &[u32] {
        &self.fixed[part as usize]
    }

    /// Tokens of a whole answer, as [`super::SpanGrammar::answer`] states.
    pub(super) fn answer(
        &self,
        input: &str,
        spans: &[(&str, Range<usize>)],
        order: SpanOrder,
        tokenizer: &impl Tokenizer,
    ) -> Result<Vec<u32>, ModelError> {
        let mut tokens = Vec::new();
        for (label, text) in listed(input, spans, order)? {
            let opening = match tokens.is_empty() {
                true => Part::Open,
                false => Part::Next,
            };
            tokens.extend(self.fixed(opening));
            tokens.extend(self.label(label)?);
            tokens.extend(self.fixed(Part::Middle));
            tokens.extend(write(text, tokenizer).ok_or_else(|| {
                ModelError::constraint(
                    format!("the span {text:?}"),
                    "characters that the model's vocabulary can write",
                    "Remove the span, or use another base model.",
                )
            })?);
            tokens.extend(self.fixed(Part::Close));
        }
        let last = match tokens.is_empty() {
            true => Part::Empty,
            false => Part::Stop,
        };
        tokens.extend(self.fixed(last));
        Ok(tokens)
    }

    fn label(&self, label: &str) -> Result<&[u32], ModelError> {
        let known = self.labels.iter().find(|(name, _)| name == label);
        known.map(|(_, tokens)| tokens.as_slice()).ok_or_else(|| {
            let names: Vec<&str> = self.labels.iter().map(|(name, _)| name.as_str()).collect();
            ModelError::constraint(
                format!("the label {label:?}"),
                format!("one of {}", names.join(", ")),
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
    let mut escaped = String::new();
    text.chars()
        .for_each(|character| escape(character, &mut escaped));
    let tokens = tokenizer.encode(&escaped);
    (tokenizer.decode(&tokens) == escaped).then_some(tokens)
}
