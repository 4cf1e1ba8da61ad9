//! A word bank, read and checked.
//!
//! A bank is a small grammar in TOML: forms (an answer, perhaps a slice, a weight, templates), lists
//! of words per domain, and shared lists. `docs/word-banks.md` describes the format.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer::Answers,
    style::{Feeling, Style},
    template::{Piece, entry, pieces},
};
use crate::exit::bad_input;

type Lists = BTreeMap<String, Vec<String>>;

/// Most rows of a bank: they are held in memory, and compared with each other.
const MOST_ROWS: usize = 1_000_000;

/// Largest weight of a form: each counts as a card of the deck that forms are drawn from.
const MOST_WEIGHT: usize = 10_000;

/// A parsed and checked word bank.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Generated rows in the recipe's own file; the hand-written ones come on top.
    pub rows: usize,
    /// How its people type.
    pub style: Style,
    /// What a row may look like.
    pub form: Vec<Form>,
    #[serde(default)]
    shared: Lists,
    /// What a row may be about.
    pub domain: Vec<Domain>,
    /// By form and template: indices of the domains that lack a list it needs.
    #[serde(skip)]
    unfit: Vec<Vec<Vec<usize>>>,
}

/// Templates with one answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// What the answer is, or, in a structured recipe, holds whatever the text says.
    pub answer: Option<Value>,
    /// How the writer feels; shows in chat.
    pub feeling: Option<Feeling>,
    /// The rows' slice, unless their domain has one.
    pub slice: Option<String>,
    /// How often the form is drawn, against the others.
    pub weight: usize,
    /// Its templates, drawn in turn.
    pub text: Vec<String>,
}

/// Words of one subject.
#[derive(Debug, Deserialize)]
pub struct Domain {
    id: String,
    /// Slice of every row of the domain, whatever its form says.
    pub slice: Option<String>,
    #[serde(flatten)]
    lists: Lists,
}

impl Bank {
    /// Reads a bank and checks that every template can be written in some domain, and gives answers
    /// that the recipe knows. `file` is the name that error messages show.
    ///
    /// # Errors
    /// Bad input, with the file and the form or the list: what TOML says, a bracket that is not
    /// closed, a `{name}` that no list has, a label or field that is unknown, nothing to draw.
    pub fn parse(text: &str, file: &str, answers: &Answers) -> Result<Self> {
        let mut bank: Bank =
            toml::from_str(text).map_err(|error| bad_input(format!("{file}: {error}")))?;
        let checked = bank
            .check_lists(answers)
            .and_then(|()| bank.check_forms(answers));
        bank.unfit = checked.map_err(|reason| bad_input(format!("{file}: {reason}")))?;
        Ok(bank)
    }

    /// A form as error messages name it: its number in the file, from 1.
    pub fn form_name(&self, form: usize) -> String {
        let first = self.form[form].text.first();
        format!("form {} (`{}`)", form + 1, first.map_or("", |text| text))
    }

    /// Indices of the domains in which a template of a form cannot be written.
    pub fn unfit(&self, form: usize, template: usize) -> &[usize] {
        &self.unfit[form][template]
    }

    /// A list by name, and whether it is the domain's own.
    pub fn list(&self, name: &str, domain: usize) -> Option<(bool, &[String])> {
        let own = self.domain[domain].lists.get(name);
        let list = own.or_else(|| self.shared.get(name))?;
        Some((own.is_some(), list))
    }

    fn check_lists(&self, answers: &Answers) -> Result<(), String> {
        let shared = self.shared.iter().map(|list| ("[shared]", list));
        let own = self.domain.iter().flat_map(|domain| {
            let lists = domain.lists.iter();
            lists.map(|list| (domain.id.as_str(), list))
        });
        for (home, (name, entries)) in shared.chain(own) {
            for text in entries {
                let (surface, value) = entry(text);
                let checked = check_value(value).and_then(|()| check_text(surface, answers));
                checked.map_err(|reason| format!("list `{name}` of {home}: {reason}"))?;
            }
        }
        Ok(())
    }

    /// The unfit domains of every template.
    fn check_forms(&self, answers: &Answers) -> Result<Vec<Vec<Vec<usize>>>, String> {
        if self.domain.is_empty() {
            return Err("there is no [[domain]]. Add one with an id; its lists may be few.".into());
        }
        if self.form.iter().all(|form| form.weight == 0) {
            return Err("no [[form]] has a weight above 0. Give one a weight.".into());
        }
        if self.rows > MOST_ROWS {
            return Err(format!(
                "`rows` is {}; expected at most {MOST_ROWS}. Lower it.",
                self.rows
            ));
        }
        let forms = self.form.iter().enumerate();
        forms
            .map(|(index, form)| {
                let checked = self.check_form(form, answers);
                checked.map_err(|reason| format!("{}: {reason}", self.form_name(index)))
            })
            .collect()
    }

    fn check_form(&self, form: &Form, answers: &Answers) -> Result<Vec<Vec<usize>>, String> {
        answers.check_fixed(form.answer.as_ref())?;
        if form.feeling.is_some() && self.style == Style::Plain {
            return Err("a feeling shows only in `style = \"chat\"`. Leave one out.".into());
        }
        if form.text.is_empty() {
            return Err("it has no text. Add a template.".into());
        }
        if form.text.iter().any(|template| template.trim().is_empty()) {
            return Err("a template of it is empty. Take it out, or write one.".into());
        }
        if form.weight > MOST_WEIGHT {
            let found = form.weight;
            return Err(format!(
                "its weight is {found}; expected at most {MOST_WEIGHT}. Weights count against each other: lower all of them."
            ));
        }
        let texts = form.text.iter();
        texts
            .map(|template| {
                check_text(template, answers)?;
                self.unfit_for(template)
            })
            .collect()
    }

    fn unfit_for<'a>(&'a self, template: &'a str) -> Result<Vec<usize>, String> {
        let mut unfit = Vec::new();
        let mut lacking = "";
        for domain in 0..self.domain.len() {
            let mut walk = Walk::new(self, domain);
            if let Some(name) = walk.missing(template, false)? {
                unfit.push(domain);
                lacking = name;
            }
        }
        if unfit.len() < self.domain.len() {
            return Ok(unfit);
        }
        let last = self.domain.last().map_or("", |domain| &domain.id);
        Err(format!(
            "`{template}` fits no domain: `{last}`, for one, has no list `{lacking}`, nor has [shared]. Add the list, or correct its name."
        ))
    }
}

fn check_value(value: Option<&str>) -> Result<(), String> {
    let Some(value) = value else { return Ok(()) };
    if value.is_empty() || pieces(value)?.len() > 1 {
        return Err(format!(
            "the value `{value}` is no plain text. Write `surface => value`, without brackets in the value."
        ));
    }
    Ok(())
}

/// Checks a template and all that stands in it, but not the lists that it names.
fn check_text(text: &str, answers: &Answers) -> Result<(), String> {
    for piece in pieces(text)? {
        match piece {
            Piece::Plain(_) | Piece::List(_) => {}
            Piece::OneOf(choices) => {
                for choice in choices {
                    check_text(choice, answers)?;
                }
            }
            Piece::Capture { key, text } => {
                answers.check_key(key)?;
                check_text(text, answers)?;
            }
        }
    }
    Ok(())
}

/// A walk over everything that a template can draw in one domain.
struct Walk<'a> {
    bank: &'a Bank,
    domain: usize,
    /// Lists that the present text was drawn from.
    trail: Vec<&'a str>,
    /// Lists that lack nothing, and whether they were met inside a capture.
    complete: BTreeSet<(&'a str, bool)>,
}

impl<'a> Walk<'a> {
    fn new(bank: &'a Bank, domain: usize) -> Self {
        Self {
            bank,
            domain,
            trail: Vec::new(),
            complete: BTreeSet::new(),
        }
    }

    /// The first list that `text`, or an entry it can draw, needs and the domain lacks.
    fn missing(&mut self, text: &'a str, captured: bool) -> Result<Option<&'a str>, String> {
        for piece in pieces(text)? {
            let missing = match piece {
                Piece::Plain(_) => None,
                Piece::List(name) => self.missing_in_list(name, captured)?,
                Piece::OneOf(choices) => {
                    let mut missing = None;
                    for choice in choices {
                        missing = missing.or(self.missing(choice, captured)?);
                    }
                    missing
                }
                Piece::Capture { .. } if captured => {
                    return Err(format!(
                        "`{text}` is a capture inside another. Capture one of the two."
                    ));
                }
                Piece::Capture { text, .. } => self.missing(text, true)?,
            };
            if missing.is_some() {
                return Ok(missing);
            }
        }
        Ok(None)
    }

    fn missing_in_list(
        &mut self,
        name: &'a str,
        captured: bool,
    ) -> Result<Option<&'a str>, String> {
        if self.complete.contains(&(name, captured)) {
            return Ok(None);
        }
        if self.trail.contains(&name) {
            return Err(format!(
                "the list `{name}` draws from itself. Take `{{{name}}}` out of its entries."
            ));
        }
        let Some((_, list)) = self.bank.list(name, self.domain) else {
            return Ok(Some(name));
        };
        if list.is_empty() {
            return Ok(Some(name));
        }
        self.trail.push(name);
        for text in list {
            if let Some(missing) = self.missing(entry(text).0, captured)? {
                self.trail.pop();
                return Ok(Some(missing));
            }
        }
        self.trail.pop();
        self.complete.insert((name, captured));
        Ok(None)
    }
}

#[cfg(test)]
#[path = "bank_tests.rs"]
mod tests;
