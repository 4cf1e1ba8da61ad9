//! The 128-bit vectors of WebAssembly, and sixteen lanes in four of them.

mod tile;

use core::arch::wasm32::*;

use super::lanes::{LANES, Lanes};
pub(super) use tile::tile_product;

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
