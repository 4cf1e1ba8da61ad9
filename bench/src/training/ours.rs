//! Our trainer as a contestant.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use slm_model::BaseModel;
use slm_train::Trainer;

use super::job::Job;
use super::requests::{Request, Trained};
use crate::{contestant, machine};

/// The command line of our trainer.
#[derive(clap::Args)]
pub struct Options {
    /// What is trained, as [`Job::write`] writes it
    pub job: PathBuf,
}

/// Answers requests until there are no more.
///
/// # Errors
/// A job that cannot be read, or a request that is not for us.
pub fn serve(options: &Options) -> Result<()> {
    let job = Job::read(&options.job)?;
    machine::use_threads(job.threads)?;
    let mut trainer = load(job)?;
    contestant::serve("SLM Gallery", |request| match request {
        Request::Train { steps } => train(&mut trainer, *steps),
        Request::Logits { .. } | Request::Score => bail!("our trainer is asked to train only"),
    })
}

/// Keeps nothing but the trainer.
fn load(job: Job) -> Result<Trainer> {
    let file = fs::read(&job.model).with_context(|| job.model.display().to_string())?;
    job.trainer(&BaseModel::from_gguf(&file)?)
}

fn train(trainer: &mut Trainer, steps: usize) -> Result<Trained> {
    let started = Instant::now();
    let losses = (0..steps).map(|_| Ok(trainer.step()?.loss));
    let losses = losses.collect::<Result<_>>()?;
    Ok(Trained {
        seconds: started.elapsed().as_secs_f64(),
        losses,
    })
}
