//! LoRA adapters: the low-rank matrices in memory, in the order of the base's GGUF rows.
//!
//! A projection `y = W x` becomes `y = W x + B (A x)`. The scale alpha / rank is folded into `B`
//! when an adapter is read, so nothing here carries it.
//!
//! Files are PEFT's (module `peft`); there the rows of `B` follow Hugging Face's order, which differs
//! from the GGUF's in the query and key projections. The conversion happens on reading and writing
//! and nowhere else.

mod peft;
mod rope_order;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use slm_task::{recipe::Projection, rng::SplitMix64};

use crate::{config::Config, error::ModelError};

/// The two matrices of one projection.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraPair {
    /// `[rank, in]`, row by row.
    pub a: Vec<f32>,
    /// `[out, rank]`, row by row; the scale is in it, and rows are in the GGUF's order.
    pub b: Vec<f32>,
}

/// The adapted projections of one layer.
pub type LayerAdapter = BTreeMap<Projection, LoraPair>;

/// An adapter for one base model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraAdapter {
    /// Rank of every pair.
    pub rank: usize,
    /// One entry a layer of the base, empty where the layer is not adapted.
    pub layers: Vec<LayerAdapter>,
}

impl LoraAdapter {
    /// A fresh adapter as PEFT starts one: `A` uniform in ±1/√in (Kaiming with a = √5), `B` zero,
    /// so that the adapted model is the base model.
    ///
    /// # Errors
    /// [`ModelError::Input`] for rank 0, no targets, or layers that the base does not have.
    pub fn random(
        config: &Config,
        rank: usize,
        targets: &[Projection],
        layers: impl IntoIterator<Item = usize>,
        seed: u64,
    ) -> Result<Self, ModelError> {
        if rank == 0 || rank > config.hidden {
            return Err(ModelError::Input(format!(
                "LoRA rank {rank}: expected 1 to {}. Set `lora.rank`.",
                config.hidden
            )));
        }
        if targets.is_empty() {
            return Err(ModelError::Input(
                "no LoRA target: name at least one projection in `lora.targets`.".into(),
            ));
        }
        // Sorted, so that the values do not depend on the order in which layers are named.
        let layers: BTreeSet<usize> = layers.into_iter().collect();
        if layers.last().is_none_or(|&last| last >= config.layers) {
            return Err(ModelError::Input(format!(
                "LoRA on layers {layers:?}: expected some of 0 to {}, which the base model has. \
                 Set `lora.layers`.",
                config.layers - 1
            )));
        }
        let mut rng = SplitMix64::new(seed);
        let mut adapter = Self {
            rank,
            layers: vec![LayerAdapter::new(); config.layers],
        };
        for layer in layers {
            for &projection in targets {
                let (input, output) = config.projection_dims(projection);
                let bound = 1.0 / (input as f64).sqrt();
                let mut uniform = || ((2.0 * rng.unit() - 1.0) * bound) as f32;
                let pair = LoraPair {
                    a: (0..rank * input).map(|_| uniform()).collect(),
                    b: vec![0.0; output * rank],
                };
                adapter.layers[layer].insert(projection, pair);
            }
        }
        Ok(adapter)
    }

    /// The pair of a projection, if it is adapted.
    pub fn get(&self, layer: usize, projection: Projection) -> Option<&LoraPair> {
        self.layers.get(layer)?.get(&projection)
    }

    /// The first adapted layer; the number of layers if none is.
    pub fn first_layer(&self) -> usize {
        let first = self.layers.iter().position(|layer| !layer.is_empty());
        first.unwrap_or(self.layers.len())
    }

    /// Every tensor in a fixed order: by layer, projection, A before B.
    pub fn tensors(&self) -> impl Iterator<Item = &[f32]> {
        let pairs = self.layers.iter().flat_map(LayerAdapter::values);
        pairs.flat_map(|pair| [pair.a.as_slice(), pair.b.as_slice()])
    }

    /// As [`Self::tensors`], to change.
    pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let pairs = self.layers.iter_mut().flat_map(LayerAdapter::values_mut);
        pairs.flat_map(|pair| [pair.a.as_mut_slice(), pair.b.as_mut_slice()])
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        let pairs = self.layers.iter().flat_map(LayerAdapter::values);
        pairs.map(|pair| pair.a.len() + pair.b.len()).sum()
    }
}

#[cfg(test)]
mod tests;
