//! The low-rank addition of an adapter (Hu et al., 2021), in `f32`.

use super::blocks::{Rows, each_dot, each_weighted_sum};
use super::lanes::Lanes;
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
    hidden.resize(n * r, 0.0);
    let cost = r * (cols + rows);
    parallel::row_chunks_of_two((hidden, r), (out, rows), cost, |first, hidden, out| {
        level.run(Add {
            x: Rows {
                values: &x[first * cols..],
                stride: cols,
            },
            a: Rows {
                values: a,
                stride: cols,
            },
            b_t: Rows {
                values: b_t,
                stride: rows,
            },
            r,
            hidden,
            out,
        });
    });
}

struct Add<'a> {
    x: Rows<'a>,
    a: Rows<'a>,
    b_t: Rows<'a>,
    r: usize,
    hidden: &'a mut [f32],
    out: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            x,
            a,
            b_t,
            r,
            hidden,
            out,
        } = self;
        each_dot::<L>(
            (hidden.len() / r, r),
            |token| x.row(token, x.stride),
            |k| a.row(k, a.stride),
            |token, k, product| hidden[token * r + k] = product,
        );
        each_weighted_sum::<L>(out, b_t.stride, |token| &hidden[token * r..][..r], b_t);
    }
}
