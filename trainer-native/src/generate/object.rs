//! Filling an object by paths: `a`, `a.b` (an object's field), `items+.name` (a new element of
//! `items` and its `name`), `items.qty` (a field of the last element), `tags+` (a new plain element).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use slm_task::schema::Node;

use super::schema::{self, unknown};

/// The steps of a path: a field, whether a new element is begun there, whether it is the last.
fn steps(path: &str) -> impl Iterator<Item = (&str, bool, bool)> {
    let mut parts = path.split('.').peekable();
    std::iter::from_fn(move || {
        let part = parts.next()?;
        let name = part.strip_suffix('+');
        Some((name.unwrap_or(part), name.is_some(), parts.peek().is_none()))
    })
}

/// The plain value that a path leads to.
///
/// # Errors
/// In words: an unknown field, a `+` where there is no list or none where there is one, a path that
/// ends at an object.
pub fn find<'a>(root: &'a Node, path: &str) -> Result<&'a Node, String> {
    let mut node = root;
    for (name, begins, last) in steps(path) {
        node = node.property(name).ok_or_else(|| unknown(path))?;
        match node.items() {
            Some(_) if last && !begins => {
                return Err(format!(
                    "`{path}` is a list. Write `{path}+`, or a field of it."
                ));
            }
            None if begins => {
                return Err(format!("`{path}`: `{name}` is no list. Leave the `+` out."));
            }
            Some(items) => node = items,
            None => {}
        }
    }
    match node.is_plain() {
        true => Ok(node),
        false => Err(format!("`{path}` is an object. Name a field of it.")),
    }
}

/// An object that grows.
pub struct Filling<'a> {
    root: &'a Node,
    object: Value,
    /// Places that were set, as JSON pointers.
    taken: BTreeSet<String>,
}

impl<'a> Filling<'a> {
    /// Starts from what every answer of the form holds.
    pub fn new(root: &'a Node, fixed: Option<&Value>) -> Self {
        Self {
            root,
            object: fixed.cloned().unwrap_or_else(|| json!({})),
            taken: BTreeSet::new(),
        }
    }

    /// Sets the value at a path. What the answer was started with gives way.
    ///
    /// # Errors
    /// In words: as [`find`] and [`schema::read`], a field of an element that was not begun, a
    /// place that is set already.
    pub fn set(&mut self, path: &str, text: &str) -> Result<(), String> {
        let value = schema::read(find(self.root, path)?, text);
        let value = value.map_err(|reason| format!("`{path}`: {reason}"))?;
        let mut pointer = String::new();
        let mut place = self.root;
        let mut node = &mut self.object;
        for (name, begins, _) in steps(path) {
            if node.is_null() {
                *node = json!({});
            }
            place = place.property(name).ok_or_else(|| unknown(path))?;
            node = &mut node[name];
            pointer = format!("{pointer}/{name}");
            let Some(items) = place.items() else {
                continue;
            };
            place = items;
            if node.is_null() {
                *node = json!([]);
            }
            let Value::Array(elements) = node else {
                continue;
            };
            if begins {
                elements.push(Value::Null);
            }
            pointer = format!("{pointer}/{}", elements.len());
            node = elements.last_mut().ok_or_else(|| {
                format!("`{path}` stands before any element. Begin one with `{name}+`.")
            })?;
        }
        *node = value;
        match self.taken.insert(pointer) {
            true => Ok(()),
            false => Err(format!("`{path}` is captured twice. Capture it once.")),
        }
    }

    /// The object, with all that the schema requires.
    ///
    /// # Errors
    /// As [`schema::check`].
    pub fn finish(self) -> Result<Value, String> {
        schema::check(self.root, &self.object, true)?;
        Ok(self.object)
    }
}

#[cfg(test)]
mod tests {
    use slm_task::Schema;

    use super::*;

    fn schema() -> Schema {
        let object = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
        let plain = json!({"type": "string"});
        let item = object(json!({"name": plain, "price": object(json!({"net": plain}))}));
        let text = object(json!({
            "a": plain,
            "b": object(json!({"c": {"type": "number"}})),
            "items": {"type": "array", "items": item},
            "tags": {"type": "array", "items": plain},
        }));
        Schema::parse(&text.to_string(), "schema.json").unwrap()
    }

    #[test]
    fn fills_objects_and_lists_by_path() {
        let schema = schema();
        let mut filling =
            Filling::new(schema.root(), Some(&json!({"a": "old", "tags": ["fixed"]})));
        for (path, text) in [
            ("items+.name", "tea"),
            ("items.price.net", "3"),
            ("tags+", "x"),
            ("a", "new"),
            ("items+.price.net", "4"),
            ("items.name", "cake"),
            ("b.c", "5"),
        ] {
            filling.set(path, text).unwrap();
        }
        let expected = json!({
            "a": "new",
            "b": {"c": 5},
            "items": [
                {"name": "tea", "price": {"net": "3"}},
                {"name": "cake", "price": {"net": "4"}},
            ],
            "tags": ["fixed", "x"],
        });
        assert_eq!(filling.finish().unwrap(), expected);
    }

    #[test]
    fn says_what_is_wrong_with_a_path() {
        let schema = schema();
        let check = |paths: &[&str], says: &str| {
            let mut filling = Filling::new(schema.root(), None);
            let set = paths.iter().try_for_each(|path| filling.set(path, "x"));
            let error = set.unwrap_err();
            assert!(error.contains(says), "{paths:?}: {error}");
        };
        check(&["nope"], "no field `nope`");
        check(&["b.nope"], "no field `b.nope`");
        check(&["tags"], "Write `tags+`");
        check(&["a+"], "`a` is no list");
        check(&["b"], "`b` is an object");
        check(&["items+"], "`items+` is an object");
        check(&["b.c"], "`b.c`: `x` is not a number");
        check(&["items.name"], "Begin one with `items+`");
        check(&["a", "a"], "captured twice");
        check(&["items+.name", "items.name"], "captured twice");
    }
}
