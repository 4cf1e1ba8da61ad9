//! The text that spans are taken from, as it stands inside a JSON string, and where in it a span
//! may begin and end.

use slm_task::prompt::escape;

use crate::constraint::vocabulary::Vocabulary;

/// An input text escaped for JSON. Offsets are bytes of the escaped text unless said otherwise.
pub(super) struct Source {
    escaped: Vec<u8>,
    /// Where a span may begin: at each character that is not white space.
    starts: Vec<usize>,
    /// `ends[p]`: the first place from `p` on, without passing a character that no token can write,
    /// where a span that came as far as `p` may end: after a character that is not white space.
    ends: Vec<Option<usize>>,
    /// `bytes[p]`: offset in the input of the character at `p`.
    bytes: Vec<usize>,
}

impl Source {
    pub(super) fn new(input: &str, vocabulary: &Vocabulary) -> Self {
        let mut escaped = String::new();
        let mut characters = Vec::new();
        let mut bytes = Vec::new();
        for (at, character) in input.char_indices() {
            let begin = escaped.len();
            escape(character, &mut escaped);
            characters.push((begin..escaped.len(), character.is_whitespace()));
            bytes.resize(escaped.len(), at);
        }
        bytes.push(input.len());
        let escaped = escaped.into_bytes();
        let mut ends = vec![None; escaped.len() + 1];
        let mut starts = Vec::new();
        let mut next = None;
        for (place, white) in characters.into_iter().rev() {
            let writable = (escaped[place.clone()].iter()).all(|&byte| vocabulary.has_byte(byte));
            next = match (writable, white) {
                (false, _) => None,
                (true, true) => next,
                (true, false) => Some(place.end),
            };
            if writable && !white {
                starts.push(place.start);
            }
            ends[place.start + 1..=place.end].fill(next);
        }
        starts.reverse();
        Self {
            escaped,
            starts,
            ends,
            bytes,
        }
    }

    /// Places where a span may begin, from a byte of the input on.
    pub(super) fn starts_from(&self, byte: usize) -> &[usize] {
        let first = self
            .starts
            .partition_point(|&start| self.bytes[start] < byte);
        &self.starts[first..]
    }

    /// Places from `from` (past a span's beginning) on where the span may end, nearest first.
    pub(super) fn ends_from(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let end_from = |at: usize| self.ends.get(at).copied().flatten();
        std::iter::successors(end_from(from), move |&end| end_from(end + 1))
    }

    /// Whether a span may end at `at`.
    pub(super) fn is_end(&self, at: usize) -> bool {
        self.ends[at] == Some(at)
    }

    /// The escaped text from `start` on.
    pub(super) fn from(&self, start: usize) -> &[u8] {
        &self.escaped[start..]
    }

    /// Where a place stands in the input, in bytes.
    pub(super) fn byte(&self, at: usize) -> usize {
        self.bytes[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gguf, GgufTokenizer, testing};

    #[test]
    fn spans_begin_and_end_at_visible_characters() {
        let file = testing::tiny_gguf_with_toy_vocab(0);
        let tokenizer = GgufTokenizer::from_gguf(&Gguf::parse(&file).unwrap()).unwrap();
        let vocabulary = Vocabulary::new(&tokenizer);
        let check = |input: &str, spans: &[&str]| {
            let source = Source::new(input, &vocabulary);
            let mut found = Vec::new();
            for &start in source.starts_from(0) {
                for end in source.ends_from(start + 1) {
                    assert!(source.is_end(end));
                    found.push(&input[source.byte(start)..source.byte(end)]);
                }
            }
            assert_eq!(found, spans);
        };
        check("", &[]);
        check(" \n", &[]);
        check("a\n\"é ", &["a", "a\n\"", "a\n\"é", "\"", "\"é", "é"]);
    }
}
