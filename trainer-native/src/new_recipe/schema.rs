//! A JSON Schema inferred from objects: types, the choices of fields that have few, and what is
//! always there. It knows nothing of texts or prompts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ordered::Ordered;

/// Most choices that a field may have.
const MOST_CHOICES: usize = 12;
/// Longest choice, in characters.
const LONGEST_CHOICE: usize = 40;
/// Times that a choice must occur on average: fewer, and the next row may bring another.
const TIMES_A_CHOICE: usize = 10;

/// What was seen at one place of the objects.
#[derive(Debug, Default)]
struct Seen {
    values: usize,
    types: Vec<&'static str>,
    texts: BTreeMap<String, usize>,
    fields: Vec<(String, Seen)>,
    objects: usize,
    items: Option<Box<Seen>>,
}

/// The schema that all of the objects fit, as indented JSON with a line end. Fields stand in the
/// order in which they first occur.
pub fn infer<'a>(objects: impl IntoIterator<Item = &'a Ordered>) -> String {
    let mut seen = Seen::default();
    objects.into_iter().for_each(|object| seen.add(object));
    let mut text = String::from("{\n");
    text += "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n";
    text += seen.lines(1).trim_start_matches("{\n");
    text.push('\n');
    text
}

impl Seen {
    fn add(&mut self, value: &Ordered) {
        self.values += 1;
        let name = match value {
            Ordered::Null => "null",
            Ordered::Bool(_) => "boolean",
            Ordered::Integer => "integer",
            Ordered::Number => "number",
            Ordered::Text(text) => {
                *self.texts.entry(text.clone()).or_default() += 1;
                "string"
            }
            Ordered::List(items) => {
                let seen = self.items.get_or_insert_default();
                items.iter().for_each(|item| seen.add(item));
                "array"
            }
            Ordered::Object(fields) => {
                self.objects += 1;
                fields
                    .iter()
                    .for_each(|(name, value)| self.field(name).add(value));
                "object"
            }
        };
        if !self.types.contains(&name) {
            self.types.push(name);
        }
    }

    fn field(&mut self, name: &str) -> &mut Seen {
        let place = self.fields.iter().position(|(own, _)| own == name);
        let place = place.unwrap_or_else(|| {
            self.fields.push((name.to_string(), Seen::default()));
            self.fields.len() - 1
        });
        &mut self.fields[place].1
    }

    /// Whole numbers are numbers too.
    fn types(&self) -> Vec<&'static str> {
        let mut types = self.types.clone();
        if types.contains(&"number") {
            types.retain(|name| *name != "integer");
        }
        types
    }

    fn choices(&self) -> Option<Vec<&String>> {
        let few = self.texts.len() <= MOST_CHOICES
            && self
                .texts
                .keys()
                .all(|text| text.chars().count() <= LONGEST_CHOICE)
            && self.texts.values().sum::<usize>() >= TIMES_A_CHOICE * self.texts.len();
        (few && self.types == ["string"]).then(|| self.texts.keys().collect())
    }

    /// The keywords that need no order.
    fn plain(&self) -> Map<String, Value> {
        let mut plain = Map::new();
        let types = self.types();
        match types.as_slice() {
            [] => {}
            [only] => drop(plain.insert("type".into(), json!(only))),
            several => drop(plain.insert("type".into(), json!(several))),
        }
        if let Some(choices) = self.choices() {
            plain.insert("enum".into(), json!(choices));
        } else if types == ["string"] && self.texts.keys().all(|text| is_date(text)) {
            plain.insert("format".into(), "date".into());
        }
        plain
    }

    /// The node as JSON, its lines but the first indented. Fields in order, which a JSON map of
    /// ours would not keep.
    fn lines(&self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut parts: Vec<String> = self
            .plain()
            .iter()
            .map(|(key, value)| format!("{indent}{}: {value}", json!(key)))
            .collect();
        if self.types.contains(&"object") {
            let inner = "  ".repeat(depth + 1);
            let fields: Vec<String> = self
                .fields
                .iter()
                .map(|(name, seen)| format!("{inner}{}: {}", json!(name), seen.lines(depth + 2)))
                .collect();
            parts.push(match fields.is_empty() {
                true => format!("{indent}\"properties\": {{}}"),
                false => format!(
                    "{indent}\"properties\": {{\n{}\n{indent}}}",
                    fields.join(",\n")
                ),
            });
            let always = self
                .fields
                .iter()
                .filter(|(_, seen)| seen.values == self.objects);
            let required: Vec<&String> = always.map(|(name, _)| name).collect();
            if !required.is_empty() {
                parts.push(format!("{indent}\"required\": {}", json!(required)));
            }
            parts.push(format!("{indent}\"additionalProperties\": false"));
        }
        if let Some(items) = &self.items {
            parts.push(format!("{indent}\"items\": {}", items.lines(depth + 1)));
        }
        format!("{{\n{}\n{}}}", parts.join(",\n"), "  ".repeat(depth - 1))
    }
}

/// `2024-02-29`: four, two and two digits.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, size| part.len() == size && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day]
        if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_of_objects_what_is_true_of_all() {
        let check = |objects: &[&str], expected: Value| {
            let objects: Vec<Ordered> = objects
                .iter()
                .map(|text| serde_json::from_str(text).unwrap())
                .collect();
            let text = infer(&objects);
            let mut schema: Value = serde_json::from_str(&text).unwrap();
            schema.as_object_mut().unwrap().remove("$schema");
            assert_eq!(schema, expected, "{text}");
        };
        let object = |properties: Value, required: Value| {
            let mut schema = json!({
                "type": "object", "properties": properties, "additionalProperties": false,
            });
            if required != json!([]) {
                schema["required"] = required;
            }
            schema
        };
        check(&["{}", "{}"], object(json!({}), json!([])));
        check(
            &[r#"{"b": 1, "a": "x"}"#, r#"{"b": 2.5}"#, r#"{"b": null}"#],
            object(
                json!({"b": {"type": ["number", "null"]}, "a": {"type": "string"}}),
                json!(["b"]),
            ),
        );
        check(
            &[r#"{"on": "2024-02-29", "ok": true}"#],
            object(
                json!({"on": {"type": "string", "format": "date"}, "ok": {"type": "boolean"}}),
                json!(["on", "ok"]),
            ),
        );
        check(
            &[r#"{"items": [{"n": 1}, {"n": 2, "note": "x"}]}"#],
            object(
                json!({"items": {"type": "array", "items": object(
                    json!({"n": {"type": "integer"}, "note": {"type": "string"}}),
                    json!(["n"]),
                )}}),
                json!(["items"]),
            ),
        );
        let many = [r#"{"size": "s"}"#, r#"{"size": "l"}"#].repeat(10);
        let size = json!({"size": {"type": "string", "enum": ["l", "s"]}});
        check(&many, object(size, json!(["size"])));
    }

    #[test]
    fn fields_keep_their_order() {
        let object: Ordered = serde_json::from_str(r#"{"z": 1, "a": {"y": 1, "b": 1}}"#).unwrap();
        let text = infer([&object]);
        let places: Vec<_> = ["\"z\":", "\"a\":", "\"y\":", "\"b\":"]
            .iter()
            .map(|name| text.find(name).unwrap())
            .collect();
        assert!(places.is_sorted(), "{text}");
    }
}
