//! What a row's answer is made of, by the recipe's shape, and the row as a line of JSON.

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use slm_task::{Schema, Shape};

use super::{
    object::{self, Filling},
    schema,
    writer::{Capture, Draft, put_back},
};
use crate::{exit::bad_input, recipe_file::RecipeFile};

/// The answers that a recipe knows.
#[derive(Debug)]
pub enum Answers {
    /// One of the labels.
    Label(Vec<String>),
    /// Any of the labels.
    Labels(Vec<String>),
    /// Places in the text, each with one of the labels.
    Spans(Vec<String>),
    /// An object under a schema.
    Object(Box<Schema>),
}

#[derive(Serialize)]
struct Row<'a, C> {
    prompt: &'a str,
    completion: C,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice: Option<&'a str>,
}

#[derive(Serialize)]
struct SpansRow<'a> {
    text: &'a str,
    spans: Vec<Span<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice: Option<&'a str>,
}

#[derive(Serialize)]
struct Span<'a> {
    start: usize,
    end: usize,
    label: &'a str,
}

impl Answers {
    /// The answers of a recipe.
    ///
    /// # Errors
    /// Bad input: a shape that has no generated data.
    pub fn of(file: &RecipeFile) -> Result<Self> {
        let labels = file.recipe.labels.clone();
        match file.recipe.shape {
            Shape::SingleLabel => Ok(Self::Label(labels)),
            Shape::MultiLabel => Ok(Self::Labels(labels)),
            Shape::Spans => Ok(Self::Spans(labels)),
            Shape::Structured => Ok(Self::Object(Box::new(file.recipe.answer_schema()?))),
            shape @ (Shape::Grounded | Shape::ToolCall) => Err(bad_input(format!(
                "{}: rows of the shape {shape} cannot be generated. Write them by hand.",
                file.recipe.id
            ))),
        }
    }

    /// Checks the `answer` of a form.
    ///
    /// # Errors
    /// In words: none where one must be, one of the wrong kind, an unknown label or field.
    pub fn check_fixed(&self, answer: Option<&Value>) -> Result<(), String> {
        match (self, answer) {
            (Self::Label(labels), Some(Value::String(label))) => known(labels, label),
            (Self::Label(_), _) => Err("expected one label. Write `answer = \"…\"`.".into()),
            (Self::Labels(labels), Some(Value::Array(own))) => own.iter().try_for_each(|label| {
                let label = label.as_str();
                known(labels, label.ok_or("`answer` must list labels, as texts.")?)
            }),
            (Self::Labels(_), _) => {
                Err("expected a list of labels. Write `answer = [\"…\"]`, or [] for none.".into())
            }
            (Self::Spans(_), None) | (Self::Object(_), None) => Ok(()),
            (Self::Spans(_), Some(_)) => {
                Err("spans are captured in the text. Leave `answer` out.".into())
            }
            (Self::Object(schema), Some(fixed)) if fixed.is_object() => {
                schema::check(schema.root(), fixed, false)
            }
            (Self::Object(_), Some(_)) => {
                Err("expected fields. Write `answer = { field = … }`, or leave it out.".into())
            }
        }
    }

    /// Checks the key of a capture.
    ///
    /// # Errors
    /// In words: a label or a field that is unknown, a recipe whose answers are not captured.
    pub fn check_key(&self, key: &str) -> Result<(), String> {
        match self {
            Self::Label(_) | Self::Labels(_) => Err(format!(
                "`<{key} …>`: this recipe's answers are not captured. Write the text alone."
            )),
            Self::Spans(labels) => known(labels, key),
            Self::Object(schema) => object::find(schema.root(), key).map(|_| ()),
        }
    }

    /// A finished row as JSON without a line end. `text` is the draft's, with its captures still
    /// to be put back.
    ///
    /// # Errors
    /// In words, what is wrong with a structured answer: as [`Filling::set`] and
    /// [`Filling::finish`].
    pub fn row(&self, draft: &Draft, text: &str) -> Result<String, String> {
        let (text, places) = put_back(text, &draft.captures);
        let answer = draft.form.answer.as_ref();
        let slice = draft.slice;
        match self {
            Self::Label(_) => line(&text, answer, slice),
            Self::Labels(labels) => {
                let own = |label: &&String| {
                    let chosen = answer.and_then(Value::as_array);
                    chosen.is_some_and(|chosen| chosen.iter().any(|own| own == label.as_str()))
                };
                line(&text, labels.iter().filter(own).collect::<Vec<_>>(), slice)
            }
            Self::Spans(_) => {
                let spans = places.into_iter().zip(&draft.captures);
                let spans = spans.map(|((start, end), capture)| Span {
                    start,
                    end,
                    label: capture.key,
                });
                json(&SpansRow {
                    text: &text,
                    spans: spans.collect(),
                    slice,
                })
            }
            Self::Object(schema) => {
                let mut filling = Filling::new(schema.root(), answer);
                for Capture { key, value, .. } in &draft.captures {
                    filling.set(key, value)?;
                }
                line(&text, schema.tidied(&filling.finish()?), slice)
            }
        }
    }
}

fn line(prompt: &str, completion: impl Serialize, slice: Option<&str>) -> Result<String, String> {
    json(&Row {
        prompt,
        completion,
        slice,
    })
}

fn json(row: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(row).map_err(|error| error.to_string())
}

fn known(labels: &[String], label: &str) -> Result<(), String> {
    match labels.iter().any(|known| known == label) {
        true => Ok(()),
        false => Err(format!(
            "the recipe has no label `{label}`. Write one of: {}.",
            labels.join(", ")
        )),
    }
}
