//! The 128-bit vectors of WebAssembly.

mod tile;

use core::arch::wasm32::*;

use super::lanes::Vector;
pub(super) use tile::tile_product;

/// Four lanes.
#[derive(Clone, Copy)]
pub(super) struct Vector128(v128);

impl Vector for Vector128 {
    const LEN: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self(f32x4_splat(x))
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let values = &values[..Self::LEN];
        // SAFETY: there are four floats.
        Self(unsafe { v128_load(values.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, values: &mut [f32]) {
        let values = &mut values[..Self::LEN];
        // SAFETY: there is room for four floats.
        unsafe { v128_store(values.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(f32x4_add(self.0, other.0))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(f32x4_mul(self.0, other.0))
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        let two = f32x4_add(self.0, i32x4_shuffle::<2, 3, 2, 3>(self.0, self.0));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }
}
