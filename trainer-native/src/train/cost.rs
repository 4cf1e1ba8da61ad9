//! What a training would cost, from a few of its steps and dev rows that are really computed.
//!
//! The seconds of a step are a line over its multiply-adds. Epochs after the first have a line of
//! their own where the frozen layers' outputs are kept. So have evaluations after the first where
//! answers are written token by token: a base that was not trained writes longer ones than the rows
//! have. Checkpoints and reading the base are not counted; they take a few seconds.

mod line;

use std::{fmt::Write, time::Instant};

use anyhow::Result;
use serde::Serialize;
use slm_model::{Config, PROJECTIONS};
use slm_task::{Example, Renderer, Shape, sample};
use slm_train::{Trainer, order, trunk::Room};

use self::line::Line;
use crate::{
    clock,
    predictor::{CHUNK, Predictor},
    train::{budget, prepare::Prepared},
};

/// Steps that are measured, by their place among those of an epoch from the least work to the most.
/// The most comes first: the peak of memory is its.
const MEASURED: [f64; 4] = [1.0, 0.2, 0.5, 0.8];

/// What training would take.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// Tokens computed a second in the first epoch.
    pub tokens_per_second: f64,
    /// The same in later epochs, in which the frozen layers' outputs are known; as in the first where
    /// they are not kept.
    pub later_tokens_per_second: f64,
    /// Fewest and most tokens of the steps that this was measured with.
    pub measured_tokens: [usize; 2],
    /// Bytes of the frozen layers' outputs, where they are kept.
    pub trunk_bytes: Option<u64>,
    /// Seconds that a dev row takes the base.
    pub dev_row_seconds: f64,
    /// Seconds that it takes a model that writes answers as long as the right ones.
    pub tuned_dev_row_seconds: f64,
    /// Steps in all.
    pub steps: usize,
    /// Seconds that they take.
    pub training_seconds: f64,
    /// Evaluations on the dev rows.
    pub evaluations: usize,
    /// Seconds that they take.
    pub evaluating_seconds: f64,
    /// Seconds from the first gate to the last evaluation.
    pub seconds: f64,
    /// The recipe's bound in minutes; 0 for none.
    pub minutes: f32,
    /// Bytes of memory at the peak, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

impl Cost {
    /// Measures steps and dev rows. `trunk_memory` is as for a training.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn measure(prepared: &Prepared, trunk_memory: u64) -> Result<Self> {
        let mut trainer = Trainer::new(&prepared.base, &prepared.recipe, prepared.data.clone())?;
        let evaluations = budget::evaluations(&trainer, &prepared.recipe.sft);
        let trunk_bytes = trainer.trunk_bytes().filter(|_| trunk_memory > 0);
        let steps = Steps::measure(&mut trainer, prepared, trunk_bytes)?;
        let (total, per_epoch) = (trainer.total_steps(), trainer.steps_per_epoch());
        let training_seconds = steps.seconds(total);
        drop(trainer);

        let rows = Evaluations::measure(prepared)?;
        let dev = prepared.dev.examples.len();
        let dev = match prepared.recipe.scoring.dev_rows {
            0 => dev,
            most => dev.min(most),
        } as f64;
        let evaluating_seconds =
            dev * (rows.first + rows.later * evaluations.saturating_sub(1) as f64);
        // The gates: one batch twice in training, and once as it is served.
        let gates = 2.0 * steps.seconds(per_epoch) / per_epoch as f64
            + prepared.recipe.sft.batch as f64 * rows.losses;
        Ok(Self {
            tokens_per_second: steps.tokens_per_second(&steps.first),
            later_tokens_per_second: steps.tokens_per_second(&steps.later),
            measured_tokens: steps.measured_tokens,
            trunk_bytes,
            dev_row_seconds: rows.first,
            tuned_dev_row_seconds: rows.later,
            steps: total,
            training_seconds,
            evaluations,
            evaluating_seconds,
            seconds: gates + training_seconds + evaluating_seconds,
            minutes: prepared.recipe.sft.minutes,
            peak_memory_bytes: clock::peak_memory(),
        })
    }

    /// It, for people.
    pub fn write(&self, text: &mut String) {
        let [least, most] = self.measured_tokens;
        let _ = write!(
            text,
            "\nmeasured: {:.0} tokens/s in steps of {least} to {most} tokens",
            self.tokens_per_second
        );
        if let Some(bytes) = self.trunk_bytes {
            let _ = write!(
                text,
                ", {:.0} in later epochs, the frozen layers' outputs kept ({})",
                self.later_tokens_per_second,
                clock::memory(bytes)
            );
        }
        let _ = writeln!(
            text,
            "; a dev row takes {:.0} ms, {:.0} ms once trained",
            self.dev_row_seconds * 1e3,
            self.tuned_dev_row_seconds * 1e3
        );
        let _ = writeln!(
            text,
            "predicted: {} steps in {}, and {} evaluations in {}: {} in all{}",
            self.steps,
            clock::duration(self.training_seconds),
            self.evaluations,
            clock::duration(self.evaluating_seconds),
            clock::duration(self.seconds),
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

/// Seconds of optimizer steps.
struct Steps {
    /// Work of each step of the first epoch; later ones have about the same.
    work: Vec<Work>,
    /// Steps of the first epoch.
    first: Line,
    /// Steps of later ones.
    later: Line,
    measured_tokens: [usize; 2],
}

/// What a step computes.
#[derive(Debug, Clone, Copy)]
struct Work {
    /// Tokens; the prefix counts once a micro-batch.
    tokens: usize,
    multiply_adds: f64,
}

impl Steps {
    fn measure(trainer: &mut Trainer, prepared: &Prepared, kept: Option<u64>) -> Result<Self> {
        let batches: Vec<Vec<usize>> = (0..trainer.steps_per_epoch())
            .map(|step| trainer.batch(step))
            .collect();
        let first_layer = trainer.adapter().first_layer();
        let work = |rows: &Vec<usize>| Work::of(prepared, first_layer, rows);
        let work: Vec<Work> = batches.iter().map(work).collect();
        let mut by_work: Vec<usize> = (0..batches.len()).collect();
        by_work.sort_by_key(|&step| work[step].tokens);
        let place = |share: f64| (share * (by_work.len() - 1) as f64).round() as usize;
        // Each once: a step that comes again would find its outputs kept.
        let mut chosen: Vec<usize> = Vec::with_capacity(MEASURED.len());
        for step in MEASURED.map(|share| by_work[place(share)]) {
            if !chosen.contains(&step) {
                chosen.push(step);
            }
        }

        // As much as a training keeps: reading a file is as good as free beside computing.
        if let Some(memory) = kept {
            trainer.keep_trunk(Room {
                memory,
                spilled: 0,
                spill: None,
            });
        }
        let mut line = || -> Result<Line> {
            let mut measured = Vec::with_capacity(chosen.len());
            for &step in &chosen {
                let started = Instant::now();
                trainer.learn(&batches[step])?;
                let seconds = started.elapsed().as_secs_f64();
                measured.push((work[step].multiply_adds, seconds));
            }
            Ok(Line::fit(&measured))
        };
        let first = line()?;
        let later = if kept.is_some() { line()? } else { first };
        let tokens = || chosen.iter().map(|&step| work[step].tokens);
        let most = tokens().max().unwrap_or_default();
        Ok(Self {
            measured_tokens: [tokens().min().unwrap_or(most), most],
            work,
            first,
            later,
        })
    }

    /// Seconds of the first so many steps of a training.
    fn seconds(&self, steps: usize) -> f64 {
        let epoch = |line: &Line, steps: usize| -> f64 {
            let work = self.work.iter().take(steps);
            work.map(|step| line.at(step.multiply_adds)).sum()
        };
        let per_epoch = self.work.len();
        let later = steps.saturating_sub(per_epoch) as f64 / per_epoch as f64;
        epoch(&self.first, steps) + later * epoch(&self.later, per_epoch)
    }

    fn tokens_per_second(&self, line: &Line) -> f64 {
        let tokens: usize = self.work.iter().map(|step| step.tokens).sum();
        let seconds: f64 = self
            .work
            .iter()
            .map(|step| line.at(step.multiply_adds))
            .sum();
        tokens as f64 / seconds
    }
}

impl Work {
    /// Of one step over these rows. Attention and the adapter are not in it: they grow with the
    /// tokens, as the rest does.
    fn of(prepared: &Prepared, first_layer: usize, rows: &[usize]) -> Self {
        let data = &prepared.data;
        let prefix = data.prefix.len();
        let own = |&row: &usize| data.rows[row].tokens.len() - prefix;
        let lengths: Vec<usize> = rows.iter().map(own).collect();
        let places: Vec<usize> = (0..rows.len()).collect();
        let limit = prepared.recipe.sft.micro_tokens;
        let micro_batches = order::micro_batches(&places, &lengths, prefix, limit).len();
        let tokens = prefix * micro_batches + lengths.iter().sum::<usize>();
        let supervised = |&row: &usize| data.rows[row].mask.iter().filter(|&&on| on).count();
        let supervised = rows.iter().map(supervised).sum::<usize>();
        Self {
            tokens,
            multiply_adds: multiply_adds(prepared.base.config(), first_layer, tokens, supervised),
        }
    }
}

/// Multiply-adds of the frozen matrices: each layer forward, layers from `first_layer` and the logits
/// of the supervised tokens also backward.
fn multiply_adds(config: &Config, first_layer: usize, tokens: usize, supervised: usize) -> f64 {
    let weights = |&projection| {
        let (input, output) = config.projection_dims(projection);
        input * output
    };
    let layer: usize = PROJECTIONS.iter().map(weights).sum();
    let passes = config.layers + (config.layers - first_layer);
    tokens as f64 * (passes * layer) as f64
        + supervised as f64 * (2 * config.vocab * config.hidden) as f64
}

/// Seconds that a dev row takes.
struct Evaluations {
    /// The base, in an evaluation.
    first: f64,
    /// A trained model.
    later: f64,
    /// The base, the loss of the right answer alone.
    losses: f64,
}

impl Evaluations {
    fn measure(prepared: &Prepared) -> Result<Self> {
        let recipe = &prepared.recipe;
        let all = &prepared.dev.examples;
        let chosen = sample::subsample(all.len(), CHUNK, recipe.scoring.seed);
        let rows: Vec<Example> = chosen.iter().map(|&row| all[row].clone()).collect();
        let count = rows.len().max(1) as f64;
        let mut predictor = Predictor::new(prepared.base.clone(), None, recipe, Vec::new())?;

        let started = Instant::now();
        predictor.losses(&rows)?;
        let losses = started.elapsed().as_secs_f64() / count;
        let started = Instant::now();
        if !is_written(recipe.shape) {
            predictor.evaluate(&rows)?;
            let first = started.elapsed().as_secs_f64() / count;
            return Ok(Self {
                first,
                later: first,
                losses,
            });
        }
        let texts: Vec<&str> = rows.iter().map(|row| row.prompt.as_str()).collect();
        let answered = predictor.answer(&texts)?;
        let answering = started.elapsed().as_secs_f64() / count;
        let renderer = Renderer::new(recipe, prepared.base.tokenizer(), &[])?;
        let (mut written, mut wanted) = (0, 0);
        for (row, answered) in rows.iter().zip(&answered) {
            let prompt = renderer.prompt(&row.prompt).tokens.len();
            written += answered.tokens.saturating_sub(prompt);
            wanted += renderer.answer(row).len();
        }
        let longer = wanted as f64 / written.max(1) as f64;
        let first = answering + losses;
        Ok(Self {
            first,
            later: tuned(first, losses, longer),
            losses,
        })
    }
}

/// Whether answers are written token by token.
fn is_written(shape: Shape) -> bool {
    matches!(shape, Shape::Spans | Shape::Structured)
}

/// Seconds of a dev row whose answer is `longer` times as long as the base's, which took `first`
/// seconds. To answer is to read the prompt, as the `losses` seconds do which are also in it, and to
/// write.
fn tuned(first: f64, losses: f64, longer: f64) -> f64 {
    let writing = (first - 2.0 * losses).max(0.0);
    first + writing * (longer - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(work: &[f64], first: Line, later: Line) -> Steps {
        let step = |&multiply_adds: &f64| Work {
            tokens: 10,
            multiply_adds,
        };
        Steps {
            work: work.iter().map(step).collect(),
            first,
            later,
            measured_tokens: [0, 0],
        }
    }

    #[test]
    fn epochs_after_the_first_have_a_line_of_their_own() {
        let line = |fixed, rate| Line { fixed, rate };
        let steps = steps(&[1.0, 3.0, 2.0], line(1.0, 2.0), line(0.5, 1.0));
        let check = |count, expected: f64| {
            let found = steps.seconds(count);
            assert!((found - expected).abs() < 1e-9, "{count}: {found}");
        };
        check(0, 0.0);
        check(1, 3.0);
        check(3, 15.0);
        check(6, 15.0 + 7.5);
        check(7, 15.0 + 10.0);
        assert_eq!(steps.tokens_per_second(&steps.first), 2.0);
    }

    #[test]
    fn longer_answers_cost_what_writing_costs() {
        assert_eq!(tuned(5.0, 1.0, 1.0), 5.0);
        assert_eq!(tuned(5.0, 1.0, 2.0), 8.0);
        assert_eq!(tuned(5.0, 1.0, 0.5), 3.5);
        assert_eq!(tuned(1.5, 1.0, 0.5), 1.5);
    }
}
