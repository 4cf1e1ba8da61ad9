//! Findings about texts and labels: what occurs twice, nearly twice, or with two answers, and labels
//! that nothing has.

use std::collections::{BTreeMap, HashMap, HashSet};

use slm_task::{Example, example};

use super::{
    alike,
    findings::{Code, Finding},
    near::{self, plain},
};
use crate::rows::Rows;

/// A row with the split that it is of.
struct Placed<'a> {
    split: usize,
    name: String,
    row: &'a Example,
}

fn placed<'a>(splits: &[(&str, &'a Rows)]) -> Vec<Placed<'a>> {
    let rows = splits.iter().enumerate().flat_map(|(split, (file, rows))| {
        rows.examples.iter().map(move |row| Placed {
            split,
            name: format!("{file}:{}", row.line),
            row,
        })
    });
    rows.collect()
}

/// Texts that occur in more than one split, or with more than one answer. Case and white space do
/// not tell texts apart.
pub fn repeated(splits: &[(&str, &Rows)]) -> Vec<Finding> {
    let rows = placed(splits);
    let mut first: HashMap<String, &Placed<'_>> = HashMap::new();
    let mut found = Vec::new();
    for row in &rows {
        let earlier = *first.entry(plain(&row.row.prompt)).or_insert(row);
        let (a, b) = (&earlier.name, &row.name);
        let mut find = |code, message| {
            let places = vec![b.clone(), a.clone()];
            found.push(Finding {
                code,
                places,
                message,
            });
        };
        if earlier.split != row.split {
            find(Code::DuplicateAcross, format!("{b} = {a}"));
        }
        if earlier.row.target != row.row.target {
            let (then, now) = (earlier.row.target.in_words(), row.row.target.in_words());
            find(
                Code::Contradiction,
                format!("{b} says {now}, {a} says {then}"),
            );
        }
    }
    found
}

/// Near-duplicates across splits, without those that [`repeated`] finds.
pub fn nearly_repeated(splits: &[(&str, &Rows)]) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut rows = placed(splits);
    rows.retain(|row| seen.insert(plain(&row.row.prompt)));
    let texts: Vec<&str> = rows.iter().map(|row| row.row.prompt.as_str()).collect();
    let pairs = near::pairs(&texts).into_iter();
    let pairs = pairs.map(|(a, b)| (&rows[a], &rows[b]));
    pairs
        .filter(|(a, b)| a.split != b.split)
        .map(|(a, b)| Finding {
            code: Code::NearDuplicateAcross,
            places: vec![b.name.clone(), a.name.clone()],
            message: format!("{} ~ {}", b.name, a.name),
        })
        .collect()
}

/// Labels that look alike, over all splits; with the rows of the rarer one.
pub fn look_alikes(splits: &[(&str, &Rows)], labels: &[String]) -> Vec<Finding> {
    let mut counts: BTreeMap<&str, usize> = labels.iter().map(|l| (l.as_str(), 0)).collect();
    let rows = placed(splits);
    for class in rows.iter().flat_map(|row| row.row.target.classes()) {
        *counts.entry(class).or_default() += 1;
    }
    let finding = |pair: &alike::Alike| {
        let has = |row: &&Placed<'_>| row.row.target.classes().contains(&&*pair.rare.0);
        let places = rows.iter().filter(has).map(|row| row.name.clone());
        Finding {
            code: Code::LookAlikeLabels,
            places: places.collect(),
            message: pair.in_words(),
        }
    };
    alike::pairs(&counts).iter().map(finding).collect()
}

/// Labels of the recipe that a split has no row of.
pub fn labels_without_rows(splits: &[(&str, &Rows)], labels: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, rows) in splits {
        let counts = example::class_counts(&rows.examples);
        for label in labels.iter().filter(|label| !counts.contains_key(*label)) {
            found.push(Finding {
                code: Code::LabelWithoutRows,
                places: vec![(*name).to_string()],
                message: format!("{name} has no row of {label}"),
            });
        }
    }
    found
}
