//! What there is to know about data files before training on them: how labels are spread, and what
//! was found that may hurt. Nothing here is an error; rows that cannot be read never get here.

pub mod alike;
pub mod cuts;
pub mod findings;
pub mod lengths;
pub mod near;
mod texts;

use std::{collections::BTreeMap, fmt::Write};

use anyhow::Result;
use slm_task::{Example, Recipe, example};

use crate::rows::Rows;
use findings::{Code, Finding};

/// Everything found in the files of one recipe, by code. `base` is the model whose tokens count.
///
/// # Errors
/// A base model that is named and cannot be loaded.
pub fn all(splits: &[(&str, &Rows)], recipe: &Recipe, base: Option<&str>) -> Result<Vec<Finding>> {
    let mut found = texts::repeated(splits);
    found.extend(texts::nearly_repeated(splits));
    found.extend(texts::look_alikes(splits, &recipe.labels));
    found.extend(texts::labels_without_rows(splits, &recipe.labels));
    found.extend(cuts::words(splits));
    found.extend(ignored(splits));
    found.extend(lengths::too_long(splits, recipe, base)?);
    found.sort_by_key(|finding| finding.code);
    Ok(found)
}

/// Keys of rows that nothing reads.
fn ignored(splits: &[(&str, &Rows)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, rows) in splits {
        found.extend(rows.warnings.iter().map(|message| Finding {
            code: Code::KeyIgnored,
            places: vec![(*name).to_string()],
            message: message.clone(),
        }));
    }
    found
}

/// Texts that occur in more than one split, each as `file:line = file:line`.
pub fn duplicates(splits: &[(&str, &Rows)]) -> Vec<String> {
    let found = texts::repeated(splits).into_iter();
    let twice = found.filter(|finding| finding.code == Code::DuplicateAcross);
    twice.map(|finding| finding.message).collect()
}

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
