//! Tile products. A vector is four output rows; one token takes all sixteen at once, several take
//! four at a time, so that the sums stay in registers.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use core::arch::wasm32::*;

use super::super::matrix::{Line, NIBBLES, TILE_ROWS, TileBlocks};
use super::super::quantize::QuantizedBlock;

/// Rows in one vector.
const ROWS: usize = 4;
/// Vectors that hold the rows of a tile.
const QUARTERS: usize = TILE_ROWS / ROWS;

#[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
pub(in super::super) fn tile_product<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let mut products = [[0.0; TILE_ROWS]; T];
    if T == 1 {
        store::<T, QUARTERS>(part_of_tile(blocks, 0, x), 0, &mut products);
    } else {
        for quarter in (0..QUARTERS).step_by(2) {
            store::<T, 2>(part_of_tile(blocks, quarter, x), quarter, &mut products);
        }
    }
    products
}

/// Puts the sums of the quarters from `first` on at their place.
#[inline(always)]
fn store<const T: usize, const Q: usize>(
    sums: [[v128; Q]; T],
    first: usize,
    products: &mut [[f32; TILE_ROWS]; T],
) {
    for t in 0..T {
        for q in 0..Q {
            let place = products[t][ROWS * (first + q)..][..ROWS].as_mut_ptr();
            // SAFETY: the store is of four floats.
            unsafe { v128_store(place.cast(), sums[t][q]) };
        }
    }
}

/// `T` tokens times `Q` quarters of a tile, from `first` on.
#[inline(always)]
fn part_of_tile<const T: usize, const Q: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    first: usize,
    x: &[QuantizedBlock],
) -> [[v128; Q]; T] {
    let len = blocks.len();
    let tokens: [&[QuantizedBlock]; T] = std::array::from_fn(|t| &x[t * len..][..len]);
    let floats = |values: &[f32; TILE_ROWS], q: usize| {
        let values = &values[ROWS * (first + q)..][..ROWS];
        // SAFETY: the load is of four floats.
        unsafe { v128_load(values.as_ptr().cast()) }
    };
    let mut sums = [[f32x4_splat(0.0); Q]; T];
    for (index, weights) in blocks.iter().enumerate() {
        let tokens: [&QuantizedBlock; T] = std::array::from_fn(|t| &tokens[t][index]);
        let integers: [[v128; Q]; T] = integers(weights.codes, blocks.offset(), first, tokens);
        for q in 0..Q {
            let scales = floats(weights.scales, q);
            for t in 0..T {
                let scale = f32x4_mul(scales, f32x4_splat(tokens[t].scale));
                let term = f32x4_mul(f32x4_convert_i32x4(integers[t][q]), scale);
                sums[t][q] = f32x4_add(sums[t][q], term);
            }
            if let Some(minima) = weights.minima {
                let minima = floats(minima, q);
                for t in 0..T {
                    let term = f32x4_mul(minima, f32x4_splat(tokens[t].sum));
                    sums[t][q] = f32x4_add(sums[t][q], term);
                }
            }
        }
    }
    sums
}

/// Integer sums of one block, four rows a vector.
#[inline(always)]
fn integers<const T: usize, const Q: usize, const LINES: usize>(
    lines: &[Line; LINES],
    offset: u8,
    first: usize,
    tokens: [&QuantizedBlock; T],
) -> [[v128; Q]; T] {
    #[cfg(feature = "relaxed-simd")]
    if LINES == NIBBLES {
        return integers_of_nibbles(lines, offset, first, tokens);
    }
    widened_integers(lines, offset, first, tokens)
}

/// Byte products of four-bit codes, added up in 16 bits: 16 * 15 * 127 = 30480. The second operand is
/// below 128, where every engine gives the exact product.
#[cfg(feature = "relaxed-simd")]
#[inline(always)]
fn integers_of_nibbles<const T: usize, const Q: usize>(
    lines: &[Line],
    offset: u8,
    first: usize,
    tokens: [&QuantizedBlock; T],
) -> [[v128; Q]; T] {
    let mut pairs = [[i16x8_splat(0); Q]; T];
    // Written out: a loop would keep the sums in memory.
    add_group(0, lines, first, tokens, &mut pairs);
    add_group(1, lines, first, tokens, &mut pairs);
    add_group(2, lines, first, tokens, &mut pairs);
    add_group(3, lines, first, tokens, &mut pairs);
    let mut integers = [[i32x4_splat(0); Q]; T];
    for t in 0..T {
        let excess = tokens[t].integer_sum.wrapping_mul(offset.into());
        for q in 0..Q {
            let sum = i32x4_extadd_pairwise_i16x8(pairs[t][q]);
            integers[t][q] = i32x4_sub(sum, i32x4_splat(excess));
        }
    }
    integers
}

/// The products of one line of codes: inputs `4 * group..` and `16 + 4 * group..`.
#[cfg(feature = "relaxed-simd")]
#[inline(always)]
fn add_group<const T: usize, const Q: usize>(
    group: usize,
    lines: &[Line],
    first: usize,
    tokens: [&QuantizedBlock; T],
    pairs: &mut [[v128; Q]; T],
) {
    let mask = u8x16_splat(0x0f);
    let mut low = [mask; Q];
    let mut high = [mask; Q];
    for q in 0..Q {
        let line = load_quarter(&lines[group], first + q);
        low[q] = v128_and(line, mask);
        high[q] = v128_and(u16x8_shr(line, 4), mask);
    }
    for t in 0..T {
        let (a, b) = (quad(tokens[t], group), quad(tokens[t], group + NIBBLES));
        for q in 0..Q {
            let low = i16x8_relaxed_dot_i8x16_i7x16(a, low[q]);
            let high = i16x8_relaxed_dot_i8x16_i7x16(b, high[q]);
            pairs[t][q] = i16x8_add(pairs[t][q], i16x8_add(low, high));
        }
    }
}

/// Codes and quants widened to 16 bits, whose products are added up in 32.
#[inline(always)]
fn widened_integers<const T: usize, const Q: usize, const LINES: usize>(
    lines: &[Line; LINES],
    offset: u8,
    first: usize,
    tokens: [&QuantizedBlock; T],
) -> [[v128; Q]; T] {
    // Each lane is half of a row's sum: rows 0 and 1, rows 2 and 3.
    let mut halves = [[[i32x4_splat(0); 2]; Q]; T];
    for group in 0..8 {
        let mut rows = [[i16x8_splat(0); 2]; Q];
        for q in 0..Q {
            let line = load_quarter(&lines[group % LINES], first + q);
            let codes = match (LINES == NIBBLES, group < NIBBLES) {
                (false, _) => line,
                (true, true) => v128_and(line, u8x16_splat(0x0f)),
                (true, false) => v128_and(u16x8_shr(line, 4), u8x16_splat(0x0f)),
            };
            let signed = u8x16_sub(codes, u8x16_splat(offset));
            rows[q] = [
                i16x8_extend_low_i8x16(signed),
                i16x8_extend_high_i8x16(signed),
            ];
        }
        for t in 0..T {
            let quants = i16x8_extend_low_i8x16(quad(tokens[t], group));
            for q in 0..Q {
                for half in 0..2 {
                    let products = i32x4_dot_i16x8(rows[q][half], quants);
                    halves[t][q][half] = i32x4_add(halves[t][q][half], products);
                }
            }
        }
    }
    let mut integers = [[i32x4_splat(0); Q]; T];
    for t in 0..T {
        for q in 0..Q {
            let [a, b] = halves[t][q];
            let even = i32x4_shuffle::<0, 2, 4, 6>(a, b);
            integers[t][q] = i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(a, b));
        }
    }
    integers
}

/// Four quants, four times.
#[inline(always)]
fn quad(block: &QuantizedBlock, group: usize) -> v128 {
    let quants = &block.quants[4 * group..][..4];
    // SAFETY: the load is of four bytes.
    unsafe { v128_load32_splat(quants.as_ptr().cast()) }
}

/// The codes of four rows.
#[inline(always)]
fn load_quarter(line: &Line, quarter: usize) -> v128 {
    let codes = &line.0[16 * quarter..][..16];
    // SAFETY: the load is of 16 bytes.
    unsafe { v128_load(codes.as_ptr().cast()) }
}
