//! Reading rows from JSONL: UTF-8, one object a line. A byte order mark, CRLF line ends and blank
//! lines are accepted; anything else that is wrong is an error with its line.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Example, targets::TargetReader};
use crate::{
    error::{Place, TaskError, nearest, quoted},
    json::{self, kind},
    recipe::Recipe,
};

/// Rows of a file, and what a person should know about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The rows, in file order.
    pub examples: Vec<Example>,
    /// What was ignored, in words.
    pub warnings: Vec<String>,
}

/// [`read_rows`] without its warnings.
///
/// # Errors
/// As [`read_rows`].
pub fn read_jsonl(bytes: &[u8], file: &str, recipe: &Recipe) -> Result<Vec<Example>, TaskError> {
    read_rows(bytes, file, recipe).map(|rows| rows.examples)
}

/// Reads the rows of a recipe's data file, in the form that its shape has on disk:
///
/// | shape | row |
/// |---|---|
/// | single-label | `{"prompt", "completion": label, "slice"?}` |
/// | multi-label | `{"prompt", "completion": [label, …], "slice"?}` |
/// | structured | `{"prompt", "completion": object, "slice"?}`, the object as such or as a text that holds JSON |
/// | spans | `{"text", "spans": [{"start", "end", "label"}, …], "slice"?}`, bounds half-open in code points |
///
/// Keys that nothing reads are ignored with a warning, unless they look like a known key that the
/// row lacks. `file` is the name that error messages show.
///
/// # Errors
/// The first wrong line: not UTF-8, not a JSON object, a field that is missing, misspelt, empty or
/// of the wrong kind, a completion that is none of the recipe's. A file without rows. A shape that
/// is not built yet.
pub fn read_rows(bytes: &[u8], file: &str, recipe: &Recipe) -> Result<Rows, TaskError> {
    let reader = TargetReader::new(recipe)?;
    let mut examples = Vec::new();
    let mut ignored: BTreeMap<String, usize> = BTreeMap::new();
    for row in lines(bytes, file) {
        let row = row?;
        row.check_keys(reader.keys(), &mut ignored)?;
        examples.push(Example {
            prompt: row.text(reader.prompt())?,
            target: reader.read(&row)?,
            slice: row.optional_text("slice")?,
            line: row.line,
        });
    }
    not_empty(&examples, file, reader.sample())?;
    let warnings = ignored
        .iter()
        .map(|(key, n)| format!("{file}: key {} is ignored in {n} rows", quoted(key)))
        .collect();
    Ok(Rows { examples, warnings })
}

fn not_empty(rows: &[Example], file: &str, line: &str) -> Result<(), TaskError> {
    if !rows.is_empty() {
        return Ok(());
    }
    Err(TaskError::input(
        Place::file(file),
        "no rows",
        format!("one JSON object a line, `{line}`"),
        "Check that this is the right file and that it was written to the end.",
    ))
}

/// One line as a JSON object.
pub(super) struct Row<'a> {
    file: &'a str,
    line: usize,
    fields: Map<String, Value>,
}

/// The lines that are not blank, each parsed.
fn lines<'a>(
    bytes: &'a [u8],
    file: &'a str,
) -> impl Iterator<Item = Result<Row<'a>, TaskError>> + 'a {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let numbered = bytes.split(|b| *b == b'\n').enumerate();
    numbered
        .map(|(i, line)| (i + 1, line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(move |(number, line)| Row::parse(file, number, line))
}

impl<'a> Row<'a> {
    fn parse(file: &'a str, line: usize, bytes: &[u8]) -> Result<Self, TaskError> {
        let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(file, line, bytes, e))?;
        match json::value(text) {
            Ok(Value::Object(fields)) => Ok(Self { file, line, fields }),
            Ok(other) => Err(TaskError::input(
                Place::line(file, line),
                kind(&other),
                "a JSON object",
                r#"Write `{"prompt": "…", "completion": "…"}` on one line."#,
            )),
            Err(error) => Err(TaskError::input(
                Place::line(file, line),
                // Without the line, which is always 1.
                format!(
                    "{} ({}, column {})",
                    quoted(text),
                    json::reason(&error),
                    error.column()
                ),
                "one JSON object on the line",
                advice(&error),
            )),
        }
    }

    pub(super) fn place(&self, field: &str) -> Place {
        Place::line(self.file, self.line).field(field)
    }

    /// Counts keys that nothing reads; one that looks like a known key the row lacks is an error.
    fn check_keys(
        &self,
        known: &[&str],
        ignored: &mut BTreeMap<String, usize>,
    ) -> Result<(), TaskError> {
        let lacking: BTreeSet<&str> = known
            .iter()
            .copied()
            .filter(|k| !self.fields.contains_key(*k))
            .collect();
        let lacking: Vec<&str> = lacking.into_iter().collect();
        for key in self.fields.keys().filter(|k| !known.contains(&k.as_str())) {
            if let Some(near) = nearest(key, &lacking) {
                return Err(TaskError::UnknownKey {
                    place: self.place(key).into(),
                    advice: format!("did you mean `{near}`?"),
                });
            }
            *ignored.entry(key.clone()).or_default() += 1;
        }
        Ok(())
    }

    /// The value of a field, if the row has it.
    pub(super) fn field(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// A text that must be there and must not be blank.
    pub(super) fn text(&self, field: &str) -> Result<String, TaskError> {
        match self.fields.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
            Some(Value::String(_)) => Err(self.wrong(field, "an empty text", "a text")),
            Some(other) => Err(self.wrong(field, &kind(other), "a text")),
            None => Err(self.wrong(field, "nothing", "a text")),
        }
    }

    /// A text that may be absent or null.
    fn optional_text(&self, field: &str) -> Result<Option<String>, TaskError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text(field).map(Some),
        }
    }

    fn wrong(&self, field: &str, found: &str, expected: &str) -> TaskError {
        let advice = format!("Write `\"{field}\": \"…\"` with a text that is not blank.");
        TaskError::input(self.place(field), found, expected, advice)
    }
}

fn not_utf8(file: &str, line: usize, bytes: &[u8], error: std::str::Utf8Error) -> TaskError {
    let at = error.valid_up_to();
    let utf16 = line == 1 && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"));
    let advice = match utf16 {
        true => "The file is UTF-16: save it as UTF-8.",
        false => "Save the file as UTF-8.",
    };
    let found = format!("byte 0x{:02x} at column {}", bytes[at], at + 1);
    TaskError::input(Place::line(file, line), found, "UTF-8 text", advice)
}

/// What to do about a line that is not JSON.
fn advice(error: &serde_json::Error) -> &'static str {
    let message = error.to_string();
    if message.contains("surrogate") || message.contains("hex escape") {
        "A `\\u` escape is half of a character (a lone surrogate): write the whole character."
    } else if error.is_data() {
        "JSON is read without loss or not at all."
    } else {
        "Quotes and line breaks inside a text are written `\\\"` and `\\n`."
    }
}
