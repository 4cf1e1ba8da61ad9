//! Rows of other formats, turned into the project's own. Every row of the file comes out: accepted,
//! or rejected with a reason. Bytes in, rows out; files and the terminal are the caller's.

mod cells;
mod conll;
mod json;
mod names;
mod parquet;
mod reason;
mod row;
mod spans;
mod table;

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use slm_task::{Recipe, Shape, example};

use crate::exit::bad_input;
pub use reason::{Code, Reason};
use row::Candidate;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// By the file's name and first rows
    Auto,
    /// JSON objects with a text and an answer: prompt/completion, text/label, input/output, …
    Jsonl,
    /// A table with a header, parted by commas (or semicolons)
    Csv,
    /// A table with a header, parted by tabs
    Tsv,
    /// A token and its BIO tag a line, a blank line between sentences
    Conll,
    /// Conversations as TRL and OpenAI have them
    Messages,
    /// Texts with entities as spaCy has them
    Spacy,
    /// `full_text` with `spans`, as presidio has them
    Presidio,
    /// A Parquet file of any rows that could stand in JSON
    Parquet,
}

/// What to make of a file.
#[derive(Debug)]
pub struct Options {
    /// What the rows are to be.
    pub shape: Shape,
    /// What they are.
    pub format: Format,
    /// Name (or number, in CoNLL) of the column or key of the text.
    pub text_column: Option<String>,
    /// Name (or number, in CoNLL) of the column or key of the answer.
    pub label_column: Option<String>,
    /// The recipe that is to read the rows; they may have any labels and values where it is none.
    pub recipe: Option<Recipe>,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rejected {
    /// Line in the file, from 1; in a JSON file that is one list, the place in the list.
    pub line: usize,
    /// Why.
    pub code: Code,
    /// Why, in words.
    pub detail: String,
    /// The row as it stands in the file, as far as it is text.
    pub row: String,
}

/// A file, imported. `accepted.len() + rejected.len()` is the number of rows in it.
#[derive(Debug)]
pub struct Imported {
    /// The format that it was read as.
    pub format: Format,
    /// Rows in the project's own format, a JSON object each.
    pub accepted: Vec<String>,
    /// Rows that were not taken.
    pub rejected: Vec<Rejected>,
    /// What of the file is in no row, with how often.
    pub notes: Notes,
}

/// Things that were left out, in words, with how often.
pub type Notes = BTreeMap<String, usize>;

/// One row of the file, read or refused.
#[derive(Debug)]
struct Item {
    line: usize,
    raw: String,
    candidate: Result<Candidate, Reason>,
}

/// Imports a file.
///
/// # Errors
/// Bad input: a file that is not of a format that is read, a column that it lacks, no rows, a shape
/// whose rows have no foreign format.
pub fn import(path: &Path, bytes: &[u8], options: &Options) -> Result<Imported> {
    if let Shape::Grounded | Shape::ToolCall = options.shape {
        return Err(bad_input(format!(
            "--shape {}: rows of other formats are read for single-label, multi-label, spans and \
             structured only. Write the rows in the project's own format (docs/data.md).",
            options.shape
        )));
    }
    if let Some(recipe) = &options.recipe
        && recipe.shape != options.shape
    {
        return Err(bad_input(format!(
            "--shape {}: the recipe `{}` is of the shape {}. Name that shape, or another recipe.",
            options.shape, recipe.id, recipe.shape
        )));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut notes = Notes::new();
    let (format, items) = items(path, bytes, options, &mut notes)?;
    if items.is_empty() {
        return Err(bad_input(format!(
            "{}: found no rows. Fill the file, or name another.",
            path.display()
        )));
    }
    let mut imported = Imported {
        format,
        accepted: Vec::new(),
        rejected: Vec::new(),
        notes,
    };
    for item in items {
        let row = item.candidate.and_then(|row| row.write(options));
        let row = row.and_then(|row| match &options.recipe {
            Some(recipe) => fits(&row, recipe).map(|()| row),
            None => Ok(row),
        });
        match row {
            Ok(row) => imported.accepted.push(row),
            Err(Reason { code, detail }) => imported.rejected.push(Rejected {
                line: item.line,
                code,
                detail,
                row: item.raw,
            }),
        }
    }
    Ok(imported)
}

/// That a recipe reads the row.
fn fits(row: &str, recipe: &Recipe) -> Result<(), Reason> {
    match example::read_rows(row.as_bytes(), "row", recipe) {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = error.to_string();
            let detail = error.strip_prefix("row:1: ").unwrap_or(&error);
            Err(Reason::new(Code::WrongAnswer, detail))
        }
    }
}

/// Every row of the file, and the format that it was read as.
fn items(
    path: &Path,
    bytes: &[u8],
    options: &Options,
    notes: &mut Notes,
) -> Result<(Format, Vec<Item>)> {
    let named = match options.format {
        Format::Auto => guess(path, bytes),
        named => named,
    };
    if named == Format::Parquet || parquet::is(bytes) {
        let lines = parquet::lines(path, bytes)?;
        let rows = match named {
            Format::Messages | Format::Spacy | Format::Presidio => named,
            _ => json::guess(&lines),
        };
        no_columns_of_turns(rows, options)?;
        return Ok((Format::Parquet, json::read(lines, rows, options, notes)));
    }
    let items = match named {
        Format::Csv | Format::Tsv => table::read(path, bytes, named, options, notes)?,
        Format::Conll => conll::read(path, bytes, options, notes)?,
        _ => {
            let lines = json::lines(bytes);
            let format = match options.format {
                Format::Auto => json::guess(&lines),
                named => named,
            };
            no_columns_of_turns(format, options)?;
            return Ok((format, json::read(lines, format, options, notes)));
        }
    };
    Ok((named, items))
}

/// Refuses named columns where text and answer are turns of a conversation.
fn no_columns_of_turns(format: Format, options: &Options) -> Result<()> {
    let named = [
        ("--text-column", &options.text_column),
        ("--label-column", &options.label_column),
    ];
    let named = named
        .iter()
        .find_map(|(name, value)| Some((name, value.as_ref()?)));
    match named {
        Some((name, value)) if format == Format::Messages => Err(bad_input(format!(
            "{name} {value}: the rows are conversations, whose text and answer are the last turns. \
             Leave it out, or name the format with --format jsonl."
        ))),
        _ => Ok(()),
    }
}

/// The format by the file's name and its beginning; kinds of JSON are told apart later.
fn guess(path: &Path, bytes: &[u8]) -> Format {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    match ending.to_lowercase().as_str() {
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "conll" | "bio" | "iob" | "iob2" => Format::Conll,
        "json" | "jsonl" | "ndjson" => Format::Jsonl,
        "parquet" => Format::Parquet,
        _ => match bytes.trim_ascii_start().first() {
            Some(b'{' | b'[') => Format::Jsonl,
            _ => table_or_tags(bytes),
        },
    }
}

/// Text that is no JSON, under a name that says nothing: tagged tokens where the first lines end in
/// tags, or else a table.
fn table_or_tags(bytes: &[u8]) -> Format {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).take(3);
    let first = text.lines().next().unwrap_or_default();
    match lines.all(conll::is_tagged) {
        true => Format::Conll,
        false if first.contains('\t') => Format::Tsv,
        false => Format::Csv,
    }
}

#[cfg(test)]
mod tests;
