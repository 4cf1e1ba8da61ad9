//! The number of threads never shows in a result. One test: the number is the process's.

use slm_kernels::{
    Visible,
    serve::{self, BlockFormat, Matrix, QuantizedRows},
    threads,
};

/// Made-up values in -1..1.
fn floats(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 % 2003) as f32 / 1001.5 - 1.0).sin())
        .collect()
}

const TOKENS: usize = 37;
const COLS: usize = 576;

/// What the kernels make of more work than one thread is given.
fn outputs() -> Vec<u32> {
    let x = floats(TOKENS * COLS);
    let mut out = Vec::new();
    let mut rows = QuantizedRows::new();
    rows.rms_norm(&x, &x[..COLS], 1e-5);
    for format in [BlockFormat::Q4_1, BlockFormat::F16] {
        let bytes: Vec<u8> = (0..577 * COLS / format.values_per_block())
            .flat_map(|i| (0..format.block_bytes()).map(move |b| ((i * 31 + b * 7) % 61) as u8))
            .collect();
        let w = Matrix::from_gguf(format, &bytes, 577, COLS).expect("as many bytes as needed");
        let (mut one, mut other) = (vec![0.0; TOKENS * 577], vec![0.0; TOKENS * 577]);
        serve::matmul_each([&w, &w], &rows, [&mut one, &mut other]);
        assert_eq!(one, other);
        out.extend(one);
    }
    rows.swiglu(&x, &out[..x.len()], COLS);
    out.extend_from_slice(rows.values());
    let visible: Vec<Visible> = (0..TOKENS).map(|row| Visible::from(0..row + 1)).collect();
    let mut mixed = vec![0.0; x.len()];
    let keys = floats(TOKENS * 192);
    serve::attention(&x, &keys, &keys, &visible, 9, 3, 64, &mut mixed);
    let (a, b) = (floats(13 * COLS), floats(13 * COLS));
    serve::lora(&x, COLS, &a, &b, 13, &mut Vec::new(), &mut mixed);
    serve::add(&mut mixed, &x);
    out.extend(mixed);
    out.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_number_of_threads_does_not_show() {
    threads::set_count(1).expect("one thread");
    let alone = outputs();
    for count in [2, 3, 7, 1] {
        threads::set_count(count).expect("threads");
        assert_eq!(threads::count(), count);
        for _ in 0..50 {
            assert!(outputs() == alone, "{count} threads");
        }
    }
    let others = std::array::from_fn::<_, 4, _>(|_| std::thread::spawn(outputs));
    for other in others {
        assert!(other.join().expect("no panic") == alone, "several callers");
    }
}
