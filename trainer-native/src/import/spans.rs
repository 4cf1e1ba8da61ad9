//! Labelled spans of a text as several tools write them, in code points.

use serde_json::{Value, json};

use super::{
    reason::{Code, Reason},
    row::first_of,
};

/// A half-open range of code points with its label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) label: String,
    /// What the file says stands there.
    pub(super) text: Option<String>,
}

impl Span {
    pub(super) fn to_json(&self) -> String {
        format!(
            "{{\"start\": {}, \"end\": {}, \"label\": {}}}",
            self.start,
            self.end,
            json!(self.label)
        )
    }
}

/// A list of `[start, end, label]` or of objects.
pub(super) fn read(value: &Value) -> Result<Vec<Span>, Reason> {
    let Some(items) = value.as_array() else {
        return Err(Reason::new(Code::WrongType, "the spans are no list"));
    };
    items.iter().map(one).collect()
}

fn one(item: &Value) -> Result<Span, Reason> {
    let (start, end, label, text) = match item {
        Value::Array(parts) => (parts.first(), parts.get(1), parts.get(2), None),
        Value::Object(fields) => (
            first_of(fields, &["start", "start_position", "start_char"]),
            first_of(fields, &["end", "end_position", "end_char"]),
            first_of(fields, &["label", "entity_type", "type", "entity"]),
            first_of(fields, &["entity_value", "text", "value"]).and_then(Value::as_str),
        ),
        _ => (None, None, None, None),
    };
    let bad = || Reason::new(Code::BadSpan, format!("{item} is no span"));
    let offset = |value: Option<&Value>| value.and_then(Value::as_u64).ok_or_else(bad);
    Ok(Span {
        start: offset(start)? as usize,
        end: offset(end)? as usize,
        label: (label.and_then(Value::as_str))
            .ok_or_else(bad)?
            .trim()
            .to_string(),
        text: text.map(str::to_string),
    })
}

/// The spans in order, if each lies in the text and none shares a character with another.
pub(super) fn check(text: &str, mut spans: Vec<Span>) -> Result<Vec<Span>, Reason> {
    let letters: Vec<char> = text.chars().collect();
    spans.sort_by_key(|span| (span.start, span.end));
    for span in &spans {
        let shown = format!("{}..{} {}", span.start, span.end, span.label);
        let bad = |why: &str| Err(Reason::new(Code::BadSpan, format!("{shown}: {why}")));
        if span.start >= span.end || span.end > letters.len() {
            return bad(&format!("not in a text of {} characters", letters.len()));
        }
        let there: String = letters[span.start..span.end].iter().collect();
        if there.trim().is_empty() {
            return bad("only white space stands there");
        }
        if there.trim() != there {
            return bad(&format!("{there:?} has white space at an end"));
        }
        if let Some(said) = span.text.as_ref().filter(|said| **said != there) {
            return bad(&format!("{there:?} stands there, not {said:?}"));
        }
        if span.label.trim().is_empty() {
            return Err(Reason::new(Code::EmptyLabel, format!("{shown}: no label")));
        }
    }
    let overlap = spans.windows(2).find(|pair| pair[0].end > pair[1].start);
    match overlap {
        Some([a, b]) => Err(Reason::new(
            Code::OverlappingSpans,
            format!(
                "{}..{} {} and {}..{} {}",
                a.start, a.end, a.label, b.start, b.end, b.label
            ),
        )),
        _ => Ok(spans),
    }
}
