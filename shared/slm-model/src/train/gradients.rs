//! Gradients in an adapter's layout.

use slm_task::recipe::Projection;

use crate::{
    adapter::LoraAdapter,
    base::{PROJECTIONS, index_of},
};

/// One gradient for every tensor of an adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    /// Per layer, in the order of [`PROJECTIONS`].
    layers: Vec<Vec<Option<PairGradients>>>,
}

#[derive(Debug, Clone, PartialEq)]
struct PairGradients {
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Gradients {
    /// Zeros in the layout of `adapter`, whose model has `layers` layers.
    pub fn zeros(adapter: &LoraAdapter, layers: usize) -> Self {
        let pair = |layer, projection| {
            adapter.get(layer, projection).map(|pair| PairGradients {
                a: vec![0.0; pair.a.len()],
                b: vec![0.0; pair.b.len()],
            })
        };
        let layer = |layer| PROJECTIONS.iter().map(|&p| pair(layer, p)).collect();
        Self {
            layers: (0..layers).map(layer).collect(),
        }
    }

    /// Gradients of A and B of one linear layer.
    ///
    /// # Panics
    /// When the adapter these were made for has none there: a caller's bug.
    pub(super) fn pair_mut(
        &mut self,
        layer: usize,
        projection: Projection,
    ) -> (&mut [f32], &mut [f32]) {
        let pair = self.layers[layer][index_of(projection)].as_mut();
        let pair = pair.expect("gradients have the adapter's layout");
        (&mut pair.a, &mut pair.b)
    }

    /// Every tensor, in the order of [`LoraAdapter::tensors_mut`]: by layer, projection, A before B.
    pub fn tensors(&self) -> impl Iterator<Item = &[f32]> {
        let pairs = self.layers.iter().flatten().flatten();
        pairs.flat_map(|pair| [pair.a.as_slice(), pair.b.as_slice()])
    }

    /// As [`Self::tensors`], to change.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let pairs = self.layers.iter_mut().flatten().flatten();
        pairs.flat_map(|pair| [pair.a.as_mut_slice(), pair.b.as_mut_slice()])
    }

    /// Sets everything to zero.
    pub fn zero(&mut self) {
        self.tensors_mut().for_each(|tensor| tensor.fill(0.0));
    }

    /// Multiplies everything by `factor`.
    pub fn scale(&mut self, factor: f32) {
        self.tensors_mut()
            .flatten()
            .for_each(|value| *value *= factor);
    }

    /// Sum of squares over everything, in f64.
    pub fn norm_squared(&self) -> f64 {
        self.tensors()
            .flatten()
            .map(|&value| f64::from(value) * f64::from(value))
            .sum()
    }
}
