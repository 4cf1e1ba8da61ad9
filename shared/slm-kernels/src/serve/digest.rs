//! One number for what all kernels compute on fixed inputs: equal on every machine that follows
//! `docs/numerics.md`.

use super::*;
use crate::Visible;

/// What [`digest`] gives for version 1 of the numerics.
pub const DIGEST: u64 = 0x3fd2_a951_9748_5e32;

/// Runs every operation on made-up inputs and digests the bits of all results, in milliseconds.
///
/// A build whose digest is not [`DIGEST`] computes with other numerics: its compiler or its
/// processor broke a rule.
pub fn digest() -> u64 {
    let mut noise = Noise::new(1);
    let mut digest = Digest::default();
    for format in FORMATS {
        for (tokens, rows, cols) in [(1, 50, 96), (7, 33, 576)] {
            let w = noise.matrix(format, rows, cols);
            let mut x = QuantizedRows::new();
            x.quantize(&noise.floats(tokens * cols), cols);
            let mut out = vec![0.0; tokens * rows];
            matmul(&w, &x, &mut out);
            digest.floats(&out);
            digest.floats(&w.dequantize());
        }
    }
    for cols in [7, 192, 576] {
        digest_rows(&mut noise, &mut digest, cols);
    }
    digest_attention(&mut noise, &mut digest);
    digest.floats(
        &(-9_000..9_000)
            .map(|i| exp(i as f32 / 100.0))
            .collect::<Vec<_>>(),
    );
    let logits: Vec<f32> = noise.floats(5_000).iter().map(|x| x * 30.0).collect();
    digest.bits(log_sum_exp(&logits).to_bits());
    digest.0
}

/// The operations that work on rows.
fn digest_rows(noise: &mut Noise, digest: &mut Digest, cols: usize) {
    let (mut x, y, weight) = (
        noise.floats(3 * cols),
        noise.floats(3 * cols),
        noise.floats(cols),
    );
    let mut out = vec![0.0; x.len()];
    rms_norm(&x, &weight, 1e-5, &mut out);
    digest.floats(&out);
    swiglu(&x, &y, &mut out);
    digest.floats(&out);
    let (r, rows) = (8, 21);
    let (a, b_t) = (noise.floats(r * cols), noise.floats(r * rows));
    let mut added = vec![1.0; 3 * rows];
    lora(&x, cols, &a, &b_t, r, &mut Vec::new(), &mut added);
    digest.floats(&added);
    add(&mut x, &y);
    digest.floats(&x);
}

fn digest_attention(noise: &mut Noise, digest: &mut Digest) {
    let (heads, kv_heads, head_dim, slots) = (9, 3, 64, 70);
    let mut q = noise.floats(2 * heads * head_dim);
    rope(
        &mut q,
        &[3, 700],
        heads,
        &RopeTable::new(head_dim, 10_000.0, 701),
    );
    digest.floats(&q);
    let keys = noise.floats(slots * kv_heads * head_dim);
    let values = noise.floats(slots * kv_heads * head_dim);
    let visible = [
        Visible::from(0..69),
        Visible::from_iter([0..33, 40..41, 50..70]),
    ];
    let mut out = vec![0.0; q.len()];
    attention(
        &q, &keys, &values, &visible, heads, kv_heads, head_dim, &mut out,
    );
    digest.floats(&out);
}

/// The 64-bit FNV-1a hash, over words instead of bytes.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn bits(&mut self, bits: u64) {
        self.0 = (self.0 ^ bits).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn floats(&mut self, values: &[f32]) {
        for value in values {
            self.bits(value.to_bits().into());
        }
    }
}

/// Every format, in the order in which the digest takes them.
pub(super) const FORMATS: [BlockFormat; 7] = [
    BlockFormat::Q4_0,
    BlockFormat::Q4_1,
    BlockFormat::Q5_0,
    BlockFormat::Q5_1,
    BlockFormat::Q8_0,
    BlockFormat::F16,
    BlockFormat::F32,
];

/// Made-up inputs, the same everywhere (xorshift; Marsaglia, 2003).
pub(super) struct Noise(u64);

impl Noise {
    /// A generator for a `seed` other than zero.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Values in -1..1.
    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    }

    /// A matrix of any codes, with scales of a usual size.
    pub(super) fn matrix(&mut self, format: BlockFormat, rows: usize, cols: usize) -> Matrix {
        let mut bytes = Vec::new();
        for _ in 0..rows * cols / format.values_per_block() {
            let at = bytes.len();
            bytes.extend((0..format.block_bytes()).map(|_| self.bits() as u8));
            let floats = self.floats(2);
            let halves = floats.iter().map(|&x| half::f16::from_f32(x * 0.05));
            let halves: Vec<u8> = halves.flat_map(|x| x.to_bits().to_le_bytes()).collect();
            match format {
                BlockFormat::F32 => bytes[at..].copy_from_slice(&floats[0].to_le_bytes()),
                _ if format.has_minimum() => bytes[at..at + 4].copy_from_slice(&halves),
                _ => bytes[at..at + 2].copy_from_slice(&halves[..2]),
            }
        }
        Matrix::from_gguf(format, &bytes, rows, cols).expect("as many bytes as the shape needs")
    }
}
