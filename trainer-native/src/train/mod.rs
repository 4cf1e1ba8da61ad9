//! `slm train`: from rows to a run folder.
//!
//! The loop below drives `slm-train` and owns what that must not know: files, the clock and the
//! terminal. It is a sequence of sittings: each begins from a checkpoint (or from nothing), and
//! everything it does until the next checkpoint follows from that checkpoint alone, so a run that
//! was killed anywhere continues to the same adapter, to the bit.

pub mod budget;
pub mod cost;
pub mod dev;
pub mod dry_run;
pub mod gates;
pub mod log;
pub mod prepare;
pub mod trunk;

use std::{fs::File, time::Instant};

use anyhow::Result;
use slm_model::LoraAdapter;
use slm_train::Trainer;

use crate::{
    checkpoint::{self, Progress},
    clock,
    run::{DevScore, Metric, PeftFiles, Run},
    terminal::Bar,
    train::{
        budget::{Pace, Speed},
        dev::Dev,
        log::Log,
        prepare::Prepared,
    },
};

/// Seconds between checkpoints that no evaluation brings.
const CHECKPOINT_EVERY: f64 = 20.0;

/// A training in progress.
pub struct Session {
    run: Run,
    _lock: File,
    prepared: Prepared,
    trainer: Trainer,
    dev: Dev,
    log: Log,
    progress: Progress,
    bar: Bar,
    sitting: Instant,
    /// Seconds spent before this sitting.
    earlier: f64,
    saved: Instant,
    /// Bytes of memory for the frozen layers' outputs.
    trunk_memory: u64,
}

/// The trainer as the run's checkpoint has it, or at step 0.
///
/// # Errors
/// What is wrong with the rows or the settings; a damaged checkpoint.
pub fn load(run: Option<&Run>, prepared: &Prepared) -> Result<(Trainer, Progress)> {
    let (base, recipe, data) = (&prepared.base, &prepared.recipe, prepared.data.clone());
    let path = run.map(|run| run.path("checkpoint.bin"));
    let Some(path) = path.filter(|path| path.is_file()) else {
        let trainer = Trainer::new(base, recipe, data)?;
        let progress = Progress::start(trainer.total_steps());
        return Ok((trainer, progress));
    };
    let (progress, state) = checkpoint::load(&path)?;
    Ok((Trainer::resume(base, recipe, data, &state)?, progress))
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Steps taken.
    pub steps: usize,
    /// What selects checkpoints (`macro_f1`).
    pub metric: &'static str,
    /// The best evaluation and its step.
    pub best: Option<(usize, DevScore)>,
    /// The base on the same rows.
    pub start: Option<DevScore>,
    /// Seconds over all sittings.
    pub seconds: f64,
    /// Why it ended.
    pub ended: String,
    /// How fast the steps were, over all sittings.
    pub speed: Speed,
    /// Bytes of memory that this sitting held at its peak, where the system tells.
    pub peak_memory: Option<u64>,
}

impl Session {
    /// A sitting of a run, from where [`load`] left off. The frozen layers' outputs are kept in up to
    /// `trunk_memory` bytes of memory and a file beside it; 0 keeps none.
    ///
    /// # Errors
    /// When another process trains the run, the metrics cannot be written, or the recipe's prefix does not fit the model.
    pub fn new(
        run: Run,
        prepared: Prepared,
        trainer: Trainer,
        progress: Progress,
        trunk_memory: u64,
    ) -> Result<Self> {
        let lock = run.lock()?;
        let log = Log::open(&run.path("metrics.jsonl"), progress.metrics_bytes)?;
        let dev = Dev::new(&prepared)?;
        let bar = Bar::new("train", trainer.total_steps()).starting_at(progress.step);
        Ok(Self {
            earlier: progress.seconds,
            run,
            _lock: lock,
            prepared,
            trainer,
            dev,
            log,
            progress,
            bar,
            sitting: Instant::now(),
            saved: Instant::now(),
            trunk_memory,
        })
    }

    /// Trains to the end.
    ///
    /// # Errors
    /// A gate that is not met, a loss that is not finite, or a disk that is full. The last
    /// checkpoint stays good.
    pub fn train(mut self) -> Result<Outcome> {
        if self.progress.start.is_none() {
            self.begin()?;
        }
        // Only now: steps that were timed before are as slow as those of the first epoch.
        if let Some(said) = trunk::keep(&mut self.trainer, &self.run.folder, self.trunk_memory) {
            self.bar.say(&said);
        }
        while self.progress.ended.is_none() {
            let step = self.step()?;
            if self.trainer.finished() || step.is_multiple_of(self.interval()) {
                self.evaluate()?;
                self.decide();
                self.save()?;
            } else if self.saved.elapsed().as_secs_f64() >= CHECKPOINT_EVERY {
                self.save()?;
            }
        }
        self.bar.finish();
        Ok(Outcome {
            steps: self.progress.step,
            best: self.progress.best,
            start: self.progress.start,
            seconds: self.progress.seconds,
            metric: self.dev.metric(),
            ended: self.progress.ended.unwrap_or_default(),
            speed: Speed::of(&self.run.metrics()?),
            peak_memory: clock::peak_memory(),
        })
    }

    /// Step 0: the gates, the base on the dev rows, and how many steps fit the time.
    fn begin(&mut self) -> Result<()> {
        self.bar.say("checking the gates of step 0");
        gates::check(&mut self.trainer, &self.prepared, &mut self.dev)?;
        let (score, seconds) = self.score_dev()?;
        self.log_dev(score, seconds)?;
        self.progress.start = Some(score);
        let minutes = self.prepared.recipe.sft.minutes;
        if minutes > 0.0 {
            let pace = Pace {
                step: budget::time_steps(&mut self.trainer)?,
                evaluation: seconds,
            };
            self.fit(pace);
            self.bar.say(&format!(
                "{minutes} min are enough for {} steps of {:.1} s ({:.2} epochs)",
                self.trainer.total_steps(),
                pace.step,
                self.trainer.total_steps() as f64 / self.trainer.steps_per_epoch() as f64,
            ));
        }
        self.bar.restart();
        self.save()
    }

    fn step(&mut self) -> Result<usize> {
        let started = Instant::now();
        let report = self.trainer.step()?;
        let seconds = started.elapsed().as_secs_f64();
        if let Some(problem) = self.trainer.take_trunk_problem() {
            self.bar.say(&format!("warning: {problem}"));
        }
        self.progress.step_seconds += seconds;
        self.log.write(&Metric::Step {
            step: report.step,
            loss: report.loss,
            rate: report.rate,
            gradient_norm: report.gradient_norm,
            supervised: report.supervised,
            tokens: report.tokens,
            computed: report.computed,
            seconds,
        })?;
        self.progress.step = report.step;
        let message = format!(
            "loss {:.3}  {:.0} tokens/s",
            self.log.smooth_loss(),
            self.log.tokens_per_second()
        );
        self.bar.set(report.step, &message);
        Ok(report.step)
    }

    fn interval(&self) -> usize {
        budget::interval(&self.trainer, &self.prepared.recipe.sft)
    }

    /// Scores the dev rows with the adapter as it will ship, and keeps it if it is the best.
    fn evaluate(&mut self) -> Result<()> {
        let (files, adapter) = self.shipped()?;
        self.dev.set_adapter(&adapter);
        let (score, seconds) = self.score_dev()?;
        self.log_dev(score, seconds)?;
        let step = self.progress.step;
        let better = self
            .progress
            .best
            .is_none_or(|(_, best)| score.better_than(&best));
        self.bar.say(&format!(
            "step {step}: dev {} {:.3}, accuracy {:.3}, loss {:.3}{}",
            self.dev.metric(),
            score.score,
            score.accuracy,
            score.loss,
            if better { ", the best so far" } else { "" }
        ));
        if better {
            self.run.save_adapter(&files)?;
            self.progress.best = Some((step, score));
            self.progress.waited = 0;
        } else {
            self.progress.waited += 1;
        }
        Ok(())
    }

    /// After an evaluation: whether to end, and how many steps still fit the time.
    fn decide(&mut self) {
        let patience = self.prepared.recipe.sft.patience;
        self.progress.ended = if self.trainer.finished() {
            Some("every step taken".to_string())
        } else if patience > 0 && self.progress.waited >= patience {
            Some(format!("no better evaluation in {patience}"))
        } else {
            None
        };
        if self.progress.ended.is_none() && self.prepared.recipe.sft.minutes > 0.0 {
            let steps = self.progress.step.max(1) as f64;
            self.fit(Pace {
                step: self.progress.step_seconds / steps,
                evaluation: self.dev.seconds(),
            });
        }
    }

    /// Sets the number of steps so that training ends within the recipe's minutes. Only ever
    /// called right before a checkpoint, which remembers the answer.
    fn fit(&mut self, pace: Pace) {
        let sft = &self.prepared.recipe.sft;
        let left = f64::from(sft.minutes) * 60.0 - self.seconds();
        let epochs = f64::from(sft.epochs) * self.trainer.steps_per_epoch() as f64;
        let most = (epochs.round() as usize).max(1);
        let done = self.progress.step;
        let fit = budget::steps(left, pace, self.interval(), most.saturating_sub(done));
        self.trainer.set_total_steps((done + fit).clamp(1, most));
        self.bar.set_total(self.trainer.total_steps());
    }

    fn score_dev(&mut self) -> Result<(DevScore, f64)> {
        let score = self.dev.score()?;
        Ok((score, self.dev.seconds()))
    }

    fn log_dev(&mut self, score: DevScore, seconds: f64) -> Result<()> {
        self.log.write(&Metric::Dev {
            step: self.progress.step,
            score,
            seconds,
        })
    }

    /// The adapter as it ships, in f16: its files, and what they read back as.
    fn shipped(&self) -> Result<(PeftFiles, LoraAdapter)> {
        let base = &self.prepared.base;
        let name = &self.run.config.base.name;
        let adapter = self.trainer.adapter();
        let (config, weights) = adapter.to_peft(base.config(), name, base.sha256())?;
        let back = LoraAdapter::from_peft(&config, &weights, base.config(), base.sha256())?;
        Ok((PeftFiles { config, weights }, back))
    }

    fn seconds(&self) -> f64 {
        self.earlier + self.sitting.elapsed().as_secs_f64()
    }

    fn save(&mut self) -> Result<()> {
        self.progress.metrics_bytes = self.log.sync()?;
        self.progress.seconds = self.seconds();
        self.progress.total_steps = self.trainer.total_steps();
        let path = self.run.path("checkpoint.bin");
        checkpoint::save(&path, &self.progress, &self.trainer.state())?;
        self.saved = Instant::now();
        Ok(())
    }
}

impl Outcome {
    /// What a person reads when training is done.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} steps in {} ({})",
            self.steps,
            clock::duration(self.seconds),
            self.ended
        );
        if let Some((step, best)) = self.best {
            text.push_str(&format!(
                "\nbest on dev: {} {:.3} at step {step}",
                self.metric, best.score
            ));
        }
        if let (Some((_, best)), Some(start)) = (self.best, self.start) {
            text.push_str(&format!(" (base {:.3})", start.score));
            if !best.better_than(&start) {
                text.push_str(
                    "\nwarning: no evaluation beat the base model. More rows, more epochs or \
                     another `sft.lr` may help.",
                );
            }
        }
        let Speed { tokens, computed } = self.speed;
        text.push_str(&format!(
            "\n{tokens:.0} tokens/s, {computed:.0} of them computed: rows share their prefix"
        ));
        if let Some(bytes) = self.peak_memory {
            text.push_str(&format!("\nmemory: {} at its peak", clock::memory(bytes)));
        }
        text
    }
}
