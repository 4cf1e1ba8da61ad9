//! Which instructions the kernels use: found out at run time. The one place that chooses.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::lanes::{LANES, Lanes};
use super::matmul;
use super::matrix::{BYTES, NIBBLES, TILE_ROWS, Tile};
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::quantize::QuantizedBlock;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::wasm;
#[cfg(target_arch = "x86_64")]
use super::x86;

/// A set of instructions that this machine has.
///
/// A variant exists only on the targets where it can be available, and a value is made only by
/// [`Level::fastest`] and [`Level::available`], after asking the processor. The `unsafe` calls below
/// rest on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Whatever the target has by default: the reference.
    Scalar,
    /// 256-bit integer arithmetic.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// As `Avx2`, with four-way byte products.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// 512 bits, with four-way byte products.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// 128 bits on AArch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// 128 bits in a browser.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

/// A computation that is written once and compiled for every level. A trait, since only a method can be forced inline into the function that carries the
/// instruction set.
pub(super) trait Kernel {
    /// What it gives.
    type Output;
    /// Computes it. Every implementation is `#[inline(always)]`.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// The number of the level that [`use_level`] chose, the first being 1; 0 for the fastest.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// Names of the instruction sets that kernels can use on this machine, the reference first.
pub fn levels() -> Vec<String> {
    let names = Level::available().into_iter();
    names.map(|level| format!("{level:?}")).collect()
}

/// From now on all kernels use the instruction set of this name, or the fastest where there is none of
/// that name: for those who compare. Their results are the same.
pub fn use_level(name: &str) {
    let number = levels().iter().position(|level| level == name);
    CHOSEN.store(number.map_or(0, |number| number + 1), Relaxed);
}

impl Level {
    /// The level that was chosen, or the fastest of this machine.
    #[inline]
    pub(crate) fn best() -> Self {
        match CHOSEN.load(Relaxed) {
            0 => Self::fastest(),
            number => Self::available()[number - 1],
        }
    }

    #[inline]
    fn fastest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if x86::has_avx512_vnni() {
                return Self::Avx512Vnni;
            }
            if x86::has_avx_vnni() {
                return Self::AvxVnni;
            }
            if x86::has_avx2() {
                return Self::Avx2;
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            return Self::Neon;
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return Self::Simd128;
        #[allow(unreachable_code)]
        Self::Scalar
    }

    /// Every level of this machine, the reference first.
    pub(crate) fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut levels = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(x86::has_avx2().then_some(Self::Avx2));
            levels.extend(x86::has_avx_vnni().then_some(Self::AvxVnni));
            levels.extend(x86::has_avx512_vnni().then_some(Self::Avx512Vnni));
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        levels.push(Self::Simd128);
        levels
    }

    /// Runs a kernel, compiled for this level.
    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: the level is available.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::AvxVnni => unsafe { x86::run_avx2(kernel) },
            // SAFETY: the level is available.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { x86::run_avx512(kernel) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => kernel.run::<[neon::Vector128; 4]>(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => kernel.run::<[wasm::Vector128; 4]>(),
            Self::Scalar => kernel.run::<[[f32; LANES]; 1]>(),
        }
    }

    /// `T` tokens times the 16 rows of one tile; `x` holds the blocks of all tokens, token by token.
    pub(super) fn tile_product<const T: usize>(
        self,
        tile: Tile<'_>,
        x: &[QuantizedBlock],
    ) -> [[f32; TILE_ROWS]; T] {
        match (tile.format.is_nibbles(), tile.format.has_minimum()) {
            (true, true) => self.tile_product_of::<T, NIBBLES, true>(tile, x),
            (true, false) => self.tile_product_of::<T, NIBBLES, false>(tile, x),
            (false, true) => self.tile_product_of::<T, BYTES, true>(tile, x),
            (false, false) => self.tile_product_of::<T, BYTES, false>(tile, x),
        }
    }

    fn tile_product_of<const T: usize, const LINES: usize, const MINIMUM: bool>(
        self,
        tile: Tile<'_>,
        x: &[QuantizedBlock],
    ) -> [[f32; TILE_ROWS]; T] {
        let blocks = tile.blocks::<LINES, MINIMUM>();
        assert_eq!(x.len(), T * blocks.len(), "blocks of the activations");
        match self {
            Self::Scalar => matmul::tile_product(blocks, x),
            // SAFETY: the level is available.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::tile_product_avx2(blocks, x) },
            // SAFETY: the level is available.
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => unsafe { x86::tile_product_avx_vnni(blocks, x) },
            // SAFETY: the level is available.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { x86::tile_product_avx512(blocks, x) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::tile_product(blocks, x),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => wasm::tile_product(blocks, x),
        }
    }
}
