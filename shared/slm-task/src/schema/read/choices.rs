//! `enum` and `const`: the values that may stand at a place, and that they agree with the keywords
//! beside them.

use serde_json::{Map, Value};

use super::{Reader, inside};
use crate::{
    error::{TaskError, quoted},
    json::kind,
    metrics::structured::Compare,
    schema::Node,
};

impl Reader<'_> {
    /// The values, where the place lists any: those of `enum`, or the one of `const`.
    pub(super) fn choices(
        &self,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<Option<Vec<Value>>, TaskError> {
        let listed = match keys.get("enum") {
            None => None,
            Some(Value::Array(choices)) if !choices.is_empty() => Some(choices),
            Some(other) => {
                let advice = r#"Write `"enum": ["a", "b"]`."#;
                return Err(self.wrong(
                    &inside(at, "enum"),
                    kind(other),
                    "a list of values",
                    advice,
                ));
            }
        };
        let Some(only) = keys.get("const") else {
            return Ok(listed.cloned());
        };
        let has_it = |choices: &Vec<Value>| choices.iter().any(|c| Compare::Exact.same(c, only));
        match listed.is_none_or(has_it) {
            true => Ok(Some(vec![only.clone()])),
            false => Err(self.forbidden("const", only, at)),
        }
    }

    /// That the keywords beside them allow each of the values.
    pub(super) fn check_choices(
        &self,
        node: &Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<(), TaskError> {
        let mut choices = node.choices.iter().flatten();
        match choices.find(|choice| !node.violations(choice, true).is_empty()) {
            None => Ok(()),
            Some(choice) => {
                let is_const = keys.contains_key("const");
                Err(self.forbidden(if is_const { "const" } else { "enum" }, choice, at))
            }
        }
    }

    fn forbidden(&self, key: &str, choice: &Value, at: &str) -> TaskError {
        let advice = "No answer can be both: take the value out, or the keyword that forbids it.";
        let found = quoted(&choice.to_string());
        let expected = "values that the keywords beside it allow";
        self.wrong(&inside(at, key), found, expected, advice)
    }
}
