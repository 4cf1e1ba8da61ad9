//! Logits at supervised places, their loss, and the gradient that enters the last layer.

use slm_kernels::train::{View, ViewMut, cross_entropy, multiply, norm};

use super::{Input, Loss, Supervised, TrainModel};
use crate::llama::Norm;

/// Supervised places whose logits stand in memory at once.
const CHUNK: usize = 128;

/// The loss and its gradient with respect to the residual stream `x: [n, hidden]`.
pub(super) fn forward_backward(model: &TrainModel, input: &Input, x: &[f32]) -> (Loss, Vec<f32>) {
    let mut loss = Loss::default();
    let mut dx = vec![0.0; x.len()];
    for chunk in input.supervised.chunks(CHUNK) {
        loss.sum += chunk_loss(model, chunk, x, &mut dx);
        loss.weight += chunk.iter().map(|s| f64::from(s.weight)).sum::<f64>();
        loss.tokens += chunk.len();
    }
    (loss, dx)
}

fn chunk_loss(model: &TrainModel, chunk: &[Supervised], x: &[f32], dx: &mut [f32]) -> f64 {
    let (m, hidden, vocab) = (chunk.len(), model.config.hidden, model.config.vocab);
    let row = |s: &Supervised| x[s.source * hidden..][..hidden].iter().copied();
    let sources: Vec<f32> = chunk.iter().flat_map(row).collect();
    let normed = model.rms_norm(&sources, Norm::Output);
    let head = View::new(model.head(), vocab, hidden);
    let mut logits = vec![0.0; m * vocab];
    multiply(
        ViewMut::new(&mut logits, m, vocab),
        false,
        1.0,
        View::new(&normed, m, hidden),
        head.t(),
    );

    let targets: Vec<u32> = chunk.iter().map(|s| s.target).collect();
    let weights: Vec<f32> = chunk.iter().map(|s| s.weight).collect();
    let sum = cross_entropy::forward_backward(&mut logits, &targets, &weights);

    let mut dnormed = vec![0.0; m * hidden];
    multiply(
        ViewMut::new(&mut dnormed, m, hidden),
        false,
        1.0,
        View::new(&logits, m, vocab),
        head,
    );
    let mut dsources = vec![0.0; m * hidden];
    let weight = model.norm_weight(Norm::Output);
    norm::backward(
        &sources,
        weight,
        model.config.rms_eps,
        &dnormed,
        &mut dsources,
    );
    for (s, from) in chunk.iter().zip(dsources.chunks_exact(hidden)) {
        let to = &mut dx[s.source * hidden..][..hidden];
        to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    }
    sum
}

/// Logits `[n, vocab]` of every place.
pub(super) fn logits(model: &TrainModel, x: &[f32]) -> Vec<f32> {
    let (hidden, vocab) = (model.config.hidden, model.config.vocab);
    let n = x.len() / hidden;
    let normed = model.rms_norm(x, Norm::Output);
    let mut logits = vec![0.0; n * vocab];
    let head = View::new(model.head(), vocab, hidden).t();
    multiply(
        ViewMut::new(&mut logits, n, vocab),
        false,
        1.0,
        View::new(&normed, n, hidden),
        head,
    );
    logits
}
