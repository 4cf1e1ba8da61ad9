//! Sample data: rows written by seeded grammars, the same bytes for the same seed on every machine.
//! Knows words, answers and recipe folders; knows neither models nor tokens. Words and hand-written
//! rows live with the recipe, never here; `docs/word-banks.md` says how they are written.

mod answer;
mod bank;
mod object;
pub(crate) mod overlap;
mod schema;
mod style;
mod template;
mod writer;

use std::path::PathBuf;

use anyhow::Result;
use slm_task::{example, rng::SplitMix64};

use crate::{exit::bad_input, files, recipe_file::RecipeFile};
use answer::Answers;
use bank::Bank;
use overlap::Grams;
use writer::{Writer, put_back};

/// A file of a recipe's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// For training.
    Train,
    /// For choosing the checkpoint.
    Dev,
    /// For the report.
    Test,
}

impl Split {
    /// Every split, in the order people name them.
    pub const ALL: [Split; 3] = [Split::Train, Split::Dev, Split::Test];

    /// Name of the split and of its files, without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Dev => "dev",
            Split::Test => "test",
        }
    }
}

/// Seed of the recipes' own files.
const SAMPLE_SEED: u64 = 0;

/// Share of a row's word 5-grams that earlier rows may hold already.
const MAX_OVERLAP: f64 = 0.8;

/// Rows refused in a row before the bank counts as exhausted.
const PATIENCE: usize = 1000;

/// A recipe's word bank of one split, ready to write rows.
#[derive(Debug)]
pub struct Generator {
    bank: Bank,
    answers: Answers,
    /// The bank's file, for messages.
    file: String,
}

impl Generator {
    /// Reads `bank/<split>.toml` of a recipe's folder.
    ///
    /// # Errors
    /// Bad input: no such file, a shape that cannot be generated, or a bank that cannot be written.
    pub fn load(recipe: &RecipeFile, split: Split) -> Result<Self> {
        let path = recipe.data(&format!("bank/{}.toml", split.name()));
        let text = files::read_text(&path)?;
        Self::new(&text, path.display().to_string(), Answers::of(recipe)?)
    }

    fn new(text: &str, file: String, answers: Answers) -> Result<Self> {
        Ok(Self {
            bank: Bank::parse(text, &file, &answers)?,
            answers,
            file,
        })
    }

    /// `rows` generated rows, one JSON object a line, without line ends. No two are near-duplicates.
    ///
    /// # Errors
    /// Bad input: the bank has no more new rows to give, or a captured text is no value of its field.
    pub fn rows(&self, rows: usize, seed: u64) -> Result<Vec<String>> {
        let mut writer = Writer::new(&self.bank, SplitMix64::new(seed));
        let mut seen = Grams::default();
        let mut lines = Vec::with_capacity(rows);
        let mut refused = 0;
        while lines.len() < rows {
            let draft = writer.row();
            let (plain, _) = put_back(&draft.text, &draft.captures);
            if seen.share_of(&plain) > MAX_OVERLAP {
                refused += 1;
                if refused > PATIENCE {
                    return Err(self.exhausted(lines.len(), rows, draft.form_index));
                }
                continue;
            }
            refused = 0;
            seen.add(&plain);
            let style = self.bank.style;
            let text = style::finish(&draft.text, style, draft.form.feeling, writer.rng());
            let line = self.answers.row(&draft, &text).map_err(|reason| {
                let form = self.bank.form_name(draft.form_index);
                bad_input(format!("{}: {form}: {reason} The text: {plain}", self.file))
            })?;
            lines.push(line);
        }
        Ok(lines)
    }

    fn exhausted(&self, given: usize, rows: usize, form: usize) -> anyhow::Error {
        bad_input(format!(
            "{}: the bank has only about {given} rows that differ; asked for {rows}. Lower `rows`, or add words and templates, to {} for one.",
            self.file,
            self.bank.form_name(form)
        ))
    }
}

/// The recipe's own file of a split: its hand-written lines as they are, then the generated ones.
///
/// # Errors
/// As [`Generator::load`] and [`Generator::rows`]; hand-written rows that the recipe cannot read.
pub fn sample(recipe: &RecipeFile, split: Split) -> Result<String> {
    let generator = Generator::load(recipe, split)?;
    let generated = generator.rows(generator.bank.rows, SAMPLE_SEED)?;
    let path = handwritten(recipe, split);
    let by_hand = files::read_text(&path)?;
    example::read_rows(
        by_hand.as_bytes(),
        &path.display().to_string(),
        &recipe.recipe,
    )?;
    let lines = by_hand.lines().chain(generated.iter().map(String::as_str));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

/// The recipe's hand-written rows of a split.
pub fn handwritten(recipe: &RecipeFile, split: Split) -> PathBuf {
    recipe.data(&format!("handwritten/{}.jsonl", split.name()))
}

#[cfg(test)]
#[path = "generate/recipe_tests.rs"]
mod recipe_tests;
#[cfg(test)]
#[path = "generate/tests.rs"]
mod tests;
