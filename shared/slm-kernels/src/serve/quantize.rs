//! Activations as signed bytes with one scale for every 32 of them.

use std::ops::Range;

use super::activation::SWIGLU_COST;
use super::exp::ROUND;
use super::format::BLOCK;
use super::lanes::{LANES, Lanes};
use super::level::{Kernel, Level};
use super::{activation, norm, parallel};

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
        let rows = rows_of(x, cols);
        self.compute_rows(level, (rows, cols), 0, |first, values| {
            values.copy_from_slice(&x[first * cols..][..values.len()]);
        });
    }

    /// Replaces the contents by [`rms_norm`](super::rms_norm) of `x`.
    ///
    /// # Panics
    /// As [`rms_norm`](super::rms_norm).
    pub fn rms_norm(&mut self, x: &[f32], weight: &[f32], eps: f32) {
        let (level, cols) = (Level::best(), weight.len());
        self.compute_rows(level, (rows_of(x, cols), cols), cols, |first, values| {
            let x = &x[first * cols..][..values.len()];
            norm::rms_norm_rows(level, x, weight, eps, values);
        });
    }

    /// Replaces the contents by [`swiglu`](super::swiglu) of `gate` and `up`, `[n, cols]` both.
    ///
    /// # Panics
    /// When they are not whole rows, or not as many.
    pub fn swiglu(&mut self, gate: &[f32], up: &[f32], cols: usize) {
        assert_eq!(gate.len(), up.len(), "lengths of a gated activation");
        let (level, cost) = (Level::best(), cols * SWIGLU_COST);
        self.compute_rows(level, (rows_of(gate, cols), cols), cost, |first, values| {
            let range = first * cols..first * cols + values.len();
            activation::swiglu_piece(level, &gate[range.clone()], &up[range], values);
        });
    }

    /// Replaces the contents by what `compute` writes, `[rows, cols]`.
    pub fn replace(&mut self, rows: usize, cols: usize, compute: impl FnOnce(&mut [f32])) {
        self.reshape(rows, cols);
        compute(&mut self.values[..rows * cols]);
        self.quantize_values(Level::best());
    }

    fn reshape(&mut self, rows: usize, cols: usize) {
        (self.rows, self.cols) = (rows, cols);
        self.values.resize(rows * cols, 0.0);
        let blocks = rows * cols.div_ceil(BLOCK);
        self.blocks.resize(blocks, QuantizedBlock::default());
    }

    /// Replaces the contents by rows that `compute(first row, rows)` writes piece by piece, each row
    /// for about `cost` operations.
    fn compute_rows(
        &mut self,
        level: Level,
        (rows, cols): (usize, usize),
        cost: usize,
        compute: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        self.reshape(rows, cols);
        let values = (&mut self.values[..], cols);
        let blocks = (&mut self.blocks[..], cols.div_ceil(BLOCK));
        parallel::row_chunks_of_two(values, blocks, cost + cols, |first, values, blocks| {
            compute(first, values);
            level.run(Quantize {
                values,
                cols,
                blocks,
            });
        });
    }

    fn quantize_values(&mut self, level: Level) {
        let Self {
            cols,
            values,
            blocks,
            ..
        } = self;
        let (cols, values) = (*cols, &values[..]);
        let width = cols.div_ceil(BLOCK);
        parallel::row_chunks(blocks, width, cols, |first, blocks| {
            let rows = blocks.len() / width;
            level.run(Quantize {
                values: &values[first * cols..][..rows * cols],
                cols,
                blocks,
            });
        });
    }

    /// The activations as they came, `[rows, cols]`.
    pub fn values(&self) -> &[f32] {
        &self.values
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
    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.cols..][..self.cols]
    }
}

/// How many rows of `cols` values `x` has.
fn rows_of(x: &[f32], cols: usize) -> usize {
    assert!(
        cols > 0 && x.len().is_multiple_of(cols),
        "{} values in rows of {cols}",
        x.len()
    );
    x.len() / cols
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
