//! Root mean square normalization (Zhang and Sennrich, 2019).

use super::lanes::{Lanes, dot};
use super::level::{Kernel, Level};
use super::parallel;

/// `out[i] = x[i] / sqrt(mean(x^2) + eps) * weight[i]` for every row of `x`, `[n, cols]` where `cols`
/// is the length of `weight`.
///
/// # Panics
/// When the lengths do not fit.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    rms_norm_at(Level::best(), x, weight, eps, out);
}

pub(super) fn rms_norm_at(level: Level, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let cols = weight.len();
    assert_eq!(x.len(), out.len(), "input and output of a normalization");
    assert!(
        cols > 0 && x.len().is_multiple_of(cols),
        "{} values in rows of {cols}",
        x.len()
    );
    parallel::row_chunks(out, cols, cols, |first, out| {
        rms_norm_rows(level, &x[first * cols..][..out.len()], weight, eps, out);
    });
}

/// [`rms_norm`] by one thread.
pub(super) fn rms_norm_rows(level: Level, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    level.run(Normalize {
        x,
        weight,
        eps,
        out,
    });
}

struct Normalize<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    out: &'a mut [f32],
}

impl Kernel for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            x,
            weight,
            eps,
            out,
        } = self;
        let cols = weight.len();
        for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
            let mean = dot::<L>(x, x) / cols as f32;
            let scale = 1.0 / (mean + eps).sqrt();
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = x * scale * weight;
            }
        }
    }
}
