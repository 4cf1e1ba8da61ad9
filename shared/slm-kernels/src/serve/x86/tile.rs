//! Tile products. A lane is an output row, so that every width adds a row's blocks in the order that
//! the reference has.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use std::arch::x86_64::*;

use super::super::format::BLOCK;
use super::super::matrix::{Line, NIBBLES, TILE_ROWS, TileBlocks};
use super::super::quantize::QuantizedBlock;

/// Four quants as the integer that is broadcast to all lanes.
#[inline(always)]
fn quad(block: &QuantizedBlock, group: usize) -> i32 {
    let quants: [u8; BLOCK] = bytemuck::cast(block.quants);
    i32::from_ne_bytes(quants.as_chunks().0[group])
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super) fn tile_product_avx512<
    const T: usize,
    const LINES: usize,
    const MINIMUM: bool,
>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let len = blocks.len();
    let offset = i32::from(blocks.offset());
    let mut sums = [_mm512_setzero_ps(); T];
    for (index, weights) in blocks.iter().enumerate() {
        // Codes are unsigned: the sum starts at minus what the offset adds to it.
        let mut integers = [_mm512_setzero_si512(); T];
        if !MINIMUM {
            for t in 0..T {
                let excess = offset.wrapping_mul(x[t * len + index].integer_sum);
                integers[t] = _mm512_set1_epi32(0i32.wrapping_sub(excess));
            }
        }
        for group in 0..LINES {
            let codes = load_512(&weights.codes[group]);
            let low = _mm512_set1_epi8(0x0f);
            let first = if LINES == NIBBLES {
                _mm512_and_si512(codes, low)
            } else {
                codes
            };
            for t in 0..T {
                let quants = _mm512_set1_epi32(quad(&x[t * len + index], group));
                integers[t] = _mm512_dpbusd_epi32(integers[t], first, quants);
            }
            if LINES == NIBBLES {
                let second = _mm512_and_si512(_mm512_srli_epi16::<4>(codes), low);
                for t in 0..T {
                    let quants = _mm512_set1_epi32(quad(&x[t * len + index], group + 4));
                    integers[t] = _mm512_dpbusd_epi32(integers[t], second, quants);
                }
            }
        }
        let scales = floats_512(weights.scales);
        for t in 0..T {
            let block = &x[t * len + index];
            let scale = _mm512_mul_ps(scales, _mm512_set1_ps(block.scale));
            let term = _mm512_mul_ps(_mm512_cvtepi32_ps(integers[t]), scale);
            sums[t] = _mm512_add_ps(sums[t], term);
            if let Some(minima) = weights.minima {
                let term = _mm512_mul_ps(floats_512(minima), _mm512_set1_ps(block.sum));
                sums[t] = _mm512_add_ps(sums[t], term);
            }
        }
    }
    let mut products = [[0.0; TILE_ROWS]; T];
    for t in 0..T {
        // SAFETY: there is room for 16 floats.
        unsafe { _mm512_storeu_ps(products[t].as_mut_ptr(), sums[t]) };
    }
    products
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load_512(line: &Line) -> __m512i {
    // SAFETY: a line is 64 bytes.
    unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn floats_512(values: &[f32; TILE_ROWS]) -> __m512 {
    // SAFETY: there are 16 floats.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx2")]
pub(in super::super) fn tile_product_avx2<
    const T: usize,
    const LINES: usize,
    const MINIMUM: bool,
>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    // SAFETY: AVX2 is enabled here.
    unsafe { tile_product_256::<T, LINES, MINIMUM, false>(blocks, x) }
}

#[target_feature(enable = "avx2,avxvnni")]
pub(in super::super) fn tile_product_avx_vnni<
    const T: usize,
    const LINES: usize,
    const MINIMUM: bool,
>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    // SAFETY: AVX2 and AVX-VNNI are enabled here.
    unsafe { tile_product_256::<T, LINES, MINIMUM, true>(blocks, x) }
}

/// Eight rows at a time.
///
/// # Safety
/// AVX2, and where `VNNI` AVX-VNNI, are enabled in the caller.
#[inline(always)]
unsafe fn tile_product_256<
    const T: usize,
    const LINES: usize,
    const MINIMUM: bool,
    const VNNI: bool,
>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let len = blocks.len();
    let mut products = [[0.0; TILE_ROWS]; T];
    for half in 0..2 {
        // SAFETY: the contract; loads and stores are of 8 of the 16 floats of a line.
        unsafe {
            let mut sums = [_mm256_setzero_ps(); T];
            for (index, weights) in blocks.iter().enumerate() {
                let tokens: [&QuantizedBlock; T] = std::array::from_fn(|t| &x[t * len + index]);
                let codes = HalfCodes {
                    lines: weights.codes,
                    half,
                    offset: blocks.offset(),
                };
                let integers = match (VNNI, LINES == NIBBLES) {
                    (true, _) => codes.integers_vnni(tokens),
                    (false, true) => codes.integers_nibbles(tokens),
                    (false, false) => codes.integers_bytes(tokens),
                };
                let scales = _mm256_loadu_ps(weights.scales.as_ptr().add(8 * half));
                for t in 0..T {
                    let scale = _mm256_mul_ps(scales, _mm256_set1_ps(tokens[t].scale));
                    let term = _mm256_mul_ps(_mm256_cvtepi32_ps(integers[t]), scale);
                    sums[t] = _mm256_add_ps(sums[t], term);
                    if let Some(minima) = weights.minima {
                        let minima = _mm256_loadu_ps(minima.as_ptr().add(8 * half));
                        let term = _mm256_mul_ps(minima, _mm256_set1_ps(tokens[t].sum));
                        sums[t] = _mm256_add_ps(sums[t], term);
                    }
                }
            }
            for t in 0..T {
                _mm256_storeu_ps(products[t].as_mut_ptr().add(8 * half), sums[t]);
            }
        }
    }
    products
}

/// The codes of eight rows of one block.
#[derive(Clone, Copy)]
struct HalfCodes<'a, const LINES: usize> {
    lines: &'a [Line; LINES],
    half: usize,
    offset: u8,
}

impl<const LINES: usize> HalfCodes<'_, LINES> {
    /// # Safety
    /// AVX2 is enabled in the caller.
    #[inline(always)]
    unsafe fn load(self, group: usize) -> __m256i {
        // SAFETY: a line is 64 bytes.
        unsafe { _mm256_loadu_si256(self.lines[group].0.as_ptr().add(32 * self.half).cast()) }
    }

    /// What an integer sum over unsigned codes has too much.
    #[inline(always)]
    fn excess(self, block: &QuantizedBlock) -> i32 {
        block.integer_sum.wrapping_mul(self.offset.into())
    }

    /// Integer sums by four-way byte products.
    ///
    /// # Safety
    /// AVX2 and AVX-VNNI are enabled in the caller.
    #[inline(always)]
    unsafe fn integers_vnni<const T: usize>(self, tokens: [&QuantizedBlock; T]) -> [__m256i; T] {
        // SAFETY: the contract.
        unsafe {
            let low = _mm256_set1_epi8(0x0f);
            let mut integers = [_mm256_setzero_si256(); T];
            for group in 0..LINES {
                let codes = self.load(group);
                let first = if LINES == NIBBLES {
                    _mm256_and_si256(codes, low)
                } else {
                    codes
                };
                for t in 0..T {
                    let quants = _mm256_set1_epi32(quad(tokens[t], group));
                    integers[t] = _mm256_dpbusd_avx_epi32(integers[t], first, quants);
                }
                if LINES == NIBBLES {
                    let second = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low);
                    for t in 0..T {
                        let quants = _mm256_set1_epi32(quad(tokens[t], group + 4));
                        integers[t] = _mm256_dpbusd_avx_epi32(integers[t], second, quants);
                    }
                }
            }
            for t in 0..T {
                let excess = _mm256_set1_epi32(self.excess(tokens[t]));
                integers[t] = _mm256_sub_epi32(integers[t], excess);
            }
            integers
        }
    }

    /// Integer sums of four-bit codes. All eight groups add up in 16 bits: 16 * 15 * 127 = 30480.
    ///
    /// # Safety
    /// AVX2 is enabled in the caller.
    #[inline(always)]
    unsafe fn integers_nibbles<const T: usize>(self, tokens: [&QuantizedBlock; T]) -> [__m256i; T] {
        // SAFETY: the contract.
        unsafe {
            let low = _mm256_set1_epi8(0x0f);
            let mut integers = [_mm256_setzero_si256(); T];
            for group in 0..LINES {
                let codes = self.load(group);
                let first = _mm256_and_si256(codes, low);
                let second = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low);
                for t in 0..T {
                    let quants = _mm256_set1_epi32(quad(tokens[t], group));
                    let pairs = _mm256_maddubs_epi16(first, quants);
                    integers[t] = _mm256_add_epi16(integers[t], pairs);
                    let quants = _mm256_set1_epi32(quad(tokens[t], group + 4));
                    let pairs = _mm256_maddubs_epi16(second, quants);
                    integers[t] = _mm256_add_epi16(integers[t], pairs);
                }
            }
            for t in 0..T {
                let sum = _mm256_madd_epi16(integers[t], _mm256_set1_epi16(1));
                let excess = _mm256_set1_epi32(self.excess(tokens[t]));
                integers[t] = _mm256_sub_epi32(sum, excess);
            }
            integers
        }
    }

    /// Integer sums of byte codes, made signed first. The magnitude goes in as the unsigned factor
    /// and its sign moves to the quants, so that a pair stays within 2 * 128 * 127 = 32512 and never
    /// saturates.
    ///
    /// # Safety
    /// AVX2 is enabled in the caller.
    #[inline(always)]
    unsafe fn integers_bytes<const T: usize>(self, tokens: [&QuantizedBlock; T]) -> [__m256i; T] {
        // SAFETY: the contract.
        unsafe {
            let offset = _mm256_set1_epi8(self.offset as i8);
            let mut integers = [_mm256_setzero_si256(); T];
            for group in 0..LINES {
                let signed = _mm256_sub_epi8(self.load(group), offset);
                let magnitudes = _mm256_abs_epi8(signed);
                for t in 0..T {
                    let quants = _mm256_set1_epi32(quad(tokens[t], group));
                    let quants = _mm256_sign_epi8(quants, signed);
                    let pairs = _mm256_maddubs_epi16(magnitudes, quants);
                    let quads = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
                    integers[t] = _mm256_add_epi32(integers[t], quads);
                }
            }
            integers
        }
    }
}
