//! From data files to what a trainer learns from.

use std::sync::Arc;

use anyhow::Result;
use slm_model::BaseModel;
use slm_task::{Recipe, Renderer, Target, TaskError};
use slm_train::{Data, balance};

use crate::{check::lengths, exit::bad_input, rows::Rows};

/// Everything that training works on.
pub struct Prepared {
    /// The base model.
    pub base: Arc<BaseModel>,
    /// The recipe.
    pub recipe: Recipe,
    /// Training rows as read.
    pub train: Rows,
    /// Dev rows as read.
    pub dev: Rows,
    /// Training rows as tokens, with weights.
    pub data: Data,
    /// For each row of `data`, its place in `train`.
    pub kept: Vec<usize>,
    /// Rows that are too long, in words.
    pub dropped: Vec<String>,
}

/// Renders the training rows. Rows over `sft.max_tokens` are dropped and named: cut short, they
/// would lose the answer that they teach.
///
/// # Errors
/// Bad input when no row is left, or training has only one label.
pub fn prepare(base: Arc<BaseModel>, recipe: Recipe, train: Rows, dev: Rows) -> Result<Prepared> {
    check_answers_differ(&recipe, &train)?;
    let renderer = Renderer::new(&recipe, base.tokenizer(), &[])?;
    renderer.check_labels()?;
    let file = train.file.path.display().to_string();
    let (mut rows, mut kept, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
    for (index, example) in train.examples.iter().enumerate() {
        match renderer.training(example) {
            Ok(sequence) => {
                rows.push(sequence);
                kept.push(index);
            }
            Err(error @ TaskError::TooLong { .. }) => {
                dropped.push(error.in_file(&file).to_string());
            }
            Err(error) => return Err(error.in_file(&file).into()),
        }
    }
    if rows.is_empty() {
        return Err(bad_input(format!(
            "{file}: no row is left to train on; the first that was dropped: {}",
            dropped.first().map_or("(none)", String::as_str)
        )));
    }
    let classes: Vec<String> = kept
        .iter()
        .map(|&row| train.examples[row].target.in_words())
        .collect();
    let twist = &recipe.twist;
    let sampled = balance::sample(&classes, twist.upsample, twist.downsample, recipe.sft.seed);
    let kept: Vec<usize> = sampled.iter().map(|&row| kept[row]).collect();
    let classes: Vec<&String> = sampled.iter().map(|&row| &classes[row]).collect();
    let data = Data {
        prefix: renderer.prefix(),
        weights: balance::weights(&classes, twist.balance),
        rows: sampled.iter().map(|&row| rows[row].clone()).collect(),
    };
    Ok(Prepared {
        base,
        recipe,
        train,
        dev,
        data,
        kept,
        dropped,
    })
}

impl Prepared {
    /// The three files by the names that findings give them; without test rows where there are none.
    pub fn splits<'a>(&'a self, test: Option<&'a Rows>) -> Vec<(&'static str, &'a Rows)> {
        let mut splits = vec![("train", &self.train), ("dev", &self.dev)];
        splits.extend(test.map(|rows| ("test", rows)));
        splits
    }

    /// What a person should know before training: answers that no model can write to the end.
    ///
    /// # Errors
    /// A recipe whose shape cannot be rendered.
    pub fn warnings(&self, test: Option<&Rows>) -> Result<Vec<String>> {
        let splits = self.splits(test);
        let found = lengths::unfinished(&splits, &self.recipe, self.base.tokenizer())?;
        let mut warnings: Vec<String> = found.into_iter().map(|finding| finding.message).collect();
        let unread = splits.iter().flat_map(|(_, rows)| &rows.warnings);
        warnings.extend(unread.cloned());
        Ok(warnings)
    }

    /// Weight of a row's loss: its class weight for each supervised token.
    pub fn weight_of(&self, row: usize) -> f64 {
        let supervised = self.data.rows[row].mask.iter().filter(|&&on| on).count();
        f64::from(self.data.weights[row]) * supervised as f64
    }
}

/// With one answer to everything there is nothing to learn.
fn check_answers_differ(recipe: &Recipe, train: &Rows) -> Result<()> {
    let first = train.examples.first().map(|row| &row.target);
    if train.examples.iter().any(|row| Some(&row.target) != first) {
        return Ok(());
    }
    let (path, only) = (train.file.path.display(), first.map(Target::in_words));
    let only = only.unwrap_or_default();
    Err(bad_input(match recipe.labels.as_slice() {
        [] => format!(
            "{path}: every row has the answer {only}; expected rows with at least two different answers. \
             Add rows with other answers."
        ),
        labels => format!(
            "{path}: every row has the label {only:?}; expected rows of at least two of: {}. \
             Add rows of the other labels.",
            labels.join(", ")
        ),
    }))
}
