//! `slm data import`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde_json::{Value, json};
use slm_task::Shape;

use super::parse_shape;
use crate::{
    exit::bad_input,
    files,
    import::{self, Format, Imported, Options},
    recipe_file::RecipeFile,
    terminal,
};

/// Turn rows of another format into the project's own
///
/// Every row is accepted, or rejected with a reason: rejected rows are written beside the others, to
/// OUT.rejected.jsonl, with line and code.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: slm data import tickets.csv --shape single-label --out tickets.jsonl
         slm data import train.conll --shape spans --out train.jsonl
         slm data import rows.csv --shape single-label --text-column body --label-column queue \\
           --out rows.jsonl

Formats and reason codes are listed in docs/data.md."
)]
pub struct Args {
    /// File to import
    file: PathBuf,
    /// What the rows are to be: single-label, multi-label, spans or structured
    #[arg(long, value_name = "SHAPE", value_parser = parse_shape)]
    shape: Shape,
    /// File for the accepted rows (JSONL)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What the file is
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Column or key of the text (a number in CoNLL) [default: prompt, text, input, …]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,
    /// Column or key of the answer (a number in CoNLL) [default: completion, label, output, …]
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// Recipe that is to read the rows: only its labels, or what fits its schema, are accepted
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// Write the counts as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Args {
    /// Imports the file.
    ///
    /// # Errors
    /// Bad input: a file that cannot be read as the format, or of which no row is accepted.
    pub fn run(self) -> Result<()> {
        let recipe = self.recipe.as_deref();
        let recipe = recipe.map(|name| RecipeFile::load(name, &[])).transpose()?;
        let recipe_files = recipe.iter().flat_map(|file| file.files.clone());
        let inputs: Vec<PathBuf> = recipe_files.chain([self.file.clone()]).collect();
        let options = Options {
            shape: self.shape,
            format: self.format,
            text_column: self.text_column,
            label_column: self.label_column,
            recipe: recipe.map(|file| file.recipe),
        };
        if self.out.as_os_str() == "-" {
            return Err(bad_input(
                "--out -: rows are written to a file, and the rejected ones beside it. Name a file.",
            ));
        }
        let rejected = rejected_path(&self.out);
        let outputs = [&self.out, &rejected].into_iter().chain(&self.json);
        keep_apart(&outputs.collect::<Vec<_>>(), &inputs)?;
        let imported = import::import(&self.file, &files::read(&self.file)?, &options)?;
        let (json, printed) = match &self.json {
            Some(path) if path.as_os_str() == "-" => (None, files::json_text(&summary(&imported))?),
            path => (path.as_deref(), text(&imported, &self.out, &rejected)),
        };
        write(&imported, &self.out, &rejected, json)?;
        terminal::print(&printed)?;
        match imported.accepted.is_empty() {
            true => Err(bad_input(format!(
                "{}: no row was accepted; {} says why. Check --shape, --format and the columns.",
                self.file.display(),
                rejected.display()
            ))),
            false => Ok(()),
        }
    }
}

/// Refuses an output that is an input or another output.
fn keep_apart(outputs: &[&PathBuf], inputs: &[PathBuf]) -> Result<()> {
    let inputs: Vec<&Path> = inputs.iter().map(|file| &**file).collect();
    for (index, output) in outputs.iter().enumerate() {
        files::keep_inputs(output, &inputs)?;
        let mut before = outputs[..index].iter();
        if before.any(|other| files::is_same_place(other, output)) {
            return Err(bad_input(format!(
                "{}: two files would be written there. Name another for --json.",
                output.display()
            )));
        }
    }
    Ok(())
}

/// `rows.jsonl` → `rows.jsonl.rejected.jsonl`.
fn rejected_path(out: &Path) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".rejected.jsonl");
    path.into()
}

/// Writes all together: accepted rows without those that were rejected look complete.
fn write(imported: &Imported, out: &Path, rejected: &Path, json: Option<&Path>) -> Result<()> {
    let line = |line: &String| format!("{line}\n");
    let accepted: String = imported.accepted.iter().map(line).collect();
    let refused = imported.rejected.iter().map(serde_json::to_string);
    let refused: Vec<String> = refused.collect::<Result<_, _>>()?;
    let refused: String = refused.iter().map(line).collect();
    let counts = files::json_text(&summary(imported))?;
    let mut written = vec![(rejected, refused.as_bytes())];
    // Where no row is accepted, what stood there before is worth more.
    if !imported.accepted.is_empty() {
        written.push((out, accepted.as_bytes()));
    }
    written.extend(json.map(|path| (path, counts.as_bytes())));
    files::write_together(&written)
}

fn codes(imported: &Imported) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in &imported.rejected {
        *counts.entry(row.code.name()).or_default() += 1;
    }
    counts
}

fn summary(imported: &Imported) -> Value {
    json!({
        "format": imported.format,
        "rows": imported.accepted.len() + imported.rejected.len(),
        "accepted": imported.accepted.len(),
        "rejected": imported.rejected.len(),
        "codes": codes(imported),
        "notes": imported.notes,
    })
}

fn text(imported: &Imported, out: &Path, rejected: &Path) -> String {
    let (good, bad) = (imported.accepted.len(), imported.rejected.len());
    let mut text = format!(
        "{} rows: {good} accepted ({}), {bad} rejected ({})\n",
        good + bad,
        out.display(),
        rejected.display()
    );
    for (code, count) in codes(imported) {
        text += &format!("  {code:20} {count}\n");
    }
    for (note, count) in &imported.notes {
        text += &format!("  note: {count} {note}\n");
    }
    text
}
