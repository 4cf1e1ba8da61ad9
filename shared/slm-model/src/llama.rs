//! The llama, written once: layer by layer over a small set of operations.
//!
//! Who implements [`Operations`] decides on numerics and device (`serve` for answers, `train` for
//! gradients, a GPU later); this file decides what a llama is. It must not know where tokens come
//! from, nor what their positions or neighbours are: the implementation was told before.

use std::ops::Range;

use slm_task::recipe::Projection;

/// Which norm weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// Before attention of a layer.
    Attention(usize),
    /// Before the MLP of a layer.
    Mlp(usize),
    /// Before the logits.
    Output,
}

/// What a llama is made of. Tensors are `[tokens, width]`; an implementation enqueues work and never
/// blocks, so that a GPU fits: reading results back is the caller's business.
pub trait Operations {
    /// Activations.
    type Tensor;
    /// Activations as linear layers take them.
    type Input;

    /// Rows of the embedding table: `[tokens, hidden]`.
    fn embed(&mut self, tokens: &[u32]) -> Self::Tensor;
    /// RMSNorm with the weights of `norm`.
    fn rms_norm(&mut self, x: &Self::Tensor, norm: Norm) -> Self::Input;
    /// Linear layers that share an input, each with its LoRA where the adapter has one.
    fn project<const N: usize>(
        &mut self,
        x: &Self::Input,
        layer: usize,
        to: [Projection; N],
    ) -> [Self::Tensor; N];
    /// Rotates queries or keys (`heads` of them a token) by their positions, in place.
    fn rope(&mut self, x: &mut Self::Tensor, heads: usize);
    /// Attention of the new tokens over what each of them sees.
    fn attention(
        &mut self,
        layer: usize,
        q: &Self::Tensor,
        k: &Self::Tensor,
        v: &Self::Tensor,
    ) -> Self::Input;
    /// `silu(gate) ∘ up`.
    fn swiglu(&mut self, gate: &Self::Tensor, up: &Self::Tensor) -> Self::Input;
    /// `x + update`.
    fn add(&mut self, x: &Self::Tensor, update: Self::Tensor) -> Self::Tensor;
}

/// What a backward pass needs of one layer; the rest is cheaper to compute again.
pub struct LayerActivations<T, Input = T> {
    /// Residual stream before the layer: `[n, hidden]`.
    pub input: T,
    /// Rotated queries: `[n, heads * head_dim]`.
    pub q: T,
    /// Rotated keys: `[n, kv_heads * head_dim]`.
    pub k: T,
    /// Values: `[n, kv_heads * head_dim]`.
    pub v: T,
    /// Attention output before its projection: `[n, heads * head_dim]`.
    pub mixed: Input,
    /// Residual stream between attention and MLP: `[n, hidden]`.
    pub middle: T,
    /// MLP gate before its activation: `[n, ffn]`.
    pub gate: T,
    /// MLP up: `[n, ffn]`.
    pub up: T,
}

/// Head counts, for rope.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Query heads.
    pub query: usize,
    /// Key heads.
    pub key: usize,
}

/// Runs the layers over `tokens` and returns the residual stream `[n, hidden]` before the output
/// norm. `keep` is handed each layer's activations, bottom first, to store or drop.
pub fn forward<O: Operations>(
    operations: &mut O,
    layers: usize,
    heads: Heads,
    tokens: &[u32],
    keep: impl FnMut(usize, LayerActivations<O::Tensor, O::Input>),
) -> O::Tensor {
    let x = operations.embed(tokens);
    through(operations, 0..layers, heads, x, keep)
}

/// As [`forward`], through some of the layers: `x` and what is returned are the residual stream
/// before the first of them and after the last.
pub fn through<O: Operations>(
    operations: &mut O,
    layers: Range<usize>,
    heads: Heads,
    mut x: O::Tensor,
    mut keep: impl FnMut(usize, LayerActivations<O::Tensor, O::Input>),
) -> O::Tensor {
    use Projection::*;
    for layer in layers {
        let normed = operations.rms_norm(&x, Norm::Attention(layer));
        let [mut q, mut k, v] = operations.project(&normed, layer, [QProj, KProj, VProj]);
        operations.rope(&mut q, heads.query);
        operations.rope(&mut k, heads.key);
        let mixed = operations.attention(layer, &q, &k, &v);
        let [update] = operations.project(&mixed, layer, [OProj]);
        let middle = operations.add(&x, update);

        let normed = operations.rms_norm(&middle, Norm::Mlp(layer));
        let [gate, up] = operations.project(&normed, layer, [GateProj, UpProj]);
        let hidden = operations.swiglu(&gate, &up);
        let [update] = operations.project(&hidden, layer, [DownProj]);
        let output = operations.add(&middle, update);

        let input = std::mem::replace(&mut x, output);
        keep(
            layer,
            LayerActivations {
                input,
                q,
                k,
                v,
                mixed,
                middle,
                gate,
                up,
            },
        );
    }
    x
}
