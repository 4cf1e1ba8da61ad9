//! The user's data file as it is before there is a recipe: rows of one shape, read only as far as a
//! recipe can be inferred from them. The recipe's own reader judges them afterwards.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use slm_task::Shape;

use super::ordered::Ordered;
use crate::{exit::bad_input, files};

/// A data file.
#[derive(Debug)]
pub struct Source {
    /// As the user named it.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its rows that are not blank.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// The line as it stands in the file, without its end.
    pub json: String,
    /// What the model is to read.
    pub text: String,
    /// What the row counts under: labels, or the fields that an object has.
    pub classes: Vec<String>,
    /// The answer, where it is an object.
    pub object: Option<Ordered>,
    /// Characters of the answer.
    pub answer: String,
}

impl Source {
    /// Reads a file.
    ///
    /// # Errors
    /// Bad input: no such file, no rows, or the first line that is no row of the shape.
    pub fn read(path: &Path, shape: Shape) -> Result<Self> {
        let bytes = files::read(path)?;
        let text = files::read_text(path)?;
        let mut rows = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("{}:{}", path.display(), index + 1);
            let row = Row::read(line, shape).map_err(|what| {
                bad_input(format!(
                    "{place}: {what}; expected a row like {}. Other formats come in through `slm data \
                     import`.",
                    sample(shape)
                ))
            })?;
            if let Some(what) = row.bad_label(shape) {
                return Err(bad_input(format!(
                    "{place}: the label {what}; expected one line of text without white space at its \
                     ends. Correct the row."
                )));
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(bad_input(format!(
                "{}: found no rows; expected one JSON object a line. Fill the file, or name another.",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_path_buf(),
            bytes,
            rows,
        })
    }
}

fn sample(shape: Shape) -> &'static str {
    match shape {
        Shape::MultiLabel => r#"{"prompt": "…", "completion": ["…"]}"#,
        Shape::Spans => r#"{"text": "…", "spans": [{"start": 0, "end": 1, "label": "…"}]}"#,
        Shape::Structured => r#"{"prompt": "…", "completion": {"…": "…"}}"#,
        Shape::SingleLabel | Shape::Grounded | Shape::ToolCall => {
            r#"{"prompt": "…", "completion": "…"}"#
        }
    }
}

impl Row {
    /// A row, or what is wrong with it.
    fn read(line: &str, shape: Shape) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("not JSON ({error})"))?;
        let field = if shape == Shape::Spans {
            "text"
        } else {
            "prompt"
        };
        let text = value[field]
            .as_str()
            .ok_or_else(|| format!("no text under `{field}`"))?
            .to_string();
        let mut row = Self {
            json: line.to_string(),
            text,
            classes: Vec::new(),
            object: None,
            answer: String::new(),
        };
        let answer = &value["completion"];
        match shape {
            Shape::MultiLabel => row.classes = labels(answer)?,
            Shape::Spans => row.classes = span_labels(&value["spans"])?,
            Shape::Structured => row.read_object(line)?,
            Shape::SingleLabel | Shape::Grounded | Shape::ToolCall => {
                let label = answer.as_str().ok_or("no text under `completion`")?;
                row.classes = vec![label.to_string()];
            }
        }
        if row.answer.is_empty() {
            row.answer = match shape {
                Shape::Spans => span_answer(&row.text, &value["spans"]),
                _ => row.classes.join("\n"),
            };
        }
        row.classes.dedup();
        Ok(row)
    }

    /// A label that no recipe can have, with what is wrong with it.
    fn bad_label(&self, shape: Shape) -> Option<String> {
        let fault = |label: &String| match label {
            blank if blank.trim().is_empty() => Some("is empty"),
            label if label.chars().any(char::is_control) => Some("has a control character"),
            label if label.trim() != label => Some("has white space at an end"),
            _ => None,
        };
        let labels = (shape != Shape::Structured).then_some(&self.classes)?;
        let found = |label: &String| Some(format!("{label:?} {}", fault(label)?));
        labels.iter().find_map(found)
    }

    fn read_object(&mut self, line: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Completion {
            completion: Ordered,
        }
        let read: Completion =
            serde_json::from_str(line).map_err(|_| "no object under `completion`".to_string())?;
        let object = match read.completion {
            Ordered::Text(text) => serde_json::from_str(&text).ok(),
            other => Some(other),
        };
        let Some(Ordered::Object(fields)) = object else {
            return Err("no object under `completion`".to_string());
        };
        self.classes = fields.iter().map(|(name, _)| name.clone()).collect();
        self.object = Some(Ordered::Object(fields));
        let whole: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        self.answer = whole["completion"].to_string();
        Ok(())
    }
}

fn labels(answer: &Value) -> Result<Vec<String>, String> {
    let wrong = "no list of labels under `completion`";
    match answer {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_string).ok_or(wrong.to_string()))
            .collect(),
        _ => Err(wrong.to_string()),
    }
}

/// The list of spans about as the model writes it, whose bounds are in code points.
fn span_answer(text: &str, spans: &Value) -> String {
    let letters: Vec<char> = text.chars().collect();
    let place = |span: &Value, field: &str| span[field].as_u64().map(|at| at as usize);
    let one = |span: &Value| {
        let piece = letters.get(place(span, "start")?..place(span, "end")?)?;
        let piece: String = piece.iter().collect();
        Some(serde_json::json!({"label": span["label"], "text": piece}).to_string())
    };
    let spans = spans.as_array().map(Vec::as_slice).unwrap_or_default();
    let written: Vec<String> = spans.iter().filter_map(one).collect();
    format!("[{}]", written.join(","))
}

fn span_labels(spans: &Value) -> Result<Vec<String>, String> {
    let spans = spans.as_array().ok_or("no list under `spans`")?;
    let mut labels: Vec<String> = spans
        .iter()
        .map(|span| span["label"].as_str().map(str::to_string))
        .collect::<Option<_>>()
        .ok_or("a span without `label`")?;
    labels.sort();
    Ok(labels)
}
