//! The JSON Schema of a structured recipe's answers. One file is documentation for people, validator
//! (here) and grammar (in `slm-model`). It must not know rows, prompts or the model.
//!
//! A stated subset of draft 2020-12 is read; what is outside it is refused when the schema is read,
//! never ignored:
//!
//! | keywords | meaning |
//! |---|---|
//! | `type` | a name, or a list of plain types; `null` may stand beside any |
//! | `enum`, `const` | the values that may stand there |
//! | `properties`, `required`, `additionalProperties: false` | objects, which are always closed |
//! | `items`, `minItems`, `maxItems` | arrays |
//! | `minLength`, `maxLength`, `pattern`, `format` (`date`, `time`, `date-time`, `email`) | texts; lengths count code points |
//! | `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` | numbers |
//! | `$ref` to a place of the same file, without loops | that place's schema |
//! | `title`, `description`, `default`, `examples`, `$schema`, `$id`, `$comment`, `$defs` | documentation |
//! | `x-compare` (`exact`, `normalized`, `number`, `date`), `x-tolerance` | how scoring compares the field, see [`Compare`] |
//!
//! Without `x-compare`, dates are compared as dates, numbers by value, all else exactly.

mod check;
mod format;
mod read;

use serde_json::{Map, Value};

use crate::{
    error::TaskError,
    metrics::structured::{Compare, Field},
};

pub use check::Violation;
use format::Format;

/// A schema, read and checked.
#[derive(Debug, Clone)]
pub struct Schema {
    root: Node,
    fields: Vec<Field>,
    document: Value,
}

/// What may stand at one place of an answer.
#[derive(Debug, Clone, Default)]
pub struct Node {
    kinds: Vec<Kind>,
    choices: Option<Vec<Value>>,
    properties: Vec<(String, Node)>,
    required: Vec<String>,
    items: Option<Box<Node>>,
    /// Of elements, or of a text's code points.
    size: Size,
    range: Range,
    pattern: Option<regex_lite::Regex>,
    format: Option<Format>,
    compare: Compare,
    description: Option<String>,
}

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction; `2.0` is one.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
}

/// Bounds of a count.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    least: Option<u64>,
    most: Option<u64>,
}

/// Bounds of a number.
#[derive(Debug, Clone, Copy, Default)]
struct Range {
    minimum: Option<f64>,
    maximum: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
}

impl Schema {
    /// Reads a schema. `file` is the name that errors show.
    ///
    /// # Errors
    /// What is not JSON, a root that is no object, and whatever is outside the subset, with its place.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        read::read(text, file)
    }

    /// The schema of the whole answer, an object.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The leaves of an answer, in the order of the schema, each with its rule of comparison.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The schema as it was written.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The schema as it was written, but with nothing optional: every object has all of its properties,
    /// every list an element if it may, and what may be `null` is not. A grammar passes over an optional
    /// part that nothing can be, and fails on this. Listed values stay as they are.
    pub fn with_everything(&self) -> Value {
        let mut document = self.document.clone();
        require_everything(&mut document);
        document
    }

    /// The value in the one form that rows are taught in: properties in the order of the schema,
    /// absent where they are `null` and need not be, whole numbers without a fraction. What the schema
    /// does not know comes last.
    pub fn tidied(&self, value: &Value) -> Value {
        self.root.tidied(value)
    }
}

fn require_everything(schema: &mut Value) {
    let Some(keys) = schema.as_object_mut() else {
        return;
    };
    if keys.contains_key("enum") || keys.contains_key("const") {
        return;
    }
    if let Some(Value::Array(kinds)) = keys.get_mut("type")
        && kinds.len() > 1
    {
        kinds.retain(|kind| kind != "null");
    }
    if let Some(Value::Object(properties)) = keys.get("properties") {
        let names: Value = properties.keys().cloned().collect();
        keys.insert("required".to_owned(), names);
    }
    let may_be_long = keys.get("maxItems").and_then(Value::as_u64) != Some(0);
    if keys.contains_key("items") && may_be_long {
        let given = keys.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        keys.insert("minItems".to_owned(), given.max(1).into());
    }
    keys.get_mut("items")
        .into_iter()
        .for_each(require_everything);
    for name in ["properties", "$defs", "definitions"] {
        let places = keys.get_mut(name).and_then(Value::as_object_mut);
        let places = places.into_iter().flat_map(Map::values_mut);
        places.for_each(require_everything);
    }
}

impl Node {
    /// Types that may stand here; none for a node that lists its values.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The values that may stand here, where they are listed.
    pub fn choices(&self) -> Option<&[Value]> {
        self.choices.as_deref()
    }

    /// The properties of an object, in the order of the schema.
    pub fn properties(&self) -> &[(String, Node)] {
        &self.properties
    }

    /// A property of an object.
    pub fn property(&self, name: &str) -> Option<&Node> {
        let (_, node) = self.properties.iter().find(|(own, _)| own == name)?;
        Some(node)
    }

    /// Whether an object must have the property.
    pub fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|own| own == name)
    }

    /// The elements of an array.
    pub fn items(&self) -> Option<&Node> {
        self.items.as_deref()
    }

    /// Whether a plain value stands here, neither object nor array.
    pub fn is_plain(&self) -> bool {
        !(self.kinds.contains(&Kind::Object) || self.kinds.contains(&Kind::Array))
    }

    /// What the schema's author says of the place.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn tidied(&self, value: &Value) -> Value {
        match value {
            Value::Object(found) => {
                let known = self.properties.iter().filter_map(|(name, node)| {
                    let value = found.get(name)?;
                    let is_absent = value.is_null() && !self.requires(name);
                    (!is_absent).then(|| (name.clone(), node.tidied(value)))
                });
                let unknown = found
                    .iter()
                    .filter(|(name, _)| self.property(name).is_none());
                let unknown = unknown.map(|(name, value)| (name.clone(), value.clone()));
                Value::Object(known.chain(unknown).collect::<Map<String, Value>>())
            }
            Value::Array(elements) => match &self.items {
                Some(items) => elements
                    .iter()
                    .map(|element| items.tidied(element))
                    .collect(),
                None => value.clone(),
            },
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                // Beyond 2^53 not every whole number is a double.
                Some(n) if n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 => {
                    (n as i64).into()
                }
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }
}

impl Kind {
    const NAMES: [(&'static str, Self); 7] = [
        ("object", Self::Object),
        ("array", Self::Array),
        ("string", Self::String),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("null", Self::Null),
    ];

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::String => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Null => "null",
        }
    }

    /// Whether a value is of the type.
    fn has(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => {
                let whole = |n: f64| n.fract() == 0.0;
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(whole)
            }
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }
}
