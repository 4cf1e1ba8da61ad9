//! Labelled parts of a text. Inside this program their bounds count bytes of the UTF-8 text; in data
//! files they count Unicode code points, as Python does.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::jsonl::Row;
use crate::{
    error::{TaskError, listed, nearest, quoted},
    json::kind,
};

/// A labelled part of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
    /// Its label.
    pub label: String,
}

/// A range of bytes of a text, at the bounds of characters, in code points.
pub fn code_points(text: &str, bytes: Range<usize>) -> Range<usize> {
    let count = |byte: usize| {
        let starts = text.char_indices().take_while(|(at, _)| *at < byte);
        starts.count()
    };
    count(bytes.start)..count(bytes.end)
}

/// Reads the `spans` of a row over its text, sorted.
///
/// # Errors
/// What is no list of `{start, end, label}`; bounds that are empty, beyond the text or next to white
/// space inside, or not where the span's own `text` (which it may have) stands; an unknown label; spans
/// that overlap.
pub(super) fn read(row: &Row<'_>, text: &str, labels: &[String]) -> Result<Vec<Span>, TaskError> {
    let items = match row.field("spans") {
        Some(Value::Array(items)) => items,
        other => {
            let found = other.map_or_else(|| "nothing".to_string(), kind);
            return Err(TaskError::input(
                row.place("spans"),
                found,
                "a list of spans",
                r#"Write `"spans": [{"start": 0, "end": 3, "label": "…"}]`; `[]` for none."#,
            ));
        }
    };
    // Byte offset of each code point, and of the end.
    let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    offsets.push(text.len());
    let reader = Reader {
        row,
        text,
        labels,
        offsets,
    };
    let mut spans = (items.iter().enumerate())
        .map(|(index, item)| reader.span(&format!("spans[{index}]"), item))
        .collect::<Result<Vec<Span>, _>>()?;
    spans.sort();
    if let Some(pair) = spans.windows(2).find(|pair| pair[1].start < pair[0].end) {
        let shown = |span: &Span| quoted(&text[span.start..span.end]);
        return Err(TaskError::input(
            row.place("spans"),
            format!("{} over {}", shown(&pair[1]), shown(&pair[0])),
            "spans that do not overlap",
            "Keep one of the two.",
        ));
    }
    Ok(spans)
}

struct Reader<'a> {
    row: &'a Row<'a>,
    text: &'a str,
    labels: &'a [String],
    offsets: Vec<usize>,
}

impl Reader<'_> {
    fn span(&self, field: &str, item: &Value) -> Result<Span, TaskError> {
        let start = self.bound(field, "start", item)?;
        let end = self.bound(field, "end", item)?;
        let characters = self.offsets.len() - 1;
        let bytes = (self.offsets.get(start).zip(self.offsets.get(end)))
            .filter(|_| start < end)
            .map(|(&start, &end)| start..end);
        let Some(bytes) = bytes else {
            return Err(self.wrong(
                field,
                format!("{start} to {end}"),
                format!("a part of the text, which has {characters} characters"),
                "Bounds count Unicode code points from 0; `end` is one beyond the last.",
            ));
        };
        let part = &self.text[bytes.clone()];
        if part.trim() != part {
            return Err(self.wrong(
                field,
                quoted(part),
                "a part without white space at its ends".into(),
                "Move `start` or `end` to the first or beyond the last visible character.",
            ));
        }
        if let Some(own) = item.get("text").filter(|own| own.as_str() != Some(part)) {
            let own = own.as_str().map_or_else(|| kind(own), quoted);
            return Err(self.wrong(
                &format!("{field}.text"),
                own,
                format!("{}, which stands from {start} to {end}", quoted(part)),
                "Bounds count Unicode code points from 0; `end` is one beyond the last.",
            ));
        }
        Ok(Span {
            start: bytes.start,
            end: bytes.end,
            label: self.label(field, item)?,
        })
    }

    fn bound(&self, field: &str, name: &str, item: &Value) -> Result<usize, TaskError> {
        let value = item.get(name);
        let number = value.and_then(Value::as_u64);
        number.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
            self.wrong(
                &format!("{field}.{name}"),
                value.map_or_else(|| "nothing".to_string(), kind),
                "a whole number of at least 0".into(),
                r#"Write `{"start": 0, "end": 3, "label": "…"}`."#,
            )
        })
    }

    fn label(&self, field: &str, item: &Value) -> Result<String, TaskError> {
        let value = item.get("label");
        let written = value.and_then(Value::as_str);
        if let Some(label) = written.filter(|w| self.labels.iter().any(|label| label == w)) {
            return Ok(label.to_owned());
        }
        let advice = match written.and_then(|written| nearest(written, self.labels)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Correct the row, or add the label to the recipe.".to_string(),
        };
        Err(self.wrong(
            &format!("{field}.label"),
            match (written, value) {
                (Some(written), _) => quoted(written),
                (None, Some(other)) => kind(other),
                (None, None) => "nothing".to_string(),
            },
            format!("one of {}", listed(self.labels)),
            &advice,
        ))
    }

    fn wrong(&self, field: &str, found: String, expected: String, advice: &str) -> TaskError {
        TaskError::input(self.row.place(field), found, expected, advice)
    }
}
