//! Whether a difference is more than luck: paired bootstrap over rows, and the exact McNemar test.

use crate::{
    metrics::{Counts, Metric},
    rng::SplitMix64,
};

/// Values of metrics on resampled rows. All systems see the same rows in a resample, so that
/// differences between them are paired.
#[derive(Debug, Clone, PartialEq)]
pub struct Bootstrap {
    /// `[system][metric][resample]`.
    values: Vec<Vec<Vec<f64>>>,
}

impl Bootstrap {
    /// Draws `resamples` times as many rows as there are, with replacement, and computes every
    /// metric of every system on them. `gold` and each of `systems` are label indices below `k`,
    /// one a row, none for a row without a prediction.
    ///
    /// A label that a resample misses by chance (no gold row, never predicted) is left out of that
    /// resample's macro-F1: it says nothing there, and counting it 0 would bias the interval down.
    pub fn new(
        k: usize,
        gold: &[usize],
        systems: &[Vec<Option<usize>>],
        metrics: &[Metric],
        resamples: usize,
        seed: u64,
    ) -> Self {
        let mut rng = SplitMix64::new(seed);
        let mut values = vec![vec![Vec::with_capacity(resamples); metrics.len()]; systems.len()];
        let whole: Vec<Counts> = systems
            .iter()
            .map(|predicted| count(k, gold, predicted, 0..gold.len()))
            .collect();
        let mut drawn = vec![0; gold.len()];
        for _ in 0..resamples {
            drawn.fill_with(|| rng.below(gold.len()));
            for (system, predicted) in systems.iter().enumerate() {
                let counts = count(k, gold, predicted, drawn.iter().copied());
                for (at, metric) in metrics.iter().enumerate() {
                    let value = match metric {
                        Metric::MacroF1 => macro_f1_of_drawn(k, &counts, &whole[system]),
                        Metric::Accuracy | Metric::Mcc => metric.of(&counts),
                    };
                    values[system][at].push(value);
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

fn count(
    k: usize,
    gold: &[usize],
    predicted: &[Option<usize>],
    rows: impl Iterator<Item = usize>,
) -> Counts {
    let mut counts = Counts::new(k);
    for row in rows {
        counts.add(gold[row], predicted[row]);
    }
    counts
}

fn macro_f1_of_drawn(k: usize, drawn: &Counts, whole: &Counts) -> f64 {
    let seen = |counts: &Counts, l: usize| counts.support(l) + counts.predicted(l) > 0;
    let missed = (0..k)
        .filter(|&l| seen(whole, l) && !seen(drawn, l))
        .count();
    Metric::MacroF1.of(drawn) * k as f64 / (k - missed).max(1) as f64
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

    /// 300 rows of three labels: a system that is right on about three quarters, one on half.
    fn data() -> (Vec<usize>, Vec<Vec<Option<usize>>>) {
        let mut rng = SplitMix64::new(5);
        let gold: Vec<usize> = (0..300).map(|_| rng.below(3)).collect();
        let mut answers = |share: f64| -> Vec<Option<usize>> {
            let rows = gold.iter();
            rows.map(|g| Some(if rng.unit() < share { *g } else { (g + 1) % 3 }))
                .collect()
        };
        let systems = vec![answers(0.75), answers(0.5)];
        (gold, systems)
    }

    #[test]
    fn an_interval_of_accuracy_is_about_two_standard_errors_wide() {
        let (gold, systems) = data();
        let metrics = Metric::SINGLE_LABEL;
        let bootstrap = Bootstrap::new(3, &gold, &systems, &metrics, 1000, 0);
        let accuracy = Counts::of_rows(3, &gold, &systems[0]).unwrap().accuracy();
        let error = (accuracy * (1.0 - accuracy) / 300.0).sqrt();
        let [low, high] = bootstrap.interval(0, 1);
        assert!((low - (accuracy - 1.96 * error)).abs() < 0.01, "{low}");
        assert!((high - (accuracy + 1.96 * error)).abs() < 0.01, "{high}");
        let again = Bootstrap::new(3, &gold, &systems, &metrics, 1000, 0);
        assert_eq!(again, bootstrap);
        let other = Bootstrap::new(3, &gold, &systems, &metrics, 1000, 1);
        assert_ne!(other, bootstrap);
    }

    #[test]
    fn differences_are_paired() {
        let (gold, mut systems) = data();
        systems.push(systems[0].clone());
        let metrics = Metric::SINGLE_LABEL;
        let bootstrap = Bootstrap::new(3, &gold, &systems, &metrics, 200, 0);
        for metric in 0..metrics.len() {
            assert_eq!(bootstrap.interval_of_difference(0, 2, metric), [0.0, 0.0]);
            let [low, high] = bootstrap.interval_of_difference(0, 1, metric);
            assert!(0.0 < low && low < high);
        }
    }

    #[test]
    fn a_label_that_a_resample_misses_does_not_lower_macro_f1() {
        // One row of label 1: a third of the resamples miss it.
        let gold = [0, 0, 0, 0, 1];
        let right = vec![gold.iter().map(|g| Some(*g)).collect()];
        let bootstrap = Bootstrap::new(2, &gold, &right, &[Metric::MacroF1], 500, 0);
        assert_eq!(bootstrap.interval(0, 0), [1.0, 1.0]);
        // A label that no row has counts 0 in every resample, as it does on the rows themselves.
        let bootstrap = Bootstrap::new(3, &gold, &right, &[Metric::MacroF1], 500, 0);
        let [low, high] = bootstrap.interval(0, 0);
        assert!(low <= 2.0 / 3.0 && 2.0 / 3.0 <= high, "{low} {high}");
    }
}
