//! The JSON object that a structured row's answer is.

use serde_json::Value;

use super::jsonl::Row;
use crate::{
    error::TaskError,
    json::{self, kind},
    schema::Schema,
};

/// Reads the `completion` of a row: an object, or a text that holds one.
///
/// # Errors
/// What is no object, and the first place where it is not what the schema wants.
pub(super) fn read(row: &Row<'_>, schema: &Schema) -> Result<Value, TaskError> {
    let wrong = |found: String| {
        TaskError::input(
            row.place("completion"),
            found,
            "a JSON object",
            r#"Write `"completion": {"field": "value"}`; `{}` when the text says nothing."#,
        )
    };
    let object = match row.field("completion") {
        None => return Err(wrong("nothing".into())),
        Some(Value::String(text)) => json::value(text)
            .map_err(|error| wrong(format!("a text that is not JSON ({error})")))?,
        Some(value) => value.clone(),
    };
    if !object.is_object() {
        return Err(wrong(kind(&object)));
    }
    let object = schema.tidied(&object);
    match schema.violations(&object).into_iter().next() {
        None => Ok(object),
        Some(violation) => {
            let field = match violation.path.as_str() {
                "" => "completion".to_owned(),
                path => format!("completion.{path}"),
            };
            Err(TaskError::input(
                row.place(&field),
                violation.found,
                violation.expected,
                "Correct the row, or the recipe's schema.",
            ))
        }
    }
}
