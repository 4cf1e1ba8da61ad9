//! What a new recipe says: its labels, its instruction and its `recipe.toml`, which is written to be
//! edited.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use slm_task::Shape;

use super::{
    Parts, Request,
    knobs::{self, Knobs},
    schema,
    source::{Row, Source},
};
use crate::{
    check::alike::{self, Alike},
    exit::bad_input,
};

/// Characters of labels that an instruction may name: about a hundred tokens.
const NAMED: usize = 350;
/// Largest class over smallest from which rare ones get more weight.
const UNEQUAL: usize = 4;
/// Labels that mean that somebody else should answer.
const FALLBACKS: [&str; 10] = [
    "talk_to_human",
    "human",
    "agent",
    "fallback",
    "out_of_scope",
    "outofscope",
    "oos",
    "other",
    "unknown",
    "none",
];
/// Inputs to click, and the longest of them in characters.
const EXAMPLES: usize = 4;
const EXAMPLE_LENGTH: usize = 140;
/// Share of the spans to find: what is missed costs more than what is found in vain.
const RECALL_FLOOR: f64 = 0.8;

/// Everything that goes into the folder beside the rows.
#[derive(Debug)]
pub struct Plan {
    /// The recipe's id.
    pub id: String,
    /// Labels, the most frequent first.
    pub labels: Vec<String>,
    /// `recipe.toml`.
    pub recipe: String,
    /// `schema.json`, for objects.
    pub schema: Option<String>,
    /// What was decided, for people.
    pub decisions: Vec<String>,
    /// What to look at, for people.
    pub warnings: Vec<String>,
}

/// Infers the recipe.
///
/// # Errors
/// Bad input: a folder name that gives no id.
pub fn plan(
    request: &Request,
    given: &[&Source],
    parts: &Parts<'_>,
    labels: Vec<String>,
) -> Result<Plan> {
    let id = id(&request.folder)?;
    let all = || given.iter().flat_map(|source| &source.rows);
    let counts = counts(all());
    let schema = (request.shape == Shape::Structured)
        .then(|| schema::infer(all().filter_map(|row| row.object.as_ref())));
    let names = if schema.is_some() {
        names(&counts)
    } else {
        labels.clone()
    };
    let warnings = match request.shape {
        Shape::Structured => Vec::new(),
        _ => alike::pairs(&counts).iter().map(Alike::in_words).collect(),
    };
    let instruction = instruction(request.shape, &names);
    let rows: Vec<String> = parts
        .train
        .iter()
        .map(|row| format!("{}\n{}", row.text, answer(request.shape, row, &labels)))
        .collect();
    let written = matches!(request.shape, Shape::Spans | Shape::Structured);
    let knobs = knobs::suggest(&instruction, &rows, written);
    let answers = parts.train.iter().map(|row| row.answer.as_str());
    let answer_tokens = written.then(|| knobs::answer_tokens(answers));
    let fallback = labels
        .iter()
        .find(|label| FALLBACKS.contains(&label.to_lowercase().replace([' ', '-'], "_").as_str()))
        .filter(|_| request.shape == Shape::SingleLabel)
        .cloned();
    let draft = Draft {
        title: title(&id),
        shape: request.shape,
        summary: summary(request.shape, &names),
        unequal: unequal(request.shape, &counts),
        examples: examples(&parts.test),
        fallback,
        instruction,
        names,
        knobs,
        answer_tokens,
    };
    Ok(Plan {
        recipe: draft.recipe(&id),
        decisions: draft.decisions(),
        warnings,
        id,
        labels,
        schema,
    })
}

/// A row's answer about as the model writes it: for several labels, a line for each of them.
fn answer(shape: Shape, row: &Row, labels: &[String]) -> String {
    match shape {
        Shape::MultiLabel => labels.join(": yes\n") + ": yes",
        _ => row.answer.clone(),
    }
}

/// Everything that was inferred.
struct Draft {
    title: String,
    shape: Shape,
    summary: String,
    instruction: String,
    /// Labels, or the fields of objects.
    names: Vec<String>,
    examples: Vec<String>,
    knobs: Knobs,
    /// Of answers that are written token by token.
    answer_tokens: Option<usize>,
    unequal: bool,
    fallback: Option<String>,
}

impl Draft {
    /// `recipe.toml`.
    fn recipe(&self, id: &str) -> String {
        let answer = match self.shape {
            Shape::Structured => "schema = \"schema.json\"".to_string(),
            _ => format!("labels = {}", list(&self.names)),
        };
        let mut text = format!(
            "id = {}\ntitle = {}\nshape = {}\nsummary = {}\ninstruction = {}\n{answer}\nexamples = {}\n",
            quoted(id),
            quoted(&self.title),
            quoted(self.shape.name()),
            quoted(&self.summary),
            quoted(&self.instruction),
            list(&self.examples)
        );
        text += "\n[data]\ntrain = \"train.jsonl\"\ndev = \"dev.jsonl\"\ntest = \"test.jsonl\"\n\
                 # licence = \"CC0-1.0\"\n";
        text += &format!(
            "\n[sft]\nepochs = {:.1}\nbatch = {}\nmax_tokens = {}\n",
            self.knobs.epochs, self.knobs.batch, self.knobs.max_tokens
        );
        if let Some(tokens) = self.answer_tokens {
            text += &format!("\n[scoring]\nmax_tokens = {tokens}\n");
        }
        if self.unequal {
            text += "\n[twist]\nbalance = \"sqrt\"\n";
        }
        if self.shape == Shape::Spans {
            text += &format!("\n[twist]\nrecall_floor = {RECALL_FLOOR}\n");
        }
        if let Some(fallback) = &self.fallback {
            text += &format!("\n[routing]\nfallback = {}\n", quoted(fallback));
        }
        text
    }

    /// What was decided, a sentence each.
    fn decisions(&self) -> Vec<String> {
        let (names, knobs) = (shown(&self.names), &self.knobs);
        let mut decisions = vec![
            match self.shape {
                Shape::Structured => format!("schema.json with the fields {names}"),
                _ => format!(
                    "{} labels, the most frequent first: {names}",
                    self.names.len()
                ),
            },
            format!("instruction to edit: {}", self.instruction),
            format!(
                "sft: {} epochs, {} rows a step, at most {} tokens a row",
                knobs.epochs, knobs.batch, knobs.max_tokens
            ),
        ];
        if let Some(tokens) = self.answer_tokens {
            decisions.push(format!("scoring: at most {tokens} tokens an answer"));
        }
        if self.unequal {
            decisions.push(format!(
                "twist.balance = \"sqrt\": the largest class has over {UNEQUAL} times the rows of the \
                 smallest"
            ));
        }
        if self.shape == Shape::Spans {
            decisions.push(format!(
                "twist.recall_floor = {RECALL_FLOOR}: the dial of recall is set for it on the dev rows"
            ));
        }
        if let Some(fallback) = &self.fallback {
            decisions.push(format!(
                "routing.fallback = {fallback}: unsure rows go there"
            ));
        }
        decisions
    }
}

/// The folder's name as an id: lower-case letters and digits, `-` for anything between.
fn id(folder: &Path) -> Result<String> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let id: String = name.to_lowercase().chars().map(plain).collect();
    let parts: Vec<&str> = id.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(bad_input(format!(
            "{}: gives the recipe no id, for its name has no letters a to z or digits. Choose another.",
            folder.display()
        )));
    }
    Ok(parts.join("-"))
}

fn title(id: &str) -> String {
    let words = id.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn counts<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for class in rows.flat_map(|row| &row.classes) {
        *counts.entry(class.as_str()).or_insert(0) += 1;
    }
    counts
}

/// Classes by number of rows, the largest first; by name where these are equal.
fn names(counts: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut order: Vec<(&str, usize)> = counts.iter().map(|(name, n)| (*name, *n)).collect();
    order.sort_by_key(|&(name, n)| (std::cmp::Reverse(n), name));
    order
        .into_iter()
        .map(|(name, _)| name.to_string())
        .collect()
}

/// The labels of the rows, the most frequent first; none where answers are objects.
///
/// # Errors
/// Bad input: fewer than two, or nearly as many as there are rows.
pub fn labels(request: &Request, given: &[&Source]) -> Result<Vec<String>> {
    if request.shape == Shape::Structured {
        return Ok(Vec::new());
    }
    let all = || given.iter().flat_map(|source| &source.rows);
    let (counts, rows) = (counts(all()), all().count());
    let file = request.train.display();
    // One label is enough where rows differ in whether it holds.
    let varies = request.shape == Shape::Spans
        || request.shape == Shape::MultiLabel && all().any(|row| row.classes.is_empty());
    let least = if varies { 1 } else { 2 };
    if counts.len() < least {
        let only = counts.keys().next().copied().unwrap_or("none");
        return Err(bad_input(format!(
            "{file}: found one label only ({only}); expected at least {least} to tell apart. With \
             one answer to everything there is nothing to learn."
        )));
    }
    if rows >= 20 && 2 * counts.len() > rows {
        return Err(bad_input(format!(
            "{file}: found {} different labels in {rows} rows; expected labels that occur again and \
             again. Is --shape {} right?",
            counts.len(),
            request.shape
        )));
    }
    Ok(names(&counts))
}

fn unequal(shape: Shape, counts: &BTreeMap<&str, usize>) -> bool {
    let weighs = matches!(shape, Shape::SingleLabel | Shape::MultiLabel);
    let most = counts.values().max().copied().unwrap_or(0);
    let least = counts.values().min().copied().unwrap_or(0);
    weighs && most > UNEQUAL * least
}

fn instruction(shape: Shape, names: &[String]) -> String {
    let fit = names
        .iter()
        .map(|name| name.chars().count() + 2)
        .sum::<usize>()
        <= NAMED;
    let or = alternatives(names, "or");
    match (shape, fit) {
        (Shape::MultiLabel, _) => {
            "For each label say yes or no: does it hold for the text?".to_string()
        }
        (Shape::Spans, true) => format!("Find every {or} in the text."),
        (Shape::Spans, false) => "Find every piece of the text that has a label.".to_string(),
        (Shape::Structured, true) if !names.is_empty() => format!(
            "Extract {} from the text as JSON. Leave out what it does not say.",
            alternatives(names, "and")
        ),
        (Shape::Structured, _) => {
            "Extract what the text says as JSON. Leave out what it does not say.".to_string()
        }
        (_, true) => format!("Classify the text as {or}."),
        (_, false) => "Classify the text. Answer with its label alone.".to_string(),
    }
}

fn summary(shape: Shape, names: &[String]) -> String {
    match shape {
        Shape::MultiLabel => format!("Which of {} labels hold for a text?", names.len()),
        Shape::Spans => format!("Where in a text are its {}?", shown(names)),
        Shape::Structured => format!("A text becomes JSON: {}.", shown(names)),
        Shape::SingleLabel | Shape::Grounded | Shape::ToolCall => {
            format!("Which of {} labels does a text have?", names.len())
        }
    }
}

/// `a, b or c`.
fn alternatives(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// Names, the first few of many.
fn shown(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0..=SHOWN => names.join(", "),
        more => format!("{} and {} more", names[..SHOWN].join(", "), more - SHOWN),
    }
}

/// Short texts of one line to click on, of different answers first.
fn examples(rows: &[&Row]) -> Vec<String> {
    let fits = |row: &&&Row| {
        row.text.chars().count() <= EXAMPLE_LENGTH && !row.text.chars().any(char::is_control)
    };
    let mut chosen: Vec<&Row> = Vec::new();
    for row in rows.iter().filter(fits) {
        if chosen.len() < EXAMPLES && chosen.iter().all(|other| other.classes != row.classes) {
            chosen.push(row);
        }
    }
    chosen.iter().map(|row| row.text.clone()).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let lines: Vec<String> = texts
        .iter()
        .map(|text| format!("  {},\n", quoted(text)))
        .collect();
    match lines.is_empty() {
        true => "[]".to_string(),
        false => format!("[\n{}]", lines.concat()),
    }
}
