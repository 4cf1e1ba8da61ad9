//! A page for the browser tests: one number for what all `serve` kernels compute on fixed inputs, or
//! the product that came out wrong at the largest codes and quants. It becomes the page's title.

use slm_kernels::serve::{self, BlockFormat, Matrix, QuantizedRows};

fn main() {
    console_error_panic_hook::set_once();
    let title = wrong_product().unwrap_or_else(|| serve::digest().to_string());
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(&title);
    }
}

/// The largest codes times the largest quants, whose sums come nearest to the end of 16 bits.
fn wrong_product() -> Option<String> {
    const ROWS: usize = 16;
    const COLS: usize = 64;
    for (format, head, code) in [
        // Scale 1, and minimum 0 where the format has one; then codes of four bits, all 15.
        (BlockFormat::Q4_0, &[0x00, 0x3c][..], 7.0),
        (BlockFormat::Q4_1, &[0x00, 0x3c, 0x00, 0x00], 15.0),
    ] {
        let block = [head, &[0xff; 16]].concat();
        let file = block.repeat(ROWS * COLS / 32);
        let w = Matrix::from_gguf(format, &file, ROWS, COLS).expect("a sound matrix");
        for (tokens, x) in [(1, 127.0), (1, -127.0), (4, 127.0), (4, -127.0)] {
            let mut quantized = QuantizedRows::new();
            quantized.quantize(&vec![x; tokens * COLS], COLS);
            let mut out = vec![0.0; tokens * ROWS];
            serve::matmul(&w, &quantized, &mut out);
            let want = COLS as f32 * code * x;
            if let Some(got) = out.into_iter().find(|&got| got != want) {
                let name = format.name();
                return Some(format!("{name}, {tokens} tokens: {got} instead of {want}"));
            }
        }
    }
    None
}
