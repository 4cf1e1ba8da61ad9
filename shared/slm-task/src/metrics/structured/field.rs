//! Paths to the leaves of an object, and the pairs of values that stand there in two objects. It
//! must not know what makes values the same.

use serde_json::Value;

use super::Compare;
use crate::error::{TaskError, quoted};

/// A leaf of the objects that are compared, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    path: String,
    steps: Vec<Step>,
    /// The rule for its values.
    pub compare: Compare,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Elements,
}

impl Field {
    /// The field at a path: keys with `.` between them, each followed by one `[]` for every array to
    /// go into (`customer.name`, `items[].qty`, `tags[]`). Keys that contain `.`, `[` or `]` cannot
    /// be named.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for a path that is not of this form.
    pub fn new(path: &str, compare: Compare) -> Result<Self, TaskError> {
        let mut steps = Vec::new();
        for part in path.split('.') {
            let key = part.trim_end_matches("[]");
            if key.is_empty() || key.contains(['[', ']']) {
                return Err(TaskError::Mismatch(format!(
                    "{} is not a path to a field; expected keys with `.` between them, with `[]` \
                     after the key of an array (`customer.name`, `items[].qty`)",
                    quoted(path)
                )));
            }
            let arrays = (part.len() - key.len()) / "[]".len();
            steps.push(Step::Key(key.to_string()));
            steps.extend(std::iter::repeat_n(Step::Elements, arrays));
        }
        Ok(Self {
            path: path.to_string(),
            steps,
            compare,
        })
    }

    /// The path as given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Shows every pair of values at this path, gold first. Element `i` of an array is paired with
    /// element `i` of the other; what one side lacks is none, and `null` is lacking.
    pub(super) fn pairs(
        &self,
        gold: Option<&Value>,
        predicted: Option<&Value>,
        visit: &mut impl FnMut(Option<&Value>, Option<&Value>),
    ) {
        walk(&self.steps, gold, predicted, visit);
    }
}

fn walk(
    steps: &[Step],
    gold: Option<&Value>,
    predicted: Option<&Value>,
    visit: &mut impl FnMut(Option<&Value>, Option<&Value>),
) {
    match steps {
        [] => visit(present(gold), present(predicted)),
        [Step::Key(key), rest @ ..] => {
            let (gold, predicted) = (
                gold.and_then(|v| v.get(key)),
                predicted.and_then(|v| v.get(key)),
            );
            walk(rest, gold, predicted, visit);
        }
        [Step::Elements, rest @ ..] => {
            let (gold, predicted) = (elements(gold), elements(predicted));
            for i in 0..gold.len().max(predicted.len()) {
                walk(rest, gold.get(i), predicted.get(i), visit);
            }
        }
    }
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null())
}

fn elements(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_paired_by_path_and_place() {
        let check = |path: &str, gold: Value, predicted: Value, expected: &[(Value, Value)]| {
            let field = Field::new(path, Compare::Exact).unwrap();
            let mut pairs = Vec::new();
            field.pairs(Some(&gold), Some(&predicted), &mut |gold, predicted| {
                let shown = |v: Option<&Value>| v.cloned().unwrap_or_default();
                pairs.push((shown(gold), shown(predicted)));
            });
            assert_eq!(pairs, expected, "{path} {gold} {predicted}");
        };
        let none = Value::Null;
        check(
            "a",
            json!({"a": 1}),
            json!({"a": 2}),
            &[(json!(1), json!(2))],
        );
        check(
            "a",
            json!({"a": null}),
            json!({}),
            &[(none.clone(), none.clone())],
        );
        check(
            "a.b",
            json!({"a": {"b": 1}}),
            json!({"a": 2}),
            &[(json!(1), none.clone())],
        );
        check(
            "a[].b",
            json!({"a": [{"b": 1}, {"c": 2}]}),
            json!({"a": [{"b": 3}, {}, {"b": 4}]}),
            &[
                (json!(1), json!(3)),
                (none.clone(), none.clone()),
                (none.clone(), json!(4)),
            ],
        );
        check("a[]", json!({"a": []}), json!({"a": "text"}), &[]);
        check(
            "a[][]",
            json!({"a": [[1, 2], [3]]}),
            json!({"a": [[4]]}),
            &[
                (json!(1), json!(4)),
                (json!(2), none.clone()),
                (json!(3), none.clone()),
            ],
        );
    }

    #[test]
    fn other_paths_are_refused() {
        let check = |path: &str| {
            let error = Field::new(path, Compare::Exact).unwrap_err().to_string();
            let expected = format!("`{path}` is not a path to a field");
            assert!(error.starts_with(&expected), "{error}");
        };
        for path in [
            "", ".", "a..b", "a.", "[]", "a.[]", "a[0]", "a[]b", "a[", "a]",
        ] {
            check(path);
        }
    }
}
