//! Activations as signed bytes with one scale for every 32 of them.

use std::ops::Range;

use super::exp::ROUND;
use super::format::BLOCK;
use super::lanes::{LANES, Lanes};
use super::level::{Kernel, Level};

/// Below this largest magnitude a block counts as zero: its inverse would overflow.
const SMALLEST: f32 = 1e-30;

/// Rows of activations, quantized for [`matmul`](super::matmul()). A buffer to be used again and
/// again: it allocates only when it grows.
#[derive(Default)]
pub struct QuantizedRows {
    rows: usize,
    cols: usize,
    /// `[rows, blocks]`; the last block of a row is filled with zeros.
    blocks: Vec<QuantizedBlock>,
    /// The activations themselves, `[rows, cols]`: matrices of floats multiply these.
    values: Vec<f32>,
}

/// 32 activations.
#[derive(Clone, Default)]
pub(super) struct QuantizedBlock {
    pub(super) quants: [i8; BLOCK],
    pub(super) scale: f32,
    /// Scale times the sum of the quants.
    pub(super) sum: f32,
    /// Sum of the quants.
    pub(super) integer_sum: i32,
}

impl QuantizedRows {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the contents by `x`, `[n, cols]`.
    ///
    /// # Panics
    /// When `x` is not whole rows.
    pub fn quantize(&mut self, x: &[f32], cols: usize) {
        self.quantize_at(Level::best(), x, cols);
    }

    pub(super) fn quantize_at(&mut self, level: Level, x: &[f32], cols: usize) {
        assert!(
            cols > 0 && x.len().is_multiple_of(cols),
            "{} values in rows of {cols}",
            x.len()
        );
        let (rows, blocks) = (x.len() / cols, cols.div_ceil(BLOCK));
        (self.rows, self.cols) = (rows, cols);
        self.values.clear();
        self.values.extend_from_slice(x);
        self.blocks.resize(rows * blocks, QuantizedBlock::default());
        level.run(Quantize {
            values: &self.values,
            cols,
            blocks: &mut self.blocks,
        });
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many activations in a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The blocks of some rows, row after row.
    pub(super) fn blocks(&self, rows: Range<usize>) -> &[QuantizedBlock] {
        let per_row = self.cols.div_ceil(BLOCK);
        &self.blocks[rows.start * per_row..rows.end * per_row]
    }

    /// All blocks as the WGSL kernels read them: eight words of quants, the bits of the scale, the
    /// bits of scale times sum.
    #[cfg(feature = "gpu")]
    pub(crate) fn words(&self) -> Vec<u32> {
        let words = |block: &QuantizedBlock| {
            let quants: [[u8; 4]; BLOCK / 4] = bytemuck::cast(block.quants);
            let floats = [block.scale.to_bits(), block.sum.to_bits()];
            quants.map(u32::from_le_bytes).into_iter().chain(floats)
        };
        self.blocks.iter().flat_map(words).collect()
    }

    /// Row `index` as it came.
    pub(super) fn values(&self, index: usize) -> &[f32] {
        &self.values[index * self.cols..][..self.cols]
    }
}

struct Quantize<'a> {
    values: &'a [f32],
    cols: usize,
    blocks: &'a mut [QuantizedBlock],
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let rows = self.blocks.chunks_exact_mut(self.cols.div_ceil(BLOCK));
        for (blocks, values) in rows.zip(self.values.chunks_exact(self.cols)) {
            let (whole, rest) = values.as_chunks::<BLOCK>();
            for (block, values) in blocks.iter_mut().zip(whole) {
                quantize_block::<L>(values, block);
            }
            if let Some(block) = blocks.get_mut(whole.len()) {
                let mut padded = [0.0; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                quantize_block::<L>(&padded, block);
            }
        }
    }
}

#[inline(always)]
fn quantize_block<L: Lanes>(values: &[f32; BLOCK], block: &mut QuantizedBlock) {
    let largest = largest_magnitude(values);
    if largest < SMALLEST {
        *block = QuantizedBlock::default();
        return;
    }
    let inverse = 127.0 / largest;
    // The rounded values add up as floats: a small integer, exact in any order.
    let mut sum = L::zero();
    let (quants, _) = block.quants.as_chunks_mut::<LANES>();
    for (quants, x) in quants.iter_mut().zip(values.as_chunks().0) {
        let rounded = L::load(x).mul(L::splat(inverse)).add(L::splat(ROUND));
        sum = sum.add(rounded.add(L::splat(-ROUND)));
        let mut lanes = [0.0; LANES];
        rounded.store(&mut lanes);
        // The low byte of ROUND itself is zero.
        for (quant, rounded) in quants.iter_mut().zip(lanes) {
            *quant = rounded.to_bits() as i8;
        }
    }
    let sum = sum.tree();
    block.scale = largest / 127.0;
    block.sum = block.scale * sum;
    block.integer_sum = sum as i32;
}

/// Magnitudes order as their bits do, with NaN above infinity, so that a NaN reaches the scale.
#[inline(always)]
fn largest_magnitude(values: &[f32; BLOCK]) -> f32 {
    let mut bits = [0; BLOCK];
    for (bits, x) in bits.iter_mut().zip(values) {
        *bits = x.to_bits() & 0x7fff_ffff;
    }
    for width in [16, 8, 4, 2, 1] {
        for j in 0..width {
            bits[j] = bits[j].max(bits[j + width]);
        }
    }
    f32::from_bits(bits[0])
}
