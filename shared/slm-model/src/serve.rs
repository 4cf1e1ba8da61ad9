//! The llama's operations in the `serve` numerics on the CPU: weights as stored, activations in Q8,
//! LoRA in f32 beside them, keys and values in a cache. What linear layers take is quantized where it is
//! made.

use slm_kernels::{
    Visible,
    serve::{self, QuantizedRows, RopeTable},
};
use slm_task::recipe::Projection;

use crate::{
    adapter::LoraAdapter,
    base::{BaseModel, PROJECTIONS, index_of},
    buffers::{Buffers, Floats, Lent},
    cache::KvCache,
    llama::{Norm, Operations},
};

/// Where new tokens stand and what each of them sees. Slots of the new tokens follow the cache's.
#[derive(Default)]
pub(crate) struct Layout {
    pub(crate) positions: Vec<u32>,
    pub(crate) visible: Vec<Visible>,
}

impl Layout {
    /// Makes it that of `count` tokens in a row, the first in slot and position `start`.
    pub(crate) fn follow(&mut self, start: usize, count: usize) {
        self.positions.clear();
        self.positions
            .extend((start..start + count).map(|p| p as u32));
        self.visible.resize_with(count, Visible::new);
        for (visible, slot) in self.visible.iter_mut().zip(start..) {
            visible.clear();
            visible.push(0..slot + 1);
        }
    }
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
    floats: Buffers<Vec<f32>>,
    inputs: Buffers<QuantizedRows>,
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
    /// Logits `[wanted, vocab]` of some rows of the residual stream `x`, `[n, hidden]`.
    pub(crate) fn logits(&mut self, x: &[f32], wanted: &[usize]) -> Floats {
        let config = self.model.config();
        if wanted.is_empty() {
            return self.scratch.floats.floats(0);
        }
        let mut rows = self.scratch.floats.floats(wanted.len() * config.hidden);
        for (row, &token) in rows.chunks_exact_mut(config.hidden).zip(wanted) {
            row.copy_from_slice(&x[token * config.hidden..][..config.hidden]);
        }
        let normed = self.rms_norm(&rows, Norm::Output);
        let mut logits = self.scratch.floats.floats(wanted.len() * config.vocab);
        serve::matmul(self.model.head(), &normed, &mut logits);
        logits
    }

    fn input(&self) -> Lent<QuantizedRows> {
        self.scratch.inputs.any()
    }
}

impl Operations for Serve<'_> {
    type Tensor = Floats;
    type Input = Lent<QuantizedRows>;

    fn embed(&mut self, tokens: &[u32]) -> Floats {
        let hidden = self.model.config().hidden;
        let mut x = self.scratch.floats.floats(tokens.len() * hidden);
        for (row, &token) in x.chunks_exact_mut(hidden).zip(tokens) {
            self.model.embedding.dequantize_row(token as usize, row);
        }
        x
    }

    fn rms_norm(&mut self, x: &Floats, norm: Norm) -> Lent<QuantizedRows> {
        let weight = match norm {
            Norm::Attention(layer) => &self.model.layers[layer].attention_norm,
            Norm::Mlp(layer) => &self.model.layers[layer].mlp_norm,
            Norm::Output => &self.model.output_norm,
        };
        let mut normed = self.input();
        normed.rms_norm(x, weight, self.model.config().rms_eps);
        normed
    }

    fn project<const N: usize>(
        &mut self,
        x: &Lent<QuantizedRows>,
        layer: usize,
        to: [Projection; N],
    ) -> [Floats; N] {
        let matrices = to.map(|projection| self.model.layers[layer].linear(projection));
        let floats = &self.scratch.floats;
        let mut outs = matrices.map(|matrix| floats.floats(x.rows() * matrix.rows()));
        serve::matmul_each(matrices, x, outs.each_mut().map(|out| &mut out[..]));
        for (projection, out) in to.into_iter().zip(&mut outs) {
            let Some(adapter) = self.adapter else {
                continue;
            };
            if let Some(pair) = &adapter.layers[layer][index_of(projection)] {
                serve::lora(
                    x.values(),
                    x.cols(),
                    &pair.a,
                    &pair.b_transposed,
                    adapter.rank,
                    &mut self.scratch.lora,
                    out,
                );
            }
        }
        outs
    }

    fn rope(&mut self, x: &mut Floats, heads: usize) {
        serve::rope(x, &self.layout.positions, heads, self.rope);
    }

    fn attention(
        &mut self,
        layer: usize,
        q: &Floats,
        k: &Floats,
        v: &Floats,
    ) -> Lent<QuantizedRows> {
        let mut mixed = self.input();
        let config = self.model.config();
        let cache = self.cache.append(layer, k, v);
        let visible = &self.layout.visible;
        mixed.replace(visible.len(), config.heads * config.head_dim, |out| {
            serve::attention(
                q,
                &cache.keys,
                &cache.values,
                visible,
                config.heads,
                config.kv_heads,
                config.head_dim,
                out,
            );
        });
        mixed
    }

    fn swiglu(&mut self, gate: &Floats, up: &Floats) -> Lent<QuantizedRows> {
        let mut hidden = self.input();
        let cols = gate.len() / self.layout.positions.len();
        hidden.swiglu(gate, up, cols);
        hidden
    }

    fn add(&mut self, x: &Floats, mut update: Floats) -> Floats {
        serve::add(&mut update, x);
        update
    }
}
