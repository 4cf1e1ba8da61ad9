//! `slm train --dry-run`: what training would see and cost, without training.

use std::{collections::BTreeMap, fmt::Write, time::Instant};

use anyhow::Result;
use serde::Serialize;
use slm_task::{Tokenizer, example};
use slm_train::{Trainer, order};

use crate::{
    check, clock,
    rows::Rows,
    terminal,
    train::{budget, dev::Dev, prepare::Prepared},
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

/// What training would take, from one real micro-batch (the largest) and some dev rows.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Tokens a second in training.
    pub tokens_per_second: f64,
    /// Tokens of the micro-batch that this was measured with.
    pub micro_batch_tokens: usize,
    /// Seconds that a dev row takes.
    pub dev_row_seconds: f64,
    /// Steps in all.
    pub steps: usize,
    /// Seconds that they take.
    pub training_seconds: f64,
    /// Evaluations on the dev rows.
    pub evaluations: usize,
    /// Seconds that they take.
    pub evaluating_seconds: f64,
    /// The recipe's bound in minutes; 0 for none.
    pub minutes: f32,
    /// Bytes of memory at the peak, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

impl DryRun {
    /// Looks at the rows, and measures.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn of(prepared: &Prepared, test: Option<&Rows>) -> Result<Self> {
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
            cost: cost(prepared)?,
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

impl Cost {
    fn write(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\nmeasured: {:.0} tokens/s in a micro-batch of {} tokens; a dev row takes {:.0} ms",
            self.tokens_per_second,
            self.micro_batch_tokens,
            self.dev_row_seconds * 1e3
        );
        let _ = writeln!(
            text,
            "predicted: {} steps in {}, and {} evaluations in {}{}",
            self.steps,
            clock::duration(self.training_seconds),
            self.evaluations,
            clock::duration(self.evaluating_seconds),
            match self.minutes {
                minutes if minutes > 0.0 => format!("; sft.minutes cuts it to {minutes} min"),
                _ => String::new(),
            }
        );
        match self.peak_memory_bytes {
            Some(bytes) => {
                let _ = writeln!(text, "memory: {} at its peak", clock::memory(bytes));
            }
            None => text.push_str("memory: this system does not tell\n"),
        }
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

fn cost(prepared: &Prepared) -> Result<Cost> {
    let mut trainer = Trainer::new(&prepared.base, &prepared.recipe, prepared.data.clone())?;
    let largest = largest_micro_batch(&mut trainer, prepared);
    let started = Instant::now();
    let probe = trainer.probe(&largest)?;
    let pace = probe.computed as f64 / started.elapsed().as_secs_f64();

    let per_epoch: usize = (0..trainer.steps_per_epoch())
        .map(|step| trainer.batch(step))
        .map(|rows| computed(prepared, &rows))
        .sum();
    let epochs = f64::from(prepared.recipe.sft.epochs);

    let mut dev = Dev::new(prepared)?;
    let sample = &prepared.dev.examples[..prepared.dev.examples.len().min(16)];
    let started = Instant::now();
    dev.losses(sample)?;
    let each = started.elapsed().as_secs_f64() / sample.len() as f64;
    let evaluations = budget::evaluations(&trainer, &prepared.recipe.sft);
    Ok(Cost {
        tokens_per_second: pace,
        micro_batch_tokens: probe.computed,
        dev_row_seconds: each,
        steps: trainer.total_steps(),
        training_seconds: per_epoch as f64 * epochs / pace,
        evaluations,
        evaluating_seconds: each * dev.rows() as f64 * evaluations as f64,
        minutes: prepared.recipe.sft.minutes,
        peak_memory_bytes: clock::peak_memory(),
    })
}

/// The rows of the micro-batch with the most tokens in the first epoch.
fn largest_micro_batch(trainer: &mut Trainer, prepared: &Prepared) -> Vec<usize> {
    let tokens = |rows: &Vec<usize>| computed(prepared, rows);
    (0..trainer.steps_per_epoch())
        .flat_map(|step| micro_batches(prepared, &trainer.batch(step)))
        .max_by_key(tokens)
        .unwrap_or_default()
}

fn micro_batches(prepared: &Prepared, rows: &[usize]) -> Vec<Vec<usize>> {
    let prefix = prepared.data.prefix.len();
    // Of these rows alone, by their place here: this is asked for every step.
    let length = |&row: &usize| prepared.data.rows[row].tokens.len() - prefix;
    let lengths: Vec<usize> = rows.iter().map(length).collect();
    let places: Vec<usize> = (0..rows.len()).collect();
    let limit = prepared.recipe.sft.micro_tokens;
    let cut = order::micro_batches(&places, &lengths, prefix, limit);
    cut.into_iter()
        .map(|places| places.into_iter().map(|place| rows[place]).collect())
        .collect()
}

/// Tokens that rows cost: the prefix counts once a micro-batch.
fn computed(prepared: &Prepared, rows: &[usize]) -> usize {
    let prefix = prepared.data.prefix.len();
    let own: usize = rows
        .iter()
        .map(|&row| prepared.data.rows[row].tokens.len() - prefix)
        .sum();
    own + prefix * micro_batches(prepared, rows).len()
}
