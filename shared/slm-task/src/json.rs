//! JSON: what people wrote, read without loss or not at all; our own files, written the same way
//! everywhere and read with errors that say where; and values in words.

mod lossless;

pub use lossless::value;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Place, TaskError, quoted};

/// Indented JSON with a line end.
pub(crate) fn to_text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("texts, lists and maps with text keys are always JSON");
    text.push('\n');
    text
}

/// Reads a file that one of our tools wrote. `what` names it (`a report`).
pub(crate) fn parse<T: DeserializeOwned>(
    text: &str,
    file: &str,
    what: &str,
) -> Result<T, TaskError> {
    serde_json::from_str(text).map_err(|error| {
        TaskError::input(
            Place::line(file, error.line().max(1)),
            format!("{} (column {})", reason(&error), error.column()),
            format!("{what} as `slm` writes it"),
            "The file is damaged or of another kind: make it again.",
        )
    })
}

/// The parser's reason, without the line and the column.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    reason.to_owned()
}

/// [`parse`], after checking that the file's `format` is the one this version reads, so that a
/// file of another layout is named as such and not as damaged.
pub(crate) fn parse_versioned<T: DeserializeOwned>(
    text: &str,
    file: &str,
    what: &str,
    format: u32,
) -> Result<T, TaskError> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version = parse(text, file, what)?;
    if version.format != format {
        return Err(TaskError::input(
            Place::file(file).field("format"),
            version.format.to_string(),
            format.to_string(),
            "It was written by another version of `slm`: make it again with this one.",
        ));
    }
    parse(text, file, what)
}

/// What a JSON value is, in words, with short values shown.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(_) | Value::Number(_) => quoted(&value.to_string()),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "a list".to_string(),
        Value::Object(_) => "an object".to_string(),
    }
}
