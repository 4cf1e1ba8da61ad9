//! Tile products with the 128-bit vectors of WebAssembly: four output rows at a time.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use core::arch::wasm32::*;

use super::lanes::{LANES, Lanes};
use super::matrix::{Line, NIBBLES, TILE_ROWS, TileBlocks};
use super::quantize::QuantizedBlock;

/// Four vectors of four lanes.
#[derive(Clone, Copy)]
pub(super) struct Lanes128([v128; 4]);

impl Lanes128 {
    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(v128, v128) -> v128) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([
            operation(a, e),
            operation(b, f),
            operation(c, g),
            operation(d, h),
        ])
    }
}

impl Lanes for Lanes128 {
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(0.0)
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([f32x4_splat(x); 4])
    }

    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        let start: *const v128 = values.as_ptr().cast();
        // SAFETY: there are four times four floats.
        unsafe {
            Self([
                v128_load(start),
                v128_load(start.add(1)),
                v128_load(start.add(2)),
                v128_load(start.add(3)),
            ])
        }
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; LANES]) {
        let start: *mut v128 = values.as_mut_ptr().cast();
        for (i, vector) in self.0.into_iter().enumerate() {
            // SAFETY: there is room for four times four floats.
            unsafe { v128_store(start.add(i), vector) }
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| f32x4_add(a, b))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| f32x4_mul(a, b))
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        let [a, b, c, d] = self.0;
        let four = f32x4_add(f32x4_add(a, c), f32x4_add(b, d));
        let two = f32x4_add(four, i32x4_shuffle::<2, 3, 2, 3>(four, four));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }
}

/// Rows in one vector.
const ROWS: usize = 4;

pub(super) fn tile_product<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let mut products = [[0.0; TILE_ROWS]; T];
    for quarter in 0..TILE_ROWS / ROWS {
        let sums: [v128; T] = quarter_tile(blocks, quarter, x);
        for t in 0..T {
            // SAFETY: the store is of 4 of the 16 floats of a row.
            unsafe { v128_store(products[t].as_mut_ptr().add(ROWS * quarter).cast(), sums[t]) };
        }
    }
    products
}

#[inline(always)]
fn quarter_tile<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    quarter: usize,
    x: &[QuantizedBlock],
) -> [v128; T] {
    let len = blocks.len();
    // SAFETY: the load is of 4 of the 16 floats of a line.
    let floats = |values: &[f32; TILE_ROWS]| unsafe {
        v128_load(values.as_ptr().add(ROWS * quarter).cast())
    };
    let mut sums = [f32x4_splat(0.0); T];
    for (index, weights) in blocks.iter().enumerate() {
        let tokens: [&QuantizedBlock; T] = std::array::from_fn(|t| &x[t * len + index]);
        let integers = integers(weights.codes, blocks.offset(), quarter, tokens);
        let scales = floats(weights.scales);
        for t in 0..T {
            let scale = f32x4_mul(scales, f32x4_splat(tokens[t].scale));
            let term = f32x4_mul(f32x4_convert_i32x4(integers[t]), scale);
            sums[t] = f32x4_add(sums[t], term);
            if let Some(minima) = weights.minima {
                let term = f32x4_mul(floats(minima), f32x4_splat(tokens[t].sum));
                sums[t] = f32x4_add(sums[t], term);
            }
        }
    }
    sums
}

/// Integer sums of one block.
#[inline(always)]
fn integers<const T: usize, const LINES: usize>(
    lines: &[Line; LINES],
    offset: u8,
    quarter: usize,
    tokens: [&QuantizedBlock; T],
) -> [v128; T] {
    // Each lane is half of a row's sum: rows 0 and 1, rows 2 and 3.
    let mut halves = [[i32x4_splat(0); 2]; T];
    for group in 0..8 {
        let line = load_quarter(&lines[group % LINES], quarter);
        let codes = match (LINES == NIBBLES, group < NIBBLES) {
            (false, _) => line,
            (true, true) => v128_and(line, u8x16_splat(0x0f)),
            (true, false) => u8x16_shr(line, 4),
        };
        let signed = u8x16_sub(codes, u8x16_splat(offset));
        let first = i16x8_extend_low_i8x16(signed);
        let second = i16x8_extend_high_i8x16(signed);
        for t in 0..T {
            let quants = quad(tokens[t], group);
            halves[t][0] = i32x4_add(halves[t][0], i32x4_dot_i16x8(first, quants));
            halves[t][1] = i32x4_add(halves[t][1], i32x4_dot_i16x8(second, quants));
        }
    }
    let mut integers = [i32x4_splat(0); T];
    for t in 0..T {
        let [a, b] = halves[t];
        let even = i32x4_shuffle::<0, 2, 4, 6>(a, b);
        integers[t] = i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(a, b));
    }
    integers
}

/// Four quants, widened, twice.
#[inline(always)]
fn quad(block: &QuantizedBlock, group: usize) -> v128 {
    let quants = &block.quants[4 * group..][..4];
    // SAFETY: the load is of four bytes.
    i16x8_extend_low_i8x16(unsafe { v128_load32_splat(quants.as_ptr().cast()) })
}

/// The codes of four rows.
#[inline(always)]
fn load_quarter(line: &Line, quarter: usize) -> v128 {
    // SAFETY: a line is 64 bytes.
    unsafe { v128_load(line.0.as_ptr().add(16 * quarter).cast()) }
}
