//! Cutting dev and test rows from training rows, so that no text is on two sides, nor nearly, and
//! every class is on each side that it can be on. It knows texts and classes, and no files.

use std::collections::{BTreeMap, BTreeSet};

use slm_task::rng::SplitMix64;

use crate::check::near;

/// A row as far as cutting goes.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The text.
    pub text: &'a str,
    /// The row's classes; a row without any is of a class of its own kind.
    pub classes: &'a [String],
}

/// Which rows go where: indices in the order of the file.
#[derive(Debug, Default, PartialEq)]
pub struct Cut {
    /// Rows that stay.
    pub train: Vec<usize>,
    /// For each part asked for, its rows.
    pub parts: Vec<Vec<usize>>,
}

const NO_CLASS: &str = "";

fn classes<'a>(item: &Item<'a>) -> Vec<&'a str> {
    match item.classes {
        [] => vec![NO_CLASS],
        some => some.iter().map(String::as_str).collect(),
    }
}

/// Groups of rows that move as one; without those that have a text of `fixed`, which stay.
fn groups(items: &[Item<'_>], fixed: &[&str]) -> Vec<Vec<usize>> {
    let mut texts: Vec<&str> = items.iter().map(|item| item.text).collect();
    texts.extend(fixed);
    let mut groups = near::groups(&texts);
    groups.retain(|group| group.last().is_some_and(|&last| last < items.len()));
    groups
}

/// For each class, how many groups of rows could move one by one: texts of it that differ.
pub fn different_texts<'a>(items: &[Item<'a>], fixed: &[&str]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for group in groups(items, fixed) {
        let own: BTreeSet<&str> = group.iter().flat_map(|&row| classes(&items[row])).collect();
        for class in own {
            *counts.entry(class).or_insert(0) += 1;
        }
    }
    counts
}

/// Cuts parts of about `sizes` rows from `items`. A group of rows with the same or nearly the same
/// text moves as one; a group with a text of `fixed` (rows that stand in other files already)
/// stays. The last group of a class stays, and a class gives each part its share, one row at
/// least where it has the groups: parts are served in order, rare classes first.
pub fn cut(items: &[Item<'_>], fixed: &[&str], sizes: &[usize], seed: u64) -> Cut {
    let mut groups = groups(items, fixed);
    SplitMix64::new(seed).shuffle(&mut groups);
    let mut cutter = Cutter::new(items, groups);
    let parts = sizes.iter().map(|&size| cutter.part(size)).collect();
    Cut {
        parts,
        train: (0..items.len()).filter(|&row| !cutter.moved[row]).collect(),
    }
}

struct Cutter<'a> {
    items: &'a [Item<'a>],
    /// Groups that may move, each with its rows of each class.
    groups: Vec<(Vec<usize>, BTreeMap<&'a str, usize>)>,
    taken: Vec<bool>,
    moved: Vec<bool>,
    /// Rows of each class in all, and the groups of it that have not moved.
    rows: BTreeMap<&'a str, usize>,
    left: BTreeMap<&'a str, usize>,
}

impl<'a> Cutter<'a> {
    fn new(items: &'a [Item<'a>], groups: Vec<Vec<usize>>) -> Self {
        let count = |rows: &[usize]| {
            let mut counts = BTreeMap::new();
            for class in rows.iter().flat_map(|&row| classes(&items[row])) {
                *counts.entry(class).or_insert(0) += 1;
            }
            counts
        };
        let all: Vec<usize> = (0..items.len()).collect();
        let groups: Vec<_> = groups
            .into_iter()
            .map(|group| {
                let counts = count(&group);
                (group, counts)
            })
            .collect();
        let mut left = BTreeMap::new();
        for class in groups.iter().flat_map(|(_, counts)| counts.keys()) {
            *left.entry(*class).or_insert(0) += 1;
        }
        Self {
            taken: vec![false; groups.len()],
            moved: vec![false; items.len()],
            rows: count(&all),
            left,
            groups,
            items,
        }
    }

    /// The rows of one part.
    fn part(&mut self, size: usize) -> Vec<usize> {
        let mut part = Vec::new();
        let mut has: BTreeMap<&str, usize> = BTreeMap::new();
        let mut order: Vec<(&str, usize)> = self.rows.clone().into_iter().collect();
        order.sort_by_key(|&(class, rows)| (rows, class));
        for (class, rows) in order {
            let share = size as f64 / self.items.len().max(1) as f64;
            let wanted = ((rows as f64 * share).round() as usize).max(1);
            for group in 0..self.groups.len() {
                let has_now = has.get(class).copied().unwrap_or(0);
                if has_now >= wanted {
                    break;
                }
                let adds = self.groups[group].1.get(class).copied().unwrap_or(0);
                let fits = has_now == 0 || has_now + adds <= wanted;
                if adds > 0 && fits && self.may_move(group) {
                    self.take(group, &mut part, &mut has);
                }
            }
        }
        part.sort_unstable();
        part
    }

    /// Whether training keeps another group of each of the group's classes.
    fn may_move(&self, group: usize) -> bool {
        let classes = &self.groups[group].1;
        !self.taken[group] && classes.keys().all(|class| self.left[class] > 1)
    }

    fn take(&mut self, group: usize, part: &mut Vec<usize>, has: &mut BTreeMap<&'a str, usize>) {
        self.taken[group] = true;
        let (rows, counts) = &self.groups[group];
        for (&class, &count) in counts {
            *has.entry(class).or_insert(0) += count;
            *self.left.entry(class).or_insert(1) -= 1;
        }
        rows.iter().for_each(|&row| self.moved[row] = true);
        part.extend(rows);
    }
}
