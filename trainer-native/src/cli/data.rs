//! `slm data`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;
use slm_task::example;

use super::import;
use crate::{
    check::{
        self,
        findings::{self, Code},
    },
    exit::{GateNotMet, bad_input},
    files,
    generate::{self, Split},
    recipe_file::RecipeFile,
    rows::{self, Rows},
    terminal,
};

/// Check data files, bring them in from other formats, or make a recipe's sample data.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read data files as training would, and show what is in them
    #[command(after_help = "Example: slm data check sentiment
         slm data check rows.jsonl more.jsonl --recipe sentiment

Found are: how labels are spread, labels without rows, texts that occur in two files or nearly do
(over 0.8 of the shorter one's runs of five words), texts with different answers, and rows that are
too long for sft.max_tokens. A text that occurs in two files gives exit code 3.")]
    Check {
        /// A recipe (all its files), or data files
        #[arg(required = true, value_name = "RECIPE or FILE")]
        what: Vec<String>,
        /// Recipe that data files belong to
        #[arg(long, value_name = "RECIPE")]
        recipe: Option<String>,
        /// Base model whose tokens count: a GGUF file or a model's name [default: SmolLM2-135M-Instruct,
        /// if it is on this machine]
        #[arg(long, value_name = "NAME")]
        base: Option<String>,
        /// Write the findings as JSON; - for standard output
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    Import(import::Args),
    /// Write a recipe's sample data: its hand-written rows, and rows generated from its word banks
    #[command(after_help = "Example: slm data generate sentiment
         slm data generate my/recipe --out data")]
    Generate {
        /// Recipe: an id, or a folder with bank/, handwritten/ and recipe.toml
        recipe: String,
        /// Folder for train.jsonl, dev.jsonl and test.jsonl [default: the recipe's own]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Bad input; texts that occur in two files are a gate that is not met.
    pub fn run(self) -> Result<()> {
        match self {
            Self::Check {
                what,
                recipe,
                base,
                json,
            } => run_check(&what, recipe, base.as_deref(), json.as_deref()),
            Self::Import(args) => args.run(),
            Self::Generate { recipe, out } => generate_sample(&recipe, out),
        }
    }
}

fn run_check(
    what: &[String],
    recipe: Option<String>,
    base: Option<&str>,
    json: Option<&Path>,
) -> Result<()> {
    let (file, splits) = read_splits(what, recipe)?;
    if let Some(path) = json {
        let rows = splits.iter().map(|(_, rows)| &*rows.file.path);
        let read: Vec<&Path> = rows.chain(file.files.iter().map(|f| &**f)).collect();
        files::keep_inputs(path, &read)?;
    }
    let named: Vec<(&str, &Rows)> = splits.iter().map(|(name, rows)| (&**name, rows)).collect();
    let found = check::all(&named, &file.recipe, base)?;
    let twice: Vec<&str> = found
        .iter()
        .filter(|finding| finding.code == Code::DuplicateAcross)
        .map(|finding| finding.message.as_str())
        .collect();
    if let Some(path) = json {
        let files: Vec<_> = splits.iter().map(|(_, rows)| &rows.file).collect();
        let balance: Vec<_> = splits
            .iter()
            .map(|(_, rows)| example::class_counts(&rows.examples))
            .collect();
        files::write_json(
            path,
            &json!({
                "files": files,
                "balance": balance,
                "duplicates": twice,
                "findings": found,
            }),
        )?;
    }
    if json.is_none_or(|path| path.as_os_str() != "-") {
        let counts: String = splits
            .iter()
            .map(|(name, rows)| format!("{name}: {} rows\n", rows.examples.len()))
            .collect();
        let examples: Vec<_> = named.iter().map(|(n, rows)| (*n, &rows.examples)).collect();
        let balance = check::balance(&examples);
        terminal::print(&format!("{counts}\n{balance}{}", findings::text(&found)))?;
    }
    if twice.is_empty() {
        return Ok(());
    }
    Err(GateNotMet(format!(
        "{} texts occur in two files ({}). Keep each in one, or scores on them mean nothing.",
        twice.len(),
        twice[..twice.len().min(3)].join(", ")
    ))
    .into())
}

/// The recipe, and the files with their names: its three, or those listed.
fn read_splits(
    what: &[String],
    recipe: Option<String>,
) -> Result<(RecipeFile, Vec<(String, Rows)>)> {
    if let Some(recipe) = recipe {
        let recipe = RecipeFile::load(&recipe, &[])?;
        let splits: Result<_> = what
            .iter()
            .map(|file| Ok((file.clone(), rows::load(Path::new(file), &recipe.recipe)?)))
            .collect();
        return Ok((recipe, splits?));
    }
    let [name] = what else {
        return Err(bad_input(
            "several files: add --recipe, so that it is known what their rows must be.",
        ));
    };
    if Path::new(name).is_file() && !name.ends_with(".toml") {
        return Err(bad_input(format!(
            "{name}: a data file; add --recipe, so that it is known what its rows must be."
        )));
    }
    let file = RecipeFile::load(name, &[])?;
    let data = &file.recipe.data;
    let splits: Result<_> = [
        ("train", &data.train),
        ("dev", &data.dev),
        ("test", &data.test),
    ]
    .into_iter()
    .map(|(split, path)| {
        Ok((
            split.to_string(),
            rows::load(&file.data(path), &file.recipe)?,
        ))
    })
    .collect();
    let splits = splits?;
    Ok((file, splits))
}

fn generate_sample(recipe: &str, out: Option<PathBuf>) -> Result<()> {
    let file = RecipeFile::load(recipe, &[])?;
    if !file.data("bank").is_dir() {
        return Err(bad_input(format!(
            "{recipe}: has no generated sample data, for there is no folder {}. Put word banks \
             there, as the recipe `sentiment` does.",
            file.data("bank").display()
        )));
    }
    let folder = out.unwrap_or_else(|| file.folder.clone());
    // All or nothing: files of different states would be trained and measured against each other.
    let written = Split::ALL.into_iter().map(|split| {
        let path = folder.join(format!("{}.jsonl", split.name()));
        files::keep_inputs(&path, &[&generate::handwritten(&file, split)])?;
        Ok((path, generate::sample(&file, split)?))
    });
    let written: Vec<_> = written.collect::<Result<_>>()?;
    files::create_folder(&folder)?;
    let texts = written
        .iter()
        .map(|(path, text)| (&**path, text.as_bytes()));
    files::write_together(&texts.collect::<Vec<_>>())?;
    for (path, text) in written {
        eprintln!("wrote {} rows to {}", text.lines().count(), path.display());
    }
    Ok(())
}
