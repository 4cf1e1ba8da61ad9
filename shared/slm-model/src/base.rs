//! The base model in memory: sizes, tokenizer, and weights as the file stores them.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use slm_kernels::serve::{BlockFormat, Matrix};
use slm_task::recipe::Projection;

use crate::{
    config::Config,
    constraint::vocabulary::Vocabulary,
    error::ModelError,
    gguf::{GgmlType, Gguf, dequantize_with_candle},
    tokenizer::GgufTokenizer,
};

/// A loaded base model. Weights stay quantized, the embedding table too.
pub struct BaseModel {
    config: Config,
    tokenizer: GgufTokenizer,
    /// Made from the tokenizer when first needed.
    vocabulary: OnceLock<Vocabulary>,
    sha256: String,
    pub(crate) embedding: Matrix,
    /// `None` when the output matrix is the embedding table.
    pub(crate) output: Option<Matrix>,
    pub(crate) output_norm: Vec<f32>,
    pub(crate) layers: Vec<Layer>,
}

/// Weights of one layer.
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    pub(crate) mlp_norm: Vec<f32>,
    /// In the order of [`PROJECTIONS`].
    pub(crate) linears: Vec<Matrix>,
}

/// Every linear layer, in the order that adapters and weights are stored in.
pub const PROJECTIONS: [Projection; 7] = [
    Projection::QProj,
    Projection::KProj,
    Projection::VProj,
    Projection::OProj,
    Projection::GateProj,
    Projection::UpProj,
    Projection::DownProj,
];

/// GGUF's name of a linear layer.
fn gguf_name(projection: Projection) -> &'static str {
    match projection {
        Projection::QProj => "attn_q",
        Projection::KProj => "attn_k",
        Projection::VProj => "attn_v",
        Projection::OProj => "attn_output",
        Projection::GateProj => "ffn_gate",
        Projection::UpProj => "ffn_up",
        Projection::DownProj => "ffn_down",
    }
}

impl BaseModel {
    /// Reads a whole GGUF file and computes its sha256.
    ///
    /// # Errors
    /// A damaged or unsuitable file, with the reason.
    pub fn from_gguf(bytes: &[u8]) -> Result<Self, ModelError> {
        let digest = Sha256::digest(bytes);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::from_verified_gguf(bytes, sha256)
    }

    /// As [`Self::from_gguf`], with a sha256 that the caller has just computed over these bytes.
    ///
    /// # Errors
    /// A damaged or unsuitable file, with the reason.
    pub fn from_verified_gguf(bytes: &[u8], sha256: String) -> Result<Self, ModelError> {
        let gguf = Gguf::parse(bytes)?;
        let config = Config::from_gguf(&gguf)?;
        let tokenizer = GgufTokenizer::from_gguf(&gguf)?;
        let file = File { gguf: &gguf, bytes };
        let output = match config.tied {
            true => None,
            false => Some(file.matrix("output.weight", config.vocab, config.hidden)?),
        };
        let layers = (0..config.layers).map(|layer| file.layer(&config, layer));
        Ok(Self {
            embedding: file.matrix("token_embd.weight", config.vocab, config.hidden)?,
            output,
            output_norm: file.vector("output_norm.weight")?,
            layers: layers.collect::<Result<_, _>>()?,
            config,
            tokenizer,
            vocabulary: OnceLock::new(),
            sha256,
        })
    }

    /// Sizes and constants.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The tokenizer of the file.
    pub fn tokenizer(&self) -> &GgufTokenizer {
        &self.tokenizer
    }

    /// The tokenizer's tokens by their bytes; built on the first call.
    pub fn vocabulary(&self) -> &Vocabulary {
        (self.vocabulary).get_or_init(|| Vocabulary::new(&self.tokenizer))
    }

    /// sha256 of the file, in hex: what adapters and bundles are bound to.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The matrix that turns the residual stream into logits: `[vocab, hidden]`.
    pub(crate) fn head(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }
}

impl Layer {
    pub(crate) fn linear(&self, projection: Projection) -> &Matrix {
        &self.linears[index_of(projection)]
    }
}

/// Place of a projection in [`PROJECTIONS`].
pub(crate) fn index_of(projection: Projection) -> usize {
    projection as usize
}

/// A parsed directory with the bytes it points into.
struct File<'a> {
    gguf: &'a Gguf,
    bytes: &'a [u8],
}

impl File<'_> {
    fn tensor(&self, name: &str) -> Result<(GgmlType, &[u8]), ModelError> {
        let tensor = self
            .gguf
            .tensor(name)
            .ok_or_else(|| ModelError::damaged(format!("tensor {name}"), "nothing", "a tensor"))?;
        Ok((tensor.ggml_type, &self.bytes[tensor.range.clone()]))
    }

    fn matrix(&self, name: &str, rows: usize, cols: usize) -> Result<Matrix, ModelError> {
        let (kind, bytes) = self.tensor(name)?;
        let from = |format, bytes: &[u8]| {
            Matrix::from_gguf(format, bytes, rows, cols).map_err(|error| {
                ModelError::damaged(
                    format!("tensor {name}"),
                    error.to_string(),
                    "a sound matrix",
                )
            })
        };
        match block_format(kind) {
            Some(format) => from(format, bytes),
            None => {
                let values = dequantize_with_candle(kind, bytes, rows * cols)?;
                from(BlockFormat::F32, bytemuck::cast_slice(&values))
            }
        }
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let (kind, bytes) = self.tensor(name)?;
        if kind != GgmlType::F32 {
            return Err(ModelError::unsupported(
                format!("tensor {name} as {kind:?}"),
                "norm weights are read as F32 only",
                "Convert the model again with F32 norms, as llama.cpp does.",
            ));
        }
        Ok(bytes
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect())
    }

    fn layer(&self, config: &Config, layer: usize) -> Result<Layer, ModelError> {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let linear = |projection| {
            let (cols, rows) = config.projection_dims(projection);
            self.matrix(&name(gguf_name(projection)), rows, cols)
        };
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm"))?,
            mlp_norm: self.vector(&name("ffn_norm"))?,
            linears: PROJECTIONS
                .into_iter()
                .map(linear)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The kernels' name of a block type, where they know it.
fn block_format(kind: GgmlType) -> Option<BlockFormat> {
    Some(match kind {
        GgmlType::F32 => BlockFormat::F32,
        GgmlType::F16 => BlockFormat::F16,
        GgmlType::Q4_0 => BlockFormat::Q4_0,
        GgmlType::Q4_1 => BlockFormat::Q4_1,
        GgmlType::Q5_0 => BlockFormat::Q5_0,
        GgmlType::Q5_1 => BlockFormat::Q5_1,
        GgmlType::Q8_0 => BlockFormat::Q8_0,
        _ => return None,
    })
}
