//! Softmax cross-entropy over supervised rows only, forward and backward in one pass.

use super::vectorized;

/// Turns `logits: [n, vocabulary]` into the gradient of `Σ weight_t · −log p(target_t)` in place and
/// returns that sum. Rows with a logit that is not finite make the sum NaN.
pub fn forward_backward(logits: &mut [f32], targets: &[u32], weights: &[f32]) -> f64 {
    let vocabulary = logits.len() / targets.len().max(1);
    let rows = logits
        .chunks_exact_mut(vocabulary)
        .zip(targets.iter().zip(weights));
    rows.map(|(row, (&target, &weight))| f64::from(weight) * row_loss(row, target as usize, weight))
        .sum()
}

/// `−log p(target)`; the row becomes `weight · (softmax − onehot)`.
fn row_loss(row: &mut [f32], target: usize, weight: f32) -> f64 {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let at_target = f64::from(row[target]) - f64::from(max);
    let total = vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0f32; 16];
            for chunk in row.chunks_mut(16) {
                for (value, sum) in chunk.iter_mut().zip(&mut sums) {
                    *value = super::exp(*value - max);
                    *sum += *value;
                }
            }
            let total: f32 = sums.iter().sum();
            let scale = weight / total;
            row.iter_mut().for_each(|value| *value *= scale);
            total
        },
    );
    row[target] -= weight;
    libm::log(f64::from(total)) - at_target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{check_gradient, noise};

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let (targets, weights) = ([3u32, 0, 18], [1.0f32, 0.5, 2.0]);
        let logits = noise(3 * 19, 9);
        let loss = |x: &[f64]| -> f64 {
            let rows = x.chunks(19).zip(targets.iter().zip(&weights));
            rows.map(|(x, (&t, &w))| {
                let total: f64 = x.iter().map(|v| v.exp()).sum();
                f64::from(w) * (total.ln() - x[t as usize])
            })
            .sum()
        };
        let mut gradient = logits.clone();
        let got = forward_backward(&mut gradient, &targets, &weights);
        let wide: Vec<f64> = logits.iter().map(|&v| v.into()).collect();
        assert!((got - loss(&wide)).abs() < 1e-5);
        check_gradient(&logits, &gradient, loss);
    }
}
