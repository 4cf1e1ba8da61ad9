//! Tables with a header: CSV and TSV.

use std::path::Path;

use anyhow::Result;
use csv::{ByteRecord, ReaderBuilder};

use super::{
    Format, Item, Options,
    reason::{Code, Reason},
    row::{Answer, Candidate},
};
use crate::exit::bad_input;

const TEXTS: [&str; 9] = [
    "prompt",
    "text",
    "input",
    "sentence",
    "question",
    "query",
    "utterance",
    "content",
    "message",
];
const ANSWERS: [&str; 11] = [
    "completion",
    "label",
    "labels",
    "output",
    "answer",
    "response",
    "category",
    "intent",
    "target",
    "class",
    "spans",
];

/// Which column holds what.
struct Columns {
    text: usize,
    answer: usize,
    slice: Option<usize>,
    count: usize,
}

/// Every row below the header.
///
/// # Errors
/// Bad input: a header that is not UTF-8 or lacks a column.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    format: Format,
    options: &Options,
) -> Result<Vec<Item>> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(bytes, format))
        .quoting(format != Format::Tsv)
        .flexible(true)
        .from_reader(bytes);
    let broken = |error: csv::Error| bad_input(format!("{}: {error}", path.display()));
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(broken)?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_string())
        .collect();
    let columns = Columns {
        text: column(
            path,
            &header,
            options.text_column.as_deref(),
            &TEXTS,
            "--text-column",
        )?,
        answer: column(
            path,
            &header,
            options.label_column.as_deref(),
            &ANSWERS,
            "--label-column",
        )?,
        slice: header.iter().position(|name| name == "slice"),
        count: header.len(),
    };
    let mut items = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(broken)?;
        let shown: Vec<String> = record
            .iter()
            .map(|cell| String::from_utf8_lossy(cell).into_owned())
            .collect();
        items.push(Item {
            line: record.position().map_or(0, |place| place.line() as usize),
            raw: shown.join(if format == Format::Tsv { "\t" } else { "," }),
            candidate: candidate(&record, &columns),
        });
    }
    Ok(items)
}

/// A table that has no comma in its header but a semicolon is parted by semicolons.
fn delimiter(bytes: &[u8], format: Format) -> u8 {
    let header = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    match format {
        Format::Tsv => b'\t',
        _ if !header.contains(&b',') && header.contains(&b';') => b';',
        _ => b',',
    }
}

fn column(
    path: &Path,
    header: &[String],
    asked: Option<&str>,
    usual: &[&str],
    option: &str,
) -> Result<usize> {
    let place = |name: &str| header.iter().position(|own| own.eq_ignore_ascii_case(name));
    let found = match asked {
        Some(name) => place(name),
        None => usual.iter().find_map(|name| place(name)),
    };
    found.ok_or_else(|| {
        bad_input(format!(
            "{}: found the columns {}; expected {}. Name one with {option}.",
            path.display(),
            header.join(", "),
            asked.map_or_else(|| usual.join(" or "), str::to_string)
        ))
    })
}

fn candidate(record: &ByteRecord, columns: &Columns) -> Result<Candidate, Reason> {
    if record.len() != columns.count {
        return Err(Reason::new(
            Code::WrongColumns,
            format!("{} columns; the header has {}", record.len(), columns.count),
        ));
    }
    let cell = |column: usize| {
        let bytes = record.get(column).unwrap_or_default();
        std::str::from_utf8(bytes)
            .map(str::to_string)
            .map_err(|error| {
                let at = error.valid_up_to() + 1;
                Reason::new(Code::NotUtf8, format!("byte {at} of a cell is not UTF-8"))
            })
    };
    let slice = columns.slice.map(cell).transpose()?;
    Ok(Candidate {
        text: cell(columns.text)?,
        answer: Answer::Written(cell(columns.answer)?),
        slice: slice.filter(|slice| !slice.trim().is_empty()),
    })
}
