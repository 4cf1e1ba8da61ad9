//! As much of a recipe's `schema.json` as writing answers takes: fields in the order of the file,
//! types, choices, and what is required.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Number, Value};

/// A node of the schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Schema {
    #[serde(rename = "type", deserialize_with = "one_or_more")]
    types: Vec<String>,
    #[serde(rename = "enum")]
    choices: Option<Vec<Value>>,
    #[serde(deserialize_with = "in_order")]
    properties: Vec<(String, Schema)>,
    required: Vec<String>,
    items: Option<Box<Schema>>,
}

impl Schema {
    /// A field of an object.
    pub fn property(&self, name: &str) -> Option<&Schema> {
        let (_, schema) = self.properties.iter().find(|(own, _)| own == name)?;
        Some(schema)
    }

    /// The elements, where the node is a list.
    pub fn items(&self) -> Option<&Schema> {
        self.items.as_deref()
    }

    /// Whether the node is a plain value, neither object nor list.
    pub fn is_plain(&self) -> bool {
        self.properties.is_empty() && self.items.is_none()
    }

    /// A captured text as the value that the node wants.
    ///
    /// # Errors
    /// In words, when it is none.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let value = match self.types.first().map(String::as_str) {
            Some("number" | "integer") => number(text),
            Some("boolean") => text.parse().ok().map(Value::Bool),
            _ => Some(text.into()),
        };
        let value = value.filter(|value| self.accepts(value));
        value.ok_or_else(|| {
            format!(
                "`{text}` is {}. Give its entry a value that is: `{text} => …`.",
                self.wanted()
            )
        })
    }

    /// Checks a value and what is in it. `path` is its own place, for messages; a value that is not
    /// `whole` may lack required fields.
    ///
    /// # Errors
    /// In words: a field that the schema lacks, a value of the wrong type, a required field missing.
    pub fn check(&self, value: &Value, path: &str, whole: bool) -> Result<(), String> {
        let field = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        match value {
            Value::Object(fields) if !self.properties.is_empty() => {
                for (name, value) in fields {
                    let Some(schema) = self.property(name) else {
                        return Err(unknown(&field(name)));
                    };
                    schema.check(value, &field(name), whole)?;
                }
                let missing = self
                    .required
                    .iter()
                    .find(|name| !fields.contains_key(*name));
                match missing.filter(|_| whole) {
                    Some(name) => Err(format!(
                        "the answer lacks `{}`, which schema.json requires. Capture it, or put it in `answer`.",
                        field(name)
                    )),
                    None => Ok(()),
                }
            }
            Value::Array(elements) if self.items.is_some() => {
                let schema = self.items.as_deref().unwrap_or(self);
                let mut elements = elements.iter();
                elements.try_for_each(|element| schema.check(element, path, whole))
            }
            value if self.is_plain() && self.accepts(value) => Ok(()),
            value => Err(format!("`{path}`: {value} is {}.", self.wanted())),
        }
    }

    /// Whether a plain value has one of the types, and is one of the choices.
    fn accepts(&self, value: &Value) -> bool {
        let is = |name: &String| match (name.as_str(), value) {
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
            ("number", Value::Number(_)) | ("null", Value::Null) => true,
            ("integer", Value::Number(number)) => number.is_i64(),
            _ => false,
        };
        (self.types.is_empty() || self.types.iter().any(is))
            && (self.choices.as_ref()).is_none_or(|choices| choices.contains(value))
    }

    /// What a value that is not accepted is not.
    fn wanted(&self) -> String {
        let choices = self.choices.as_ref();
        match choices.map(|choices| Value::from(choices.clone())) {
            Some(choices) => format!("none of {choices}"),
            None => format!("no {} (schema.json)", self.types.join(" or ")),
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

/// A value with the fields of every object in the order of the schema.
pub struct Ordered<'a> {
    /// The value's node.
    pub schema: &'a Schema,
    /// The value.
    pub value: &'a Value,
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.schema.items()) {
            (Value::Object(fields), _) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, schema) in &self.schema.properties {
                    if let Some(value) = fields.get(name) {
                        map.serialize_entry(name, &Ordered { schema, value })?;
                    }
                }
                map.end()
            }
            (Value::Array(elements), Some(schema)) => {
                let elements = elements.iter();
                serializer.collect_seq(elements.map(|value| Ordered { schema, value }))
            }
            (value, _) => value.serialize(serializer),
        }
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Types {
        One(String),
        More(Vec<String>),
    }
    Ok(match Types::deserialize(deserializer)? {
        Types::One(name) => vec![name],
        Types::More(names) => names,
    })
}

/// The entries of a map as they stand in the file.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Schema)>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Schema)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of fields")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = r#"{"type": "object", "required": ["when"], "properties": {
        "when": {"type": "string", "format": "date"},
        "kind": {"enum": ["bug", "wish"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {
            "qty": {"type": "integer"}, "name": {"type": "string"}}}},
        "cost": {"type": ["number", "null"]},
        "paid": {"type": "boolean"}}}"#;

    fn schema() -> Schema {
        serde_json::from_str(SCHEMA).unwrap()
    }

    #[test]
    fn reads_texts_as_the_field_wants_them() {
        let schema = schema();
        let check = |field: &str, text, expected: Option<Value>| {
            let found = schema.property(field).unwrap().read(text);
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
        let items = schema.property("items").unwrap().items().unwrap();
        assert!(items.property("qty").unwrap().read("1.5").is_err());
    }

    #[test]
    fn checks_values() {
        let check = |value: Value, whole, says: &str| match schema().check(&value, "", whole) {
            Ok(()) => assert_eq!(says, "", "{value}"),
            Err(error) => assert!(!says.is_empty() && error.contains(says), "{value}: {error}"),
        };
        check(json!({"when": "today", "cost": null}), true, "");
        check(json!({"cost": 3}), false, "");
        check(json!({"cost": 3}), true, "lacks `when`");
        check(
            json!({"items": [{"qty": "2"}]}),
            false,
            "`items.qty`: \"2\" is no integer",
        );
        check(
            json!({"items": [{"size": 2}]}),
            false,
            "no field `items.size`",
        );
        check(json!({"kind": "rant"}), false, "none of [\"bug\",\"wish\"]");
        check(json!({"when": {}}), false, "`when`: {} is no string");
    }

    #[test]
    fn writes_fields_in_the_order_of_the_file() {
        let value = json!({"cost": 3, "items": [{"name": "tea", "qty": 2}], "when": "today"});
        let schema = schema();
        let ordered = Ordered {
            schema: &schema,
            value: &value,
        };
        assert_eq!(
            serde_json::to_string(&ordered).unwrap(),
            r#"{"when":"today","items":[{"qty":2,"name":"tea"}],"cost":3}"#
        );
    }
}
