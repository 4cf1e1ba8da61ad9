//! Rows of the sentiment recipe. Train, dev and test each have a word bank of their own
//! (`sentiment/*.toml`), so that no template is shared between what is learnt and what is measured.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use slm_task::rng::SplitMix64;

use super::{
    bank::{Bank, Writer},
    overlap::Grams,
    style,
};

/// A file of the recipe's data.
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

    fn bank(self) -> Result<Bank> {
        let text = match self {
            Split::Train => include_str!("sentiment/train.toml"),
            Split::Dev => include_str!("sentiment/dev.toml"),
            Split::Test => include_str!("sentiment/test.toml"),
        };
        Bank::parse(text).with_context(|| format!("word bank `{}`", self.name()))
    }

    /// Generated rows in the recipe's own file; the hand-written ones come on top.
    fn sample_rows(self) -> usize {
        match self {
            Split::Train => 720,
            Split::Dev => 80,
            Split::Test => 45,
        }
    }
}

/// Seed of the recipe's own files.
const SAMPLE_SEED: u64 = 0;

/// Share of a row's word 5-grams that earlier rows may hold already.
const MAX_OVERLAP: f64 = 0.8;

/// Rows refused in a row before the bank counts as exhausted.
const PATIENCE: usize = 1000;

#[derive(Serialize)]
struct Row<'a> {
    prompt: &'a str,
    completion: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice: Option<&'a str>,
}

/// `rows` generated rows, one JSON object a line, without line ends. No two are near-duplicates.
///
/// # Errors
/// When the word bank of the split has no more new rows to give.
pub fn sentiment(split: Split, rows: usize, seed: u64) -> Result<Vec<String>> {
    let bank = split.bank()?;
    let mut writer = Writer::new(&bank, SplitMix64::new(seed));
    let mut seen = Grams::default();
    let mut lines = Vec::with_capacity(rows);
    let mut refused = 0;
    while lines.len() < rows {
        let draft = writer.row();
        if seen.share_of(&draft.text) > MAX_OVERLAP {
            refused += 1;
            if refused > PATIENCE {
                bail!(
                    "the word bank `{}` has only about {} rows; asked for {rows}. Ask for fewer, or add words to it.",
                    split.name(),
                    lines.len()
                );
            }
            continue;
        }
        refused = 0;
        seen.add(&draft.text);
        let prompt = style::finish(&draft.text, draft.label, writer.rng());
        lines.push(serde_json::to_string(&Row {
            prompt: &prompt,
            completion: draft.label,
            slice: draft.slice,
        })?);
    }
    Ok(lines)
}

/// The recipe's own file of a split: its hand-written lines as they are, then the generated ones.
///
/// # Errors
/// As [`sentiment`].
pub fn sample(split: Split, handwritten: &str) -> Result<String> {
    let generated = sentiment(split, split.sample_rows(), SAMPLE_SEED)?;
    let lines = handwritten
        .lines()
        .chain(generated.iter().map(String::as_str));
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
#[path = "sentiment_tests.rs"]
mod tests;
