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
