//! Why a row is rejected.

use serde::Serialize;

/// The kinds of reasons, which scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A line that is not JSON.
    NotJson,
    /// JSON that is not what a row of the format is.
    NotARow,
    /// A field or column that the row lacks.
    MissingField,
    /// A field of the wrong kind.
    WrongType,
    /// A row of a table with more or fewer columns than its header.
    WrongColumns,
    /// A quote that opens a cell of a table and does not close at the cell's end.
    StrayQuote,
    /// A text that is empty or blank.
    EmptyText,
    /// An answer that is empty or blank.
    EmptyLabel,
    /// A label with line breaks or other control characters.
    BadLabel,
    /// A label that the recipe lacks.
    UnknownLabel,
    /// The same label twice in one list.
    RepeatedLabel,
    /// A conversation without a turn of the user before an answer.
    NoUserTurn,
    /// A conversation that does not end in an answer.
    NoAssistantTurn,
    /// A tag that is neither `O` nor a label behind `B-`, `I-`, `E-`, `S-` or `L-`, `U-`.
    BadTag,
    /// A span that does not lie in the text, is blank, or is not where its own text is.
    BadSpan,
    /// Two spans that share characters.
    OverlappingSpans,
    /// A completion that is not an object.
    NotAnObject,
    /// An answer that the shape cannot take.
    WrongAnswer,
}

impl Code {
    /// The code as files have it.
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_string))
            .unwrap_or_default()
    }
}

/// Why one row is rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The kind.
    pub code: Code,
    /// In words.
    pub detail: String,
}

impl Reason {
    /// A reason.
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail }
    }
}
