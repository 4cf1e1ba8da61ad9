//! What a list of spans is written with: parts that are tokenized alone, so that every decision
//! falls between two tokens, the same two in training and in answers.
//!
//! ```text
//! [{"label":"  LABEL  ","text":"  TEXT  "}  ,{"label":"  LABEL  ","text":"  TEXT  "}  ]<|im_end|>
//! []<|im_end|>                                                     where there is no span
//! ```

use super::{Control, Tokenizer};

/// A fixed part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanPart {
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanParts {
    /// By [`SpanPart`]; those that end the answer have the control token.
    fixed: [Vec<u32>; 6],
    /// In the recipe's order.
    labels: Vec<Vec<u32>>,
}

impl SpanParts {
    /// The parts of answers with these labels.
    pub fn new<T: Tokenizer + ?Sized>(labels: &[String], tokenizer: &T) -> Self {
        let end = tokenizer.control(Control::TurnEnd);
        let ended = |text: &str| [tokenizer.encode(text), vec![end]].concat();
        let spelled = labels.iter().map(|label| tokenizer.encode(&escaped(label)));
        Self {
            fixed: [
                tokenizer.encode("[{\"label\":\""),
                ended("[]"),
                tokenizer.encode("\",\"text\":\""),
                tokenizer.encode("\"}"),
                tokenizer.encode(",{\"label\":\""),
                ended("]"),
            ],
            labels: spelled.collect(),
        }
    }

    /// Tokens of a fixed part.
    pub fn fixed(&self, part: SpanPart) -> &[u32] {
        &self.fixed[part as usize]
    }

    /// Tokens of each label.
    pub fn labels(&self) -> &[Vec<u32>] {
        &self.labels
    }

    /// Tokens of a whole answer: `spans` are label indices with the tokens of the text
    /// ([`escaped`], encoded alone).
    ///
    /// # Panics
    /// For an index that is none of the labels.
    pub fn answer(&self, spans: impl IntoIterator<Item = (usize, Vec<u32>)>) -> Vec<u32> {
        let mut tokens = Vec::new();
        for (label, text) in spans {
            tokens.extend(self.fixed(match tokens.is_empty() {
                true => SpanPart::Open,
                false => SpanPart::Next,
            }));
            tokens.extend(&self.labels[label]);
            tokens.extend(self.fixed(SpanPart::Middle));
            tokens.extend(text);
            tokens.extend(self.fixed(SpanPart::Close));
        }
        tokens.extend(self.fixed(match tokens.is_empty() {
            true => SpanPart::Empty,
            false => SpanPart::Stop,
        }));
        tokens
    }
}

/// A text as it stands in a compact JSON string, without the quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars()
        .for_each(|character| escape(character, &mut out));
    out
}

/// Appends a character as it stands in a compact JSON string: only what must be escaped is.
pub fn escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_serde_json_does() {
        for character in (0..0x300)
            .chain([0x2028, 0x1f980])
            .filter_map(char::from_u32)
        {
            let quoted = format!("\"{}\"", escaped(&character.to_string()));
            assert_eq!(quoted, serde_json::to_string(&character).unwrap());
        }
    }
}
