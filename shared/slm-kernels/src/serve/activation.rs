//! The gated activation of the feed-forward part, and the residual sum.

use super::exp::exp;
use super::lanes::Lanes;
use super::level::{Kernel, Level};
use super::parallel;

/// Rows of this many values are shared out among threads.
const PIECE: usize = 1024;
/// An exponential and a division cost about as much as this many plain operations.
pub(super) const SWIGLU_COST: usize = 16;

/// `out[i] = gate[i] / (1 + e^-gate[i]) * up[i]`: SwiGLU (Shazeer, 2020) on projected inputs.
///
/// # Panics
/// When the lengths differ.
pub fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
    swiglu_at(Level::best(), gate, up, out);
}

pub(super) fn swiglu_at(level: Level, gate: &[f32], up: &[f32], out: &mut [f32]) {
    assert!(
        gate.len() == out.len() && up.len() == out.len(),
        "lengths of a gated activation"
    );
    parallel::row_chunks(out, PIECE, PIECE * SWIGLU_COST, |first, out| {
        let range = first * PIECE..first * PIECE + out.len();
        swiglu_piece(level, &gate[range.clone()], &up[range], out);
    });
}

/// [`swiglu`] by one thread.
pub(super) fn swiglu_piece(level: Level, gate: &[f32], up: &[f32], out: &mut [f32]) {
    level.run(Gate { gate, up, out });
}

struct Gate<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { gate, up, out } = self;
        for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

/// `x[i] = x[i] + y[i]`.
///
/// # Panics
/// When the lengths differ.
pub fn add(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "lengths of a sum");
    parallel::row_chunks(x, PIECE, PIECE / 4, |first, x| {
        let y = &y[first * PIECE..][..x.len()];
        for (x, y) in x.iter_mut().zip(y) {
            *x += y;
        }
    });
}
