//! BIO tags of words, and the entities that a sequence of them means under each of seqeval's two
//! conventions. It must not know texts.

use super::Matches;

/// What a word is, as BIO tags say it; a type is an index into the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// `O`: in no entity.
    Outside,
    /// `B-`: the first word of an entity.
    Begin(usize),
    /// `I-`: a further word of an entity.
    Inside(usize),
}

/// How tags that follow no `B-` are read. Tags made from spans are well-formed, and mean the same
/// under both conventions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// `seqeval-default`, as conlleval reads them: `I-` after `O` or after another type opens an
    /// entity.
    Default,
    /// `seqeval-strict`, with the IOB2 scheme: only `B-` opens an entity, and an `I-` that continues
    /// none is ignored.
    Strict,
}

impl Convention {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "seqeval-default",
            Self::Strict => "seqeval-strict",
        }
    }
}

/// A type and half-open bounds in words.
pub type Entity = (usize, (usize, usize));

/// The entities of a row of tags.
pub fn entities(tags: &[Tag], convention: Convention) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    // Whether the last entity goes on with the word before.
    let mut open = false;
    for (word, tag) in tags.iter().enumerate() {
        let continued = match (tag, entities.last_mut()) {
            (Tag::Inside(label), Some((last, (_, end)))) if open && last == label => {
                *end = word + 1;
                true
            }
            _ => false,
        };
        let opening = match (tag, convention) {
            (Tag::Begin(label), _) => Some(label),
            (Tag::Inside(label), Convention::Default) if !continued => Some(label),
            _ => None,
        };
        entities.extend(opening.map(|label| (*label, (word, word + 1))));
        open = continued || opening.is_some();
    }
    entities
}

impl Matches {
    /// Counts the entities of one row of tags; they match if type and bounds are equal.
    pub fn add_tags(&mut self, gold: &[Tag], predicted: &[Tag], convention: Convention) {
        let (gold, predicted) = (entities(gold, convention), entities(predicted, convention));
        self.add(&gold, &predicted, |a, b| a == b);
    }
}
