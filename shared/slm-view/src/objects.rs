//! A JSON answer field by field, beside what its schema wants and what is right, where these are known.

use leptos::prelude::*;
use serde_json::Value;
use slm_task::{
    Schema,
    schema::{Node, Violation},
};

use crate::format;
use crate::table::{Head, Table};

/// One place of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRow {
    /// Keys with `.` between them, `[i]` for elements.
    pub path: String,
    /// What was answered; none where the answer leaves the place out.
    pub found: Option<String>,
    /// What is right, where that is known: none for a place that must be left out.
    pub wanted: Option<Option<String>>,
    /// What the schema wants, in words.
    pub expected: Option<String>,
    /// What the author of the schema says of the place.
    pub description: Option<String>,
    /// What the schema refuses here, in words.
    pub violation: Option<String>,
}

impl FieldRow {
    /// Whether the answer differs from what is right, as texts.
    pub fn differs(&self) -> bool {
        (self.wanted.as_ref()).is_some_and(|wanted| *wanted != self.found)
    }
}

/// The places of an answer: those of the schema in its order, then others that it or the right
/// answer has.
pub fn rows(found: &Value, wanted: Option<&Value>, schema: Option<&Schema>) -> Vec<FieldRow> {
    let mut walk = Walk {
        has_wanted: wanted.is_some(),
        violations: schema.map(|s| s.violations(found)).unwrap_or_default(),
        rows: Vec::new(),
    };
    walk.place(schema.map(Schema::root), Some(found), wanted, "");
    walk.rows
}

struct Walk {
    has_wanted: bool,
    violations: Vec<Violation>,
    rows: Vec<FieldRow>,
}

impl Walk {
    fn place(
        &mut self,
        node: Option<&Node>,
        found: Option<&Value>,
        wanted: Option<&Value>,
        path: &str,
    ) {
        let nested = |value: &&Value| value.is_object() || value.is_array();
        let is_nested = [found, wanted].iter().flatten().any(nested);
        if node.is_some_and(|node| !node.properties().is_empty())
            || [found, wanted]
                .iter()
                .flatten()
                .any(|value| value.is_object())
        {
            for key in keys(node, found, wanted) {
                let inner = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                let at = |value: Option<&Value>| value.and_then(|v| v.get(&key)).cloned();
                let (found, wanted) = (at(found), at(wanted));
                let node = node.and_then(|node| node.property(&key));
                self.place(node, found.as_ref(), wanted.as_ref(), &inner);
            }
        } else if is_nested {
            let elements =
                |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
            let count = elements(found).max(elements(wanted));
            for i in 0..count {
                let at = |value: Option<&Value>| value.and_then(|v| v.get(i)).cloned();
                let (found, wanted) = (at(found), at(wanted));
                let items = node.and_then(Node::items);
                self.place(
                    items,
                    found.as_ref(),
                    wanted.as_ref(),
                    &format!("{path}[{i}]"),
                );
            }
            if count == 0 {
                self.leaf(node, found, wanted, path);
            }
        } else {
            self.leaf(node, found, wanted, path);
        }
    }

    fn leaf(
        &mut self,
        node: Option<&Node>,
        found: Option<&Value>,
        wanted: Option<&Value>,
        path: &str,
    ) {
        let violation = self
            .violations
            .iter()
            .find(|violation| violation.path == path);
        self.rows.push(FieldRow {
            path: path.to_owned(),
            found: found.map(text),
            wanted: self.has_wanted.then(|| wanted.map(text)),
            expected: node.map(Node::expected),
            description: node.and_then(Node::description).map(str::to_owned),
            violation: violation.map(|v| format!("found {}", v.found)),
        });
    }
}

/// Keys of an object, the schema's first.
fn keys(node: Option<&Node>, found: Option<&Value>, wanted: Option<&Value>) -> Vec<String> {
    let mut keys: Vec<String> = match node {
        Some(node) => node
            .properties()
            .iter()
            .map(|(name, _)| name.clone())
            .collect(),
        None => Vec::new(),
    };
    for value in [found, wanted].into_iter().flatten() {
        for key in value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
        {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An object in a line: `intent: refund, amount: 34.5`.
pub fn in_words(object: &Value) -> String {
    let rows = rows(object, None, None);
    let parts = rows.into_iter().filter_map(|row| {
        let found = row.found?;
        Some(format!("{}: {found}", row.path))
    });
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => "nothing".into(),
        false => parts.join(", "),
    }
}

/// A JSON answer: its places with what the schema wants of each, and the JSON itself.
#[component]
pub fn ObjectView(
    /// What the model answered.
    found: Value,
    /// The right answer, where it is known.
    #[prop(optional_no_strip)]
    wanted: Option<Value>,
    /// The schema, where it is known.
    #[prop(optional_no_strip)]
    schema: Option<Schema>,
) -> impl IntoView {
    let rows = rows(&found, wanted.as_ref(), schema.as_ref());
    let has_wanted = wanted.is_some();
    let valid = schema
        .as_ref()
        .map(|schema| match schema.violations(&found).len() {
            0 => "The answer fits its schema.".to_owned(),
            n => format!(
                "The answer breaks its schema in {}.",
                format::counted(n as u64, "place")
            ),
        });
    let has_schema = schema.is_some();
    let json = serde_json::to_string_pretty(&found).unwrap_or_default();
    let mut heads = vec![Head::text("Field"), Head::text("Answer")];
    heads.extend(has_wanted.then(|| Head::text("Right")));
    heads.extend(has_schema.then(|| Head::text("The schema wants")));
    let lines: Vec<AnyView> = rows
        .into_iter()
        .map(|row| line(row, has_wanted, has_schema))
        .collect();
    view! {
        <div class="slm-prediction slm-object">
            <Table label="The answer by field" heads>
                {lines}
            </Table>
            {valid.map(|text| view! { <p class="slm-note">{text}</p> })}
            <pre class="slm-json" tabindex="0" aria-label="The answer as JSON">{json}</pre>
        </div>
    }
}

fn line(row: FieldRow, has_wanted: bool, has_schema: bool) -> AnyView {
    let class = match (row.found.is_some(), row.differs()) {
        (_, true) => "slm-wrong",
        (false, false) => "slm-muted",
        (true, false) => "",
    };
    let shown = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let note = match (&row.violation, row.differs()) {
        (Some(violation), _) => Some(format!("not valid: {violation}")),
        (None, true) => Some("differs".to_owned()),
        (None, false) => None,
    };
    let wanted = has_wanted.then(|| {
        view! { <td>{shown(row.wanted.flatten())}</td> }
    });
    let expected = has_schema.then(|| {
        view! { <td class="slm-muted" title=row.description>{shown(row.expected)}</td> }
    });
    view! {
        <tr class=class>
            <th scope="row"><code>{row.path}</code></th>
            <td>
                {shown(row.found)}
                {note.map(|note| view! { " " <span class="slm-tag">{note}</span> })}
            </td>
            {wanted}
            {expected}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        let text = r#"{"type": "object", "additionalProperties": false, "required": ["intent"],
            "properties": {
                "intent": {"enum": ["refund", "question"], "description": "what is wanted"},
                "items": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                    "properties": {"name": {"type": "string"}, "qty": {"type": "integer"}}}}}}"#;
        Schema::parse(text, "schema.json").unwrap()
    }

    #[test]
    fn every_place_of_the_schema_has_a_row() {
        let schema = schema();
        let check = |found: Value, wanted: Option<Value>, expected: &[(&str, &str, bool, bool)]| {
            let rows = rows(&found, wanted.as_ref(), Some(&schema));
            let shown: Vec<_> = rows
                .iter()
                .map(|row| {
                    let found = row.found.as_deref().unwrap_or("–");
                    (
                        row.path.as_str(),
                        found,
                        row.violation.is_some(),
                        row.differs(),
                    )
                })
                .collect();
            assert_eq!(shown, expected, "{found}");
        };
        check(
            json!({"intent": "refund"}),
            None,
            &[
                ("intent", "refund", false, false),
                ("items", "–", false, false),
            ],
        );
        check(
            json!({"intent": "rant", "items": [{"name": "tea", "qty": 1.5}, {"name": "x"}]}),
            Some(json!({"intent": "refund", "items": [{"name": "tea", "qty": 2}]})),
            &[
                ("intent", "rant", true, true),
                ("items[0].name", "tea", false, false),
                ("items[0].qty", "1.5", true, true),
                ("items[1].name", "x", false, true),
                ("items[1].qty", "–", false, false),
            ],
        );
        check(
            json!({}),
            None,
            &[("intent", "–", true, false), ("items", "–", false, false)],
        );
        check(
            json!({"intent": "question", "items": [], "more": 1}),
            None,
            &[
                ("intent", "question", false, false),
                ("items", "[]", false, false),
                ("more", "1", false, false),
            ],
        );
    }

    #[test]
    fn an_object_reads_as_a_line() {
        let check = |object: Value, expected: &str| assert_eq!(in_words(&object), expected);
        check(json!({}), "nothing");
        check(
            json!({"a": "x", "b": {"c": 1}, "d": [true]}),
            "a: x, b.c: 1, d[0]: true",
        );
    }
}
