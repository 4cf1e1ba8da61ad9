//! The minimum description of how to fine-tune for a task: one `recipe.toml`.
//!
//! The types are here. `keys` lists every key with what it accepts, `parse` checks a file
//! against that list, `overrides` changes single keys (`--set sft.lr=2e-4`).

mod keys;
mod overrides;
mod parse;

pub(crate) use parse::is_inside;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{error::TaskError, schema::Schema, shape::Shape};

/// A parsed and checked `recipe.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Folder name and key everywhere: lower-case letters, digits, `-`.
    pub id: String,
    /// For people.
    pub title: String,
    /// One or two sentences for the gallery card.
    pub summary: String,
    /// Structural form of the task.
    pub shape: Shape,
    /// The system message of every prompt.
    pub instruction: String,
    /// Labels in display and tie-break order (single-label, multi-label).
    #[serde(default)]
    pub labels: Vec<String>,
    /// JSON Schema of the answer (structured): the name of a file in the recipe's folder, or the
    /// schema itself, once [`embed_schema`](Self::embed_schema) has put it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Inputs to click in the page.
    #[serde(default)]
    pub examples: Vec<String>,
    /// Files of the recipe's own data, relative to the folder.
    pub data: Data,
    /// Where the adapter sits and how large it is.
    #[serde(default)]
    pub lora: Lora,
    /// Supervised fine-tuning.
    #[serde(default)]
    pub sft: Sft,
    /// How answers are scored.
    #[serde(default)]
    pub scoring: Scoring,
    /// When to hand a row to somebody else.
    #[serde(default)]
    pub routing: Routing,
    /// What is special about the recipe.
    #[serde(default)]
    pub twist: Twist,
}

impl Recipe {
    /// What an adapter follows from: two recipes that are equal in this train the same one. Left out are
    /// words for people, the names of data files, what is scored once training is over, and the dials.
    #[must_use]
    pub fn for_training(&self) -> Self {
        let (scoring, data) = (Scoring::default(), String::new());
        Self {
            title: String::new(),
            summary: String::new(),
            examples: Vec::new(),
            data: Data {
                train: data.clone(),
                dev: data.clone(),
                test: data,
                licence: None,
            },
            scoring: Scoring {
                shots: scoring.shots,
                resamples: scoring.resamples,
                ..self.scoring.clone()
            },
            routing: Routing::default(),
            twist: Twist {
                recall_floor: 0.0,
                label_floors: BTreeMap::new(),
                ..self.twist.clone()
            },
            ..self.clone()
        }
    }

    /// Name of the schema's file, as long as it was not read.
    pub fn schema_file(&self) -> Option<&str> {
        self.schema.as_deref().filter(|text| !is_schema(text))
    }

    /// Puts the text of the schema in place of its file's name, so that the recipe stands for
    /// itself: in a run, in a bundle, in the page.
    ///
    /// # Errors
    /// As [`Schema::parse`]; `file` is the name that errors show.
    pub fn embed_schema(&mut self, text: &str, file: &str) -> Result<(), TaskError> {
        Schema::parse(text, file)?;
        self.schema = Some(text.trim_start_matches('\u{feff}').trim().to_owned());
        Ok(())
    }

    /// The schema of a structured recipe's answers.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] when the recipe has none or its file was not read; as
    /// [`Schema::parse`].
    pub fn answer_schema(&self) -> Result<Schema, TaskError> {
        match self.schema.as_deref() {
            Some(text) if is_schema(text) => Schema::parse(text, &format!("{}: schema", self.id)),
            Some(file) => Err(TaskError::Mismatch(format!(
                "{}: the schema was not read from {file}",
                self.id
            ))),
            None => Err(TaskError::Mismatch(format!("{}: no schema", self.id))),
        }
    }
}

/// Whether a recipe's `schema` is the schema itself, not the name of its file.
fn is_schema(text: &str) -> bool {
    text.starts_with('{')
}

/// `[data]`: file names relative to the recipe folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Training rows.
    pub train: String,
    /// Rows for checkpoint selection.
    pub dev: String,
    /// Rows for the report.
    pub test: String,
    /// SPDX expression of the data's licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// A linear layer that can carry LoRA, by PEFT's module name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Attention query.
    QProj,
    /// Attention key.
    KProj,
    /// Attention value.
    VProj,
    /// Attention output.
    OProj,
    /// MLP gate.
    GateProj,
    /// MLP up.
    UpProj,
    /// MLP down.
    DownProj,
}

/// `[lora]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lora {
    /// Rank r.
    pub rank: usize,
    /// Scale is alpha / rank.
    pub alpha: f32,
    /// Projections that carry an adapter.
    pub targets: Vec<Projection>,
    /// First layer with an adapter; layers below stay frozen, need no backward, and are computed once
    /// a row, not in every epoch. Negative counts from the top (`-10`: the last ten layers, or all of
    /// a model with fewer).
    pub first_layer: i32,
    /// Layers with an adapter, from 0, whatever `first_layer` says; empty for all from
    /// `first_layer`.
    pub layers: Vec<usize>,
}

/// `[sft]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sft {
    /// Passes over the training rows, upper bound.
    pub epochs: f32,
    /// Wall-clock bound on training in minutes; 0 for none.
    pub minutes: f32,
    /// Rows an optimizer step.
    pub batch: usize,
    /// Tokens a micro-batch, upper bound (memory).
    pub micro_tokens: usize,
    /// Peak learning rate.
    pub lr: f32,
    /// Share of steps that warm up.
    pub warmup: f32,
    /// AdamW weight decay.
    pub weight_decay: f32,
    /// Gradient norm bound; 0 for none.
    pub clip: f32,
    /// Seed of shuffling and initialization.
    pub seed: u64,
    /// Longest training row in tokens, prefix included.
    pub max_tokens: usize,
    /// Dev evaluations an epoch.
    pub evals_per_epoch: f32,
    /// Evaluations without a better dev metric before training stops; 0 for never.
    pub patience: usize,
}

/// `[scoring]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scoring {
    /// Dev rows an evaluation while training, a seeded subsample; 0 for all.
    pub dev_rows: usize,
    /// Longest answer in tokens, where answers are written freely or under a grammar (spans).
    pub max_tokens: usize,
    /// Worked examples of the few-shot baseline.
    pub shots: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Seed of subsamples, shots and bootstrap.
    pub seed: u64,
}

/// How rows of unequal classes weigh in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Every row weighs 1.
    #[default]
    None,
    /// Square root of the inverse class frequency, mean 1.
    Sqrt,
    /// Inverse class frequency, mean 1.
    Inverse,
}

/// `[twist]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Twist {
    /// Class weights in the loss; the class of several labels or spans is the set of their labels.
    pub balance: Balance,
    /// Rows of a smaller class repeat until it has about this many an epoch; 0 for never.
    pub upsample: usize,
    /// Of a larger class a seeded choice of this many rows is trained on; 0 for all.
    pub downsample: usize,
    /// Share of the wanted spans that must be found on the dev rows (spans); 0 for no dial.
    pub recall_floor: f64,
    /// The same for single labels, which then stop later than the others (spans).
    pub label_floors: BTreeMap<String, f64>,
    /// In which order spans are written (spans).
    pub span_order: SpanOrder,
}

/// In which order an answer lists its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SpanOrder {
    /// As they stand in the input, none overlapping another. A text that occurs several times is
    /// its first occurrence at or after the end of the span before.
    #[default]
    Text,
    /// Any order, each pair of label and text at most once, so that stopping means that none is left
    /// anywhere. A text that occurs several times is its first occurrence that overlaps no span before
    /// it in the answer; if each overlaps one, the first. Rows are taught in a shuffled order.
    Free,
}

/// `[routing]`: answers that are not sure enough go to a fallback (single-label).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// Who answers instead: a label of the recipe, or another name. Empty for no routing.
    pub fallback: String,
    /// Goal without costs: at least this share of the answers given must be right.
    pub accuracy: f64,
    /// Cost of a wrong answer. Above 0, the threshold with the least cost is chosen.
    pub cost_wrong: f64,
    /// Cost of a row that goes to the fallback.
    pub cost_human: f64,
}

impl Routing {
    /// Whether the recipe routes at all.
    pub fn is_on(&self) -> bool {
        !self.fallback.is_empty()
    }

    /// Whether costs are the goal.
    pub fn has_costs(&self) -> bool {
        self.cost_wrong > 0.0
    }

    /// The goal, for people.
    pub fn goal(&self) -> String {
        match self.has_costs() {
            true => format!(
                "least cost, where a wrong answer costs {} and the fallback {}",
                self.cost_wrong, self.cost_human
            ),
            false => format!(
                "at least {} % of the answers given are right",
                (1000.0 * self.accuracy).round() / 10.0
            ),
        }
    }
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            fallback: String::new(),
            accuracy: 0.95,
            cost_wrong: 0.0,
            cost_human: 1.0,
        }
    }
}

impl Default for Lora {
    fn default() -> Self {
        use Projection::*;
        Self {
            rank: 8,
            alpha: 16.0,
            targets: vec![QProj, KProj, VProj, OProj, GateProj, UpProj, DownProj],
            first_layer: 0,
            layers: Vec::new(),
        }
    }
}

impl Default for Sft {
    fn default() -> Self {
        Self {
            epochs: 2.0,
            minutes: 0.0,
            batch: 16,
            micro_tokens: 2048,
            lr: 1e-3,
            warmup: 0.05,
            weight_decay: 0.0,
            clip: 1.0,
            seed: 0,
            max_tokens: 384,
            evals_per_epoch: 2.0,
            patience: 4,
        }
    }
}

impl Default for Scoring {
    fn default() -> Self {
        Self {
            dev_rows: 0,
            max_tokens: 256,
            shots: 4,
            resamples: 1000,
            seed: 0,
        }
    }
}
