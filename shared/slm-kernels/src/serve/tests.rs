//! The scalar kernels against `f64` oracles; every other level against the scalar kernels, bit for bit.

mod product;

use super::digest::Noise;
use super::level::Level;
use super::*;
use crate::Visible;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: found {found}, expected {expected}"
    );
}

/// Runs `operation` at every level and compares its output with the reference.
fn same_at_every_level(what: &str, operation: impl Fn(Level) -> Vec<f32>) -> Vec<f32> {
    let expected = operation(Level::Scalar);
    for level in Level::available() {
        assert_eq!(
            bits(&operation(level)),
            bits(&expected),
            "{what} at {level:?}"
        );
    }
    expected
}

#[test]
fn float_operations_are_the_same_at_every_level() {
    let mut noise = Noise::new(4);
    for cols in [1, 7, 16, 33, 576] {
        let (x, y) = (noise.floats(3 * cols), noise.floats(3 * cols));
        let weight = noise.floats(cols);
        same_at_every_level("rms_norm", |level| {
            let mut out = vec![0.0; x.len()];
            norm::rms_norm_at(level, &x, &weight, 1e-5, &mut out);
            out
        });
        same_at_every_level("swiglu", |level| {
            let mut out = vec![0.0; x.len()];
            activation::swiglu_at(level, &x, &y, &mut out);
            out
        });
        same_at_every_level("log_sum_exp", |level| {
            vec![exp::log_sum_exp_at(level, &x) as f32]
        });
        same_at_every_level("quantize", |level| {
            let mut rows = QuantizedRows::new();
            rows.quantize_at(level, &x, cols);
            let blocks = rows.blocks(0..3).iter();
            let floats = |b: &quantize::QuantizedBlock| [b.scale, b.sum, b.integer_sum as f32];
            blocks
                .flat_map(|b| b.quants.map(f32::from).into_iter().chain(floats(b)))
                .collect()
        });
        for r in [1, 8, 13] {
            let (a, b_t) = (noise.floats(r * cols), noise.floats(r * 21));
            same_at_every_level("lora", |level| {
                let (mut hidden, mut out) = (Vec::new(), vec![1.0; 3 * 21]);
                lora::lora_at(level, (&x, cols), (&a, &b_t, r), &mut hidden, &mut out);
                out
            });
        }
    }
}

#[test]
fn lora_adds_both_products() {
    let mut hidden = Vec::new();
    let mut out = [1.0, 2.0, 3.0];
    // A = [[1, 2], [3, 4]], B = [[1, 0], [0, 1], [1, 1]], x = [10, 20].
    lora(
        &[10.0, 20.0],
        2,
        &[1.0, 2.0, 3.0, 4.0],
        &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0],
        2,
        &mut hidden,
        &mut out,
    );
    assert_eq!(hidden, [50.0, 110.0]);
    assert_eq!(out, [51.0, 112.0, 163.0]);
}

#[test]
fn normalization_agrees_with_its_definition() {
    let x = Noise::new(5).floats(2 * 40);
    let weight = Noise::new(6).floats(40);
    let mut out = vec![0.0; x.len()];
    rms_norm(&x, &weight, 1e-5, &mut out);
    for (x, out) in x.chunks(40).zip(out.chunks(40)) {
        let mean = x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 40.0;
        for i in 0..40 {
            let expected = f64::from(x[i]) / (mean + 1e-5).sqrt() * f64::from(weight[i]);
            assert_close(out[i].into(), expected, 1e-6, "rms_norm");
        }
    }
}

#[test]
fn rotation_agrees_with_its_definition() {
    let (heads, head_dim, positions) = (3, 8, [0u32, 5, 300]);
    let x = Noise::new(7).floats(3 * heads * head_dim);
    let table = RopeTable::new(head_dim, 10_000.0, 301);
    let out = same_at_every_level("rope", |level| {
        let mut out = x.clone();
        rope::rope_at(level, &mut out, &positions, heads, &table);
        out
    });
    for (i, pair) in x.chunks(2).enumerate() {
        let (row, within) = (2 * i / (heads * head_dim), 2 * i % head_dim);
        let angle = f64::from(positions[row]) * 10_000f64.powf(-(within as f64) / head_dim as f64);
        let (a, b) = (f64::from(pair[0]), f64::from(pair[1]));
        assert_close(
            out[2 * i].into(),
            a * angle.cos() - b * angle.sin(),
            1e-6,
            "cosine part",
        );
        assert_close(
            out[2 * i + 1].into(),
            a * angle.sin() + b * angle.cos(),
            1e-6,
            "sine part",
        );
    }
}

#[test]
fn a_table_grows_to_what_it_would_have_been() {
    let whole = RopeTable::new(6, 10_000.0, 50);
    let mut grown = RopeTable::new(6, 10_000.0, 3);
    grown.grow(50);
    let x = Noise::new(8).floats(12);
    let rotate = |table| {
        let mut x = x.clone();
        rope(&mut x, &[49], 2, table);
        bits(&x)
    };
    assert_eq!(rotate(&whole), rotate(&grown));
}

#[test]
fn attention_agrees_with_its_definition() {
    let (heads, kv_heads, slots) = (6, 2, 70);
    let mut noise = Noise::new(9);
    let visible = [
        Visible::from(0..1),
        Visible::from_iter([0..33, 40..41, 50..70]),
        Visible::from(3..70),
        Visible::new(),
    ];
    for head_dim in [8, 20, 64] {
        let q = noise.floats(visible.len() * heads * head_dim);
        let keys = noise.floats(slots * kv_heads * head_dim);
        let values = noise.floats(slots * kv_heads * head_dim);
        let out = same_at_every_level("attention", |level| {
            let mut out = vec![f32::NAN; q.len()];
            let shape = (heads, kv_heads, head_dim);
            attention::attention_at(level, &q, (&keys, &values), &visible, shape, &mut out);
            out
        });
        let at = |slot: usize, kv: usize, i: usize| (slot * kv_heads + kv) * head_dim + i;
        for (row, visible) in visible.iter().enumerate() {
            for head in 0..heads {
                let (start, kv) = ((row * heads + head) * head_dim, head / (heads / kv_heads));
                let weight = |slot: usize| {
                    let dot: f64 = (0..head_dim)
                        .map(|i| f64::from(q[start + i]) * f64::from(keys[at(slot, kv, i)]))
                        .sum();
                    (dot / (head_dim as f64).sqrt()).exp()
                };
                let slots = || visible.ranges().iter().cloned().flatten();
                let total: f64 = slots().map(weight).sum();
                for i in 0..head_dim {
                    let mixed: f64 = slots()
                        .map(|s| weight(s) * f64::from(values[at(s, kv, i)]))
                        .sum();
                    let expected = if visible.is_empty() {
                        0.0
                    } else {
                        mixed / total
                    };
                    assert_close(out[start + i].into(), expected, 2e-6, "attention");
                }
            }
        }
    }
}

#[test]
fn exp_is_within_one_unit_in_the_last_place() {
    let mut worst = 0.0f64;
    for step in 0..2_000_000 {
        let x = -87.0 + 175.0 * (step as f32 / 2_000_000.0);
        let expected = f64::from(x).exp();
        let unit = f64::from(f32::from_bits((expected as f32).to_bits() + 1) - expected as f32);
        worst = worst.max((f64::from(exp(x)) - expected).abs() / unit);
    }
    assert!(worst < 1.0, "{worst} units");
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-87.1), 0.0);
    assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(exp(88.1), f32::INFINITY);
    assert!(exp(f32::NAN).is_nan());
}

#[test]
fn log_sum_exp_agrees_with_its_definition() {
    let x: Vec<f32> = Noise::new(10)
        .floats(49_152)
        .iter()
        .map(|x| x * 20.0)
        .collect();
    let expected = x.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
    assert_close(log_sum_exp(&x), expected, 1e-7, "log_sum_exp");
    assert_close(
        log_sum_exp(&[1000.0, 1000.0]),
        1000.0 + 2f64.ln(),
        1e-9,
        "large values",
    );
    assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
}

#[test]
fn the_digest_is_the_one_of_this_version() {
    assert_eq!(digest(), DIGEST, "0x{:016x}", digest());
}
