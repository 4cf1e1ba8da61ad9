//! Draws rows from a word bank.

use std::collections::BTreeMap;

use slm_task::rng::SplitMix64;

use super::{
    bank::{Bank, Form},
    template::{CAPTURE, Piece, entry, pieces},
};

/// One row before its spelling and punctuation are finished.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The form it was drawn from.
    pub form: &'a Form,
    /// Index of the form, for messages.
    pub form_index: usize,
    /// The row's slice.
    pub slice: Option<&'a str>,
    /// Clauses as the bank has them, in lower case where it has them so, with [`CAPTURE`] in the
    /// place of each captured text.
    pub text: String,
    /// What was captured, in order of the text.
    pub captures: Vec<Capture<'a>>,
}

/// A text that is part of the answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Capture<'a> {
    /// A label, or the path of a field.
    pub key: &'a str,
    /// What stands in the row.
    pub text: String,
    /// What stands in the answer: the text, with the values of its entries where they have one.
    pub value: String,
}

/// Puts captured texts back, with the place of each in Unicode code points, half-open. The full
/// stop after a captured "Ltd." is dropped.
pub fn put_back(text: &str, captures: &[Capture]) -> (String, Vec<(usize, usize)>) {
    let mut out = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(captures.len());
    let mut captures = captures.iter();
    let mut length = 0;
    let mut after_stop = false;
    for c in text.chars() {
        let captured = (c == CAPTURE).then(|| captures.next()).flatten();
        if let Some(capture) = captured {
            let start = length;
            out.push_str(&capture.text);
            length += capture.text.chars().count();
            places.push((start, length));
            after_stop = capture.text.ends_with('.');
        } else if !(after_stop && c == '.') {
            out.push(c);
            length += 1;
            after_stop = false;
        }
    }
    (out, places)
}

/// Indices that come back only when all others of their list have been drawn, so that every entry
/// is used and weights hold.
#[derive(Debug, Default)]
struct Bag(Vec<usize>);

impl Bag {
    /// One of `0..n` that is not `taken`, while there is one.
    fn draw(&mut self, n: usize, taken: &[usize], rng: &mut SplitMix64) -> usize {
        if self.0.iter().all(|index| taken.contains(index)) {
            let mut fresh: Vec<usize> = (0..n).collect();
            rng.shuffle(&mut fresh);
            self.0.splice(0..0, fresh);
        }
        let free = self.0.iter().rposition(|index| !taken.contains(index));
        self.0.remove(free.unwrap_or(self.0.len() - 1))
    }
}

/// The entries of one list: the bag they are drawn from, and those that the present row has.
#[derive(Debug, Default)]
struct Words {
    bag: Bag,
    taken: Vec<usize>,
}

/// A text under way: as it will stand in the row, and as an answer would say it.
#[derive(Debug, Default)]
struct Written<'a> {
    text: String,
    value: String,
    captures: Vec<Capture<'a>>,
}

impl<'a> Written<'a> {
    fn push(&mut self, plain: &str) {
        self.text.push_str(plain);
        self.value.push_str(plain);
    }

    /// Takes a captured text in; white space at its ends stays outside the capture.
    fn capture(&mut self, key: &'a str, inner: &Written) {
        let text = inner.text.trim();
        if text.is_empty() {
            self.push(&inner.text);
            return;
        }
        let start = inner.text.len() - inner.text.trim_start().len();
        self.push(&inner.text[..start]);
        self.text.push(CAPTURE);
        self.push(&inner.text[start + text.len()..]);
        self.captures.push(Capture {
            key,
            text: text.to_owned(),
            value: inner.value.trim().to_owned(),
        });
    }
}

/// Draws rows from a bank.
pub struct Writer<'a> {
    bank: &'a Bank,
    rng: SplitMix64,
    /// Index of every form, as often as it weighs.
    deck: Vec<usize>,
    forms: Bag,
    domains: Bag,
    /// One a form, of its templates.
    templates: Vec<Bag>,
    /// One a list, by domain (none for a shared list) and name.
    words: BTreeMap<(Option<usize>, String), Words>,
}

impl<'a> Writer<'a> {
    /// A writer at the start of its stream.
    pub fn new(bank: &'a Bank, rng: SplitMix64) -> Self {
        let weighted = bank.form.iter().enumerate();
        Self {
            bank,
            rng,
            deck: weighted
                .flat_map(|(index, form)| std::iter::repeat_n(index, form.weight))
                .collect(),
            forms: Bag::default(),
            domains: Bag::default(),
            templates: bank.form.iter().map(|_| Bag::default()).collect(),
            words: BTreeMap::new(),
        }
    }

    /// The stream, for what is done to a row afterwards.
    pub fn rng(&mut self) -> &mut SplitMix64 {
        &mut self.rng
    }

    /// The next row. Rows may repeat.
    pub fn row(&mut self) -> Draft<'a> {
        let bank = self.bank;
        let form_index = self.deck[self.forms.draw(self.deck.len(), &[], &mut self.rng)];
        let form = &bank.form[form_index];
        let template = self.templates[form_index].draw(form.text.len(), &[], &mut self.rng);
        // A domain that lacks a list the template needs stays in the bag for a later row.
        let unfit = bank.unfit(form_index, template);
        let domain = self.domains.draw(bank.domain.len(), unfit, &mut self.rng);
        self.words
            .values_mut()
            .for_each(|words| words.taken.clear());
        let mut written = Written::default();
        self.write(&form.text[template], domain, &mut written);
        let slice = bank.domain[domain].slice.as_deref();
        Draft {
            form,
            form_index,
            slice: slice.or(form.slice.as_deref()),
            text: written.text,
            captures: written.captures,
        }
    }

    /// Writes a template with every list, choice and capture replaced.
    fn write(&mut self, template: &'a str, domain: usize, out: &mut Written<'a>) {
        for piece in pieces(template).expect("a checked bank closes its brackets") {
            match piece {
                Piece::Plain(plain) => out.push(plain),
                Piece::OneOf(choices) => {
                    let chosen = self.rng.below(choices.len());
                    self.write(choices[chosen], domain, out);
                }
                Piece::List(name) => {
                    let (surface, value) = entry(self.draw(name, domain));
                    let kept = out.value.len();
                    self.write(surface, domain, out);
                    if let Some(value) = value {
                        out.value.truncate(kept);
                        out.value.push_str(value);
                    }
                }
                Piece::Capture { key, text } => {
                    let mut inner = Written::default();
                    self.write(text, domain, &mut inner);
                    out.capture(key, &inner);
                }
            }
        }
    }

    /// The next entry of a list.
    fn draw(&mut self, name: &str, domain: usize) -> &'a str {
        let bank = self.bank;
        let list = bank.list(name, domain);
        let (own, list) = list.expect("a checked bank has every list");
        let key = (own.then_some(domain), name.to_owned());
        let words = self.words.entry(key).or_default();
        let index = words.bag.draw(list.len(), &words.taken, &mut self.rng);
        words.taken.push(index);
        &list[index]
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
