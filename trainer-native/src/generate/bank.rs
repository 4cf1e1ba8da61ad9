//! A word bank and the writer that draws rows from it.
//!
//! A bank is a small grammar in TOML: forms (a label, perhaps a slice, a weight, templates), lists
//! of words per domain, and shared lists. In a template or a word, `{name}` stands for an entry of
//! that list (the domain's own before the shared one) and `[a|b]` for one of the pieces.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;
use slm_task::rng::SplitMix64;

type Lists = BTreeMap<String, Vec<String>>;

/// A parsed and checked word bank.
#[derive(Debug, Deserialize)]
pub struct Bank {
    form: Vec<Form>,
    #[serde(default)]
    shared: Lists,
    domain: Vec<Domain>,
}

#[derive(Debug, Deserialize)]
struct Form {
    label: String,
    slice: Option<String>,
    weight: usize,
    text: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Domain {
    /// For people who read the bank; also a name that must be there.
    #[serde(rename = "id")]
    _id: String,
    /// Slice of every row of the domain, whatever its form says.
    slice: Option<String>,
    #[serde(flatten)]
    lists: Lists,
}

/// One row before its spelling and punctuation are finished.
#[derive(Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// Clauses as the bank has them, in lower case where it has them so.
    pub text: String,
    /// The right answer.
    pub label: &'a str,
    /// The row's slice.
    pub slice: Option<&'a str>,
}

impl Bank {
    /// Reads a bank and checks that every template can be written in some domain.
    ///
    /// # Errors
    /// What TOML says, an open bracket, a `{name}` that no list has, nothing to draw.
    pub fn parse(text: &str) -> Result<Self> {
        let bank: Bank = toml::from_str(text)?;
        for template in bank.form.iter().flat_map(|form| &form.text) {
            let missing = (0..bank.domain.len()).map(|domain| bank.missing(template, domain));
            let missing: Vec<Option<String>> = missing.collect::<Result<_>>()?;
            if missing.iter().all(Option::is_some) {
                let name = missing.into_iter().flatten().next().unwrap_or_default();
                bail!("`{template}` needs the list `{name}`, which no domain has");
            }
        }
        if bank.form.iter().all(|form| form.weight == 0) {
            bail!("no [[form]] has a weight");
        }
        if let Some(form) = bank.form.iter().find(|form| form.text.is_empty()) {
            bail!("a [[form]] of `{}` has no text", form.label);
        }
        Ok(bank)
    }

    /// A list by name, and whether it is the domain's own.
    fn list(&self, name: &str, domain: usize) -> Option<(bool, &[String])> {
        let own = self.domain[domain].lists.get(name);
        let list = own.or_else(|| self.shared.get(name))?;
        Some((own.is_some(), list))
    }

    /// The first list that `text`, or a word it can draw, needs and `domain` lacks.
    fn missing(&self, text: &str, domain: usize) -> Result<Option<String>> {
        for piece in pieces(text)? {
            let inner: Vec<&str> = match piece {
                Piece::Plain(_) => Vec::new(),
                Piece::OneOf(choices) => choices,
                Piece::Name(name) => match self.list(name, domain) {
                    Some((_, list)) if !list.is_empty() => {
                        list.iter().map(String::as_str).collect()
                    }
                    _ => return Ok(Some(name.to_owned())),
                },
            };
            for text in inner {
                if let Some(name) = self.missing(text, domain)? {
                    return Ok(Some(name));
                }
            }
        }
        Ok(None)
    }
}

/// A part of a template.
enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str),
    OneOf(Vec<&'a str>),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '[']) {
        let close = if rest[start..].starts_with('{') {
            '}'
        } else {
            ']'
        };
        let Some(length) = rest[start..].find(close) else {
            bail!("`{text}`: a bracket is never closed");
        };
        let inside = &rest[start + 1..start + length];
        found.push(Piece::Plain(&rest[..start]));
        found.push(match close {
            '}' => Piece::Name(inside),
            _ => Piece::OneOf(inside.split('|').collect()),
        });
        rest = &rest[start + length + 1..];
    }
    found.push(Piece::Plain(rest));
    Ok(found)
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
        let index = self.deck[self.forms.draw(self.deck.len(), &[], &mut self.rng)];
        let form = &bank.form[index];
        let template = self.templates[index].draw(form.text.len(), &[], &mut self.rng);
        let template = &form.text[template];
        // A domain that lacks a list the template needs stays in the bag for a later row.
        let unfit = |&domain: &usize| !matches!(bank.missing(template, domain), Ok(None));
        let unfit: Vec<usize> = (0..bank.domain.len()).filter(unfit).collect();
        let domain = self.domains.draw(bank.domain.len(), &unfit, &mut self.rng);
        self.words
            .values_mut()
            .for_each(|words| words.taken.clear());
        let slice = bank.domain[domain].slice.as_deref();
        Draft {
            text: self.write(template, domain),
            label: &form.label,
            slice: slice.or(form.slice.as_deref()),
        }
    }

    /// `text` with every name and choice replaced.
    fn write(&mut self, text: &str, domain: usize) -> String {
        let bank = self.bank;
        let mut out = String::new();
        for piece in pieces(text).expect("a checked bank closes its brackets") {
            let chosen = match piece {
                Piece::Plain(plain) => {
                    out.push_str(plain);
                    continue;
                }
                Piece::OneOf(choices) => choices[self.rng.below(choices.len())],
                Piece::Name(name) => {
                    let list = bank.list(name, domain);
                    let (own, list) = list.expect("a checked bank has every list");
                    let key = (own.then_some(domain), name.to_owned());
                    let words = self.words.entry(key).or_default();
                    let index = words.bag.draw(list.len(), &words.taken, &mut self.rng);
                    words.taken.push(index);
                    &list[index]
                }
            };
            out.push_str(&self.write(chosen, domain));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        [[form]]
        label = "positive"
        slice = "rare"
        weight = 1
        text = ["{thing} is [good|{how}]."]
        [shared]
        how = ["fine"]
        [[domain]]
        id = "a"
        thing = ["tea", "cake"]
        [[domain]]
        id = "b"
        slice = "out_of_domain"
        other = ["x"]
    "#;

    #[test]
    fn writes_only_in_domains_that_have_the_words() {
        let bank = Bank::parse(SMALL).unwrap();
        let mut writer = Writer::new(&bank, SplitMix64::new(1));
        let rows: Vec<Draft> = (0..4).map(|_| writer.row()).collect();
        for row in &rows {
            let (thing, how) = row.text.split_once(" is ").unwrap();
            assert!(["tea", "cake"].contains(&thing) && ["good.", "fine."].contains(&how));
            assert_eq!((row.label, row.slice), ("positive", Some("rare")));
        }
        let tea = rows
            .iter()
            .filter(|row| row.text.starts_with("tea"))
            .count();
        assert_eq!(tea, 2, "every word is drawn before one is drawn twice");
    }

    #[test]
    fn says_nothing_twice_in_a_row_of_text() {
        let bank = Bank::parse(&SMALL.replace("{thing} is", "{thing}, {thing}, not")).unwrap();
        let mut writer = Writer::new(&bank, SplitMix64::new(2));
        for _ in 0..50 {
            let text = writer.row().text;
            assert!(
                text.contains("tea, cake") || text.contains("cake, tea"),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_a_bank_that_cannot_be_written() {
        for (from, to, says) in [
            ("{how}", "{hwo}", "hwo"),
            ("|{how}]", "|{how}", "never closed"),
            ("weight = 1", "", "weight"),
            ("weight = 1", "weight = 0", "weight"),
            ("\"{thing} is [good|{how}].\"", "", "no text"),
        ] {
            let error = Bank::parse(&SMALL.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{error:#}");
        }
    }
}
