//! The llama's operations in the `serve` numerics on the CPU: weights as stored, activations in Q8,
//! LoRA in f32 beside them, keys and values in a cache.

use slm_kernels::{
    Visible,
    serve::{self, QuantizedRows, RopeTable},
};
use slm_task::recipe::Projection;

use crate::{
    adapter::LoraAdapter,
    base::{BaseModel, PROJECTIONS, index_of},
    cache::KvCache,
    llama::{Norm, Operations},
};

/// Where new tokens stand and what each of them sees. Slots of the new tokens follow the cache's.
pub(crate) struct Layout {
    pub(crate) positions: Vec<u32>,
    pub(crate) visible: Vec<Visible>,
}

/// An adapter as the kernels want it: `B` transposed to `[r, out]`.
pub(crate) struct ServeAdapter {
    rank: usize,
    /// Per layer, in the order of [`PROJECTIONS`].
    layers: Vec<Vec<Option<ServePair>>>,
}

struct ServePair {
    a: Vec<f32>,
    b_transposed: Vec<f32>,
}

impl ServeAdapter {
    pub(crate) fn new(adapter: &LoraAdapter, layers: usize) -> Self {
        let rank = adapter.rank;
        let pair = |layer, projection| {
            adapter.get(layer, projection).map(|pair| ServePair {
                a: pair.a.clone(),
                b_transposed: transpose(&pair.b, rank),
            })
        };
        let layer = |layer| {
            PROJECTIONS
                .iter()
                .map(|&projection| pair(layer, projection))
                .collect()
        };
        Self {
            rank,
            layers: (0..layers).map(layer).collect(),
        }
    }
}

/// `[rows, cols]` to `[cols, rows]`.
fn transpose(x: &[f32], cols: usize) -> Vec<f32> {
    let rows = x.len() / cols;
    (0..x.len())
        .map(|i| x[i % rows * cols + i / rows])
        .collect()
}

/// Buffers that live as long as the engine.
#[derive(Default)]
pub(crate) struct Scratch {
    quantized: QuantizedRows,
    lora: Vec<f32>,
}

/// One forward pass: the model, the adapter, the cache it extends and where its tokens stand.
pub(crate) struct Serve<'a> {
    pub(crate) model: &'a BaseModel,
    pub(crate) adapter: Option<&'a ServeAdapter>,
    pub(crate) cache: &'a mut KvCache,
    pub(crate) rope: &'a RopeTable,
    pub(crate) layout: &'a Layout,
    pub(crate) scratch: &'a mut Scratch,
}

impl Serve<'_> {
    fn tokens(&self) -> usize {
        self.layout.positions.len()
    }

    /// Logits `[rows, vocab]` of rows of the residual stream `[rows, hidden]`.
    pub(crate) fn logits(&mut self, x: &[f32]) -> Vec<f32> {
        let config = self.model.config();
        let normed = self.rms_norm(&x.to_vec(), Norm::Output);
        self.scratch.quantized.quantize(&normed, config.hidden);
        let mut logits = vec![0.0; x.len() / config.hidden * config.vocab];
        serve::matmul(self.model.head(), &self.scratch.quantized, &mut logits);
        logits
    }
}

impl Operations for Serve<'_> {
    type Tensor = Vec<f32>;

    fn embed(&mut self, tokens: &[u32]) -> Vec<f32> {
        let hidden = self.model.config().hidden;
        let mut x = vec![0.0; tokens.len() * hidden];
        for (row, &token) in x.chunks_exact_mut(hidden).zip(tokens) {
            self.model.embedding.dequantize_row(token as usize, row);
        }
        x
    }

    fn rms_norm(&mut self, x: &Vec<f32>, norm: Norm) -> Vec<f32> {
        let weight = match norm {
            Norm::Attention(layer) => &self.model.layers[layer].attention_norm,
            Norm::Mlp(layer) => &self.model.layers[layer].mlp_norm,
            Norm::Output => &self.model.output_norm,
        };
        let mut out = vec![0.0; x.len()];
        serve::rms_norm(x, weight, self.model.config().rms_eps, &mut out);
        out
    }

    fn project<const N: usize>(
        &mut self,
        x: &Vec<f32>,
        layer: usize,
        to: [Projection; N],
    ) -> [Vec<f32>; N] {
        let n = self.tokens();
        let cols = x.len() / n;
        let weights = &self.model.layers[layer];
        self.scratch.quantized.quantize(x, cols);
        to.map(|projection| {
            let matrix = weights.linear(projection);
            let mut out = vec![0.0; n * matrix.rows()];
            serve::matmul(matrix, &self.scratch.quantized, &mut out);
            let pair = self
                .adapter
                .and_then(|a| a.layers[layer][index_of(projection)].as_ref());
            if let (Some(pair), Some(adapter)) = (pair, self.adapter) {
                let hidden = &mut self.scratch.lora;
                serve::lora(
                    x,
                    cols,
                    &pair.a,
                    &pair.b_transposed,
                    adapter.rank,
                    hidden,
                    &mut out,
                );
            }
            out
        })
    }

    fn rope(&mut self, x: &mut Vec<f32>, heads: usize) {
        serve::rope(x, &self.layout.positions, heads, self.rope);
    }

    fn attention(&mut self, layer: usize, q: &Vec<f32>, k: &Vec<f32>, v: &Vec<f32>) -> Vec<f32> {
        let config = self.model.config();
        let cache = self.cache.append(layer, k, v);
        let mut out = vec![0.0; q.len()];
        serve::attention(
            q,
            &cache.keys,
            &cache.values,
            &self.layout.visible,
            config.heads,
            config.kv_heads,
            config.head_dim,
            &mut out,
        );
        out
    }

    fn swiglu(&mut self, gate: &Vec<f32>, up: &Vec<f32>) -> Vec<f32> {
        let mut out = vec![0.0; gate.len()];
        serve::swiglu(gate, up, &mut out);
        out
    }

    fn add(&mut self, x: &Vec<f32>, mut update: Vec<f32>) -> Vec<f32> {
        serve::add(&mut update, x);
        update
    }
}
