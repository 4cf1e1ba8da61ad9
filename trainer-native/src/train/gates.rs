//! What must hold before the first step, or training would not do what it says.

use anyhow::Result;
use slm_train::Trainer;

use crate::{
    exit::GateNotMet,
    train::{dev::Dev, prepare::Prepared},
};

/// How far training's f32 loss may lie from the loss in the `serve` numerics, which quantize
/// activations to eight bits: relative, and absolute for losses near 0.
const RELATIVE: f64 = 0.05;
const ABSOLUTE: f64 = 0.05;

/// Checks that every B receives a gradient, and that training's loss at step 0 is the loss of the
/// base as it is served, on the first batch: the same rows through the other code path. (That every
/// row begins with the prefix and supervises its end was checked when the trainer was made.)
///
/// # Errors
/// [`GateNotMet`], or what the model refuses.
pub fn check(trainer: &mut Trainer, prepared: &Prepared, dev: &mut Dev) -> Result<()> {
    let rows = trainer.batch(0);
    trainer.check_gradients(&rows)?;
    let examples: Vec<_> = rows
        .iter()
        .map(|&row| prepared.train.examples[prepared.kept[row]].clone())
        .collect();
    let served: f64 = dev
        .losses(&examples)?
        .iter()
        .zip(&rows)
        .filter_map(|(loss, &row)| Some((*loss)? * f64::from(prepared.data.weights[row])))
        .sum();
    let weight: f64 = rows.iter().map(|&row| prepared.weight_of(row)).sum();
    agree(trainer.probe(&rows)?.loss, served / weight)
}

fn agree(trained: f64, served: f64) -> Result<()> {
    if (trained - served).abs() <= ABSOLUTE + RELATIVE * served.abs() {
        return Ok(());
    }
    Err(GateNotMet(format!(
        "step-0 gate not met: the loss in training is {trained:.4}, as served it is {served:.4}. \
         Training and serving would not see the same model"
    ))
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_must_agree() {
        assert!(agree(2.0, 2.0).is_ok());
        assert!(agree(2.1, 2.0).is_ok());
        assert!(agree(2.3, 2.0).is_err());
        assert!(agree(f64::NAN, 2.0).is_err());
    }
}
