//! Our native engine as a contestant.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::executor::block_on;
use slm_model::{BaseModel, Engine};

use crate::contestant::{self, Answer, Options, Request};
use crate::machine;

/// Answers requests until there are no more.
///
/// # Errors
/// The file is no model, or a request does not fit it.
pub fn serve(options: &Options) -> Result<()> {
    machine::use_threads(options.threads)?;
    let bytes = fs::read(&options.model).with_context(|| options.model.display().to_string())?;
    let mut engine = Engine::new(Arc::new(BaseModel::from_gguf(&bytes)?));
    drop(bytes);
    contestant::serve("SLM Gallery", |request| measure(&mut engine, request))
}

fn measure(engine: &mut Engine, request: &Request) -> Result<Answer> {
    engine.rewind();
    let started = Instant::now();
    let mut token = best(&block_on(engine.extend(&request.tokens))?);
    let first = Instant::now();
    for _ in 0..request.decode {
        token = best(&block_on(engine.extend(&[token]))?);
    }
    Ok(Answer {
        prefill: (first - started).as_secs_f64(),
        decode: first.elapsed().as_secs_f64(),
        decoded: request.decode,
    })
}

/// The token with the largest logit.
pub fn best(logits: &[f32]) -> u32 {
    let best = (0..).zip(logits).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(token, _)| token)
}
