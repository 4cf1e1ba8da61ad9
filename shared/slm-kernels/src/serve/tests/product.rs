//! Matrices, quantized activations and their product.

use super::super::digest::{FORMATS, Noise};
use super::super::format::BLOCK;
use super::super::level::Level;
use super::super::*;
use super::{assert_close, bits};

#[test]
fn every_level_equals_the_scalar_product() {
    let mut noise = Noise::new(1);
    for format in FORMATS {
        for (rows, cols) in [(1, 32), (16, 64), (17, 576), (50, 96), (33, 1536)] {
            let w = noise.matrix(format, rows, cols);
            for tokens in [1, 2, 3, 4, 5, 8, 17] {
                let mut x = QuantizedRows::new();
                x.quantize_at(Level::Scalar, &noise.floats(tokens * cols), cols);
                let mut expected = vec![0.0; tokens * rows];
                matmul::matmul_at(Level::Scalar, &w, &x, &mut expected);
                for level in Level::available() {
                    let mut found = vec![f32::NAN; tokens * rows];
                    matmul::matmul_at(level, &w, &x, &mut found);
                    assert_eq!(
                        bits(&found),
                        bits(&expected),
                        "{level:?} {} [{rows}, {cols}] x {tokens}",
                        format.name()
                    );
                }
            }
        }
    }
}

#[test]
fn extreme_codes_do_not_saturate() {
    for format in FORMATS
        .into_iter()
        .filter(|format| format.values_per_block() == BLOCK)
    {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let mut bytes = vec![byte; 16 * 2 * format.block_bytes()];
            for block in bytes.chunks_exact_mut(format.block_bytes()) {
                // Scale (and minimum) 1.0.
                let scales = if format.has_minimum() { 4 } else { 2 };
                block[..scales].copy_from_slice(&[0x00, 0x3c, 0x00, 0x3c][..scales]);
            }
            let w = Matrix::from_gguf(format, &bytes, 16, 64).expect("a matrix");
            let sum: f64 = w.dequantize()[..64].iter().copied().map(f64::from).sum();
            for x in [1.0, -1.0] {
                let mut rows = QuantizedRows::new();
                rows.quantize(&[x; 64], 64);
                for level in Level::available() {
                    let mut out = [0.0; 16];
                    matmul::matmul_at(level, &w, &rows, &mut out);
                    let expected = sum * f64::from(x);
                    assert_close(
                        out[15].into(),
                        expected,
                        0.01,
                        &format!("{level:?} {format:?}"),
                    );
                }
            }
        }
    }
}

#[test]
fn the_product_agrees_with_a_double_precision_oracle() {
    let (rows, cols, tokens) = (33, 576, 3);
    let mut noise = Noise::new(2);
    for format in FORMATS {
        let w = noise.matrix(format, rows, cols);
        let x = noise.floats(tokens * cols);
        let mut quantized = QuantizedRows::new();
        quantized.quantize(&x, cols);
        let mut out = vec![0.0; tokens * rows];
        matmul(&w, &quantized, &mut out);
        let weights = w.dequantize();
        for token in 0..tokens {
            for row in 0..rows {
                let products = (0..cols)
                    .map(|k| f64::from(weights[row * cols + k]) * f64::from(x[token * cols + k]));
                let squares: f64 = products.clone().map(|p| p * p).sum();
                // Each activation is off by at most half a step of 1/127; errors add as in a walk.
                let tolerance = 5.0 / 254.0 * squares.sqrt() + 1e-5;
                let found = out[token * rows + row];
                assert_close(found.into(), products.sum(), tolerance, format.name());
            }
        }
    }
}

#[test]
fn rows_and_stacks_read_the_same_weights() {
    let mut noise = Noise::new(3);
    for format in FORMATS {
        let (a, b) = (noise.matrix(format, 32, 64), noise.matrix(format, 5, 64));
        let stacked = Matrix::concat_rows(&[&a, &b]).expect("32 rows fill their tiles");
        let all = stacked.dequantize();
        assert_eq!(all, [a.dequantize(), b.dequantize()].concat());
        let mut row = vec![0.0; 64];
        stacked.dequantize_row(35, &mut row);
        assert_eq!(row, all[35 * 64..36 * 64]);
        assert!(
            Matrix::concat_rows(&[&b, &a]).is_err(),
            "5 rows leave a tile half empty"
        );
    }
}

#[test]
fn blocks_decode_as_their_format_says() {
    // Scale 2, minimum 0.5; the byte 0x3a holds code 10 at 0 and code 3 at 16; fifth bits 0 and 16.
    let two = [0x00, 0x40];
    let half = [0x00, 0x38];
    let mut nibbles = [0u8; 16];
    nibbles[0] = 0x3a;
    let fifth = [1, 0, 1, 0];
    let mut signed = [0u8; 32];
    (signed[0], signed[16]) = (0x80, 0x05);
    let check = |format, parts: &[&[u8]], expected: [f32; 2]| {
        let w = Matrix::from_gguf(format, &parts.concat(), 1, 32).expect("one block");
        let values = w.dequantize();
        assert_eq!([values[0], values[16]], expected, "{format:?}");
    };
    check(BlockFormat::Q4_0, &[&two, &nibbles], [4.0, -10.0]);
    check(BlockFormat::Q4_1, &[&two, &half, &nibbles], [20.5, 6.5]);
    check(BlockFormat::Q5_0, &[&two, &fifth, &nibbles], [20.0, 6.0]);
    check(
        BlockFormat::Q5_1,
        &[&two, &half, &fifth, &nibbles],
        [52.5, 38.5],
    );
    check(BlockFormat::Q8_0, &[&two, &signed], [-256.0, 10.0]);
}

#[test]
fn wrong_sizes_are_refused_with_what_to_do() {
    let check = |format, len: usize, cols, expected: &str| {
        let error = Matrix::from_gguf(format, &vec![0; len], 2, cols)
            .err()
            .expect("an error");
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(BlockFormat::Q4_1, 39, 32, "needs 40 bytes, found 39");
    check(BlockFormat::Q8_0, 68, 33, "a row has 33 columns");
}

#[test]
fn quants_round_ties_to_even() {
    let mut x = [0.0; 32];
    x[..5].copy_from_slice(&[127.0, 0.5, 1.5, -2.5, -126.5]);
    let mut rows = QuantizedRows::new();
    rows.quantize(&x, 32);
    let block = &rows.blocks(0..1)[0];
    assert_eq!(block.quants[..5], [127, 0, 2, -2, -126]);
    assert_eq!((block.scale, block.integer_sum, block.sum), (1.0, 1, 1.0));
}

#[test]
fn a_nan_stays_in_its_row_and_is_seen() {
    let w = Noise::new(11).matrix(BlockFormat::Q4_1, 16, 64);
    let mut x = Noise::new(12).floats(3 * 64);
    x[64 + 40] = f32::NAN;
    let mut rows = QuantizedRows::new();
    rows.quantize(&x, 64);
    let mut out = vec![0.0; 3 * 16];
    matmul(&w, &rows, &mut out);
    let rows: Vec<bool> = out
        .chunks(16)
        .map(|row| row.iter().all(|x| x.is_nan()))
        .collect();
    assert_eq!(rows, [false, true, false]);
    assert!(out[..16].iter().all(|x| x.is_finite()));
}
