//! The frozen trunk: the embedding and every layer below an adapter's first.
//!
//! No training step changes what it gives, so whoever trains may keep it. That is exact where the
//! bits of a token do not depend on the rows beside it, which [`TrainModel::trunk_is_exact`] tells.

use slm_kernels::train::rows_stand_alone;

use super::{Batch, Gradients, Input, Loss, TrainModel, backward, loss};
use crate::{adapter::LoraAdapter, base::PROJECTIONS, error::ModelError};

impl TrainModel {
    /// The residual stream before the adapter's first layer: `[n, hidden]`, prefix, row 0, row 1, …
    ///
    /// # Errors
    /// Masks of the wrong length, tokens outside the vocabulary, rows past the context.
    pub fn trunk(&self, adapter: &LoraAdapter, batch: &Batch<'_>) -> Result<Vec<f32>, ModelError> {
        let input = Input::new(&self.config, batch)?;
        let layers = 0..adapter.first_layer();
        Ok(self.run(adapter, &input, layers, None, |_, _| ()))
    }

    /// [`Self::forward_backward`] over a batch whose [`Self::trunk`] is known.
    ///
    /// # Errors
    /// As there, and a trunk of another length than the batch's.
    pub fn forward_backward_above(
        &self,
        adapter: &LoraAdapter,
        batch: &Batch<'_>,
        trunk: Vec<f32>,
        gradients: &mut Gradients,
    ) -> Result<Loss, ModelError> {
        let input = Input::supervised(&self.config, batch)?;
        let expected = input.tokens.len() * self.config.hidden;
        if trunk.len() != expected {
            return Err(ModelError::Input(format!(
                "a trunk of {} values for a batch that has {expected}",
                trunk.len()
            )));
        }
        let lowest = adapter.first_layer();
        let layers = lowest..self.config.layers;
        let mut kept = Vec::with_capacity(layers.len());
        let keep = |_, activations| kept.push(activations);
        let x = self.run(adapter, &input, layers, Some(trunk), keep);
        let (loss, dx) = loss::forward_backward(self, &input, &x);
        backward::layers(self, adapter, &input, lowest, kept, dx, gradients);
        Ok(loss)
    }

    /// Whether a row's trunk has the same bits in every batch with a prefix of so many tokens.
    pub fn trunk_is_exact(&self, prefix: usize) -> bool {
        PROJECTIONS.iter().all(|&projection| {
            let (input, output) = self.config.projection_dims(projection);
            rows_stand_alone(prefix, input, output)
        })
    }
}
