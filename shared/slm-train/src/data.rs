//! What a trainer learns from, and what must hold of it before the first step.

use slm_model::{BaseModel, train::Row};
use slm_task::{Control, Recipe, Sequence, Tokenizer, recipe::Sft};

use crate::{error::TrainError, state::Fingerprint};

/// What a trainer learns from.
#[derive(Debug, Clone)]
pub struct Data {
    /// The recipe's fixed prefix: every row begins with it.
    pub prefix: Vec<u32>,
    /// Rows, prefix included.
    pub rows: Vec<Sequence>,
    /// Weight of each row's loss; same length as `rows`.
    pub weights: Vec<f32>,
}

impl Data {
    /// Some rows, each after the prefix.
    pub(crate) fn own_rows(&self, rows: &[usize]) -> Vec<Row<'_>> {
        let prefix = self.prefix.len();
        let row = |&row: &usize| Row {
            tokens: &self.rows[row].tokens[prefix..],
            mask: &self.rows[row].mask[prefix..],
            weight: self.weights[row],
        };
        rows.iter().map(row).collect()
    }

    /// Tokens of each row after the prefix.
    pub(crate) fn own_tokens(&self) -> impl Iterator<Item = &[u32]> {
        let prefix = self.prefix.len();
        self.rows.iter().map(move |row| &row.tokens[prefix..])
    }
}

/// Every setting in its range.
pub(crate) fn check_settings(recipe: &Recipe) -> Result<(), TrainError> {
    let Recipe { sft, lora, .. } = recipe;
    let checks = [
        (
            "sft.batch",
            sft.batch > 0,
            sft.batch.to_string(),
            "at least 1",
        ),
        (
            "lora.alpha",
            lora.alpha > 0.0 && lora.alpha.is_finite(),
            lora.alpha.to_string(),
            "a number above 0",
        ),
        (
            "sft.micro_tokens",
            sft.micro_tokens > 0,
            sft.micro_tokens.to_string(),
            "at least 1",
        ),
        (
            "sft.lr",
            sft.lr > 0.0 && sft.lr.is_finite(),
            sft.lr.to_string(),
            "a number above 0",
        ),
        (
            "sft.epochs",
            sft.epochs > 0.0 && sft.epochs.is_finite(),
            sft.epochs.to_string(),
            "a number above 0",
        ),
        (
            "sft.warmup",
            (0.0..=1.0).contains(&sft.warmup),
            sft.warmup.to_string(),
            "a share between 0 and 1",
        ),
        (
            "sft.weight_decay",
            sft.weight_decay >= 0.0 && sft.weight_decay.is_finite(),
            sft.weight_decay.to_string(),
            "0 or more",
        ),
        (
            "sft.clip",
            sft.clip >= 0.0,
            sft.clip.to_string(),
            "0 (no clipping) or more",
        ),
    ];
    for (key, fine, found, expected) in checks {
        if !fine {
            return Err(TrainError::Setting {
                key,
                found,
                expected: expected.into(),
            });
        }
    }
    Ok(())
}

/// Every row begins with the prefix, supervises something after it, and supervises its end.
pub(crate) fn check_data(base: &BaseModel, data: &Data) -> Result<(), TrainError> {
    if data.rows.is_empty() {
        return Err(TrainError::NoRows);
    }
    if data.weights.len() != data.rows.len() {
        return Err(TrainError::Row {
            row: data.weights.len().min(data.rows.len()),
            problem: format!(
                "{} weights for {} rows",
                data.weights.len(),
                data.rows.len()
            ),
        });
    }
    let end = base.tokenizer().control(Control::TurnEnd);
    let context = base.config().context;
    for (row, (sequence, &weight)) in data.rows.iter().zip(&data.weights).enumerate() {
        if let Some(problem) = row_problem(sequence, weight, &data.prefix, end, context) {
            return Err(TrainError::Row { row, problem });
        }
    }
    Ok(())
}

fn row_problem(
    row: &Sequence,
    weight: f32,
    prefix: &[u32],
    end: u32,
    context: usize,
) -> Option<String> {
    if row.mask.len() != row.tokens.len() {
        return Some(format!(
            "{} tokens but {} mask entries",
            row.tokens.len(),
            row.mask.len()
        ));
    }
    if row.tokens.len() > context {
        return Some(format!(
            "{} tokens; the model's context is {context}",
            row.tokens.len()
        ));
    }
    if !row.tokens.starts_with(prefix) {
        return Some("it does not begin with the recipe's prefix".into());
    }
    if row.mask[..prefix.len()].contains(&true) {
        return Some("it supervises a token of the prefix".into());
    }
    if !row.mask.contains(&true) {
        return Some("it supervises no token".into());
    }
    if row.tokens.last() != Some(&end) || row.mask.last() != Some(&true) {
        return Some("it does not end with a supervised end of turn".into());
    }
    if !(weight >= 0.0 && weight.is_finite()) {
        return Some(format!("its weight is {weight}; expected 0 or more"));
    }
    None
}

/// What a state belongs to. `epochs` and `minutes` are left out: they only set the number of
/// steps, which the state holds.
pub(crate) fn fingerprint(base: &BaseModel, recipe: &Recipe, data: &Data) -> u64 {
    let mut hash = Fingerprint::default();
    hash.add(base.sha256().as_bytes());
    let settings = serde_json::json!({
        "lora": recipe.lora,
        "sft": Sft { epochs: 0.0, minutes: 0.0, evals_per_epoch: 0.0, patience: 0, ..recipe.sft.clone() },
    });
    hash.add(settings.to_string().as_bytes());
    hash.add(bytemuck::cast_slice(&data.prefix));
    for (row, weight) in data.rows.iter().zip(&data.weights) {
        hash.add(&(row.tokens.len() as u64).to_le_bytes());
        hash.add(bytemuck::cast_slice(&row.tokens));
        for &supervised in &row.mask {
            hash.add(&[u8::from(supervised)]);
        }
        hash.add(&weight.to_le_bytes());
    }
    hash.value()
}
