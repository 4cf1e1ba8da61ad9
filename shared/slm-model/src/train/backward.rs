//! The backward pass, layer by layer from the top, by hand.
//!
//! For a linear layer with LoRA, `y = x Wᵀ + h Bᵀ`, `h = x Aᵀ`:
//! `dh = dy B`, `dB = dyᵀ h`, `dA = dhᵀ x`, `dx = dy W + dh A`; W is frozen and has no gradient.

use slm_kernels::train::{View, ViewMut, attention, multiply, norm, rope, swiglu};
use slm_task::recipe::Projection;

use super::{Gradients, Input, TrainModel, forward::lora_hidden};
use crate::{
    adapter::LoraAdapter,
    llama::{LayerActivations, Norm},
};

/// Walks `kept` (layers `lowest..`, bottom first) from the top with `dx: [n, hidden]`, the gradient
/// of the residual stream after the last layer, and adds to `gradients`.
pub(super) fn layers(
    model: &TrainModel,
    adapter: &LoraAdapter,
    input: &Input,
    lowest: usize,
    mut kept: Vec<LayerActivations<Vec<f32>>>,
    mut dx: Vec<f32>,
    gradients: &mut Gradients,
) {
    let mut pass = Backward {
        model,
        adapter,
        input,
        gradients,
        layer: 0,
    };
    while let Some(activations) = kept.pop() {
        pass.layer = lowest + kept.len();
        pass.mlp(&activations, &mut dx);
        pass.attention(&activations, &mut dx, pass.layer > lowest);
    }
}

struct Backward<'a> {
    model: &'a TrainModel,
    adapter: &'a LoraAdapter,
    input: &'a Input,
    gradients: &'a mut Gradients,
    layer: usize,
}

impl Backward<'_> {
    /// `dx` enters as the gradient after the MLP and leaves as the one before it.
    fn mlp(&mut self, kept: &LayerActivations<Vec<f32>>, dx: &mut [f32]) {
        use Projection::*;
        let mut hidden = vec![0.0; kept.gate.len()];
        swiglu::forward(&kept.gate, &kept.up, &mut hidden);
        let mut dhidden = vec![0.0; hidden.len()];
        self.linear(DownProj, &hidden, dx, Some(&mut dhidden));

        let (mut dgate, mut dup) = (hidden, vec![0.0; kept.up.len()]);
        swiglu::backward(&kept.gate, &kept.up, &dhidden, &mut dgate, &mut dup);
        let normed = self.model.rms_norm(&kept.middle, Norm::Mlp(self.layer));
        let mut dnormed = vec![0.0; normed.len()];
        self.linear(GateProj, &normed, &dgate, Some(&mut dnormed));
        self.linear(UpProj, &normed, &dup, Some(&mut dnormed));
        self.norm(&kept.middle, Norm::Mlp(self.layer), &dnormed, dx);
    }

    /// As [`Self::mlp`], for attention. Without `through`, nothing below needs a gradient and `dx`
    /// is left as it is.
    fn attention(&mut self, kept: &LayerActivations<Vec<f32>>, dx: &mut [f32], through: bool) {
        use Projection::*;
        let mut dmixed = vec![0.0; kept.mixed.len()];
        self.linear(OProj, &kept.mixed, dx, Some(&mut dmixed));

        let (mut dq, mut dk, mut dv) = (
            vec![0.0; kept.q.len()],
            vec![0.0; kept.k.len()],
            vec![0.0; kept.v.len()],
        );
        let (model, input) = (self.model, self.input);
        attention::backward(
            model.attention_shape(),
            &input.segments,
            &kept.q,
            &kept.k,
            &kept.v,
            &dmixed,
            &mut dq,
            &mut dk,
            &mut dv,
        );
        rope::backward(&mut dq, &input.positions, model.config.heads, &model.rope);
        rope::backward(
            &mut dk,
            &input.positions,
            model.config.kv_heads,
            &model.rope,
        );

        let normed = model.rms_norm(&kept.input, Norm::Attention(self.layer));
        let mut dnormed = through.then(|| vec![0.0; normed.len()]);
        for (projection, dy) in [(QProj, &dq), (KProj, &dk), (VProj, &dv)] {
            self.linear(projection, &normed, dy, dnormed.as_mut());
        }
        if let Some(dnormed) = dnormed {
            self.norm(&kept.input, Norm::Attention(self.layer), &dnormed, dx);
        }
    }

    /// Adds to the gradients of a layer's LoRA, and to `dx` where somebody wants it.
    fn linear(&mut self, projection: Projection, x: &[f32], dy: &[f32], dx: Option<&mut Vec<f32>>) {
        let n = self.input.tokens.len();
        let (weight, rows, cols) = self.model.linear(self.layer, projection);
        let dy = View::new(dy, n, rows);
        let mut dx = dx;
        if let Some(dx) = dx.as_deref_mut() {
            multiply(
                ViewMut::new(dx, n, cols),
                true,
                1.0,
                dy,
                View::new(weight, rows, cols),
            );
        }
        let Some(pair) = self.adapter.get(self.layer, projection) else {
            return;
        };
        let rank = self.adapter.rank;
        let hidden = lora_hidden(x, n, cols, rank, pair);
        let mut dhidden = vec![0.0; n * rank];
        let b = View::new(&pair.b, rows, rank);
        multiply(ViewMut::new(&mut dhidden, n, rank), false, 1.0, dy, b);
        let dhidden = View::new(&dhidden, n, rank);
        let (da, db) = self.gradients.pair_mut(self.layer, projection);
        multiply(
            ViewMut::new(db, rows, rank),
            true,
            1.0,
            dy.t(),
            View::new(&hidden, n, rank),
        );
        multiply(
            ViewMut::new(da, rank, cols),
            true,
            1.0,
            dhidden.t(),
            View::new(x, n, cols),
        );
        if let Some(dx) = dx {
            multiply(
                ViewMut::new(dx, n, cols),
                true,
                1.0,
                dhidden,
                View::new(&pair.a, rank, cols),
            );
        }
    }

    fn norm(&self, x: &[f32], norm: Norm, dy: &[f32], dx: &mut [f32]) {
        norm::backward(
            x,
            self.model.norm_weight(norm),
            self.model.config.rms_eps,
            dy,
            dx,
        );
    }
}
