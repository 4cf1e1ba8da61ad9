//! Sums in 16 virtual lanes: lane `j` adds the terms whose index is `j` modulo 16, in order; then
//! the lanes are added as a tree. Any vector width gives the same bits.
//!
//! What does not fill the lanes is filled up with zeros: a sum that starts at +0 is never −0, so
//! that adding +0 leaves its bits alone.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use std::ops::Add;

use super::blocks::dots;

/// Virtual lanes of every sum.
pub(super) const LANES: usize = 16;

/// The first values of up to 16, then zeros.
#[inline(always)]
pub(super) fn filled(values: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// One register of neighbouring lanes.
///
/// The operations are those of the compiler's own arrays; a type of its own makes sure that they stay
/// in registers.
pub(super) trait Vector: Copy {
    /// How many lanes; a divisor of [`LANES`].
    const LEN: usize;
    /// All lanes `x`.
    fn splat(x: f32) -> Self;
    /// Reads the first lanes of `values`, which has as many.
    fn load(values: &[f32]) -> Self;
    /// Writes the first lanes of `values`, which has as many.
    fn store(self, values: &mut [f32]);
    /// Adds lane by lane.
    fn add(self, other: Self) -> Self;
    /// Multiplies lane by lane.
    fn mul(self, other: Self) -> Self;
    /// Adds the lanes: the first half and the second, and so on.
    fn tree(self) -> f32;

    /// Reads the lanes from `at` on, for inner loops.
    ///
    /// # Safety
    /// `values` has as many after `at`.
    #[inline(always)]
    unsafe fn load_unchecked(values: &[f32], at: usize) -> Self {
        debug_assert!(at + Self::LEN <= values.len());
        // SAFETY: the contract.
        Self::load(unsafe { values.get_unchecked(at..at + Self::LEN) })
    }
}

/// Sixteen `f32` in whatever registers a level has.
pub(super) trait Lanes: Copy {
    /// A register.
    type Vector: Vector;

    /// The lanes from registers, the first lanes first.
    fn from_vectors(vector: impl FnMut(usize) -> Self::Vector) -> Self;
    /// Register `index`.
    fn vector(self, index: usize) -> Self::Vector;
    /// Replaces register `index`.
    fn set_vector(&mut self, index: usize, vector: Self::Vector);
    /// Adds the lanes: `j` and `j + 8`, then `j + 4`, `j + 2`, `j + 1`.
    fn tree(self) -> f32;

    /// All lanes +0.
    #[inline(always)]
    fn zero() -> Self {
        Self::splat(0.0)
    }

    /// All lanes `x`.
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self::from_vectors(|_| Self::Vector::splat(x))
    }

    /// Reads the lanes.
    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        Self::from_vectors(|index| Self::Vector::load(&values[index * Self::Vector::LEN..]))
    }

    /// Writes the lanes.
    #[inline(always)]
    fn store(self, values: &mut [f32; LANES]) {
        for index in 0..LANES / Self::Vector::LEN {
            let values = &mut values[index * Self::Vector::LEN..];
            self.vector(index).store(values);
        }
    }

    /// Adds lane by lane.
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::from_vectors(|index| self.vector(index).add(other.vector(index)))
    }

    /// Multiplies lane by lane.
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::from_vectors(|index| self.vector(index).mul(other.vector(index)))
    }
}

/// As many registers as hold sixteen lanes.
impl<V: Vector, const N: usize> Lanes for [V; N] {
    type Vector = V;

    #[inline(always)]
    fn from_vectors(mut vector: impl FnMut(usize) -> V) -> Self {
        const { assert!(N * V::LEN == LANES) }
        let mut vectors = [V::splat(0.0); N];
        for index in 0..N {
            vectors[index] = vector(index);
        }
        vectors
    }

    #[inline(always)]
    fn vector(self, index: usize) -> V {
        self[index]
    }

    #[inline(always)]
    fn set_vector(&mut self, index: usize, vector: V) {
        self[index] = vector;
    }

    #[inline(always)]
    fn tree(mut self) -> f32 {
        let mut width = N / 2;
        while width > 0 {
            for index in 0..width {
                self[index] = self[index].add(self[index + width]);
            }
            width /= 2;
        }
        self[0].tree()
    }
}

/// The reference: an array.
impl Vector for [f32; LANES] {
    const LEN: usize = LANES;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; LANES]
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        std::array::from_fn(|j| values[j])
    }

    #[inline(always)]
    fn store(self, values: &mut [f32]) {
        values[..LANES].copy_from_slice(&self);
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        std::array::from_fn(|j| self[j] + other[j])
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        std::array::from_fn(|j| self[j] * other[j])
    }

    #[inline(always)]
    fn tree(self) -> f32 {
        tree(self)
    }
}

/// Adds the lanes: `j` and `j + 8`, then `j + 4`, `j + 2`, `j + 1`.
#[inline(always)]
fn tree<F: Copy + Add<Output = F>>(mut lanes: [F; LANES]) -> F {
    for width in [8, 4, 2, 1] {
        for j in 0..width {
            lanes[j] = lanes[j] + lanes[j + width];
        }
    }
    lanes[0]
}

/// Σ a[i] * b[i]; the lengths are equal.
#[inline(always)]
pub(super) fn dot<L: Lanes>(a: &[f32], b: &[f32]) -> f32 {
    let [[dot]] = dots::<L, 1, 1>([a], [b]);
    dot
}

/// Σ x[i].
#[inline(always)]
pub(super) fn sum<L: Lanes>(x: &[f32]) -> f32 {
    let (whole, rest) = x.as_chunks();
    let mut sum = L::zero();
    for x in whole {
        sum = sum.add(L::load(x));
    }
    sum.add(L::load(&filled(rest))).tree()
}

/// Σ term(x[i]) in `f64`.
#[inline(always)]
pub(super) fn sum_f64(x: &[f32], term: impl Fn(f32) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    for x in x.chunks(LANES) {
        for (lane, &x) in lanes.iter_mut().zip(x) {
            *lane += term(x);
        }
    }
    tree(lanes)
}

/// The largest of `x` that is a number; minus infinity when there is none.
#[inline(always)]
pub(super) fn largest(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        for j in 0..LANES {
            lanes[j] = larger(lanes[j], x[j]);
        }
    }
    lanes
        .into_iter()
        .chain(rest.iter().copied())
        .fold(f32::NEG_INFINITY, larger)
}
