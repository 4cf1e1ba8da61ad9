//! Blocks of sums that share what they load: several rows times several rows, and several weighted
//! sums of the same rows. As many as fit the registers; each sum has the order of its own.

// Arrays of vectors are walked by index, several at a time, so that they stay in registers.
#![allow(clippy::needless_range_loop)]

use super::lanes::{LANES, Lanes, Vector, filled};

/// Rows of the one and of the other side in a block of dot products.
const BLOCK: (usize, usize) = (3, 4);
/// Neighbouring registers of columns in a block of weighted sums.
const REGISTERS: usize = 4;

/// Σ a[i][k] * b[j][k] of `A` times `B` rows of one length.
#[inline(always)]
pub(super) fn dots<L: Lanes, const A: usize, const B: usize>(
    a: [&[f32]; A],
    b: [&[f32]; B],
) -> [[f32; B]; A] {
    let len = a[0].len();
    assert!(
        a.iter().chain(&b).all(|row| row.len() == len),
        "lengths of dot products"
    );
    let whole = len / LANES * LANES;
    // One register of the lanes after the other, so that the sums of all pairs fit.
    let mut lanes = [[L::zero(); B]; A];
    for part in 0..LANES / L::Vector::LEN {
        let sums = dots_of_part::<L::Vector, A, B>(a, b, part * L::Vector::LEN, whole);
        for i in 0..A {
            for j in 0..B {
                lanes[i][j].set_vector(part, sums[i][j]);
            }
        }
    }
    let mut dots = [[0.0; B]; A];
    for i in 0..A {
        for j in 0..B {
            if whole < len {
                let (a, b) = (filled(&a[i][whole..]), filled(&b[j][whole..]));
                lanes[i][j] = lanes[i][j].add(L::load(&a).mul(L::load(&b)));
            }
            dots[i][j] = lanes[i][j].tree();
        }
    }
    dots
}

/// The sums of the lanes from `first` on, as many as one register has, over columns `0..whole`.
#[inline(always)]
fn dots_of_part<V: Vector, const A: usize, const B: usize>(
    a: [&[f32]; A],
    b: [&[f32]; B],
    first: usize,
    whole: usize,
) -> [[V; B]; A] {
    let mut sums = [[V::splat(0.0); B]; A];
    for at in (first..whole).step_by(LANES) {
        // SAFETY: every row has `whole` columns, and `at` is followed by the rest of its 16 lanes.
        let load = |row: &[f32]| unsafe { V::load_unchecked(row, at) };
        let mut right = [V::splat(0.0); B];
        for j in 0..B {
            right[j] = load(b[j]);
        }
        for i in 0..A {
            let left = load(a[i]);
            for j in 0..B {
                sums[i][j] = sums[i][j].add(left.mul(right[j]));
            }
        }
    }
    sums
}

/// All dot products of `counts.0` rows with `counts.1` others; `write` gets both indices and a product.
#[inline(always)]
pub(super) fn each_dot<'a, L: Lanes>(
    counts: (usize, usize),
    a: impl Fn(usize) -> &'a [f32],
    b: impl Fn(usize) -> &'a [f32],
    mut write: impl FnMut(usize, usize, f32),
) {
    let mut write_block = |i: usize, j: usize, products: &[&[f32]]| {
        for (row, products) in products.iter().enumerate() {
            for (column, &product) in products.iter().enumerate() {
                write(i + row, j + column, product);
            }
        }
    };
    let whole = (counts.0 / BLOCK.0 * BLOCK.0, counts.1 / BLOCK.1 * BLOCK.1);
    for i in (0..whole.0).step_by(BLOCK.0) {
        let rows = [a(i), a(i + 1), a(i + 2)];
        for j in (0..whole.1).step_by(BLOCK.1) {
            let products = dots::<L, 3, 4>(rows, [b(j), b(j + 1), b(j + 2), b(j + 3)]);
            write_block(i, j, &products.each_ref().map(<[f32; 4]>::as_slice));
        }
        for j in whole.1..counts.1 {
            let products = dots::<L, 3, 1>(rows, [b(j)]);
            write_block(i, j, &products.each_ref().map(<[f32; 1]>::as_slice));
        }
    }
    for i in whole.0..counts.0 {
        for j in (0..whole.1).step_by(BLOCK.1) {
            let products = dots::<L, 1, 4>([a(i)], [b(j), b(j + 1), b(j + 2), b(j + 3)]);
            write_block(i, j, &[&products[0]]);
        }
        for j in whole.1..counts.1 {
            let products = dots::<L, 1, 1>([a(i)], [b(j)]);
            write_block(i, j, &[&products[0]]);
        }
    }
}

/// Rows of one width in a larger matrix.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    /// Begins with the first row.
    pub(super) values: &'a [f32],
    /// From the start of a row to that of the next.
    pub(super) stride: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    pub(super) fn row(self, index: usize, width: usize) -> &'a [f32] {
        &self.values[index * self.stride..][..width]
    }
}

/// `outs[i][c] += Σ_k weights(i)[k] * row k[c]`, `k` ascending, one addition after the other. `outs` is
/// `[sums, width]`.
#[inline(always)]
pub(super) fn each_weighted_sum<'a, L: Lanes>(
    outs: &mut [f32],
    width: usize,
    weights: impl Fn(usize) -> &'a [f32],
    rows: Rows<'_>,
) {
    for (block, outs) in outs.chunks_mut(3 * width).enumerate() {
        let i = 3 * block;
        if outs.len() == 3 * width {
            let (first, others) = outs.split_at_mut(width);
            let (second, third) = others.split_at_mut(width);
            let weights = [weights(i), weights(i + 1), weights(i + 2)];
            add_weighted_rows::<L, 3>([first, second, third], weights, rows);
        } else {
            for (within, out) in outs.chunks_exact_mut(width).enumerate() {
                add_weighted_rows::<L, 1>([out], [weights(i + within)], rows);
            }
        }
    }
}

/// [`each_weighted_sum`] for `A` sums at once.
#[inline(always)]
fn add_weighted_rows<L: Lanes, const A: usize>(
    mut outs: [&mut [f32]; A],
    weights: [&[f32]; A],
    rows: Rows<'_>,
) {
    let (width, count) = (outs[0].len(), weights[0].len());
    assert!(
        outs.iter().all(|out| out.len() == width) && weights.iter().all(|w| w.len() == count),
        "shapes of weighted sums"
    );
    if count == 0 || width == 0 {
        return;
    }
    assert!(
        rows.values.len() >= (count - 1) * rows.stride + width,
        "rows of weighted sums"
    );
    let step = REGISTERS * L::Vector::LEN;
    let mut at = 0;
    while at + step <= width {
        // SAFETY: `at + step` is within the width, which every row has.
        unsafe { add_block::<L::Vector, A, REGISTERS>(&mut outs, weights, rows, at) };
        at += step;
    }
    while at + L::Vector::LEN <= width {
        // SAFETY: as above.
        unsafe { add_block::<L::Vector, A, 1>(&mut outs, weights, rows, at) };
        at += L::Vector::LEN;
    }
    for at in at..width {
        for i in 0..A {
            for k in 0..count {
                outs[i][at] += weights[i][k] * rows.values[k * rows.stride + at];
            }
        }
    }
}

/// [`add_weighted_rows`] for the columns from `at` on that fill `N` registers.
///
/// # Safety
/// Every row, of `outs` too, has columns up to `at + N * V::LEN`.
#[inline(always)]
unsafe fn add_block<V: Vector, const A: usize, const N: usize>(
    outs: &mut [&mut [f32]; A],
    weights: [&[f32]; A],
    rows: Rows<'_>,
    at: usize,
) {
    let mut sums = [[V::splat(0.0); N]; A];
    for i in 0..A {
        for n in 0..N {
            sums[i][n] = V::load(&outs[i][at + n * V::LEN..][..V::LEN]);
        }
    }
    for k in 0..weights[0].len() {
        let mut values = [V::splat(0.0); N];
        for n in 0..N {
            // SAFETY: the contract.
            values[n] =
                unsafe { V::load_unchecked(rows.values, k * rows.stride + at + n * V::LEN) };
        }
        for i in 0..A {
            // SAFETY: there are as many weights for each sum.
            let weight = V::splat(unsafe { *weights[i].get_unchecked(k) });
            for n in 0..N {
                sums[i][n] = sums[i][n].add(weight.mul(values[n]));
            }
        }
    }
    for i in 0..A {
        for n in 0..N {
            sums[i][n].store(&mut outs[i][at + n * V::LEN..][..V::LEN]);
        }
    }
}
