//! How much each row counts in the loss when classes are unequal.

use std::collections::BTreeMap;

use slm_task::{Example, Target, recipe::Balance};

/// One weight a row, mean 1 over the rows.
pub fn weights(rows: &[Example], balance: Balance) -> Vec<f32> {
    let classes: Vec<&str> = rows.iter().map(class).collect();
    let mut count: BTreeMap<&str, f64> = BTreeMap::new();
    for class in &classes {
        *count.entry(class).or_default() += 1.0;
    }
    let raw = |class: &str| match balance {
        Balance::None => 1.0,
        Balance::Sqrt => 1.0 / count[class].sqrt(),
        Balance::Inverse => 1.0 / count[class],
    };
    let mean = classes.iter().map(|class| raw(class)).sum::<f64>() / classes.len().max(1) as f64;
    classes
        .iter()
        .map(|class| (raw(class) / mean) as f32)
        .collect()
}

fn class(row: &Example) -> &str {
    match &row.target {
        Target::Label(label) => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(labels: &str, balance: Balance, expected: &[f32]) {
        let rows: Vec<Example> = labels
            .chars()
            .map(|label| Example {
                prompt: String::new(),
                target: Target::Label(label.to_string()),
                slice: None,
                line: 1,
            })
            .collect();
        let found = weights(&rows, balance);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn rare_classes_weigh_more() {
        check("", Balance::Sqrt, &[]);
        check("aab", Balance::None, &[1.0, 1.0, 1.0]);
        check("aab", Balance::Inverse, &[0.75, 0.75, 1.5]);
        check(
            "aaaab",
            Balance::Sqrt,
            &[5.0 / 6.0, 5.0 / 6.0, 5.0 / 6.0, 5.0 / 6.0, 5.0 / 3.0],
        );
    }
}
