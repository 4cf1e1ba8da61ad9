//! SwiGLU (Shazeer 2020): `y = silu(gate) ∘ up`, `silu(x) = x / (1 + exp(−x))`.

use super::vectorized;

/// Forward, element by element.
pub fn forward(gate: &[f32], up: &[f32], out: &mut [f32]) {
    assert!(
        gate.len() == up.len() && up.len() == out.len(),
        "swiglu lengths"
    );
    vectorized(
        #[inline(always)]
        || {
            for ((out, &g), &u) in out.iter_mut().zip(gate).zip(up) {
                *out = g * sigmoid(g) * u;
            }
        },
    );
}

/// Overwrites `dgate` and `dup` with the gradients of `dy`.
pub fn backward(gate: &[f32], up: &[f32], dy: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
    let n = gate.len();
    assert!(
        [up.len(), dy.len(), dgate.len(), dup.len()] == [n; 4],
        "swiglu lengths"
    );
    vectorized(
        #[inline(always)]
        || {
            for i in 0..n {
                let s = sigmoid(gate[i]);
                dup[i] = dy[i] * gate[i] * s;
                dgate[i] = dy[i] * up[i] * s * (1.0 + gate[i] * (1.0 - s));
            }
        },
    );
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + super::exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{check_gradient, noise};

    fn oracle(gate: f64, up: f64) -> f64 {
        gate / (1.0 + (-gate).exp()) * up
    }

    #[test]
    fn forward_and_backward_agree_with_f64() {
        let (gate, up, dy) = (noise(37, 4), noise(37, 5), noise(37, 6));
        let mut out = vec![0.0; 37];
        forward(&gate, &up, &mut out);
        for i in 0..37 {
            assert!((f64::from(out[i]) - oracle(gate[i].into(), up[i].into())).abs() < 1e-6);
        }
        let (mut dgate, mut dup) = (vec![0.0; 37], vec![0.0; 37]);
        backward(&gate, &up, &dy, &mut dgate, &mut dup);
        let weigh = |i: usize, y: f64| y * f64::from(dy[i]);
        check_gradient(&gate, &dgate, |g| {
            (0..37).map(|i| weigh(i, oracle(g[i], up[i].into()))).sum()
        });
        check_gradient(&up, &dup, |u| {
            (0..37)
                .map(|i| weigh(i, oracle(gate[i].into(), u[i])))
                .sum()
        });
    }
}
