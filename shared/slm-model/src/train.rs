//! The llama in the `train` numerics: forward and backward in f32 over the dequantized values of the
//! very blocks that are served.
//!
//! Only LoRA tensors get gradients. The frozen base costs a product for the input's gradient and
//! nothing more; layers below the lowest adapter cost no backward at all, and their forward can be
//! kept (see [`TrainModel::trunk`]). Logits are made at
//! supervised places only, and a micro-batch computes its shared prefix once: exact, since rows see
//! the prefix but never each other.

mod backward;
mod forward;
mod gradients;
mod loss;
mod trunk;

use std::ops::Range;

use slm_kernels::{serve::RopeTable, train::Segments};

use crate::{
    adapter::LoraAdapter,
    base::BaseModel,
    config::Config,
    error::ModelError,
    llama::{self, Heads, LayerActivations, Operations},
};
pub use gradients::Gradients;

/// Dequantized f32 weights and everything a training pass needs.
pub struct TrainModel {
    config: Config,
    rope: RopeTable,
    /// `[vocab, hidden]`.
    embedding: Vec<f32>,
    /// `[vocab, hidden]`; `None` when it is the embedding.
    output: Option<Vec<f32>>,
    output_norm: Vec<f32>,
    layers: Vec<Layer>,
}

struct Layer {
    attention_norm: Vec<f32>,
    mlp_norm: Vec<f32>,
    /// `[out, in]` each, in the order of [`PROJECTIONS`].
    linears: Vec<Vec<f32>>,
}

/// Rows that share a prefix.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Tokens every row begins with; none of them is supervised.
    pub prefix: &'a [u32],
    /// The rows.
    pub rows: &'a [Row<'a>],
}

/// One row after the prefix.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Token ids.
    pub tokens: &'a [u32],
    /// `mask[i]`: the loss counts the prediction of `tokens[i]`. Same length as `tokens`.
    pub mask: &'a [bool],
    /// Weight of the row's supervised tokens in the loss.
    pub weight: f32,
}

/// Loss of a micro-batch, summed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loss {
    /// Σ weight · −log p over supervised tokens.
    pub sum: f64,
    /// Σ weight over supervised tokens.
    pub weight: f64,
    /// Supervised tokens.
    pub tokens: usize,
}

impl TrainModel {
    /// Dequantizes a base: about 4 bytes a parameter.
    pub fn new(base: &BaseModel) -> Self {
        let config = base.config().clone();
        let layer = |layer: &crate::base::Layer| Layer {
            attention_norm: layer.attention_norm.clone(),
            mlp_norm: layer.mlp_norm.clone(),
            linears: layer
                .linears
                .iter()
                .map(|matrix| matrix.dequantize())
                .collect(),
        };
        Self {
            rope: RopeTable::new(config.head_dim, config.rope_base.into(), config.context),
            embedding: base.embedding.dequantize(),
            output: base.output.as_ref().map(|matrix| matrix.dequantize()),
            output_norm: base.output_norm.clone(),
            layers: base.layers.iter().map(layer).collect(),
            config,
        }
    }

    /// Sizes and constants.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Loss of a batch; adds the gradients of `loss.sum` to `gradients`, which must have the
    /// adapter's layout.
    ///
    /// # Errors
    /// A batch without supervised tokens, masks of the wrong length, tokens outside the vocabulary,
    /// rows past the context.
    pub fn forward_backward(
        &self,
        adapter: &LoraAdapter,
        batch: &Batch<'_>,
        gradients: &mut Gradients,
    ) -> Result<Loss, ModelError> {
        let trunk = self.trunk(adapter, batch)?;
        self.forward_backward_above(adapter, batch, trunk, gradients)
    }

    /// Loss of a batch without gradients.
    ///
    /// # Errors
    /// As [`Self::forward_backward`].
    pub fn loss(&self, adapter: &LoraAdapter, batch: &Batch<'_>) -> Result<Loss, ModelError> {
        let input = Input::supervised(&self.config, batch)?;
        let x = self.whole(adapter, &input);
        Ok(loss::forward_backward(self, &input, &x).0)
    }

    /// Logits `[n, vocab]` of one sequence, for comparing with other implementations.
    ///
    /// # Errors
    /// Tokens outside the vocabulary, a sequence past the context.
    pub fn logits(&self, adapter: &LoraAdapter, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        let batch = Batch {
            prefix: tokens,
            rows: &[],
        };
        let input = Input::new(&self.config, &batch)?;
        let x = self.whole(adapter, &input);
        Ok(loss::logits(self, &x))
    }

    /// The residual stream `[n, hidden]` after every layer.
    fn whole(&self, adapter: &LoraAdapter, input: &Input) -> Vec<f32> {
        let layers = 0..self.config.layers;
        self.run(adapter, input, layers, None, |_, _| ())
    }

    /// Runs some layers over `x`, the residual stream before them, or over the embedding of the
    /// tokens where there is none.
    fn run(
        &self,
        adapter: &LoraAdapter,
        input: &Input,
        layers: Range<usize>,
        x: Option<Vec<f32>>,
        keep: impl FnMut(usize, LayerActivations<Vec<f32>>),
    ) -> Vec<f32> {
        let mut operations = forward::Train {
            model: self,
            adapter,
            input,
        };
        let heads = Heads {
            query: self.config.heads,
            key: self.config.kv_heads,
        };
        let x = x.unwrap_or_else(|| operations.embed(&input.tokens));
        llama::through(&mut operations, layers, heads, x, keep)
    }

    /// The matrix that turns the residual stream into logits.
    fn head(&self) -> &[f32] {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}

/// A checked batch, laid out as prefix, row 0, row 1, …
struct Input {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    segments: Segments,
    supervised: Vec<Supervised>,
}

/// A token whose prediction counts.
struct Supervised {
    /// Token whose logits predict it.
    source: usize,
    target: u32,
    weight: f32,
}

impl Input {
    /// A batch that something can be learned from.
    fn supervised(config: &Config, batch: &Batch<'_>) -> Result<Self, ModelError> {
        let input = Self::new(config, batch)?;
        if input.supervised.is_empty() {
            return Err(ModelError::Input(
                "a training batch without a supervised token".into(),
            ));
        }
        Ok(input)
    }

    fn new(config: &Config, batch: &Batch<'_>) -> Result<Self, ModelError> {
        let prefix = batch.prefix.len();
        let mut input = Self {
            tokens: batch.prefix.to_vec(),
            positions: (0..prefix as u32).collect(),
            segments: Segments {
                prefix,
                rows: Vec::with_capacity(batch.rows.len()),
            },
            supervised: Vec::new(),
        };
        if prefix > config.context {
            return Err(ModelError::TooLong {
                tokens: prefix,
                context: config.context,
            });
        }
        for row in batch.rows {
            input.push(config, prefix, row)?;
        }
        match input
            .tokens
            .iter()
            .find(|&&token| token as usize >= config.vocab)
        {
            Some(token) => Err(ModelError::Input(format!(
                "token {token} is not in the vocabulary of {}",
                config.vocab
            ))),
            None => Ok(input),
        }
    }

    fn push(&mut self, config: &Config, prefix: usize, row: &Row<'_>) -> Result<(), ModelError> {
        let (start, length) = (self.tokens.len(), prefix + row.tokens.len());
        if length > config.context {
            return Err(ModelError::TooLong {
                tokens: length,
                context: config.context,
            });
        }
        if row.mask.len() != row.tokens.len() {
            return Err(ModelError::Input(
                "a row's mask and tokens differ in length".into(),
            ));
        }
        for (i, _) in row
            .mask
            .iter()
            .enumerate()
            .filter(|(_, supervised)| **supervised)
        {
            let source = match i {
                0 => prefix.checked_sub(1),
                _ => Some(start + i - 1),
            };
            let Some(source) = source else {
                return Err(ModelError::Input(
                    "the very first token cannot be supervised".into(),
                ));
            };
            self.supervised.push(Supervised {
                source,
                target: row.tokens[i],
                weight: row.weight,
            });
        }
        self.tokens.extend_from_slice(row.tokens);
        self.positions.extend((prefix..length).map(|p| p as u32));
        self.segments.rows.push(start..self.tokens.len());
        Ok(())
    }
}
