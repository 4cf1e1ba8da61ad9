//! `slm train --dry-run`: what training would see and cost, without training.

use std::{collections::BTreeMap, fmt::Write, time::Instant};

use anyhow::Result;
use slm_task::Tokenizer;
use slm_train::{Trainer, order};

use crate::{
    check, clock,
    rows::Rows,
    terminal,
    train::{budget, dev::Dev, prepare::Prepared},
};

/// Rows whose tokens are shown.
const SHOWN: usize = 3;

/// Everything that a dry run finds, as text.
///
/// # Errors
/// What the model refuses.
pub fn describe(prepared: &Prepared, test: Option<&Rows>) -> Result<String> {
    let mut text = String::new();
    tokens(&mut text, prepared);
    lengths(&mut text, prepared);
    text.push_str(&check::balance(&[
        ("train", &prepared.train.examples),
        ("dev", &prepared.dev.examples),
    ]));
    let mut splits = vec![("train", &prepared.train), ("dev", &prepared.dev)];
    splits.extend(test.map(|rows| ("test", rows)));
    let twice = check::duplicates(&splits);
    let _ = writeln!(text, "\nduplicates across splits: {}", twice.len());
    for line in twice.iter().take(5) {
        let _ = writeln!(text, "  {line}");
    }
    cost(&mut text, prepared)?;
    Ok(text)
}

/// Three rows, token by token: what is supervised stands out.
fn tokens(text: &mut String, prepared: &Prepared) {
    let tokenizer = prepared.base.tokenizer();
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
    for row in prepared.data.rows.iter().take(SHOWN) {
        text.push_str("  ");
        for (&token, &supervised) in row.tokens.iter().zip(&row.mask) {
            let shown = tokenizer.decode(&[token]).replace('\n', "⏎");
            let _ = match supervised {
                true => write!(text, "{mark}{shown}{close}|"),
                false => write!(text, "{plain}{shown}{end}|"),
            };
        }
        text.push('\n');
    }
}

/// How long the rows are, and which were dropped.
fn lengths(text: &mut String, prepared: &Prepared) {
    const WIDTH: usize = 16;
    let prefix = prepared.data.prefix.len();
    let _ = writeln!(
        text,
        "\nlength of the rows in tokens, the prefix of {prefix} included"
    );
    let mut bins: BTreeMap<usize, usize> = BTreeMap::new();
    for row in &prepared.data.rows {
        *bins.entry(row.tokens.len() / WIDTH).or_default() += 1;
    }
    let most = bins.values().copied().max().unwrap_or(1);
    for (bin, count) in &bins {
        let bar = "█".repeat((count * 40).div_ceil(most));
        let (from, to) = (bin * WIDTH, bin * WIDTH + WIDTH - 1);
        let _ = writeln!(text, "  {from:>4} to {to:<4} {count:>6}  {bar}");
    }
    let _ = writeln!(text, "dropped as too long: {}", prepared.dropped.len());
    for line in prepared.dropped.iter().take(5) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
}

/// Time and memory, from one real micro-batch (the largest) and some dev rows.
fn cost(text: &mut String, prepared: &Prepared) -> Result<()> {
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
    let training = per_epoch as f64 * epochs / pace;

    let mut dev = Dev::new(prepared)?;
    let sample = &prepared.dev.examples[..prepared.dev.examples.len().min(16)];
    let started = Instant::now();
    dev.losses(sample)?;
    let each = started.elapsed().as_secs_f64() / sample.len() as f64;
    let evaluations = budget::evaluations(&trainer, &prepared.recipe.sft);
    let evaluating = each * dev.rows() as f64 * evaluations as f64;

    let _ = writeln!(
        text,
        "\nmeasured: {pace:.0} tokens/s in a micro-batch of {} tokens; a dev row takes {:.0} ms",
        probe.computed,
        each * 1e3
    );
    let _ = writeln!(
        text,
        "predicted: {} steps in {}, and {evaluations} evaluations in {}{}",
        trainer.total_steps(),
        clock::duration(training),
        clock::duration(evaluating),
        match prepared.recipe.sft.minutes {
            minutes if minutes > 0.0 => format!("; sft.minutes cuts it to {minutes} min"),
            _ => String::new(),
        }
    );
    match clock::peak_memory() {
        Some(bytes) => {
            let _ = writeln!(text, "memory: {} at its peak", clock::memory(bytes));
        }
        None => text.push_str("memory: this system does not tell\n"),
    }
    Ok(())
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
