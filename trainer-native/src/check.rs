//! Findings about data files: how labels are spread, and which texts occur twice.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use slm_task::{Example, example};

use crate::rows::Rows;

/// Rows by label in each split, as a table.
pub fn balance(splits: &[(&str, &Vec<Example>)]) -> String {
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, (_, rows)) in splits.iter().enumerate() {
        for (class, rows) in example::class_counts(rows) {
            let line = counts.entry(class).or_insert_with(|| vec![0; splits.len()]);
            line[index] += rows;
        }
    }
    let width = counts.keys().map(|label| label.chars().count()).max();
    let width = width.unwrap_or(0).max("label".len());
    let mut text = format!("{:width$}", "label");
    for (name, _) in splits {
        let _ = write!(text, " {name:>14}");
    }
    text.push('\n');
    for (label, line) in &counts {
        let _ = write!(text, "{label:width$}");
        for (count, (_, rows)) in line.iter().zip(splits) {
            let share = 100.0 * *count as f64 / rows.len().max(1) as f64;
            let _ = write!(text, " {count:>6} {share:>5.1} %");
        }
        text.push('\n');
    }
    text
}

/// Texts that occur in more than one split, each as `file:line = file:line`. Case and white space
/// do not tell texts apart.
pub fn duplicates(splits: &[(&str, &Rows)]) -> Vec<String> {
    let mut first: HashMap<String, (usize, String)> = HashMap::new();
    let mut found = Vec::new();
    for (split, (name, rows)) in splits.iter().enumerate() {
        for row in &rows.examples {
            let place = format!("{name}:{}", row.line);
            match first.get(&plain(&row.prompt)) {
                Some((other, earlier)) if *other != split => {
                    found.push(format!("{place} = {earlier}"));
                }
                Some(_) => {}
                None => {
                    first.insert(plain(&row.prompt), (split, place));
                }
            }
        }
    }
    found
}

fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
