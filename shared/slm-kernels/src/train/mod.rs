//! The `train` numerics: f32 forward and backward, as fast as the machine allows.
//!
//! These only make gradients. Sums may run in any fixed order (a given machine and thread count
//! repeats them to the bit, which exact resume needs); what a person is shown comes from
//! [`crate::serve`]. Every backward here is checked against finite differences in f64.
//!
//! Shapes are row-major; `n` is the number of tokens.

pub mod adamw;
pub mod attention;
pub mod cross_entropy;
pub mod matrix;
pub mod norm;
pub mod rope;
pub mod swiglu;

pub use adamw::{AdamW, adamw};
pub use attention::{AttentionShape, Segments};
pub use matrix::{View, ViewMut, multiply, rows_stand_alone};

/// Runs `work` compiled for the widest vectors of this processor.
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    struct Work<F>(F);
    impl<R, F: FnOnce() -> R> pulp::NullaryFnOnce for Work<F> {
        type Output = R;
        #[inline(always)]
        fn call(self) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Work(work))
}

/// `e^x` in f32 to about 1e-7 relative: Cephes' range reduction and polynomial, branch-free so that
/// it vectorizes. Below −87 it is 0.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = x.clamp(-88.0, 88.0);
    // x = n ln 2 + r with |r| ≤ ln 2 / 2; adding 1.5·2²³ rounds to the nearest integer.
    let n = (x * std::f32::consts::LOG2_E + 12_582_912.0) - 12_582_912.0;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = p * r + c;
    }
    let y = p * r * r + r + 1.0;
    let scale = f32::from_bits((((n as i32) + 127) as u32) << 23);
    if x < -87.0 { 0.0 } else { y * scale }
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the kernels' tests share.

    /// Reproducible values in (−1, 1).
    pub(crate) fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// `gradient` must be the central difference of `loss` (in f64) at `x`.
    pub(crate) fn check_gradient(x: &[f32], gradient: &[f32], loss: impl Fn(&[f64]) -> f64) {
        let mut at: Vec<f64> = x.iter().map(|&v| v.into()).collect();
        for i in 0..at.len() {
            let (here, step) = (at[i], 1e-5);
            at[i] = here + step;
            let above = loss(&at);
            at[i] = here - step;
            let below = loss(&at);
            at[i] = here;
            let want = (above - below) / (2.0 * step);
            let got = f64::from(gradient[i]);
            assert!(
                (got - want).abs() < 2e-4 * (1.0 + want.abs()),
                "element {i}: {got} against {want}"
            );
        }
    }

    #[test]
    fn exp_is_accurate() {
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let (got, want) = (f64::from(super::exp(x)), f64::from(x).exp());
            assert!(
                (got - want).abs() <= 3e-7 * want,
                "exp({x}): {got} against {want}"
            );
        }
    }
}
