//! Sums in 16 virtual lanes: lane `j` adds the terms whose index is `j` modulo 16, in order; then
//! the lanes are added as a tree. Any vector width gives the same bits.
//!
//! What does not fill the lanes is filled up with zeros: a sum that starts at +0 is never −0, so
//! that adding +0 leaves its bits alone.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use std::ops::Add;

/// Virtual lanes of every sum.
pub(super) const LANES: usize = 16;

/// The first values of up to 16, then zeros.
#[inline(always)]
fn filled(values: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// Sixteen `f32` in whatever registers a level has.
///
/// The operations are those of the compiler's own arrays; a type of its own makes sure that they stay
/// in registers.
pub(super) trait Lanes: Copy {
    /// All lanes +0.
    fn zero() -> Self;
    /// All lanes `x`.
    fn splat(x: f32) -> Self;
    /// Reads the lanes.
    fn load(values: &[f32; LANES]) -> Self;
    /// Writes the lanes.
    fn store(self, values: &mut [f32; LANES]);
    /// Adds lane by lane.
    fn add(self, other: Self) -> Self;
    /// Multiplies lane by lane.
    fn mul(self, other: Self) -> Self;
    /// Adds the lanes: `j` and `j + 8`, then `j + 4`, `j + 2`, `j + 1`.
    fn tree(self) -> f32;
}

/// The reference: an array.
impl Lanes for [f32; LANES] {
    #[inline(always)]
    fn zero() -> Self {
        [0.0; LANES]
    }

    #[inline(always)]
    fn splat(x: f32) -> Self {
        [x; LANES]
    }

    #[inline(always)]
    fn load(values: &[f32; LANES]) -> Self {
        *values
    }

    #[inline(always)]
    fn store(self, values: &mut [f32; LANES]) {
        *values = self;
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
    let [dot] = dots::<L, 1>(a, [b]);
    dot
}

/// Dot products of `a` with several others of its length, which do not wait for each other.
#[inline(always)]
pub(super) fn dots<L: Lanes, const N: usize>(a: &[f32], others: [&[f32]; N]) -> [f32; N] {
    let mut sums = [L::zero(); N];
    let (whole, rest) = a.as_chunks();
    for n in 0..N {
        assert_eq!(others[n].len(), a.len(), "lengths of a dot product");
    }
    for (i, a) in whole.iter().enumerate() {
        for n in 0..N {
            let other = &others[n].as_chunks().0[i];
            sums[n] = sums[n].add(L::load(a).mul(L::load(other)));
        }
    }
    if !rest.is_empty() {
        for n in 0..N {
            let other = L::load(&filled(others[n].as_chunks::<LANES>().1));
            sums[n] = sums[n].add(L::load(&filled(rest)).mul(other));
        }
    }
    let mut dots = [0.0; N];
    for n in 0..N {
        dots[n] = sums[n].tree();
    }
    dots
}

/// Dot products of `a` with `count` others, four at a time; `write` gets the index and the product.
#[inline(always)]
pub(super) fn dot_each<'a, L: Lanes>(
    a: &[f32],
    count: usize,
    other: impl Fn(usize) -> &'a [f32],
    mut write: impl FnMut(usize, f32),
) {
    let fours = count / 4 * 4;
    for i in (0..fours).step_by(4) {
        let others = [other(i), other(i + 1), other(i + 2), other(i + 3)];
        let products = dots::<L, 4>(a, others);
        for n in 0..4 {
            write(i + n, products[n]);
        }
    }
    for i in fours..count {
        write(i, dot::<L>(a, other(i)));
    }
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
