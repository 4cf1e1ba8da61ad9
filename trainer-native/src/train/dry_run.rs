//! `slm train --dry-run`: what training would see and cost, without training.

use std::{collections::BTreeMap, fmt::Write};

use anyhow::Result;
use serde::Serialize;
use slm_task::{Tokenizer, example};

use crate::{
    check,
    rows::Rows,
    terminal,
    train::{cost::Cost, prepare::Prepared},
};

/// Rows whose tokens are shown.
const SHOWN: usize = 3;
/// Lines of a list that people are shown.
const LISTED: usize = 5;

/// Everything that a dry run finds.
#[derive(Debug, Serialize)]
pub struct DryRun {
    /// Tokens of the recipe's prefix, with which every row begins.
    pub prefix_tokens: usize,
    /// The first rows, token by token.
    pub rows: Vec<Vec<Token>>,
    /// How long the rows are, the prefix included.
    pub lengths: Vec<Lengths>,
    /// Rows that are too long, in words.
    pub dropped: Vec<String>,
    /// Rows by label in each file.
    pub balance: BTreeMap<&'static str, BTreeMap<String, usize>>,
    /// Texts that occur in two files.
    pub duplicates: Vec<String>,
    /// What to look at before training.
    pub warnings: Vec<String>,
    /// Time and memory.
    pub cost: Cost,
    /// The label table, for people.
    #[serde(skip)]
    balance_table: String,
}

/// A token of a row.
#[derive(Debug, Serialize)]
pub struct Token {
    /// It, as text.
    pub text: String,
    /// Whether the loss counts it.
    pub supervised: bool,
}

/// Rows of about the same length.
#[derive(Debug, Serialize)]
pub struct Lengths {
    /// Fewest tokens.
    pub from: usize,
    /// Most tokens.
    pub to: usize,
    /// Rows.
    pub rows: usize,
}

impl DryRun {
    /// Looks at the rows, and measures. `trunk_memory` is as for a training.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn of(prepared: &Prepared, test: Option<&Rows>, trunk_memory: u64) -> Result<Self> {
        let splits = prepared.splits(test);
        let learned = [
            ("train", &prepared.train.examples),
            ("dev", &prepared.dev.examples),
        ];
        let counts = learned.map(|(name, rows)| (name, example::class_counts(rows)));
        Ok(Self {
            prefix_tokens: prepared.data.prefix.len(),
            rows: rows(prepared),
            lengths: lengths(prepared),
            dropped: prepared.dropped.clone(),
            balance: counts.into(),
            balance_table: check::balance(&learned),
            duplicates: check::duplicates(&splits),
            warnings: prepared.warnings(test)?,
            cost: Cost::measure(prepared, trunk_memory)?,
        })
    }

    /// It, for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write_rows(&mut text);
        self.write_lengths(&mut text);
        text.push_str(&self.balance_table);
        let _ = writeln!(
            text,
            "\nduplicates across splits: {}",
            self.duplicates.len()
        );
        for line in self.duplicates.iter().take(LISTED) {
            let _ = writeln!(text, "  {line}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        self.cost.write(&mut text);
        text
    }

    /// Rows token by token: what is supervised stands out.
    fn write_rows(&self, text: &mut String) {
        let colours = terminal::colours();
        let (mark, plain, end) = match colours {
            true => ("\x1b[1;32m", "\x1b[2m", "\x1b[0m"),
            false => ("[", "", ""),
        };
        let close = if colours { end } else { "]" };
        let _ = writeln!(
            text,
            "tokens (| between them; the loss counts those {})",
            if colours { "in green" } else { "in [ ]" }
        );
        for row in &self.rows {
            text.push_str("  ");
            for token in row {
                let shown = token.text.replace('\n', "⏎");
                let _ = match token.supervised {
                    true => write!(text, "{mark}{shown}{close}|"),
                    false => write!(text, "{plain}{shown}{end}|"),
                };
            }
            text.push('\n');
        }
    }

    fn write_lengths(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\nlength of the rows in tokens, the prefix of {} included",
            self.prefix_tokens
        );
        let most = self.lengths.iter().map(|bin| bin.rows).max().unwrap_or(1);
        for Lengths { from, to, rows } in &self.lengths {
            let bar = "█".repeat((rows * 40).div_ceil(most));
            let _ = writeln!(text, "  {from:>4} to {to:<4} {rows:>6}  {bar}");
        }
        let _ = writeln!(text, "dropped as too long: {}", self.dropped.len());
        for line in self.dropped.iter().take(LISTED) {
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
    }
}

/// The first rows, token by token.
fn rows(prepared: &Prepared) -> Vec<Vec<Token>> {
    let tokenizer = prepared.base.tokenizer();
    let token = |(&id, &supervised): (&u32, &bool)| Token {
        text: tokenizer.decode(&[id]),
        supervised,
    };
    let rows = prepared.data.rows.iter().take(SHOWN);
    rows.map(|row| row.tokens.iter().zip(&row.mask).map(token).collect())
        .collect()
}

fn lengths(prepared: &Prepared) -> Vec<Lengths> {
    const WIDTH: usize = 16;
    let mut bins: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &prepared.data.rows {
        *bins.entry(row.tokens.len() / WIDTH).or_default() += 1;
    }
    let bin = |(bin, rows)| Lengths {
        from: bin * WIDTH,
        to: bin * WIDTH + WIDTH - 1,
        rows,
    };
    bins.into_iter().map(bin).collect()
}
