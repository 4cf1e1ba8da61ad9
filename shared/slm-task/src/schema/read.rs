//! From the text of a schema to nodes, or to the first thing in it that is outside the subset.

mod choices;
mod values;

use serde_json::{Map, Value};

use super::{Kind, Node, Schema, format::Format};
use crate::{
    error::{Place, TaskError, listed, nearest, quoted},
    json::{self, kind},
    metrics::structured::{Compare, Field},
};

/// Most nodes of a schema, those that references repeat counted each time.
const MOST_NODES: usize = 2000;

/// Every keyword that is read or is documentation.
const KEYWORDS: [&str; 29] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "$ref",
    "x-compare",
    "x-tolerance",
    "title",
    "description",
    "default",
    "examples",
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
];

/// See [`Schema::parse`].
pub(super) fn read(text: &str, file: &str) -> Result<Schema, TaskError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = json::value(text).map_err(|error| {
        let reason = json::reason(&error);
        TaskError::input(
            Place::line(file, error.line().max(1)),
            format!(
                "text that is not JSON ({reason}, column {})",
                error.column()
            ),
            "a JSON Schema",
            "Correct the place; a JSON editor shows it.",
        )
    })?;
    let mut reader = Reader {
        file,
        document: &document,
        following: Vec::new(),
        nodes: 0,
    };
    let root = reader.node(&document, "")?;
    if root.kinds != [Kind::Object] {
        return Err(reader.wrong("type", root.expected(), "an object", OBJECT));
    }
    let mut fields = Vec::new();
    leaves(&root, "", &mut fields, &reader)?;
    Ok(Schema {
        root,
        fields,
        document,
    })
}

const OBJECT: &str = r#"An answer is an object: write `"type": "object"` and its `properties`."#;

struct Reader<'a> {
    file: &'a str,
    document: &'a Value,
    /// References that are being followed.
    following: Vec<String>,
    nodes: usize,
}

impl Reader<'_> {
    fn node(&mut self, value: &Value, at: &str) -> Result<Node, TaskError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let found = format!("more than {MOST_NODES} places");
            let expected = "a schema that the model can be held to";
            return Err(self.wrong(at, found, expected, "Leave out what no answer needs."));
        }
        let Some(keys) = value.as_object() else {
            let advice = r#"Write `{"type": "string"}`, or another type."#;
            return Err(self.wrong(at, kind(value), "an object of keywords", advice));
        };
        self.check_keywords(keys, at)?;
        if let Some(target) = keys.get("$ref") {
            return self.reference(target, keys, at);
        }
        let mut node = Node {
            kinds: self.kinds(keys, at)?,
            choices: self.choices(keys, at)?,
            description: self.text(keys, "description", at)?.map(str::to_owned),
            ..Node::default()
        };
        if node.kinds.is_empty() && node.choices.is_none() {
            let advice = r#"Say what stands there: `"type": "string"`, say."#;
            return Err(self.wrong(&inside(at, "type"), "nothing".into(), "a type", advice));
        }
        if node.kinds.contains(&Kind::Object) {
            self.object(&mut node, keys, at)?;
        }
        if node.kinds.contains(&Kind::Array) {
            self.array(&mut node, keys, at)?;
        }
        if node.is_plain() {
            self.plain(&mut node, keys, at)?;
        }
        self.check_choices(&node, keys, at)?;
        Ok(node)
    }

    fn check_keywords(&self, keys: &Map<String, Value>, at: &str) -> Result<(), TaskError> {
        let known = |key: &str| KEYWORDS.contains(&key) || key.starts_with("x-");
        let comparing = |key: &str| key.starts_with("x-") && nearest(key, &["x-compare"]).is_some();
        let odd = |key: &&String| {
            !known(key) || (comparing(key) && *key != "x-compare" && *key != "x-tolerance")
        };
        let Some(key) = keys.keys().find(odd) else {
            return Ok(());
        };
        let advice = match nearest(key, &KEYWORDS) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Decoding and scoring cannot hold an answer to it: remove it.".to_owned(),
        };
        let expected = "a keyword of the subset that docs/data.md states";
        Err(self.wrong(&inside(at, key), quoted(key), expected, &advice))
    }

    fn reference(
        &mut self,
        target: &Value,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<Node, TaskError> {
        let place = inside(at, "$ref");
        let expected = "a place of this file, such as `#/$defs/address`";
        let name = target.as_str().unwrap_or_default();
        let found = name
            .strip_prefix('#')
            .and_then(|path| self.document.pointer(path));
        let Some(found) = found else {
            let advice = "References to other files are not followed: copy what they hold.";
            return Err(self.wrong(&place, kind(target), expected, advice));
        };
        if self.following.iter().any(|open| open == name) {
            let advice = "A loop has no end to decode: write the places out as deep as answers go.";
            let found = format!("a loop back to {}", quoted(name));
            return Err(self.wrong(&place, found, "references that end", advice));
        }
        let beside = keys.keys().find(|key| {
            !matches!(
                key.as_str(),
                "$ref" | "title" | "description" | "$comment" | "$defs"
            )
        });
        if let Some(key) = beside {
            let advice = "Move it to where the reference leads, or write the place out.";
            let found = format!("{} beside it", quoted(key));
            return Err(self.wrong(&place, found, "a reference alone", advice));
        }
        self.following.push(name.to_owned());
        let node = self.node(found, at);
        self.following.pop();
        let mut node = node?;
        if let Some(own) = self.text(keys, "description", at)? {
            node.description = Some(own.to_owned());
        }
        Ok(node)
    }

    fn kinds(&self, keys: &Map<String, Value>, at: &str) -> Result<Vec<Kind>, TaskError> {
        let names = match keys.get("type") {
            None => return Ok(Vec::new()),
            Some(Value::Array(names)) => names.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let kinds = names
            .iter()
            .map(|name| self.named(name, &Kind::NAMES, &inside(at, "type")))
            .collect::<Result<Vec<Kind>, _>>()?;
        let nested = kinds
            .iter()
            .filter(|kind| matches!(kind, Kind::Object | Kind::Array));
        let others = kinds.iter().filter(|kind| **kind != Kind::Null).count();
        if kinds.is_empty() || (nested.count() > 0 && others > 1) {
            let found = quoted(&keys["type"].to_string());
            let expected = "one type, several plain ones, or one and `null`";
            let advice = "Scoring compares field by field: give the place one form.";
            return Err(self.wrong(&inside(at, "type"), found, expected, advice));
        }
        Ok(kinds)
    }

    fn object(
        &mut self,
        node: &mut Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<(), TaskError> {
        if keys.get("additionalProperties") != Some(&Value::Bool(false)) {
            let place = inside(at, "additionalProperties");
            let found = keys.get("additionalProperties");
            let found = found.map_or_else(|| "nothing".to_owned(), kind);
            let advice = "An answer has the fields that the schema names and no others: write \
                          `\"additionalProperties\": false`.";
            return Err(self.wrong(&place, found, "`false`", advice));
        }
        let place = inside(at, "properties");
        match keys.get("properties") {
            None => {}
            Some(Value::Object(properties)) => {
                for (name, value) in properties {
                    let inner = self.node(value, &inside(&place, name))?;
                    node.properties.push((name.clone(), inner));
                }
            }
            Some(other) => {
                let advice = r#"Write `"properties": {"name": {"type": "string"}}`."#;
                return Err(self.wrong(&place, kind(other), "an object of fields", advice));
            }
        }
        let place = inside(at, "required");
        let names = match keys.get("required") {
            None => &[],
            Some(Value::Array(names)) => names.as_slice(),
            Some(other) => {
                let advice = r#"Write `"required": ["name"]`."#;
                return Err(self.wrong(&place, kind(other), "a list of fields", advice));
            }
        };
        for name in names {
            let known: Vec<&str> = node
                .properties
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let known = known.as_slice();
            match name.as_str().filter(|name| known.contains(name)) {
                Some(name) => node.required.push(name.to_owned()),
                None => {
                    let expected = match known {
                        [] => "no field, as `properties` has none".to_owned(),
                        known => format!("one of {}", listed(known)),
                    };
                    let advice = "Name fields of `properties` only.";
                    return Err(self.wrong(&place, kind(name), &expected, advice));
                }
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        node: &mut Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<(), TaskError> {
        let place = inside(at, "items");
        let Some(items) = keys.get("items") else {
            let advice = r#"Say what its elements are: `"items": {"type": "string"}`."#;
            return Err(self.wrong(&place, "nothing".into(), "a schema", advice));
        };
        node.items = Some(Box::new(self.node(items, &place)?));
        node.size = self.size(keys, ["minItems", "maxItems"], at)?;
        Ok(())
    }

    fn plain(
        &mut self,
        node: &mut Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<(), TaskError> {
        node.size = self.size(keys, ["minLength", "maxLength"], at)?;
        node.range = self.range(node, keys, at)?;
        if let Some(name) = keys.get("format") {
            node.format = Some(self.named(name, &Format::NAMES, &inside(at, "format"))?);
        }
        if let Some(pattern) = self.text(keys, "pattern", at)? {
            let regex = regex_lite::Regex::new(pattern).map_err(|error| {
                let found = format!("{} ({error})", quoted(pattern));
                let advice = "Look-around and back-references are not built.";
                self.wrong(
                    &inside(at, "pattern"),
                    found,
                    "a regular expression",
                    advice,
                )
            })?;
            node.pattern = Some(regex);
        }
        node.compare = self.compare(node, keys, at)?;
        Ok(())
    }

    fn compare(
        &self,
        node: &Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<Compare, TaskError> {
        let tolerance = self.number(keys, "x-tolerance", at)?;
        let number = Compare::Number {
            tolerance: tolerance.unwrap_or(0.0),
        };
        let names = [
            ("exact", Compare::Exact),
            ("normalized", Compare::Normalized),
            ("number", number),
            ("date", Compare::Date),
        ];
        let is_number = |kind: &Kind| matches!(kind, Kind::Number | Kind::Integer);
        let compare = match keys.get("x-compare") {
            Some(name) => self.named(name, &names, &inside(at, "x-compare"))?,
            None if matches!(node.format, Some(Format::Date | Format::DateTime)) => Compare::Date,
            None if node.kinds.iter().any(is_number) => number,
            None => Compare::Exact,
        };
        if tolerance.is_some_and(|t| t < 0.0 || !matches!(compare, Compare::Number { .. })) {
            let advice = r#"It goes with `"x-compare": "number"` and is at least 0."#;
            let found = quoted(&keys["x-tolerance"].to_string());
            let place = inside(at, "x-tolerance");
            return Err(self.wrong(&place, found, "the greatest difference of numbers", advice));
        }
        Ok(compare)
    }
}

fn inside(at: &str, key: &str) -> String {
    match at {
        "" => key.to_owned(),
        at => format!("{at}.{key}"),
    }
}

/// The leaves below a node, in order.
fn leaves(
    node: &Node,
    path: &str,
    fields: &mut Vec<Field>,
    reader: &Reader<'_>,
) -> Result<(), TaskError> {
    for (name, property) in &node.properties {
        if name.is_empty() || name.contains(['.', '[', ']']) {
            let advice = "Paths in reports are made of names: rename the field.";
            let expected = "a name that is not empty and has none of `.`, `[` and `]`";
            let place = inside(path, name);
            return Err(reader.wrong(&place, quoted(name), expected, advice));
        }
        leaves(property, &inside(path, name), fields, reader)?;
    }
    if let Some(items) = &node.items {
        leaves(items, &format!("{path}[]"), fields, reader)?;
    } else if node.properties.is_empty() && !path.is_empty() {
        fields.push(Field::new(path, node.compare)?);
    }
    Ok(())
}
