//! What a recipe says of its adapter, against the base model: the rank, and the layers that have one.

use slm_model::Config;
use slm_task::recipe::{Lora, Projection};

use crate::error::TrainError;

/// A product of `B` and `A` cannot have a higher rank than the smaller side of its matrix.
pub(crate) fn check_rank(lora: &Lora, config: &Config) -> Result<(), TrainError> {
    let sides = |projection: &Projection| {
        let (input, output) = config.projection_dims(*projection);
        (input.min(output), input.max(output))
    };
    let smallest = lora.targets.iter().map(sides).min();
    match smallest {
        Some((most, other)) if !(1..=most).contains(&lora.rank) => Err(TrainError::Setting {
            key: "lora.rank",
            found: lora.rank.to_string(),
            expected: format!(
                "1 to {most}, the smaller side of the smallest matrix that `lora.targets` names in \
                 this base model ({most} by {other})"
            ),
        }),
        _ => Ok(()),
    }
}

/// Layers with an adapter: those that the recipe lists, or all from its first.
pub(crate) fn layers(lora: &Lora, count: usize) -> Result<Vec<usize>, TrainError> {
    if lora.layers.is_empty() {
        return Ok((first_layer(lora, count)?..count).collect());
    }
    if lora.layers.iter().all(|&layer| layer < count) {
        return Ok(lora.layers.clone());
    }
    Err(TrainError::Setting {
        key: "lora.layers",
        found: format!("{:?}", lora.layers),
        expected: format!("layers 0 to {}, which the base model has", count - 1),
    })
}

/// First layer with an adapter: as the recipe says, from the top where it is negative. A model with
/// fewer layers than are counted from the top has an adapter on all.
fn first_layer(lora: &Lora, layers: usize) -> Result<usize, TrainError> {
    let count = layers as i64;
    let first = i64::from(lora.first_layer);
    let resolved = if first < 0 {
        (count + first).max(0)
    } else {
        first
    };
    if (0..count).contains(&resolved) {
        return Ok(resolved as usize);
    }
    Err(TrainError::Setting {
        key: "lora.first_layer",
        found: first.to_string(),
        expected: "a layer of the base model, or a negative number that counts from its top".into(),
    })
}
