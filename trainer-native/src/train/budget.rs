//! How many steps fit the time, when they are evaluated, and how fast they were.

use std::time::Instant;

use anyhow::Result;
use slm_task::recipe::Sft;
use slm_train::Trainer;

use crate::run::Metric;

/// Share of the time that plans use: the rest is for checkpoints and for a busy machine.
const USABLE: f64 = 0.95;

/// Seconds that things take on this machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// One optimizer step.
    pub step: f64,
    /// One evaluation on the dev rows.
    pub evaluation: f64,
}

/// Tokens a second of training steps; evaluations are not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Tokens of the rows, each with its prefix.
    pub tokens: f64,
    /// Tokens computed: the prefix counts once a micro-batch.
    pub computed: f64,
}

impl Speed {
    /// Over every step of a run.
    pub fn of(metrics: &[Metric]) -> Self {
        let (mut all, mut made, mut time) = (0, 0, 0.0);
        for metric in metrics {
            if let Metric::Step {
                tokens,
                computed,
                seconds,
                ..
            } = metric
            {
                all += tokens;
                made += computed;
                time += seconds;
            }
        }
        let rate = |tokens: usize| tokens as f64 / f64::max(time, 1e-9);
        Self {
            tokens: rate(all),
            computed: rate(made),
        }
    }
}

/// Steps between evaluations: as the recipe says, but at least four over a short run.
pub fn interval(trainer: &Trainer, sft: &Sft) -> usize {
    let wanted = trainer.steps_per_epoch() as f64 / f64::from(sft.evals_per_epoch.max(1e-3));
    let most = trainer.total_steps().div_ceil(4);
    (wanted.round() as usize).clamp(1, most.max(1))
}

/// Evaluations of a whole run: of the base, every `interval` steps, and at the end.
pub fn evaluations(trainer: &Trainer, sft: &Sft) -> usize {
    1 + trainer.total_steps().div_ceil(interval(trainer, sft))
}

/// The most steps, up to `most`, that fit `left` seconds with an evaluation every `interval` steps
/// and one at the end. At least one, so that there is something to evaluate.
pub fn steps(left: f64, pace: Pace, interval: usize, most: usize) -> usize {
    let cost = |steps: usize| {
        steps as f64 * pace.step + steps.div_ceil(interval.max(1)) as f64 * pace.evaluation
    };
    let left = left * USABLE;
    // The cost grows with the steps: a binary search over them.
    let (mut fits, mut over) = (1, most.max(1) + 1);
    while over - fits > 1 {
        let middle = fits + (over - fits) / 2;
        if cost(middle) <= left {
            fits = middle;
        } else {
            over = middle;
        }
    }
    fits.min(most)
}

/// Seconds of one optimizer step, over the batches that come first. Nothing is learnt.
///
/// # Errors
/// What the model refuses.
pub fn time_steps(trainer: &mut Trainer) -> Result<f64> {
    const BATCHES: usize = 3;
    let steps = trainer.steps_per_epoch().min(BATCHES);
    let started = Instant::now();
    for step in 0..steps {
        let rows = trainer.batch(step);
        trainer.probe(&rows)?;
    }
    Ok(started.elapsed().as_secs_f64() / steps as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_fit_the_time() {
        let pace = Pace {
            step: 1.0,
            evaluation: 10.0,
        };
        let check = |left: f64, most, expected| {
            assert_eq!(steps(left / USABLE, pace, 20, most), expected, "{left}");
        };
        check(0.0, 100, 1);
        check(-5.0, 100, 1);
        check(25.0, 100, 15);
        check(30.0, 100, 20);
        check(31.0, 100, 20);
        check(60.0, 100, 40);
        check(1e6, 100, 100);
        check(1e6, 0, 0);
    }
}
