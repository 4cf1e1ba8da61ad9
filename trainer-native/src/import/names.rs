//! Under which names tools keep a text and its answer, as keys or as columns.

use slm_task::Shape;

use super::{Format, Options};

const TEXTS: &[&str] = &[
    "prompt",
    "text",
    "input",
    "sentence",
    "question",
    "query",
    "utterance",
    "content",
    "message",
];
const ANSWERS: &[&str] = &[
    "completion",
    "label",
    "labels",
    "output",
    "answer",
    "response",
    "category",
    "intent",
    "target",
    "class",
];
const ENTITIES: &[&str] = &["spans", "entities", "ents"];

/// Names to look for, the likeliest first.
pub(super) struct Names<'a> {
    pub(super) text: Vec<&'a str>,
    pub(super) answer: Vec<&'a str>,
}

/// The names of a format's fields: those that were asked for, or the usual ones.
pub(super) fn of(format: Format, options: &Options) -> Names<'_> {
    let (text, answer) = match format {
        Format::Presidio => (&["full_text"][..], &["spans"][..]),
        Format::Spacy => (&["text"][..], ENTITIES),
        _ if options.shape == Shape::Spans => (TEXTS, ENTITIES),
        _ => (TEXTS, ANSWERS),
    };
    Names {
        text: named(&options.text_column, text),
        answer: named(&options.label_column, answer),
    }
}

fn named<'a>(asked: &'a Option<String>, usual: &[&'a str]) -> Vec<&'a str> {
    match asked {
        Some(name) => vec![name],
        None => usual.to_vec(),
    }
}
