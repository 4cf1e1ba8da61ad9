//! What is done about classes of unequal size: how often each row comes, and how much it counts.
//!
//! A class is a name: the row's label, or its set of labels as one.

use std::collections::BTreeMap;

use slm_task::{recipe::Balance, rng::SplitMix64};

/// One weight a row, mean 1 over the rows.
pub fn weights<S: AsRef<str>>(classes: &[S], balance: Balance) -> Vec<f32> {
    let mut count: BTreeMap<&str, f64> = BTreeMap::new();
    for class in classes {
        *count.entry(class.as_ref()).or_default() += 1.0;
    }
    let raw = |class: &S| match balance {
        Balance::None => 1.0,
        Balance::Sqrt => 1.0 / count[class.as_ref()].sqrt(),
        Balance::Inverse => 1.0 / count[class.as_ref()],
    };
    let mean = classes.iter().map(raw).sum::<f64>() / classes.len().max(1) as f64;
    classes
        .iter()
        .map(|class| (raw(class) / mean) as f32)
        .collect()
}

/// Rows of an epoch, in the order of `classes`: a class of fewer than `up` rows repeats whole until
/// it has at least that many, of a class of more than `down` rows a seeded choice of `down` is kept.
/// 0 turns either off.
pub fn sample<S: AsRef<str>>(classes: &[S], up: usize, down: usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, class) in classes.iter().enumerate() {
        members.entry(class.as_ref()).or_default().push(row);
    }
    let mut rng = SplitMix64::new(seed);
    let mut chosen = Vec::with_capacity(classes.len());
    for rows in members.values_mut() {
        if down > 0 && rows.len() > down {
            rng.shuffle(rows);
            rows.truncate(down);
        }
        let times = up.div_ceil(rows.len()).max(1);
        chosen.extend(rows.iter().flat_map(|&row| std::iter::repeat_n(row, times)));
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(labels: &str) -> Vec<String> {
        labels.chars().map(String::from).collect()
    }

    #[test]
    fn rare_classes_weigh_more() {
        let check = |labels: &str, balance: Balance, expected: &[f32]| {
            let found = weights(&classes(labels), balance);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        };
        check("", Balance::Sqrt, &[]);
        check("aab", Balance::None, &[1.0, 1.0, 1.0]);
        check("aab", Balance::Inverse, &[0.75, 0.75, 1.5]);
        check(
            "aaaab",
            Balance::Sqrt,
            &[5.0 / 6.0, 5.0 / 6.0, 5.0 / 6.0, 5.0 / 6.0, 5.0 / 3.0],
        );
    }

    #[test]
    fn classes_are_repeated_and_cut() {
        let check = |labels: &str, up, down, expected: &[usize]| {
            assert_eq!(
                sample(&classes(labels), up, down, 0),
                expected,
                "{up} {down}"
            );
        };
        check("aab", 0, 0, &[0, 1, 2]);
        check("aab", 2, 0, &[0, 1, 2, 2]);
        check("aab", 3, 0, &[0, 0, 1, 1, 2, 2, 2]);
        check("", 3, 3, &[]);
        let cut = sample(&classes("aaaaaab"), 0, 2, 0);
        assert_eq!((cut.len(), *cut.last().unwrap()), (3, 6));
        assert_eq!(cut, sample(&classes("aaaaaab"), 0, 2, 0));
        assert_ne!(
            sample(&classes(&"a".repeat(40)), 0, 9, 0),
            sample(&classes(&"a".repeat(40)), 0, 9, 1)
        );
    }
}
