//! The gated activation of the feed-forward part, and the residual sum.

use super::exp::exp;
use super::lanes::{LANES, Lanes};
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
        let (outs, out_rest) = out.as_chunks_mut::<LANES>();
        let (gates, gate_rest) = gate.as_chunks::<LANES>();
        let (ups, up_rest) = up.as_chunks::<LANES>();
        // Whole arrays, which the compiler turns into vectors without asking where they lie.
        for ((out, gate), up) in outs.iter_mut().zip(gates).zip(ups) {
            let mut lanes = [0.0; LANES];
            for j in 0..LANES {
                lanes[j] = gated(gate[j], up[j]);
            }
            *out = lanes;
        }
        for ((out, &gate), &up) in out_rest.iter_mut().zip(gate_rest).zip(up_rest) {
            *out = gated(gate, up);
        }
    }
}

#[inline(always)]
fn gated(gate: f32, up: f32) -> f32 {
    gate / (1.0 + exp(-gate)) * up
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
