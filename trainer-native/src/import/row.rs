//! A row on its way from a foreign format to the project's own.

use serde_json::{Map, Value, json};
use slm_task::Shape;

use super::{
    Options,
    reason::{Code, Reason},
    spans::{self, Span},
};

/// What a reader found in one row.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) answer: Answer,
    pub(super) slice: Option<String>,
}

/// The answer as a format has it.
#[derive(Debug)]
pub(super) enum Answer {
    /// A cell of a table or the words of an assistant: one label, labels with marks between, or JSON.
    Written(String),
    /// A value of a JSON row.
    Value(Value),
    /// Spans, in code points.
    Spans(Vec<Span>),
}

impl Candidate {
    /// The row as a line of the project's own format.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(super) fn write(self, options: &Options) -> Result<String, Reason> {
        if self.text.trim().is_empty() {
            return Err(Reason::new(Code::EmptyText, "the text is empty"));
        }
        let labels = options
            .recipe
            .as_ref()
            .map_or(&[][..], |recipe| &recipe.labels);
        let known = |label: &str| known(label, labels);
        let text = json!(self.text);
        let slice = match self.slice {
            Some(slice) => format!(", \"slice\": {}", json!(slice)),
            None => String::new(),
        };
        // Written by hand, so that the fields stand in the documented order.
        let line = |field: &str, name: &str, answer: Value| {
            format!("{{\"{field}\": {text}, \"{name}\": {answer}{slice}}}")
        };
        match options.shape {
            Shape::Spans => {
                let spans = self.answer.spans()?;
                let checked = spans::check(&self.text, spans)?;
                checked.iter().try_for_each(|span| known(&span.label))?;
                let listed: Vec<String> = checked.iter().map(Span::to_json).collect();
                Ok(format!(
                    "{{\"text\": {text}, \"spans\": [{}]{slice}}}",
                    listed.join(", ")
                ))
            }
            Shape::Structured => Ok(line("prompt", "completion", self.answer.object()?)),
            Shape::MultiLabel => {
                let labels = self.answer.labels()?;
                for (index, label) in labels.iter().enumerate() {
                    known(label)?;
                    if labels[..index].contains(label) {
                        return Err(Reason::new(Code::RepeatedLabel, format!("{label} twice")));
                    }
                }
                Ok(line("prompt", "completion", json!(labels)))
            }
            Shape::SingleLabel | Shape::Grounded | Shape::ToolCall => {
                let label = self.answer.label()?;
                known(&label)?;
                Ok(line("prompt", "completion", json!(label)))
            }
        }
    }
}

/// That a recipe can have the label, and that the one at hand does.
fn known(label: &str, labels: &[String]) -> Result<(), Reason> {
    if let Some(place) = label.chars().position(char::is_control) {
        return Err(Reason::new(
            Code::BadLabel,
            format!(
                "{label:?} has a control character at place {}; expected one line of text",
                place + 1
            ),
        ));
    }
    if labels.is_empty() || labels.iter().any(|own| own == label) {
        return Ok(());
    }
    Err(Reason::new(
        Code::UnknownLabel,
        format!("{label} is none of the recipe's labels"),
    ))
}

impl Answer {
    fn label(self) -> Result<String, Reason> {
        let label = match self {
            Self::Written(text) | Self::Value(Value::String(text)) => text.trim().to_string(),
            Self::Value(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Self::Value(Value::Null) => String::new(),
            Self::Value(_) | Self::Spans(_) => {
                return Err(wrong("a label", "a list or an object"));
            }
        };
        not_empty(label)
    }

    /// A JSON list, or labels between `|`, `;` or `,` (the first of these that occurs).
    fn labels(self) -> Result<Vec<String>, Reason> {
        let items = match self {
            Self::Value(Value::Array(items)) => items,
            Self::Written(text) | Self::Value(Value::String(text)) => {
                match serde_json::from_str(&text) {
                    Ok(Value::Array(items)) => items,
                    _ => split(&text).into_iter().map(Value::from).collect(),
                }
            }
            Self::Value(_) | Self::Spans(_) => {
                return Err(wrong("a list of labels", "something else"));
            }
        };
        items
            .into_iter()
            .map(|item| Self::Value(item).label())
            .collect()
    }

    fn object(self) -> Result<Value, Reason> {
        let value = match self {
            Self::Written(text) | Self::Value(Value::String(text)) => slm_task::json::value(&text)
                .map_err(|error| Reason::new(Code::NotAnObject, format!("not JSON ({error})")))?,
            Self::Value(value) => value,
            Self::Spans(_) => return Err(wrong("an object", "spans")),
        };
        match value.is_object() {
            true => Ok(value),
            false => Err(Reason::new(
                Code::NotAnObject,
                "the answer is no JSON object",
            )),
        }
    }

    fn spans(self) -> Result<Vec<Span>, Reason> {
        match self {
            Self::Spans(spans) => Ok(spans),
            Self::Value(value) => spans::read(&value),
            Self::Written(text) => match serde_json::from_str(&text) {
                Ok(value) => spans::read(&value),
                Err(_) => Err(wrong("spans", "a text")),
            },
        }
    }
}

fn split(text: &str) -> Vec<&str> {
    let mark = ['|', ';', ',']
        .into_iter()
        .find(|mark| text.contains(*mark));
    match mark {
        Some(mark) => text.split(mark).map(str::trim).collect(),
        None if text.trim().is_empty() => Vec::new(),
        None => vec![text.trim()],
    }
}

fn not_empty(label: String) -> Result<String, Reason> {
    match label.trim().is_empty() {
        true => Err(Reason::new(Code::EmptyLabel, "the label is empty")),
        false => Ok(label),
    }
}

fn wrong(expected: &str, found: &str) -> Reason {
    Reason::new(
        Code::WrongAnswer,
        format!("found {found}; expected {expected}"),
    )
}

/// The field of the first of some names that an object has.
pub(super) fn first_of<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| fields.get(*name))
}
