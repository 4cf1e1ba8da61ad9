//! Measures the `serve` product on the shapes of a small llama.
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo run --release -p slm-kernels --features threads --example serve_speed
//! ```

use std::time::Instant;

use slm_kernels::Visible;
use slm_kernels::serve::{
    BlockFormat, Matrix, QuantizedRows, attention, log_sum_exp, lora, matmul, rms_norm, swiglu,
};

fn main() {
    products();
    other_operations();
}

/// Seconds of the fastest of the calls that fit into a fifth of a second: all that disturbs a call
/// makes it slower.
fn seconds(mut work: impl FnMut()) -> f64 {
    let (start, mut fastest) = (Instant::now(), f64::INFINITY);
    while start.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        work();
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    fastest
}

fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.37).sin()).collect()
}

fn products() {
    let shapes = [
        (BlockFormat::Q4_1, 1536, 576),
        (BlockFormat::Q4_1, 576, 1536),
        (BlockFormat::Q8_0, 49_152, 576),
        (BlockFormat::Q5_1, 1536, 576),
        (BlockFormat::F32, 1536, 576),
    ];
    for (format, rows, cols) in shapes {
        let bytes = rows * cols / format.values_per_block() * format.block_bytes();
        let w = Matrix::from_gguf(format, &vec![0x2b; bytes], rows, cols).expect("a matrix");
        for tokens in [1, 4, 16, 128] {
            let mut x = QuantizedRows::new();
            x.quantize(&wave(tokens * cols), cols);
            let mut out = vec![0.0; tokens * rows];
            let time = seconds(|| matmul(&w, &x, &mut out));
            let rate = (tokens * rows * cols) as f64 / time / 1e9;
            let name = format.name();
            println!(
                "matmul {name} [{rows}, {cols}] x {tokens}: {:.1} us, {rate:.1} GMAC/s",
                time * 1e6
            );
        }
    }
}

fn other_operations() {
    let (n, cols, hidden) = (128, 576, 1536);
    let (x, wide) = (wave(n * cols), wave(n * hidden));
    let (mut out, mut wide_out) = (vec![0.0; n * cols], vec![0.0; n * hidden]);
    let report = |what: &str, time: f64| println!("{what}: {:.1} us", time * 1e6);
    let mut rows = QuantizedRows::new();
    report(
        "quantize [128, 1536]",
        seconds(|| rows.quantize(&wide, hidden)),
    );
    report(
        "rms_norm [128, 576]",
        seconds(|| rms_norm(&x, &x[..cols], 1e-5, &mut out)),
    );
    report(
        "swiglu [128, 1536]",
        seconds(|| swiglu(&wide, &wide, &mut wide_out)),
    );
    let (a, b_t) = (wave(8 * cols), wave(8 * hidden));
    let mut scratch = Vec::new();
    report(
        "lora r 8 [128, 576] to 1536",
        seconds(|| {
            lora(&x, cols, &a, &b_t, 8, &mut scratch, &mut wide_out);
        }),
    );
    let (keys, values) = (wave(328 * 192), wave(328 * 192));
    let visible: Vec<Visible> = (0..n)
        .map(|i| Visible::from_iter([0..200, 200..201 + i]))
        .collect();
    report(
        "attention 128 queries, 200 to 328 keys, 9 of 3 heads",
        seconds(|| {
            attention(&x, &keys, &values, &visible, 9, 3, 64, &mut out);
        }),
    );
    let logits = wave(49_152);
    report(
        "log_sum_exp of 49152",
        seconds(|| {
            std::hint::black_box(log_sum_exp(&logits));
        }),
    );
}
