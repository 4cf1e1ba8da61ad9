//! `slm new`.

use std::path::PathBuf;

use anyhow::Result;
use slm_task::Shape;

use super::parse_shape;
use crate::{
    files,
    new_recipe::{self, Made, Request},
    terminal,
};

/// Make a recipe folder from a data file.
///
/// Labels (or a schema), an instruction to edit, training knobs and a split are worked out from the
/// rows; the rows are copied into the folder. Dev and test rows that are not given are cut from the
/// training rows: one in ten each, at most 1,000, so that no text is on two sides, nor nearly.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: slm new tickets --shape single-label --train tickets.jsonl
         slm new tickets --shape multi-label --train rows.jsonl --dev dev.jsonl --test test.jsonl

Rows of other formats are turned into JSONL by `slm data import`."
)]
pub struct Args {
    /// Folder to make; its name gives the recipe's id and title
    folder: PathBuf,
    /// What the rows are: single-label, multi-label, structured or spans
    #[arg(long, value_name = "SHAPE", value_parser = parse_shape)]
    shape: Shape,
    /// Training rows (JSONL)
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Rows for checkpoint selection [default: cut from the training rows]
    #[arg(long, value_name = "FILE")]
    dev: Option<PathBuf>,
    /// Rows for the report [default: cut from the training rows]
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// Write what was decided as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Args {
    /// Makes the folder.
    ///
    /// # Errors
    /// Bad input, or a failing disk.
    pub fn run(self) -> Result<()> {
        if let Some(json) = &self.json {
            let inputs = [Some(&self.train), self.dev.as_ref(), self.test.as_ref()];
            let inputs: Vec<&std::path::Path> =
                inputs.into_iter().flatten().map(|f| &**f).collect();
            files::keep_inputs(json, &inputs)?;
        }
        let made = new_recipe::make(&Request {
            folder: self.folder,
            shape: self.shape,
            train: self.train,
            dev: self.dev,
            test: self.test,
        })?;
        if let Some(path) = &self.json {
            files::write_json(path, &made)?;
        }
        match &self.json {
            Some(path) if path.as_os_str() == "-" => Ok(()),
            _ => terminal::print(&text(&made)),
        }
    }
}

fn text(made: &Made) -> String {
    let folder = made.folder.display();
    let [train, dev, test] = made.rows;
    let from = |part| match made.cut.contains(&part) {
        true => " (cut from the training rows)",
        false => "",
    };
    let mut text = format!(
        "{folder}: {train} train, {dev} dev{}, {test} test rows{}\n",
        from("dev"),
        from("test")
    );
    for decision in &made.decisions {
        text += &format!("  {decision}\n");
    }
    for warning in &made.warnings {
        text += &format!("warning: {warning}\n");
    }
    text += &format!(
        "edit {folder}/recipe.toml as you like\nnext: slm data check {folder}\n      slm train {folder}\n"
    );
    text
}
