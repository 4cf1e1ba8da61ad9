//! Learning rate by step: linear warm-up, then half a cosine down to a tenth of the peak.

/// A learning-rate schedule over a known number of steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Peak learning rate.
    pub peak: f32,
    /// Optimizer steps in all.
    pub total: usize,
    /// Share of `total` that warms up, in `[0, 1]`.
    pub warmup: f32,
}

/// Share of the peak that is left at the last step.
pub const FLOOR: f64 = 0.1;

impl Schedule {
    /// Learning rate of optimizer step `step`, counted from 0. Steps past the end keep the floor.
    pub fn rate(&self, step: usize) -> f32 {
        let warmup = (self.total as f64 * f64::from(self.warmup)).round() as usize;
        let peak = f64::from(self.peak);
        if step < warmup {
            return (peak * (step + 1) as f64 / warmup as f64) as f32;
        }
        let span = self.total.saturating_sub(warmup + 1).max(1);
        let done = ((step - warmup) as f64 / span as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        (peak * (FLOOR + (1.0 - FLOOR) * cosine)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let schedule = Schedule {
            peak: 1.0,
            total: 100,
            warmup: 0.1,
        };
        let check = |step, expected: f32| {
            let found = schedule.rate(step);
            assert!((found - expected).abs() < 1e-6, "step {step}: {found}");
        };
        check(0, 0.1);
        check(4, 0.5);
        check(9, 1.0);
        check(10, 1.0);
        check(99, 0.1);
        check(1000, 0.1);
    }

    #[test]
    fn short_runs_stay_in_range() {
        for total in 0..8 {
            for warmup in [0.0, 0.05, 0.5, 1.0] {
                let schedule = Schedule {
                    peak: 2.0,
                    total,
                    warmup,
                };
                for step in 0..total + 2 {
                    let rate = schedule.rate(step);
                    assert!(rate > 0.0 && rate <= 2.0, "{total} {warmup} {step}: {rate}");
                }
            }
        }
    }
}
