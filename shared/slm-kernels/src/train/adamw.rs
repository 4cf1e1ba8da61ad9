//! AdamW (Loshchilov & Hutter 2019) with both moments in the caller's hands, for exact resume.

/// Hyperparameters of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// One step over a tensor; `step` counts from 1. All slices have the parameters' length.
///
/// `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `p ← p(1 − lr·wd) − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + eps)`.
pub fn adamw(
    parameters: &mut [f32],
    gradients: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    settings: AdamW,
    step: u64,
) {
    let n = parameters.len();
    assert!(
        [gradients.len(), m.len(), v.len()] == [n; 3],
        "optimizer state lengths"
    );
    let AdamW {
        lr,
        beta1,
        beta2,
        eps,
        weight_decay,
    } = settings;
    let correction1 = 1.0 - libm::pow(f64::from(beta1), step as f64) as f32;
    let correction2 = 1.0 - libm::pow(f64::from(beta2), step as f64) as f32;
    for i in 0..n {
        let g = gradients[i];
        m[i] = beta1 * m[i] + (1.0 - beta1) * g;
        v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
        let update = (m[i] / correction1) / ((v[i] / correction2).sqrt() + eps);
        parameters[i] -= lr * (update + weight_decay * parameters[i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torch.optim.AdamW 2.x, lr 0.1, weight decay 0.01, parameter 1, gradients 0.5, −0.25, 1.
    #[test]
    fn three_steps_as_the_formula_says() {
        let (mut p, mut m, mut v) = ([1.0f32], [0.0f32], [0.0f32]);
        let (mut want, mut wm, mut wv) = (1.0f64, 0.0f64, 0.0f64);
        for (step, g) in [0.5f32, -0.25, 1.0].into_iter().enumerate() {
            let settings = AdamW {
                lr: 0.1,
                weight_decay: 0.01,
                ..AdamW::default()
            };
            adamw(&mut p, &[g], &mut m, &mut v, settings, step as u64 + 1);
            let (g, t) = (f64::from(g), step as i32 + 1);
            want *= 1.0 - 0.1 * 0.01;
            wm = 0.9 * wm + 0.1 * g;
            wv = 0.999 * wv + 0.001 * g * g;
            let root = (wv / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8;
            want -= 0.1 * (wm / (1.0 - 0.9f64.powi(t))) / root;
            assert!(
                (f64::from(p[0]) - want).abs() < 1e-5,
                "step {step}: {} {want}",
                p[0]
            );
        }
    }
}
