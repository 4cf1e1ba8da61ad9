//! Tile products. A vector is four output rows; tokens take two vectors at a time, so that the sums stay
//! in registers.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use std::arch::aarch64::*;

use super::super::matrix::{Line, NIBBLES, TILE_ROWS, TileBlocks};
use super::super::quantize::QuantizedBlock;

/// Rows in one vector.
const ROWS: usize = 4;
/// Vectors that are computed together, and the rows in them.
const VECTORS: usize = 2;
const PART: usize = VECTORS * ROWS;

pub(in super::super) fn tile_product<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let mut products = [[0.0; TILE_ROWS]; T];
    for first in (0..TILE_ROWS).step_by(PART) {
        // SAFETY: NEON is a part of the target.
        let sums: [[float32x4_t; VECTORS]; T] = unsafe { part_of_tile(blocks, first, x) };
        for t in 0..T {
            for v in 0..VECTORS {
                let place = &mut products[t][first + ROWS * v..][..ROWS];
                // SAFETY: as above; the store is of four floats.
                unsafe { vst1q_f32(place.as_mut_ptr(), sums[t][v]) };
            }
        }
    }
    products
}

/// `T` tokens times the rows of a tile from `first` on.
///
/// # Safety
/// NEON is enabled in the caller.
#[inline(always)]
unsafe fn part_of_tile<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    first: usize,
    x: &[QuantizedBlock],
) -> [[float32x4_t; VECTORS]; T] {
    let len = blocks.len();
    // SAFETY: the contract; loads are of four of the 16 floats of a line.
    unsafe {
        let floats = |values: &[f32; TILE_ROWS], v: usize| {
            vld1q_f32(values[first + ROWS * v..][..ROWS].as_ptr())
        };
        let mut sums = [[vdupq_n_f32(0.0); VECTORS]; T];
        for (index, weights) in blocks.iter().enumerate() {
            let tokens: [&QuantizedBlock; T] = std::array::from_fn(|t| &x[t * len + index]);
            let codes = Codes {
                lines: weights.codes,
                first,
                offset: blocks.offset(),
            };
            let integers = match LINES == NIBBLES {
                true => codes.integers_of_nibbles(tokens),
                false => codes.integers_of_bytes(tokens),
            };
            for v in 0..VECTORS {
                let scales = floats(weights.scales, v);
                for t in 0..T {
                    let scale = vmulq_f32(scales, vdupq_n_f32(tokens[t].scale));
                    let term = vmulq_f32(vcvtq_f32_s32(integers[t][v]), scale);
                    sums[t][v] = vaddq_f32(sums[t][v], term);
                }
                if let Some(minima) = weights.minima {
                    let minima = floats(minima, v);
                    for t in 0..T {
                        let term = vmulq_f32(minima, vdupq_n_f32(tokens[t].sum));
                        sums[t][v] = vaddq_f32(sums[t][v], term);
                    }
                }
            }
        }
        sums
    }
}

/// Codes of one block.
#[derive(Clone, Copy)]
struct Codes<'a, const LINES: usize> {
    lines: &'a [Line; LINES],
    /// The first row.
    first: usize,
    offset: u8,
}

impl<const LINES: usize> Codes<'_, LINES> {
    /// Sums of four-bit codes: eight products a lane of 16 bits, 8 * 15 * 127 = 15240 at most.
    ///
    /// # Safety
    /// NEON is enabled in the caller.
    #[inline(always)]
    unsafe fn integers_of_nibbles<const T: usize>(
        self,
        tokens: [&QuantizedBlock; T],
    ) -> [[int32x4_t; VECTORS]; T] {
        // SAFETY: the contract.
        unsafe {
            // A vector has half of four rows' sums: rows 0 and 1, rows 2 and 3.
            let mut halves = [[[vdupq_n_s16(0); 2]; VECTORS]; T];
            for group in 0..NIBBLES {
                for v in 0..VECTORS {
                    let line = self.line(group, v);
                    let low = self.signed(vandq_u8(line, vdupq_n_u8(0x0f)));
                    let high = self.signed(vshrq_n_u8::<4>(line));
                    for t in 0..T {
                        let (a, b) = (quad(tokens[t], group), quad(tokens[t], group + NIBBLES));
                        let [first, second] = &mut halves[t][v];
                        *first = vmlal_s8(*first, vget_low_s8(low), vget_low_s8(a));
                        *first = vmlal_s8(*first, vget_low_s8(high), vget_low_s8(b));
                        *second = vmlal_high_s8(*second, low, a);
                        *second = vmlal_high_s8(*second, high, b);
                    }
                }
            }
            halves.map(|halves| {
                halves.map(|[first, second]| vpaddq_s32(vpaddlq_s16(first), vpaddlq_s16(second)))
            })
        }
    }

    /// Sums of codes of one byte.
    ///
    /// # Safety
    /// NEON is enabled in the caller.
    #[inline(always)]
    unsafe fn integers_of_bytes<const T: usize>(
        self,
        tokens: [&QuantizedBlock; T],
    ) -> [[int32x4_t; VECTORS]; T] {
        // SAFETY: the contract.
        unsafe {
            let mut halves = [[[vdupq_n_s32(0); 2]; VECTORS]; T];
            for group in 0..LINES {
                for v in 0..VECTORS {
                    let codes = self.signed(self.line(group, v));
                    for t in 0..T {
                        let quants = quad(tokens[t], group);
                        let [first, second] = &mut halves[t][v];
                        let products = vmull_s8(vget_low_s8(codes), vget_low_s8(quants));
                        *first = vpadalq_s16(*first, products);
                        *second = vpadalq_s16(*second, vmull_high_s8(codes, quants));
                    }
                }
            }
            halves.map(|halves| halves.map(|[first, second]| vpaddq_s32(first, second)))
        }
    }

    /// The codes of four rows.
    ///
    /// # Safety
    /// NEON is enabled in the caller.
    #[inline(always)]
    unsafe fn line(self, group: usize, vector: usize) -> uint8x16_t {
        let codes = &self.lines[group].0[4 * (self.first + ROWS * vector)..][..4 * ROWS];
        // SAFETY: the contract; the load is of 16 bytes.
        unsafe { vld1q_u8(codes.as_ptr()) }
    }

    /// Codes less the offset.
    ///
    /// # Safety
    /// NEON is enabled in the caller.
    #[inline(always)]
    unsafe fn signed(self, codes: uint8x16_t) -> int8x16_t {
        // SAFETY: the contract.
        unsafe { vreinterpretq_s8_u8(vsubq_u8(codes, vdupq_n_u8(self.offset))) }
    }
}

/// Four quants, four times.
///
/// # Safety
/// NEON is enabled in the caller.
#[inline(always)]
unsafe fn quad(block: &QuantizedBlock, group: usize) -> int8x16_t {
    let quants: &[i8] = &block.quants[4 * group..][..4];
    let four = i32::from_ne_bytes(std::array::from_fn(|i| quants[i] as u8));
    // SAFETY: the contract.
    unsafe { vreinterpretq_s8_s32(vdupq_n_s32(four)) }
}
