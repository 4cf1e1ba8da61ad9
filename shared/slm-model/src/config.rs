//! The shape of the model, read from GGUF metadata. Whatever the forward pass does not compute is
//! refused here, by name, instead of computed wrongly there.

use slm_task::recipe::Projection;

use crate::{error::ModelError, gguf::Gguf};

const OTHER_MODEL: &str = "Use a plain llama-architecture model, such as SmolLM2.";

/// Sizes and constants of a llama.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Name for people; the file's `general.name`, empty if it has none.
    pub name: String,
    /// Transformer layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_dim: usize,
    /// Width inside the MLP.
    pub ffn: usize,
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Longest sequence the model was trained for.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Added to the mean square in RMS norm.
    pub rms_eps: f32,
    /// Token that starts a document.
    pub bos: Option<u32>,
    /// Token that ends an answer.
    pub eos: u32,
    /// The output matrix is the embedding table (the file has no `output.weight`).
    pub tied: bool,
}

impl Config {
    /// Reads the sizes and checks that the file's tensors have them.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for another architecture and for features that the forward pass
    /// does not compute; [`ModelError::File`] for missing, malformed or contradicting entries.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ModelError> {
        check_features(gguf)?;
        let hidden = positive(gguf, "llama.embedding_length")?;
        let heads = positive(gguf, "llama.attention.head_count")?;
        let kv_heads = match gguf.get("llama.attention.head_count_kv") {
            Some(_) => positive(gguf, "llama.attention.head_count_kv")?,
            None => heads,
        };
        let vocab = gguf.strings("tokenizer.ggml.tokens")?.len();
        let config = Self {
            name: gguf.string("general.name").unwrap_or_default().to_owned(),
            layers: positive(gguf, "llama.block_count")?,
            hidden,
            heads,
            kv_heads,
            head_dim: head_dim(gguf, hidden, heads)?,
            ffn: positive(gguf, "llama.feed_forward_length")?,
            vocab,
            context: positive(gguf, "llama.context_length")?,
            rope_base: match gguf.get("llama.rope.freq_base") {
                Some(_) => positive_float(gguf, "llama.rope.freq_base")?,
                None => 10_000.0,
            },
            rms_eps: positive_float(gguf, "llama.attention.layer_norm_rms_epsilon")?,
            bos: match gguf.get("tokenizer.ggml.bos_token_id") {
                Some(_) => Some(token(gguf, "tokenizer.ggml.bos_token_id", vocab)?),
                None => None,
            },
            eos: token(gguf, "tokenizer.ggml.eos_token_id", vocab)?,
            tied: gguf.tensor("output.weight").is_none(),
        };
        if !heads.is_multiple_of(kv_heads) {
            return Err(ModelError::damaged(
                "llama.attention.head_count_kv",
                kv_heads.to_string(),
                format!("a divisor of the {heads} heads"),
            ));
        }
        config.check_tensors(gguf)?;
        Ok(config)
    }

    /// Width of all query heads together.
    pub fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Input and output width of a projection.
    pub fn projection_dims(&self, projection: Projection) -> (usize, usize) {
        match projection {
            Projection::QProj => (self.hidden, self.q_width()),
            Projection::KProj | Projection::VProj => (self.hidden, self.kv_width()),
            Projection::OProj => (self.q_width(), self.hidden),
            Projection::GateProj | Projection::UpProj => (self.hidden, self.ffn),
            Projection::DownProj => (self.ffn, self.hidden),
        }
    }

    /// Names and sizes (fastest first) of the tensors of layer `layer`.
    pub fn layer_tensors(&self, layer: usize) -> Vec<(String, Vec<usize>)> {
        let (hidden, q, kv, ffn) = (self.hidden, self.q_width(), self.kv_width(), self.ffn);
        [
            ("attn_norm", vec![hidden]),
            ("attn_q", vec![hidden, q]),
            ("attn_k", vec![hidden, kv]),
            ("attn_v", vec![hidden, kv]),
            ("attn_output", vec![q, hidden]),
            ("ffn_norm", vec![hidden]),
            ("ffn_gate", vec![hidden, ffn]),
            ("ffn_up", vec![hidden, ffn]),
            ("ffn_down", vec![ffn, hidden]),
        ]
        .into_iter()
        .map(|(name, dims)| (format!("blk.{layer}.{name}.weight"), dims))
        .collect()
    }

    /// Every tensor the forward pass needs is there with the right sizes, and no other is.
    fn check_tensors(&self, gguf: &Gguf) -> Result<(), ModelError> {
        let mut directory: std::collections::HashMap<&str, &[usize]> = gguf
            .tensors
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor.dims.as_slice()))
            .collect();
        let mut check = |name: &str, dims: &[usize]| match directory.remove(name) {
            Some(found) if found == dims => Ok(()),
            found => Err(ModelError::damaged(
                format!("tensor {name}"),
                found.map_or("no such tensor".into(), |dims| format!("sizes {dims:?}")),
                format!("sizes {dims:?} (fastest first)"),
            )),
        };
        check("token_embd.weight", &[self.hidden, self.vocab])?;
        check("output_norm.weight", &[self.hidden])?;
        if !self.tied {
            check("output.weight", &[self.hidden, self.vocab])?;
        }
        // A layer is at least one tensor: an absurd count ends at the first that is missing.
        for layer in 0..self.layers {
            for (name, dims) in self.layer_tensors(layer) {
                check(&name, &dims)?;
            }
        }
        match directory.keys().min() {
            None => Ok(()),
            Some(extra) => Err(ModelError::unsupported(
                format!("tensor {extra}"),
                reason_against(extra),
                OTHER_MODEL,
            )),
        }
    }
}

/// Why the forward pass cannot just ignore a tensor.
fn reason_against(name: &str) -> &'static str {
    if name.ends_with(".bias") {
        "linear layers with a bias are not computed"
    } else if name.contains("rope_freqs") || name.contains("rope_factors") {
        "scaled rotary frequencies are not computed"
    } else if name.contains("_exps") || name.contains("ffn_gate_inp") {
        "mixtures of experts are not computed"
    } else {
        "a plain llama has no such tensor"
    }
}

/// Refuses architectures and features that would be computed wrongly.
fn check_features(gguf: &Gguf) -> Result<(), ModelError> {
    let architecture = gguf.string("general.architecture")?;
    if architecture != "llama" {
        let shown: String = architecture.chars().take(60).collect();
        return Err(ModelError::unsupported(
            format!("architecture {shown:?}"),
            "only \"llama\" is computed",
            OTHER_MODEL,
        ));
    }
    let scaling = gguf.string("llama.rope.scaling.type").unwrap_or("none");
    if scaling != "none" {
        return Err(ModelError::unsupported(
            format!("rope scaling {scaling:?}"),
            "rotary frequencies are computed unscaled",
            OTHER_MODEL,
        ));
    }
    for key in [
        "llama.rope.scale_linear",
        "llama.rope.scaling.factor",
        "llama.attention.scale",
        "llama.embedding_scale",
        "llama.residual_scale",
        "llama.logit_scale",
    ] {
        if gguf
            .get(key)
            .is_some_and(|value| value.as_f64() != Some(1.0))
        {
            return Err(ModelError::unsupported(
                key,
                "the forward pass computes without that scale",
                OTHER_MODEL,
            ));
        }
    }
    for key in [
        "llama.expert_count",
        "llama.attention.sliding_window",
        "llama.attention.clamp_kqv",
    ] {
        let zero =
            |value: &crate::gguf::Value| value.as_usize() == Some(0) || value.as_f64() == Some(0.0);
        if gguf.get(key).is_some_and(|value| !zero(value)) {
            return Err(ModelError::unsupported(
                key,
                "the forward pass does not compute it",
                OTHER_MODEL,
            ));
        }
    }
    Ok(())
}

/// Width of a head: stated, or the hidden width shared out. All its statements must agree.
fn head_dim(gguf: &Gguf, hidden: usize, heads: usize) -> Result<usize, ModelError> {
    let stated = "llama.attention.key_length";
    let head_dim = match gguf.get(stated) {
        Some(_) => positive(gguf, stated)?,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            return Err(ModelError::damaged(
                "llama.attention.head_count",
                heads.to_string(),
                format!("a divisor of the embedding length {hidden}"),
            ));
        }
    };
    if !head_dim.is_multiple_of(2) || head_dim.checked_mul(heads).is_none() {
        return Err(ModelError::damaged(
            "head width",
            head_dim.to_string(),
            "an even number (rotary pairs)",
        ));
    }
    for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
        if gguf.get(key).is_some() && gguf.integer(key)? != head_dim {
            return Err(ModelError::unsupported(
                format!("{key} {}", gguf.integer(key)?),
                format!("only the head width {head_dim} is computed"),
                OTHER_MODEL,
            ));
        }
    }
    Ok(head_dim)
}

fn positive(gguf: &Gguf, key: &str) -> Result<usize, ModelError> {
    match gguf.integer(key)? {
        0 => Err(ModelError::damaged(key, "0", "a positive number")),
        n => Ok(n),
    }
}

fn positive_float(gguf: &Gguf, key: &str) -> Result<f32, ModelError> {
    let found = gguf.float(key)?;
    let value = found as f32;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ModelError::damaged(
            key,
            found.to_string(),
            "a positive number",
        ))
    }
}

fn token(gguf: &Gguf, key: &str, vocab: usize) -> Result<u32, ModelError> {
    let id = gguf.integer(key)?;
    u32::try_from(id)
        .ok()
        .filter(|_| id < vocab)
        .ok_or_else(|| {
            ModelError::damaged(key, id.to_string(), format!("a token id below {vocab}"))
        })
}

#[cfg(test)]
mod tests;
