//! The low-rank addition of an adapter (Hu et al., 2021), in `f32`.

use super::lanes::{Lanes, dot_each};
use super::level::{Kernel, Level};
use super::parallel;

/// `out += B (A x)` for every row of `x`, `[n, cols]`; `out` is `[n, rows]`.
///
/// `a` is `[r, cols]`; `b_t` is B transposed, `[r, rows]`, with the adapter's scale folded in.
/// `hidden` is scratch; afterwards it holds A x, `[n, r]`.
///
/// # Panics
/// When the lengths do not fit.
pub fn lora(
    x: &[f32],
    cols: usize,
    a: &[f32],
    b_t: &[f32],
    r: usize,
    hidden: &mut Vec<f32>,
    out: &mut [f32],
) {
    lora_at(Level::best(), (x, cols), (a, b_t, r), hidden, out);
}

pub(super) fn lora_at(
    level: Level,
    (x, cols): (&[f32], usize),
    (a, b_t, r): (&[f32], &[f32], usize),
    hidden: &mut Vec<f32>,
    out: &mut [f32],
) {
    assert!(
        r > 0 && cols > 0 && x.len().is_multiple_of(cols),
        "shape of an adapter's input"
    );
    assert!(
        a.len() == r * cols && b_t.len().is_multiple_of(r),
        "shape of an adapter"
    );
    let (n, rows) = (x.len() / cols, b_t.len() / r);
    assert_eq!(out.len(), n * rows, "shape of an adapter's output");
    hidden.clear();
    hidden.resize(n * r, 0.0);
    parallel::row_chunks(hidden, r, r * cols, |first, hidden| {
        level.run(ProjectDown {
            x: &x[first * cols..],
            cols,
            a,
            r,
            hidden,
        });
    });
    let hidden = &*hidden;
    parallel::row_chunks(out, rows, r * rows, |first, out| {
        level.run(ProjectUp {
            hidden: &hidden[first * r..],
            b_t,
            r,
            rows,
            out,
        });
    });
}

struct ProjectDown<'a> {
    x: &'a [f32],
    cols: usize,
    a: &'a [f32],
    r: usize,
    hidden: &'a mut [f32],
}

impl Kernel for ProjectDown<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            x,
            cols,
            a,
            r,
            hidden,
        } = self;
        for (x, hidden) in x.chunks_exact(cols).zip(hidden.chunks_exact_mut(r)) {
            let row = |k: usize| &a[k * cols..][..cols];
            dot_each::<L>(x, r, row, |k, product| hidden[k] = product);
        }
    }
}

struct ProjectUp<'a> {
    hidden: &'a [f32],
    b_t: &'a [f32],
    r: usize,
    rows: usize,
    out: &'a mut [f32],
}

impl Kernel for ProjectUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            hidden,
            b_t,
            r,
            rows,
            out,
        } = self;
        for (hidden, out) in hidden.chunks_exact(r).zip(out.chunks_exact_mut(rows)) {
            for (&hidden, b) in hidden.iter().zip(b_t.chunks_exact(rows)) {
                for (out, b) in out.iter_mut().zip(b) {
                    *out += hidden * b;
                }
            }
        }
    }
}
