//! That the trainers train the same model in the same way: without that, their times say nothing.

use anyhow::{Result, ensure};
use slm_model::{BaseModel, LoraAdapter, train::TrainModel};

use super::job::Job;
use super::requests::{Logits, Request, Trained};
use crate::contestant::Contestant;

/// Largest difference between two logits. They reach about 20, in f32 on both sides; what differs is
/// the order of sums.
const LOGITS: f32 = 1e-3;

/// Largest relative difference between two losses. PEFT's side starts from our adapter in f16.
const LOSS: f64 = 1e-2;

/// Our logits after a row of the job, to be compared with others'.
pub struct Expected {
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

impl Expected {
    /// Of the bare base, in the numerics that train.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn new(base: &BaseModel, job: &Job) -> Result<Self> {
        let bare = LoraAdapter {
            rank: 0,
            layers: Vec::new(),
        };
        let tokens = job.rows[0].tokens.clone();
        let all = TrainModel::new(base).logits(&bare, &tokens)?;
        let last = all.len() - base.config().vocab;
        let logits = all[last..].to_vec();
        Ok(Self { tokens, logits })
    }

    /// Asks a trainer at step 0 for the same.
    ///
    /// # Errors
    /// It computes another model.
    pub fn check(&self, contestant: &mut Contestant) -> Result<()> {
        let tokens = self.tokens.clone();
        let found: Logits = contestant.ask(&Request::Logits { tokens })?;
        let difference = difference(&self.logits, &found.logits);
        ensure!(
            difference <= LOGITS,
            "{} computes another model: its logits differ from ours by {difference} (at most {LOGITS} is \
             rounding). Nothing was timed.",
            contestant.name
        );
        Ok(())
    }
}

/// The first steps of two trainers have the same losses.
///
/// # Errors
/// They have not.
pub fn check_losses(name: &str, ours: &Trained, theirs: &Trained) -> Result<()> {
    let pairs = || ours.losses.iter().zip(&theirs.losses);
    let near = pairs().all(|(a, b)| (a - b).abs() <= LOSS * a.abs());
    ensure!(
        near && ours.losses.len() == theirs.losses.len(),
        "{name} trains something else: its first losses are {:?}, ours {:?}. Nothing was timed.",
        theirs.losses,
        ours.losses
    );
    Ok(())
}

/// The largest difference of two vectors, infinite where they cannot be compared.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    if ours.len() != theirs.len() {
        return f32::INFINITY;
    }
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, one| match one.is_nan() {
        true => f32::INFINITY,
        false => most.max(one),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_the_largest_one() {
        let check = |theirs: &[f32], expected: f32| {
            assert_eq!(difference(&[1.0, 2.0], theirs), expected, "{theirs:?}");
        };
        check(&[1.0, 2.0], 0.0);
        check(&[1.5, 4.0], 2.0);
        check(&[1.0], f32::INFINITY);
        check(&[f32::NAN, 2.0], f32::INFINITY);
    }

    #[test]
    fn losses_must_agree() {
        let trained = |losses: &[f64]| Trained {
            seconds: 1.0,
            losses: losses.to_vec(),
        };
        let check = |theirs: &[f64], fine: bool| {
            let found = check_losses("theirs", &trained(&[1.0, 2.0]), &trained(theirs));
            assert_eq!(found.is_ok(), fine, "{theirs:?}");
        };
        check(&[1.0, 2.01], true);
        check(&[1.0, 2.1], false);
        check(&[1.0], false);
        check(&[f64::NAN, 2.0], false);
    }
}
