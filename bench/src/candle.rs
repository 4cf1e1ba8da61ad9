//! candle's `quantized_llama` as a contestant. It takes the vector instructions that it is compiled for,
//! here those of every x86-64; its Q4_1 has no others to take.

use std::fs;
use std::io::Cursor;
use std::time::Instant;

use anyhow::{Context, Result};
use candle_core::quantized::gguf_file::Content;
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;

use crate::contestant::{self, Answer, Options, Request};
use crate::machine;
use crate::ours::best;

/// Answers requests until there are no more.
///
/// # Errors
/// The file is no model, or a request does not fit it.
pub fn serve(options: &Options) -> Result<()> {
    machine::use_threads(options.threads)?;
    let bytes = fs::read(&options.model).with_context(|| options.model.display().to_string())?;
    let mut reader = Cursor::new(&bytes);
    let content = Content::read(&mut reader)?;
    let mut model = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)?;
    contestant::serve("candle (x86-64 baseline, one run)", |request| {
        measure(&mut model, request)
    })
}

fn measure(model: &mut ModelWeights, request: &Request) -> Result<Answer> {
    model.clear_kv_cache();
    let mut seen = 0;
    let mut extend = |tokens: &[u32]| -> Result<u32> {
        let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = model.forward(&input, seen)?.squeeze(0)?;
        seen += tokens.len();
        Ok(best(&logits.to_vec1()?))
    };
    let started = Instant::now();
    let mut token = extend(&request.tokens)?;
    let first = Instant::now();
    for _ in 0..request.decode {
        token = extend(&[token])?;
    }
    Ok(Answer {
        prefill: (first - started).as_secs_f64(),
        decode: first.elapsed().as_secs_f64(),
        decoded: request.decode,
    })
}
