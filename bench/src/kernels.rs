//! Each kernel beside what the machine can copy and multiply: how far a kernel is from its limit.
//!
//! The shapes are those of SmolLM2-135M. A kernel's bytes are those of its operands and results, each
//! counted once; what stays in a cache between calls can therefore pass the copy bandwidth.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;
use slm_kernels::Visible;
use slm_kernels::serve::{self, BlockFormat, Matrix, QuantizedRows, RopeTable};
use slm_kernels::train::{View, ViewMut, multiply};

use crate::machine::{self, Machine};
use crate::results::median;

/// The command line of `bench kernels`.
#[derive(clap::Args)]
pub struct Options {
    /// How many threads compute
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Also write the figures here
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Measured pieces of each kernel, and how long a piece lasts at least.
const PIECES: usize = 7;
const PIECE: Duration = Duration::from_millis(60);

/// Width of the residual stream, of keys and values, of the MLP, and the vocabulary.
const HIDDEN: usize = 576;
const KV: usize = 192;
const FFN: usize = 1536;
const VOCAB: usize = 49_152;
const HEADS: (usize, usize, usize) = (9, 3, 64);
/// Tokens of a prompt.
const PROMPT: usize = 128;

/// One measured kernel.
#[derive(Serialize)]
struct Figure {
    kernel: String,
    microseconds: f64,
    /// Gigabytes a second.
    bandwidth: f64,
    /// Thousand million multiply-adds a second; 0 where there are none.
    products: f64,
}

/// Measures, then prints the table.
///
/// # Errors
/// The threads cannot be started, or the file cannot be written.
pub fn run(options: &Options) -> Result<()> {
    machine::use_threads(options.threads)?;
    let machine = Machine::this();
    println!("{machine}; {} of its threads used", options.threads);
    let mut figures = limits();
    figures.extend(products());
    figures.extend(other_kernels());
    println!("{:<44} {:>11} {:>8} {:>8}", "", "µs", "GB/s", "GMAC/s");
    for figure in &figures {
        let products = match figure.products {
            0.0 => String::new(),
            products => format!("{products:.1}"),
        };
        println!(
            "{:<44} {:>11.1} {:>8.1} {products:>8}",
            figure.kernel, figure.microseconds, figure.bandwidth
        );
    }
    let Some(file) = &options.json else {
        return Ok(());
    };
    let text = json!({"bench": "kernels", "machine": machine, "threads": options.threads, "kernels": figures});
    fs::write(file, format!("{text:#}\n")).with_context(|| format!("writing {}", file.display()))
}

/// Times `work`, which moves so many bytes and makes so many multiply-adds.
fn figure(
    kernel: impl Into<String>,
    bytes: usize,
    products: usize,
    mut work: impl FnMut(),
) -> Figure {
    let mut calls = 1u32;
    let mut piece = |calls: u32| {
        let started = Instant::now();
        (0..calls).for_each(|_| work());
        started.elapsed()
    };
    while piece(calls) < PIECE {
        calls *= 2;
    }
    let seconds = median((0..PIECES).map(|_| piece(calls).as_secs_f64()).collect());
    let seconds = seconds / f64::from(calls);
    Figure {
        kernel: kernel.into(),
        microseconds: 1e6 * seconds,
        bandwidth: bytes as f64 / seconds / 1e9,
        products: products as f64 / seconds / 1e9,
    }
}

/// What the machine can do: copying more than any cache holds, the f32 product of a good library, and
/// our integer product on weights that never leave the nearest cache.
fn limits() -> Vec<Figure> {
    let source = vec![1u8; 256 << 20];
    let mut target = vec![0u8; source.len()];
    let copy = figure(
        "limit: copy 256 MiB, one thread",
        2 * source.len(),
        0,
        || {
            target.copy_from_slice(black_box(&source));
            black_box(&mut target);
        },
    );
    let n = 1024;
    let (a, b) = (floats(n * n), floats(n * n));
    let mut c = vec![0.0; n * n];
    let gemm = figure(
        "limit: gemm f32, 1024 × 1024 × 1024",
        12 * n * n,
        n * n * n,
        || {
            let (a, b) = (View::new(black_box(&a), n, n), View::new(&b, n, n));
            multiply(ViewMut::new(&mut c, n, n), false, 1.0, a, b);
            black_box(&mut c);
        },
    );
    let near = product(
        "limit: Q4_1 in the nearest cache, 16 tokens",
        BlockFormat::Q4_1,
        (16, HIDDEN),
        16,
    );
    vec![copy, gemm, near]
}

/// Matrix products: every format at one shape, then the shapes of the model, decode and prefill.
fn products() -> Vec<Figure> {
    use BlockFormat::*;
    let mut figures = Vec::new();
    for (name, n) in [("decode", 1), ("prefill", PROMPT)] {
        for format in [Q4_0, Q4_1, Q5_0, Q5_1, Q8_0] {
            let title = format!("{name}: {} gate {HIDDEN} to {FFN}, {n} tok.", format.name());
            figures.push(product(&title, format, (FFN, HIDDEN), n));
        }
        for (what, rows, cols) in [
            ("query", HIDDEN, HIDDEN),
            ("key", KV, HIDDEN),
            ("down", HIDDEN, FFN),
        ] {
            let title = format!("{name}: Q4_1 {what} {cols} to {rows}, {n} tok.");
            figures.push(product(&title, Q4_1, (rows, cols), n));
        }
        if n == 1 {
            let title = format!("{name}: Q8_0 head {HIDDEN} to {VOCAB}, {n} tok.");
            figures.push(product(&title, Q8_0, (VOCAB, HIDDEN), n));
        }
    }
    figures
}

fn product(title: &str, format: BlockFormat, (rows, cols): (usize, usize), n: usize) -> Figure {
    let bytes = rows * cols / 32 * format.block_bytes();
    let file = blocks(bytes);
    let matrix = Matrix::from_gguf(format, &file, rows, cols);
    let matrix = matrix.unwrap_or_else(|error| panic!("a sound matrix: {error}"));
    let values = floats(n * cols);
    let mut x = QuantizedRows::new();
    x.quantize(&values, cols);
    let mut out = vec![0.0; n * rows];
    let moved = bytes + n * cols + 4 * n * rows;
    figure(title, moved, n * rows * cols, || {
        serve::matmul(black_box(&matrix), black_box(&x), &mut out);
        black_box(&mut out);
    })
}

/// What stands between the products, for a whole prompt.
fn other_kernels() -> Vec<Figure> {
    let n = PROMPT;
    let x = floats(n * HIDDEN);
    let (gate, up) = (floats(n * FFN), floats(n * FFN));
    let weight = floats(HIDDEN);
    let mut out = vec![0.0; n * HIDDEN];
    let mut wide = vec![0.0; n * FFN];
    let mut quantized = QuantizedRows::new();
    let mut rotated = x.clone();
    let positions: Vec<u32> = (0..n as u32).collect();
    let table = RopeTable::new(HEADS.2, 100_000.0, n);
    let row = 4 * n * HIDDEN;
    let mut figures = vec![
        figure("rms_norm, 128 tok.", 2 * row, 0, || {
            serve::rms_norm(black_box(&x), &weight, 1e-5, &mut out);
        }),
        figure("quantize, 128 tok.", row + n * HIDDEN, 0, || {
            quantized.quantize(black_box(&x), HIDDEN);
        }),
        figure("swiglu, 128 tok.", 12 * n * FFN, 0, || {
            serve::swiglu(black_box(&gate), &up, &mut wide);
        }),
        figure("rope of queries, 128 tok.", 2 * row, 0, || {
            serve::rope(black_box(&mut rotated), &positions, HEADS.0, &table);
        }),
        figure("add, 128 tok.", 3 * row, 0, || {
            serve::add(black_box(&mut out), &x)
        }),
    ];
    figures.push(lora(8));
    figures.push(attention(n, n));
    figures.push(attention(1, 512));
    figures
}

fn lora(r: usize) -> Figure {
    let n = PROMPT;
    let (x, a, b) = (floats(n * HIDDEN), floats(r * HIDDEN), floats(r * FFN));
    let (mut hidden, mut out) = (Vec::new(), vec![0.0; n * FFN]);
    let bytes = 4 * (x.len() + a.len() + b.len() + 2 * out.len());
    let title = format!("lora of the gate, rank {r}, 128 tok.");
    figure(title, bytes, n * r * (HIDDEN + FFN), || {
        serve::lora(black_box(&x), HIDDEN, &a, &b, r, &mut hidden, &mut out);
        out[0] = 0.0;
    })
}

/// The last `n` of `slots` tokens.
fn attention(n: usize, slots: usize) -> Figure {
    let (heads, kv_heads, width) = HEADS;
    let (q, keys, values) = (floats(n * HIDDEN), floats(slots * KV), floats(slots * KV));
    let visible: Vec<Visible> = (0..n)
        .map(|i| Visible::from(0..slots - n + i + 1))
        .collect();
    let seen: usize = visible.iter().map(Visible::len).sum();
    let mut out = vec![0.0; n * HIDDEN];
    let bytes = 4 * (2 * q.len() + keys.len() + values.len());
    let title = format!("attention, {n} tok. over {slots}");
    figure(title, bytes, 2 * seen * heads * width, || {
        serve::attention(
            black_box(&q),
            &keys,
            &values,
            &visible,
            heads,
            kv_heads,
            width,
            &mut out,
        );
        black_box(&mut out);
    })
}

/// Values near 0, none of them special.
fn floats(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i % 1_013) as f32 * 0.7).sin()).collect()
}

/// Bytes of weights: their scales are small numbers in `f16` whatever block they fall into.
fn blocks(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 % 61) as u8).collect()
}
