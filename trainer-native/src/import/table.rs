//! Tables with a header: CSV and TSV.

use std::path::Path;

use anyhow::Result;

use super::{
    Format, Item, Notes, Options,
    cells::{Record, Records, Stray},
    names,
    reason::{Code, Reason},
    row::{Answer, Candidate},
};
use crate::exit::bad_input;

/// Which column holds what.
struct Columns {
    text: usize,
    answer: usize,
    slice: Option<usize>,
    /// Of each column, what is said of a value in it; nothing of those that are read.
    unread: Vec<Option<String>>,
}

/// Every row below the header.
///
/// # Errors
/// Bad input: a header that lacks a column, or in which a quote goes wrong.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    format: Format,
    options: &Options,
    notes: &mut Notes,
) -> Result<Vec<Item>> {
    let mut records = Records::new(bytes, delimiter(bytes, format), format != Format::Tsv);
    let header = records.next();
    if let Some(stray) = header.as_ref().and_then(|header| header.stray) {
        let place = format!("{}:{}", path.display(), stray.line);
        return Err(bad_input(format!("{place}: {}", stray.in_words())));
    }
    let header: Vec<String> = header
        .map_or_else(Vec::new, |header| header.cells)
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_string())
        .collect();
    let columns = Columns::find(path, &header, format, options)?;
    let items = records.map(|record| Item {
        line: record.stray.map_or(record.line, |stray| stray.line),
        raw: String::from_utf8_lossy(record.raw).into_owned(),
        candidate: columns.candidate(&record, notes),
    });
    Ok(items.collect())
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

impl Columns {
    fn find(path: &Path, header: &[String], format: Format, options: &Options) -> Result<Self> {
        let names = names::of(format, options);
        let text = column(path, header, &names.text, "--text-column")?;
        let answer = column(path, header, &names.answer, "--label-column")?;
        let slice = header.iter().position(|name| name == "slice");
        let read = [Some(text), Some(answer), slice];
        let unread = |place: usize| {
            (!read.contains(&Some(place))).then(|| {
                let name = match header[place].as_str() {
                    "" => format!("column {} without a name", place + 1),
                    name if header[..place].contains(&header[place]) => {
                        format!("column {}, another {name:?}", place + 1)
                    }
                    name => format!("column {name:?}"),
                };
                format!("rows with a value in {name}, which is not read")
            })
        };
        Ok(Self {
            text,
            answer,
            slice,
            unread: (0..header.len()).map(unread).collect(),
        })
    }

    fn candidate(&self, record: &Record<'_>, notes: &mut Notes) -> Result<Candidate, Reason> {
        if let Some(stray) = record.stray {
            if stray.last > stray.line {
                let lines = stray.last - stray.line;
                let note =
                    "further lines stand in rows with a stray quote, and are rejected with them";
                *notes.entry(note.to_string()).or_default() += lines;
            }
            return Err(Reason::new(Code::StrayQuote, stray.in_words()));
        }
        let (cells, count) = (&record.cells, self.unread.len());
        if cells.len() != count {
            return Err(Reason::new(
                Code::WrongColumns,
                format!("{} columns; the header has {count}", cells.len()),
            ));
        }
        for (cell, unread) in cells.iter().zip(&self.unread) {
            if let Some(note) = unread.as_ref().filter(|_| !cell.trim_ascii().is_empty()) {
                *notes.entry(note.clone()).or_default() += 1;
            }
        }
        let slice = self.slice.map(|slice| text(&cells[slice])).transpose()?;
        Ok(Candidate {
            text: text(&cells[self.text])?,
            answer: Answer::Written(text(&cells[self.answer])?),
            slice: slice.filter(|slice| !slice.trim().is_empty()),
        })
    }
}

fn column(path: &Path, header: &[String], names: &[&str], option: &str) -> Result<usize> {
    let place = |name: &&str| header.iter().position(|own| own.eq_ignore_ascii_case(name));
    names.iter().find_map(place).ok_or_else(|| {
        let found = match header.iter().all(String::is_empty) {
            true => "no header with columns".to_string(),
            false => format!("the columns {}", header.join(", ")),
        };
        bad_input(format!(
            "{}: found {found}; expected {}. Name one with {option}.",
            path.display(),
            names.join(" or ")
        ))
    })
}

fn text(cell: &[u8]) -> Result<String, Reason> {
    let text = std::str::from_utf8(cell).map_err(|error| {
        let at = error.valid_up_to() + 1;
        Reason::new(Code::NotUtf8, format!("byte {at} of a cell is not UTF-8"))
    })?;
    Ok(text.to_string())
}

impl Stray {
    /// What is wrong, and what to do.
    fn in_words(self) -> String {
        let what = match self.closes {
            Some(line) => format!("closes on line {line} with text behind it"),
            None => format!(
                "never closes, so that everything up to line {}, the end of the file, is one row",
                self.last
            ),
        };
        format!(
            "the quote that opens on line {} {what}. Close it where its cell ends, or write \"\" for a \
             quote that is part of a text, and import again.",
            self.line
        )
    }
}
