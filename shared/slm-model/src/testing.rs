//! Small models for tests: a few layers of random weights behind a real or a toy vocabulary, made in
//! milliseconds. Also finds the real base on this machine. No product code uses this.

use std::{path::PathBuf, sync::Arc};

use half::f16;
use slm_task::rng::SplitMix64;

use crate::{
    base::BaseModel,
    gguf::{Array, GgmlType, Gguf, Value, Writer},
    tokenizer,
};

const HIDDEN: usize = 64;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const HEAD_DIM: usize = 16;
const FFN: usize = 128;
const CONTEXT: usize = 1024;

/// What a small model is made of.
#[derive(Debug, Clone, Copy)]
pub struct Tiny {
    /// Layers.
    pub layers: usize,
    /// How the linear layers are stored: one of the types that the kernels compute on.
    pub linears: GgmlType,
    /// Whether it has an `output.weight` of its own, stored as the linear layers are.
    pub untied: bool,
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            layers: 2,
            linears: GgmlType::Q4_1,
            untied: false,
        }
    }
}

/// Where `slm model pull` keeps the default base: `$SLM_HOME`, or `slm` in the user's cache
/// directory.
///
/// # Panics
/// With what to do, when the file is not there.
pub fn base_path() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = variable("SLM_HOME").map(PathBuf::from).or_else(|| {
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
        Some(cache?.join("slm"))
    });
    let path = home.map(|home| home.join("SmolLM2-135M-Instruct.Q4_1.gguf"));
    match path {
        Some(path) if path.is_file() => path,
        _ => panic!("the base model is not on this machine: run `cargo xtask setup`"),
    }
}

/// The bytes of the default base.
///
/// # Panics
/// As [`base_path`], and when the file cannot be read.
pub fn base_bytes() -> Vec<u8> {
    let path = base_path();
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A two-layer llama with the vocabulary, merges and every tokenizer setting of `base`.
pub fn tiny_gguf(base: &Gguf, seed: u64) -> Vec<u8> {
    let mut writer = Writer::default();
    for (key, value) in &base.metadata {
        if key.starts_with("tokenizer.") {
            writer.metadata.insert(key.clone(), value.clone());
        }
    }
    let vocab = base.strings("tokenizer.ggml.tokens").map_or(0, |t| t.len());
    Tiny::default().finish(writer, vocab, seed)
}

/// [`tiny_gguf`] of the default base, loaded.
///
/// # Panics
/// As [`base_bytes`].
pub fn tiny_base(seed: u64) -> Arc<BaseModel> {
    let real = Gguf::parse(&base_bytes()).expect("the default base is sound");
    Arc::new(BaseModel::from_gguf(&tiny_gguf(&real, seed)).expect("a sound tiny model"))
}

/// A two-layer llama over a toy vocabulary: three control tokens (`<|endoftext|>`,
/// `<|im_start|>`, `<|im_end|>`), the 256 bytes, and a few merges.
pub fn tiny_gguf_with_toy_vocab(seed: u64) -> Vec<u8> {
    Tiny::default().gguf(seed)
}

/// Tokenizer metadata of the toy vocabulary, and its size.
fn toy_vocab() -> (Writer, usize) {
    const MERGES: [&str; 10] = [
        "Ġ t", "h e", "Ġt he", "i n", "o o", "g oo", "goo d", "b a", "ba d", "Ġ Ġ",
    ];
    let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        .map(String::from)
        .into();
    let controls = tokens.len();
    let mut alphabet: Vec<(char, u8)> = tokenizer::byte_alphabet().into_iter().collect();
    alphabet.sort_unstable_by_key(|&(_, byte)| byte);
    tokens.extend(alphabet.iter().map(|(character, _)| character.to_string()));
    tokens.extend(MERGES.iter().map(|merge| merge.replace(' ', "")));
    let types: Vec<i32> = (0..tokens.len())
        .map(|id| if id < controls { 3 } else { 1 })
        .collect();

    let mut writer = Writer::default();
    let mut set = |key: &str, value| {
        writer.metadata.insert(format!("tokenizer.{key}"), value);
    };
    set("ggml.model", Value::String("gpt2".into()));
    set("ggml.pre", Value::String("smollm".into()));
    set("ggml.tokens", Value::Array(Array::of_strings(&tokens)));
    set("ggml.token_type", Value::Array(Array::of_integers(&types)));
    set("ggml.merges", Value::Array(Array::of_strings(MERGES)));
    set("ggml.bos_token_id", Value::U32(1));
    set("ggml.eos_token_id", Value::U32(2));
    (writer, tokens.len())
}

impl Tiny {
    /// The model over the toy vocabulary of [`tiny_gguf_with_toy_vocab`].
    pub fn gguf(self, seed: u64) -> Vec<u8> {
        let (writer, vocab) = toy_vocab();
        self.finish(writer, vocab, seed)
    }

    /// Adds sizes and random tensors.
    fn finish(self, mut writer: Writer, vocab: usize, seed: u64) -> Vec<u8> {
        let mut set = |key: &str, value| {
            writer.metadata.insert(key.to_owned(), value);
        };
        set("general.architecture", Value::String("llama".into()));
        set("general.name", Value::String("tiny test model".into()));
        for (key, size) in [
            ("block_count", self.layers),
            ("context_length", CONTEXT),
            ("embedding_length", HIDDEN),
            ("feed_forward_length", FFN),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("rope.dimension_count", HEAD_DIM),
            ("vocab_size", vocab),
        ] {
            set(&format!("llama.{key}"), Value::U32(size as u32));
        }
        set("llama.rope.freq_base", Value::F32(10_000.0));
        set("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));

        let mut rng = SplitMix64::new(seed);
        let table = q8_0(&mut rng, HIDDEN, vocab);
        writer.tensor("token_embd.weight", &[HIDDEN, vocab], GgmlType::Q8_0, table);
        for layer in 0..self.layers {
            let mut norm = |name: &str, rng: &mut _| {
                let name = format!("blk.{layer}.{name}.weight");
                writer.tensor(&name, &[HIDDEN], GgmlType::F32, gains(rng));
            };
            norm("attn_norm", &mut rng);
            norm("ffn_norm", &mut rng);
            for (name, input, output) in [
                ("attn_q", HIDDEN, HEADS * HEAD_DIM),
                ("attn_k", HIDDEN, KV_HEADS * HEAD_DIM),
                ("attn_v", HIDDEN, KV_HEADS * HEAD_DIM),
                ("attn_output", HEADS * HEAD_DIM, HIDDEN),
                ("ffn_gate", HIDDEN, FFN),
                ("ffn_up", HIDDEN, FFN),
                ("ffn_down", FFN, HIDDEN),
            ] {
                let name = format!("blk.{layer}.{name}.weight");
                let bytes = linear(self.linears, &mut rng, input, output);
                writer.tensor(&name, &[input, output], self.linears, bytes);
            }
        }
        let gains = gains(&mut rng);
        writer.tensor("output_norm.weight", &[HIDDEN], GgmlType::F32, gains);
        if self.untied {
            let bytes = linear(self.linears, &mut rng, HIDDEN, vocab);
            writer.tensor("output.weight", &[HIDDEN, vocab], self.linears, bytes);
        }
        writer.finish()
    }
}

/// Norm weights about 1.
fn gains(rng: &mut SplitMix64) -> Vec<u8> {
    (0..HIDDEN)
        .flat_map(|_| (0.75 + 0.5 * rng.unit() as f32).to_le_bytes())
        .collect()
}

/// A random linear layer, standard deviation about 1/√input. Blocks of 32 values are `d (q - o)` or
/// `d q + m`, with random bits for `q`, as `ggml-common.h` of the ggml project lays them out.
fn linear(stored: GgmlType, rng: &mut SplitMix64, input: usize, output: usize) -> Vec<u8> {
    let deviation = 1.0 / (input as f64).sqrt();
    // Even numbers from -√3 to √3 deviate by 1.
    let even = |rng: &mut SplitMix64| deviation * 12_f64.sqrt() * (rng.unit() - 0.5);
    match stored {
        GgmlType::F32 => (0..input * output)
            .flat_map(|_| (even(rng) as f32).to_le_bytes())
            .collect(),
        GgmlType::F16 => (0..input * output)
            .flat_map(|_| f16::from_f64(even(rng)).to_le_bytes())
            .collect(),
        GgmlType::Q8_0 => q8_0(rng, input, output),
        GgmlType::Q4_0 => blocks(rng, input * output, deviation / 4.61, None, 16),
        GgmlType::Q4_1 => blocks(rng, input * output, deviation / 4.61, Some(7.0), 16),
        GgmlType::Q5_0 => blocks(rng, input * output, deviation / 9.23, None, 20),
        GgmlType::Q5_1 => blocks(rng, input * output, deviation / 9.23, Some(15.0), 20),
        other => panic!("{other}: no random linear layer of this type"),
    }
}

/// Blocks of 32 values: `d` near `step`, `m` near `-d * middle` where there is one, both in f16, then
/// so many bytes of random codes.
fn blocks(
    rng: &mut SplitMix64,
    values: usize,
    step: f64,
    middle: Option<f64>,
    codes: usize,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..values / 32 {
        let d = step * (0.7 + 0.6 * rng.unit());
        bytes.extend_from_slice(&f16::from_f64(d).to_le_bytes());
        if let Some(middle) = middle {
            let m = -d * (middle + rng.unit());
            bytes.extend_from_slice(&f16::from_f64(m).to_le_bytes());
        }
        let words = (0..codes.div_ceil(8)).flat_map(|_| rng.next_u64().to_le_bytes());
        bytes.extend(words.take(codes));
    }
    bytes
}

/// A random table, standard deviation about 1/√width: blocks of 32 values `d q` with `d` in f16
/// and `q` in -127..=127.
fn q8_0(rng: &mut SplitMix64, width: usize, rows: usize) -> Vec<u8> {
    let step = 1.0 / (width as f64).sqrt() / 73.3;
    let mut bytes = Vec::with_capacity(width * rows / 32 * 34);
    for _ in 0..width * rows / 32 {
        let d = step * (0.7 + 0.6 * rng.unit());
        bytes.extend_from_slice(&f16::from_f64(d).to_le_bytes());
        bytes.extend(
            (0..4)
                .flat_map(|_| rng.next_u64().to_le_bytes())
                .map(|byte| {
                    let q = (byte as i8).max(-127);
                    q as u8
                }),
        );
    }
    bytes
}
