//! What a person should know about rows before training on them: nothing here is an error.

use std::collections::BTreeMap;

use super::{Example, Target};

/// Rows of each class ([`Target::classes`](super::Target::classes)), by name.
pub fn class_counts(rows: &[Example]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for class in rows.iter().flat_map(|row| row.target.classes()) {
        *counts.entry(class.to_owned()).or_default() += 1;
    }
    counts
}

/// Warnings about labels: data with one label only, labels of the recipe without a row.
pub fn check_labels(rows: &[Example], labels: &[String]) -> Vec<String> {
    let counts = class_counts(rows);
    if let (1, Some((only, &n))) = (counts.len(), counts.first_key_value())
        && n == rows.len()
        && !rows
            .iter()
            .any(|row| matches!(row.target, Target::Spans(_) | Target::Object(_)))
    {
        return vec![format!(
            "all {n} rows have the label `{only}`: there is nothing to tell apart"
        )];
    }
    labels
        .iter()
        .filter(|label| !counts.contains_key(label.as_str()))
        .map(|label| format!("no row has the label `{label}`"))
        .collect()
}

/// Pairs of rows with the same text across two files (training and test, say): the first such row
/// of `a` and each row of `b`, as indices. Case and white space do not matter.
pub fn duplicates(a: &[Example], b: &[Example]) -> Vec<(usize, usize)> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, row) in a.iter().enumerate() {
        first.entry(normalised(&row.prompt)).or_insert(i);
    }
    b.iter()
        .enumerate()
        .filter_map(|(j, row)| first.get(&normalised(&row.prompt)).map(|&i| (i, j)))
        .collect()
}

/// Pairs of rows with the same text within one file: the first one and each repeat, as indices.
pub fn repeats(rows: &[Example]) -> Vec<(usize, usize)> {
    let pairs = duplicates(rows, rows).into_iter();
    pairs.filter(|(first, again)| first != again).collect()
}

/// Lower case, runs of white space as one space, none at the ends.
fn normalised(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}
