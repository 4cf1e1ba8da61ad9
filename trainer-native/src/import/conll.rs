//! Tagged tokens, one a line: CoNLL with BIO tags. A blank line ends a row; the tokens become a text
//! with single spaces between.

use std::path::Path;

use anyhow::Result;
use slm_task::Shape;

use super::{
    Item, Notes, Options,
    reason::{Code, Reason},
    row::{Answer, Candidate},
    spans::Span,
};
use crate::exit::bad_input;

/// The columns of token and tag, from 0; the tag stands last unless asked otherwise.
struct Columns {
    token: usize,
    tag: Option<usize>,
}

/// Every sentence of the file.
///
/// # Errors
/// Bad input: a shape other than spans; columns that are no numbers.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    options: &Options,
    notes: &mut Notes,
) -> Result<Vec<Item>> {
    if options.shape != Shape::Spans {
        return Err(bad_input(format!(
            "{}: tagged tokens make rows of --shape spans; found --shape {}.",
            path.display(),
            options.shape
        )));
    }
    let columns = Columns {
        token: number(options.text_column.as_deref(), "--text-column")?.unwrap_or(0),
        tag: number(options.label_column.as_deref(), "--label-column")?,
    };
    let mut items = Vec::new();
    let mut sentence: Vec<&[u8]> = Vec::new();
    let mut first = 1;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    for (index, line) in lines.chain([(usize::MAX, &b""[..])]) {
        let line = line.trim_ascii();
        if line.starts_with(b"-DOCSTART-") || is_comment(line) {
            let note = "lines that are marks or comments".to_string();
            *notes.entry(note).or_default() += 1;
        } else if !line.is_empty() {
            if sentence.is_empty() {
                first = index + 1;
            }
            sentence.push(line);
        } else if !sentence.is_empty() {
            items.push(item(first, &sentence, &columns));
            sentence.clear();
        }
    }
    Ok(items)
}

/// A column's number, from 1 as people count, as an index.
fn number(column: Option<&str>, option: &str) -> Result<Option<usize>> {
    let Some(column) = column else {
        return Ok(None);
    };
    match column.parse::<usize>() {
        Ok(number) if number > 0 => Ok(Some(number - 1)),
        _ => Err(bad_input(format!(
            "{option} {column}: expected the number of a column, from 1."
        ))),
    }
}

/// A line that begins with `#` and ends in no tag; `# O` is a token.
fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#") && !std::str::from_utf8(line).is_ok_and(is_tagged)
}

/// Whether a line has a token and, last, a tag.
pub(super) fn is_tagged(line: &str) -> bool {
    let cells: Vec<&str> = cells(line);
    cells.len() >= 2 && cells.last().is_some_and(|tag| Tag::read(tag).is_some())
}

/// Cells between tabs, or between white space where there is no tab.
fn cells(line: &str) -> Vec<&str> {
    match line.contains('\t') {
        true => line.split('\t').map(str::trim).collect(),
        false => line.split_whitespace().collect(),
    }
}

fn item(line: usize, sentence: &[&[u8]], columns: &Columns) -> Item {
    let raw = sentence.join(&b'\n');
    Item {
        line,
        raw: String::from_utf8_lossy(&raw).into_owned(),
        candidate: candidate(sentence, columns),
    }
}

fn candidate(sentence: &[&[u8]], columns: &Columns) -> Result<Candidate, Reason> {
    let mut text = String::new();
    let mut length = 0;
    let mut spans: Vec<Span> = Vec::new();
    let mut open = false;
    for line in sentence {
        let line = std::str::from_utf8(line)
            .map_err(|_| Reason::new(Code::NotUtf8, "a token is not UTF-8"))?;
        let cells = cells(line);
        let tag = columns.tag.unwrap_or(cells.len().saturating_sub(1));
        let (Some(token), Some(written)) = (cells.get(columns.token), cells.get(tag)) else {
            let detail = format!("{line:?} lacks a column");
            return Err(Reason::new(Code::WrongColumns, detail));
        };
        if columns.token == tag {
            let detail = format!("{line:?} has a token and no tag");
            return Err(Reason::new(Code::WrongColumns, detail));
        }
        let Some(tag) = Tag::read(written) else {
            return Err(Reason::new(Code::BadTag, format!("{written:?} is no tag")));
        };
        if !text.is_empty() {
            text.push(' ');
            length += 1;
        }
        let start = length;
        text.push_str(token);
        length += token.chars().count();
        open = tag.apply(&mut spans, open, start, length);
    }
    Ok(Candidate {
        text,
        answer: Answer::Spans(spans),
        slice: None,
    })
}

/// A tag: outside, or in an entity.
enum Tag<'a> {
    Outside,
    Inside {
        label: &'a str,
        begins: bool,
        ends: bool,
    },
}

impl<'a> Tag<'a> {
    /// IOB1, IOB2, and IOBES or BILOU.
    fn read(tag: &'a str) -> Option<Self> {
        if tag == "O" {
            return Some(Self::Outside);
        }
        let (mark, label) = tag.split_once('-')?;
        let (begins, ends) = match mark {
            "B" => (true, false),
            "I" => (false, false),
            "E" | "L" => (false, true),
            "S" | "U" => (true, true),
            _ => return None,
        };
        (!label.is_empty()).then_some(Self::Inside {
            label,
            begins,
            ends,
        })
    }

    /// Adds a token to the entities so far. An inside tag goes on with an open entity of its label,
    /// and begins one elsewhere (IOB1). Gives whether an entity is open afterwards.
    fn apply(self, spans: &mut Vec<Span>, open: bool, start: usize, end: usize) -> bool {
        let Self::Inside {
            label,
            begins,
            ends,
        } = self
        else {
            return false;
        };
        match spans.last_mut() {
            Some(last) if open && !begins && last.label == label => last.end = end,
            _ => spans.push(Span {
                start,
                end,
                label: label.to_string(),
                text: None,
            }),
        }
        !ends
    }
}
