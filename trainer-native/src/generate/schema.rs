//! What writing answers takes beyond a recipe's schema: values read from texts, and complaints that say
//! how to mend a word bank.

use serde_json::{Number, Value};
use slm_task::schema::{Kind, Node};

/// A captured text as the value that the node wants.
///
/// # Errors
/// In words, when it is none.
pub fn read(node: &Node, text: &str) -> Result<Value, String> {
    let value = match node.kinds().first() {
        Some(Kind::Number | Kind::Integer) => number(text),
        Some(Kind::Boolean) => text.parse().ok().map(Value::Bool),
        _ => Some(text.into()),
    };
    let value = value.filter(|value| node.violations(value, true).is_empty());
    value.ok_or_else(|| {
        format!(
            "`{text}` is not {}. Give its entry a value that is: `{text} => …`.",
            node.expected()
        )
    })
}

/// Checks a value that stands at a node. One that is not `whole` may lack required fields.
///
/// # Errors
/// In words, the first thing that is wrong with it.
pub fn check(node: &Node, value: &Value, whole: bool) -> Result<(), String> {
    match node.violations(value, whole).first() {
        None => Ok(()),
        Some(wrong) => {
            let place = match wrong.path.as_str() {
                "" => "the answer".to_owned(),
                path => format!("`{path}`"),
            };
            Err(format!(
                "{place}: found {}; schema.json expects {}. Capture it, or put it in `answer`.",
                wrong.found, wrong.expected
            ))
        }
    }
}

/// The complaint about a path that leads nowhere.
pub fn unknown(path: &str) -> String {
    format!("schema.json has no field `{path}`. Correct the path, or add the field.")
}

/// A number, whole where it can be: `49.00` is 49.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let number: f64 = text.parse().ok()?;
    let exact = number.fract() == 0.0 && number.abs() < 2f64.powi(53);
    match exact {
        true => Some((number as i64).into()),
        false => Number::from_f64(number).map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use slm_task::Schema;

    use super::*;

    const SCHEMA: &str = r#"{"type": "object", "required": ["when"], "additionalProperties": false, "properties": {
        "when": {"type": "string"},
        "kind": {"enum": ["bug", "wish"]},
        "qty": {"type": "integer"},
        "cost": {"type": ["number", "null"]},
        "paid": {"type": "boolean"}}}"#;

    #[test]
    fn reads_texts_as_the_field_wants_them() {
        let schema = Schema::parse(SCHEMA, "schema.json").unwrap();
        let check = |field: &str, text, expected: Option<Value>| {
            let found = read(schema.root().property(field).unwrap(), text);
            assert_eq!(found.clone().ok(), expected, "{found:?}");
        };
        check("cost", "12.50", Some(json!(12.5)));
        check("cost", "49.00", Some(json!(49)));
        check("cost", "1,200", None);
        check("cost", "NaN", None);
        check("paid", "true", Some(json!(true)));
        check("paid", "yes", None);
        check("kind", "bug", Some(json!("bug")));
        check("kind", "rant", None);
        check("when", "12", Some(json!("12")));
        check("qty", "1.5", None);
    }

    #[test]
    fn says_what_a_value_is_not() {
        let schema = Schema::parse(SCHEMA, "schema.json").unwrap();
        let check = |value: Value, whole, says: &str| match check(schema.root(), &value, whole) {
            Ok(()) => assert_eq!(says, "", "{value}"),
            Err(error) => assert!(!says.is_empty() && error.contains(says), "{value}: {error}"),
        };
        check(json!({"when": "today", "cost": null}), true, "");
        check(json!({"cost": 3}), false, "");
        check(json!({"cost": 3}), true, "`when`: found nothing");
        check(json!({"qty": "2"}), false, "`qty`: found the text `2`");
        check(json!({"size": 2}), false, "found `size`");
    }
}
