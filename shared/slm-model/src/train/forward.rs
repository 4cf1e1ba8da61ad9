//! The llama's operations in f32.

use slm_kernels::train::{AttentionShape, View, ViewMut, attention, multiply, norm, rope, swiglu};
use slm_task::recipe::Projection;

use super::{Input, TrainModel};
use crate::{
    adapter::{LoraAdapter, LoraPair},
    base::index_of,
    llama::{Norm, Operations},
};

/// One forward pass over a batch.
pub(super) struct Train<'a> {
    pub(super) model: &'a TrainModel,
    pub(super) adapter: &'a LoraAdapter,
    pub(super) input: &'a Input,
}

impl TrainModel {
    pub(super) fn norm_weight(&self, norm: Norm) -> &[f32] {
        match norm {
            Norm::Attention(layer) => &self.layers[layer].attention_norm,
            Norm::Mlp(layer) => &self.layers[layer].mlp_norm,
            Norm::Output => &self.output_norm,
        }
    }

    pub(super) fn rms_norm(&self, x: &[f32], norm: Norm) -> Vec<f32> {
        let mut out = vec![0.0; x.len()];
        norm::forward(x, self.norm_weight(norm), self.config.rms_eps, &mut out);
        out
    }

    /// `[out, in]` values of a linear layer, and its sizes.
    pub(super) fn linear(&self, layer: usize, projection: Projection) -> (&[f32], usize, usize) {
        let (cols, rows) = self.config.projection_dims(projection);
        (
            &self.layers[layer].linears[index_of(projection)],
            rows,
            cols,
        )
    }

    pub(super) fn attention_shape(&self) -> AttentionShape {
        let c = &self.config;
        AttentionShape {
            heads: c.heads,
            kv_heads: c.kv_heads,
            head_dim: c.head_dim,
        }
    }
}

/// `x Aᵀ`: `[n, r]` from `x: [n, in]`.
pub(super) fn lora_hidden(
    x: &[f32],
    n: usize,
    cols: usize,
    rank: usize,
    pair: &LoraPair,
) -> Vec<f32> {
    let mut hidden = vec![0.0; n * rank];
    let out = ViewMut::new(&mut hidden, n, rank);
    multiply(
        out,
        false,
        1.0,
        View::new(x, n, cols),
        View::new(&pair.a, rank, cols).t(),
    );
    hidden
}

impl Operations for Train<'_> {
    type Tensor = Vec<f32>;
    type Input = Vec<f32>;

    fn embed(&mut self, tokens: &[u32]) -> Vec<f32> {
        let hidden = self.model.config.hidden;
        let row = |&token: &u32| &self.model.embedding[token as usize * hidden..][..hidden];
        tokens.iter().flat_map(row).copied().collect()
    }

    fn rms_norm(&mut self, x: &Vec<f32>, norm: Norm) -> Vec<f32> {
        self.model.rms_norm(x, norm)
    }

    fn project<const N: usize>(
        &mut self,
        x: &Vec<f32>,
        layer: usize,
        to: [Projection; N],
    ) -> [Vec<f32>; N] {
        let n = self.input.tokens.len();
        to.map(|projection| {
            let (weight, rows, cols) = self.model.linear(layer, projection);
            let mut out = vec![0.0; n * rows];
            let x_view = View::new(x, n, cols);
            multiply(
                ViewMut::new(&mut out, n, rows),
                false,
                1.0,
                x_view,
                View::new(weight, rows, cols).t(),
            );
            if let Some(pair) = self.adapter.get(layer, projection) {
                let rank = self.adapter.rank;
                let hidden = lora_hidden(x, n, cols, rank, pair);
                let b = View::new(&pair.b, rows, rank).t();
                multiply(
                    ViewMut::new(&mut out, n, rows),
                    true,
                    1.0,
                    View::new(&hidden, n, rank),
                    b,
                );
            }
            out
        })
    }

    fn rope(&mut self, x: &mut Vec<f32>, heads: usize) {
        rope::forward(x, &self.input.positions, heads, &self.model.rope);
    }

    fn attention(&mut self, _layer: usize, q: &Vec<f32>, k: &Vec<f32>, v: &Vec<f32>) -> Vec<f32> {
        let mut out = vec![0.0; q.len()];
        attention::forward(
            self.model.attention_shape(),
            &self.input.segments,
            q,
            k,
            v,
            &mut out,
        );
        out
    }

    fn swiglu(&mut self, gate: &Vec<f32>, up: &Vec<f32>) -> Vec<f32> {
        let mut out = vec![0.0; gate.len()];
        swiglu::forward(gate, up, &mut out);
        out
    }

    fn add(&mut self, x: &Vec<f32>, mut update: Vec<f32>) -> Vec<f32> {
        update.iter_mut().zip(x).for_each(|(u, x)| *u += x);
        update
    }
}
