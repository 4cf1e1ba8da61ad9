//! Whether a difference is more than luck: paired bootstrap over rows, and the exact McNemar test.

use crate::rng::SplitMix64;

/// Values of metrics on resampled rows. All systems see the same rows in a resample, so that
/// differences between them are paired.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// `[system][metric][resample]`.
    values: Vec<Vec<Vec<f64>>>,
}

impl Bootstrap {
    /// Draws `resamples` times as many rows as there are, with replacement, and asks `metrics` for
    /// the metrics of each system (by index) on them: always as many, in the same order.
    pub fn new(
        rows: usize,
        systems: usize,
        resamples: usize,
        seed: u64,
        metrics: impl Fn(usize, &[usize]) -> Vec<f64>,
    ) -> Self {
        let mut rng = SplitMix64::new(seed);
        let mut values: Vec<Vec<Vec<f64>>> = vec![Vec::new(); systems];
        let mut drawn = vec![0; rows];
        for _ in 0..resamples {
            drawn.fill_with(|| rng.below(rows));
            for (system, values) in values.iter_mut().enumerate() {
                let found = metrics(system, &drawn);
                values.resize_with(found.len(), Vec::new);
                for (all, value) in values.iter_mut().zip(found) {
                    all.push(value);
                }
            }
        }
        Self { values }
    }

    /// 95 % percentile interval of a metric of a system, both by index.
    pub fn interval(&self, system: usize, metric: usize) -> [f64; 2] {
        percentile_interval(self.values[system][metric].clone())
    }

    /// 95 % percentile interval of `system` minus `other`.
    pub fn interval_of_difference(&self, system: usize, other: usize, metric: usize) -> [f64; 2] {
        let ours = self.values[system][metric].iter();
        let theirs = self.values[other][metric].iter();
        percentile_interval(ours.zip(theirs).map(|(a, b)| a - b).collect())
    }
}

/// Percentiles 2.5 and 97.5, linear between neighbours (numpy's default). Zeros without values.
fn percentile_interval(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let Some(last) = values.len().checked_sub(1) else {
            return 0.0;
        };
        let position = share * last as f64;
        let below = values[position.floor() as usize];
        let above = values[position.ceil() as usize];
        below + (above - below) * (position - position.floor())
    })
}

/// Exact two-sided McNemar test: the probability, if both systems were equally good, of a split of
/// the rows that exactly one of them gets right at least as uneven as `only_a` to `only_b`.
/// Twice the lower binomial tail at one half, at most 1.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let n = only_a + only_b;
    // C(n, i) overflows f64 beyond n = 1029: powers of two are moved out, which is exact.
    const SHIFT: i32 = 512;
    let scale = libm::ldexp(1.0, -SHIFT);
    let mut moved = 0;
    let mut term = 1.0;
    let mut tail = 1.0;
    for i in 1..=only_a.min(only_b) {
        term = term * (n - i + 1) as f64 / i as f64;
        tail += term;
        if term > 1.0 / scale {
            term *= scale;
            tail *= scale;
            moved += SHIFT;
        }
    }
    // In steps: 2^(1 - n) alone may be below the smallest f64 when the product is not.
    let exponent = 1 + i64::from(moved) - n as i64;
    let p = match i32::try_from(exponent) {
        Ok(exponent) => libm::ldexp(tail, exponent),
        Err(_) => 0.0,
    };
    p.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_gives_known_values() {
        // scipy 1.17.1: binomtest(min(a, b), a + b, 0.5).pvalue
        let check = |a, b, expected: f64, tolerance: f64| {
            for p in [mcnemar(a, b), mcnemar(b, a)] {
                let error = (p - expected).abs();
                assert!(
                    error <= tolerance * expected,
                    "({a}, {b}): {p} is not {expected}"
                );
            }
        };
        check(0, 0, 1.0, 0.0);
        check(7, 7, 1.0, 0.0);
        check(0, 6, 0.03125, 0.0);
        check(1, 9, 0.021484375, 0.0);
        check(10, 25, 0.01667384780012071, 0.0);
        check(3, 40, 3.0213413992896676e-9, 1e-15);
        check(480, 600, 0.0002895729029358247, 1e-12);
        check(700, 900, 6.319484959450105e-7, 1e-12);
        check(5000, 5100, 0.32458154633139585, 1e-11);
        check(0, 1100, 0.0, 0.0);
    }

    #[test]
    fn percentiles_are_numpys() {
        let values = (0..1000).map(f64::from).rev().collect();
        let [low, high] = percentile_interval(values);
        assert!((low - 24.975).abs() < 1e-12 && (high - 974.025).abs() < 1e-9);
        assert_eq!(percentile_interval(vec![2.0]), [2.0, 2.0]);
    }

    /// Share of 300 rows that a system gets right: one about three quarters, one half, and the
    /// first again.
    fn shares() -> Vec<Vec<bool>> {
        let mut rng = SplitMix64::new(5);
        let mut rows = |share: f64| (0..300).map(|_| rng.unit() < share).collect();
        let systems: [Vec<bool>; 2] = [rows(0.75), rows(0.5)];
        vec![systems[0].clone(), systems[1].clone(), systems[0].clone()]
    }

    fn bootstrap(systems: &[Vec<bool>], resamples: usize, seed: u64) -> Bootstrap {
        let share = |system: usize, rows: &[usize]| {
            let right = rows.iter().filter(|&&row| systems[system][row]).count();
            vec![right as f64 / rows.len() as f64]
        };
        Bootstrap::new(300, systems.len(), resamples, seed, share)
    }

    #[test]
    fn an_interval_of_a_share_is_about_two_standard_errors_wide() {
        let systems = shares();
        let share = systems[0].iter().filter(|right| **right).count() as f64 / 300.0;
        let error = (share * (1.0 - share) / 300.0).sqrt();
        let whole = bootstrap(&systems, 1000, 0);
        let [low, high] = whole.interval(0, 0);
        assert!((low - (share - 1.96 * error)).abs() < 0.01, "{low}");
        assert!((high - (share + 1.96 * error)).abs() < 0.01, "{high}");
        assert_eq!(whole, bootstrap(&systems, 1000, 0));
        assert_ne!(whole, bootstrap(&systems, 1000, 1));
    }

    #[test]
    fn differences_are_paired() {
        let bootstrap = bootstrap(&shares(), 200, 0);
        assert_eq!(bootstrap.interval_of_difference(0, 2, 0), [0.0, 0.0]);
        let [low, high] = bootstrap.interval_of_difference(0, 1, 0);
        assert!(0.0 < low && low < high);
    }
}
