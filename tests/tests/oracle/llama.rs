//! A llama in candle's differentiable operations, written for the tests: no fused kernel, whose
//! gradient candle would cut.

use std::collections::BTreeMap;

use candle_core::{D, Device, Result, Tensor, Var, quantized::gguf_file};
use slm_model::{Config, LoraAdapter, PROJECTIONS};
use slm_task::recipe::Projection;

/// Dequantized weights, read by candle itself, and an adapter's tensors as variables.
pub struct Oracle {
    config: Config,
    weights: BTreeMap<String, Tensor>,
    pub variables: BTreeMap<(usize, Projection), (Var, Var)>,
}

fn gguf_name(projection: Projection) -> &'static str {
    let names = [
        "attn_q",
        "attn_k",
        "attn_v",
        "attn_output",
        "ffn_gate",
        "ffn_up",
        "ffn_down",
    ];
    names[PROJECTIONS
        .iter()
        .position(|&p| p == projection)
        .expect("a projection")]
}

impl Oracle {
    pub fn new(gguf: &[u8], config: &Config, adapter: &LoraAdapter) -> Result<Self> {
        let mut reader = std::io::Cursor::new(gguf);
        let content = gguf_file::Content::read(&mut reader)?;
        let mut weights = BTreeMap::new();
        for name in content.tensor_infos.keys() {
            let tensor = content.tensor(&mut reader, name, &Device::Cpu)?;
            weights.insert(name.clone(), tensor.dequantize(&Device::Cpu)?);
        }
        let mut variables = BTreeMap::new();
        for (layer, pairs) in adapter.layers.iter().enumerate() {
            for (&projection, pair) in pairs {
                let (input, output) = config.projection_dims(projection);
                let a = Var::from_slice(&pair.a, (adapter.rank, input), &Device::Cpu)?;
                let b = Var::from_slice(&pair.b, (output, adapter.rank), &Device::Cpu)?;
                variables.insert((layer, projection), (a, b));
            }
        }
        Ok(Self {
            config: config.clone(),
            weights,
            variables,
        })
    }

    /// Logits `[n, vocab]` of one sequence.
    pub fn logits(&self, tokens: &[u32]) -> Result<Tensor> {
        use Projection::*;
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self.weights["token_embd.weight"].index_select(&ids, 0)?;
        for layer in 0..self.config.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            let normed = self.norm(&x, &name("attn_norm"))?;
            let q = self.heads(&self.linear(&normed, layer, QProj)?, self.config.heads)?;
            let k = self.heads(&self.linear(&normed, layer, KProj)?, self.config.kv_heads)?;
            let v = self.linear(&normed, layer, VProj)?;
            let mixed = self.attention(&q, &k, &v)?;
            x = (x + self.linear(&mixed, layer, OProj)?)?;
            let normed = self.norm(&x, &name("ffn_norm"))?;
            let gate = self.linear(&normed, layer, GateProj)?.silu()?;
            let hidden = (gate * self.linear(&normed, layer, UpProj)?)?;
            x = (x + self.linear(&hidden, layer, DownProj)?)?;
        }
        let normed = self.norm(&x, "output_norm.weight")?;
        let own = self.weights.get("output.weight");
        let head = own.unwrap_or(&self.weights["token_embd.weight"]);
        normed.matmul(&head.t()?)
    }

    fn linear(&self, x: &Tensor, layer: usize, projection: Projection) -> Result<Tensor> {
        let name = format!("blk.{layer}.{}.weight", gguf_name(projection));
        let y = x.matmul(&self.weights[&name].t()?)?;
        match self.variables.get(&(layer, projection)) {
            Some((a, b)) => y + x.matmul(&a.t()?)?.matmul(&b.t()?)?,
            None => Ok(y),
        }
    }

    fn norm(&self, x: &Tensor, weight: &str) -> Result<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + f64::from(self.config.rms_eps))?.sqrt()?;
        x.broadcast_div(&root)?.broadcast_mul(&self.weights[weight])
    }

    /// `[n, heads * d]` to rotated `[heads, n, d]`.
    fn heads(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let (n, half) = (x.dim(0)?, self.config.head_dim / 2);
        let x = x.reshape((n, heads, half, 2))?.transpose(0, 1)?;
        let angle = |position: usize, pair: usize| {
            let exponent = -((2 * pair) as f64) / self.config.head_dim as f64;
            position as f64 * f64::from(self.config.rope_base).powf(exponent)
        };
        let table = |f: fn(f64) -> f64| {
            let values = (0..n).flat_map(|t| (0..half).map(move |pair| f(angle(t, pair)) as f32));
            Tensor::from_iter(values.collect::<Vec<_>>(), &Device::Cpu)?.reshape((1, n, half, 1))
        };
        let (cos, sin) = (table(f64::cos)?, table(f64::sin)?);
        let (a, b) = (x.narrow(3, 0, 1)?, x.narrow(3, 1, 1)?);
        let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let second = (a.broadcast_mul(&sin)? + b.broadcast_mul(&cos)?)?;
        Tensor::cat(&[first, second], 3)?.reshape((heads, n, 2 * half))
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let c = &self.config;
        let (n, group) = (v.dim(0)?, c.heads / c.kv_heads);
        let repeat = |x: &Tensor| {
            let shape = (c.kv_heads, group, n, c.head_dim);
            x.unsqueeze(1)?
                .broadcast_as(shape)?
                .reshape((c.heads, n, c.head_dim))
        };
        let v = v
            .reshape((n, c.kv_heads, c.head_dim))?
            .transpose(0, 1)?
            .contiguous()?;
        let scores = q.contiguous()?.matmul(&repeat(k)?.t()?)?;
        let scores = (scores / (c.head_dim as f64).sqrt())?;
        let mask = (0..n * n).map(|i| {
            if i % n > i / n {
                f32::NEG_INFINITY
            } else {
                0.0
            }
        });
        let mask = Tensor::from_iter(mask.collect::<Vec<_>>(), &Device::Cpu)?.reshape((n, n))?;
        let p = candle_nn::ops::softmax(&scores.broadcast_add(&mask)?, D::Minus1)?;
        p.matmul(&repeat(&v)?)?
            .transpose(0, 1)?
            .reshape((n, c.heads * c.head_dim))
    }
}
