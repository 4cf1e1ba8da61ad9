//! The vector instructions of x86-64, and which of them the processor has.

mod tile;

use std::arch::x86_64::*;

use super::lanes::{LANES, Vector};
use super::level::Kernel;
pub(super) use tile::{tile_product_avx_vnni, tile_product_avx2, tile_product_avx512};

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

pub(super) fn has_avx_vnni() -> bool {
    has_avx2() && is_x86_feature_detected!("avxvnni")
}

pub(super) fn has_avx512_vnni() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Compiles a kernel for AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<[Vector256; 2]>()
}

/// Compiles a kernel for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<[Vector512; 1]>()
}

/// Used inside [`run_avx512`] alone: what its `unsafe` blocks rest on.
#[derive(Clone, Copy)]
struct Vector512(__m512);

impl Vector for Vector512 {
    const LEN: usize = LANES;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: AVX-512 is enabled.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let values = &values[..Self::LEN];
        // SAFETY: AVX-512 is enabled; there are 16 floats.
        Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, values: &mut [f32]) {
        let values = &mut values[..Self::LEN];
        // SAFETY: AVX-512 is enabled; there is room for 16 floats.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: AVX-512 is enabled.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: AVX-512 is enabled.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        // SAFETY: AVX-512 is enabled.
        unsafe {
            let high = _mm512_extractf32x8_ps::<1>(self.0);
            tree_of_8(_mm256_add_ps(_mm512_castps512_ps256(self.0), high))
        }
    }
}

/// Used inside [`run_avx2`] alone: what its `unsafe` blocks rest on.
#[derive(Clone, Copy)]
struct Vector256(__m256);

impl Vector for Vector256 {
    const LEN: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: AVX2 is enabled.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        let values = &values[..Self::LEN];
        // SAFETY: AVX2 is enabled; there are 8 floats.
        Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, values: &mut [f32]) {
        let values = &mut values[..Self::LEN];
        // SAFETY: AVX2 is enabled; there is room for 8 floats.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: AVX2 is enabled.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: AVX2 is enabled.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        // SAFETY: AVX2 is enabled.
        unsafe { tree_of_8(self.0) }
    }
}

/// The last three levels of a tree of lanes.
///
/// # Safety
/// AVX is enabled in the caller.
#[inline(always)]
unsafe fn tree_of_8(eight: __m256) -> f32 {
    // SAFETY: the contract.
    unsafe {
        let four = _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps::<1>(eight),
        );
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}
