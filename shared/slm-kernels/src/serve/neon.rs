//! The 128-bit vectors of AArch64.

mod tile;

use std::arch::aarch64::*;

use super::lanes::Vector;
pub(super) use tile::tile_product;

/// Four lanes. Every AArch64 that runs the standard library has them.
#[derive(Clone, Copy)]
pub(super) struct Vector128(float32x4_t);

impl Vector for Vector128 {
    const LEN: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: NEON is a part of the target.
        Self(unsafe { vdupq_n_f32(x) })
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let values = &values[..Self::LEN];
        // SAFETY: NEON is a part of the target; there are four floats.
        Self(unsafe { vld1q_f32(values.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, values: &mut [f32]) {
        let values = &mut values[..Self::LEN];
        // SAFETY: NEON is a part of the target; there is room for four floats.
        unsafe { vst1q_f32(values.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: NEON is a part of the target.
        Self(unsafe { vaddq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: NEON is a part of the target.
        Self(unsafe { vmulq_f32(self.0, other.0) })
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        // SAFETY: NEON is a part of the target.
        unsafe {
            let two = vadd_f32(vget_low_f32(self.0), vget_high_f32(self.0));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        }
    }
}
