//! RMSNorm (Zhang & Sennrich 2019): `y_i = w_i x_i / sqrt(mean(x²) + eps)`.

use super::vectorized;

/// Forward over `[n, cols]`.
pub fn forward(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let cols = weight.len();
    vectorized(
        #[inline(always)]
        || {
            for (x, out) in x.chunks_exact(cols).zip(out.chunks_exact_mut(cols)) {
                let r = inverse_rms(x, eps);
                for i in 0..cols {
                    out[i] = x[i] * r * weight[i];
                }
            }
        },
    );
}

/// Adds the gradient with respect to `x` to `dx`. The weight is frozen and gets none.
///
/// With `r = 1/rms` and `g = w ∘ dy`: `dx = r g − x r³ (x·g) / cols`.
pub fn backward(x: &[f32], weight: &[f32], eps: f32, dy: &[f32], dx: &mut [f32]) {
    let cols = weight.len();
    vectorized(
        #[inline(always)]
        || {
            let rows = x.chunks_exact(cols).zip(dy.chunks_exact(cols));
            for ((x, dy), dx) in rows.zip(dx.chunks_exact_mut(cols)) {
                let r = inverse_rms(x, eps);
                let projection = lanes(cols, |i| x[i] * weight[i] * dy[i]);
                let along = r * r * r * projection / cols as f32;
                for i in 0..cols {
                    dx[i] += r * weight[i] * dy[i] - x[i] * along;
                }
            }
        },
    );
}

#[inline(always)]
fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    1.0 / (lanes(x.len(), |i| x[i] * x[i]) / x.len() as f32 + eps).sqrt()
}

/// Σ term(i) in 16 lanes, so that it vectorizes.
#[inline(always)]
fn lanes(n: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut sums = [0.0f32; 16];
    for base in (0..n / 16 * 16).step_by(16) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += term(base + lane);
        }
    }
    let rest: f32 = (n / 16 * 16..n).map(&term).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{check_gradient, noise};

    #[test]
    fn backward_agrees_with_finite_differences() {
        for cols in [1, 7, 16, 50] {
            let x = noise(3 * cols, 1);
            let weight = noise(cols, 2);
            let dy = noise(3 * cols, 3);
            let mut dx = vec![0.0; x.len()];
            backward(&x, &weight, 1e-5, &dy, &mut dx);
            let loss = |x: &[f64]| -> f64 {
                let rows = x.chunks(cols).zip(dy.chunks(cols));
                rows.map(|(x, dy)| {
                    let mean = x.iter().map(|v| v * v).sum::<f64>() / cols as f64;
                    let r = 1.0 / (mean + 1e-5).sqrt();
                    (0..cols)
                        .map(|i| x[i] * r * f64::from(weight[i]) * f64::from(dy[i]))
                        .sum::<f64>()
                })
                .sum()
            };
            check_gradient(&x, &dx, loss);
        }
    }
}
