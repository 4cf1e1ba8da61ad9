//! A page for the browser tests: one quantized mat-vec on the browser's WebGPU, enqueued and read
//! back as native code does it, against the `serve` kernels. The verdict becomes the page's title.

use slm_kernels::{
    KernelError,
    gpu::{Device, DeviceMatrix},
    serve::{BlockFormat, Matrix, QuantizedRows, matmul},
};

/// Largest difference allowed, relative to the largest value: the GPU may sum in another order.
const TOLERANCE: f32 = 1e-4;

fn main() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        let verdict = match check(576, 1536).await {
            Ok(verdict) => verdict,
            Err(error) => format!("failed: {error}"),
        };
        if let Some(document) = web_sys::window().and_then(|window| window.document()) {
            document.set_title(&verdict);
        }
    });
}

async fn check(rows: usize, cols: usize) -> Result<String, KernelError> {
    let device = Device::request().await?;
    let blocks = blocks(rows * cols / 32);
    let values: Vec<f32> = (0..cols).map(|i| (i as f32 * 0.7).sin()).collect();
    let mut x = QuantizedRows::new();
    x.quantize(&values, cols);
    let mut want = vec![0.0; rows];
    matmul(
        &Matrix::from_gguf(BlockFormat::Q4_1, &blocks, rows, cols)?,
        &x,
        &mut want,
    );

    let matrix = DeviceMatrix::from_gguf_q4_1(&device, &blocks, rows, cols)?;
    let pending = device.enqueue_matvec(&matrix, &x);
    let got = device.read(pending).await?;

    let largest = want.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let worst = got
        .iter()
        .zip(&want)
        .fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    let equal = got.len() == want.len() && largest > 0.0 && worst <= TOLERANCE * largest;
    let word = if equal { "agrees" } else { "differs" };
    Ok(format!("{word}: {worst} of {largest} on {}", device.name()))
}

/// Q4_1 blocks with scales near 0.01, minima near −0.08, and any codes.
fn blocks(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut blocks = Vec::with_capacity(count * 20);
    for _ in 0..count {
        let scale = 0.01 * (0.5 + f32::from(byte()) / 256.0);
        for value in [scale, -8.0 * scale] {
            blocks.extend(half::f16::from_f32(value).to_le_bytes());
        }
        blocks.extend((0..16).map(|_| byte()));
    }
    blocks
}
