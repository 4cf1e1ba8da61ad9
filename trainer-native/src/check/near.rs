//! Texts that are the same, or nearly: how alike texts are found, and gathered in groups. Knows
//! nothing of rows, labels or files.

use std::collections::{BTreeSet, HashMap};

use crate::generate::overlap::grams;

/// Above this share of the shorter text's runs of five words, two texts are near-duplicates.
pub const NEAR: f64 = 0.8;

/// A text without what typing varies: case, and how much white space there is.
pub fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// Pairs of texts, by index and the smaller first, of which the shorter one has more than [`NEAR`]
/// of its runs of five words in the longer one. A text of fewer than five words is one run.
///
/// Exact: of a text's runs, so few may be missing that its rarest ones cannot all be; only texts
/// that share one of these are compared.
pub fn pairs(texts: &[&str]) -> Vec<(usize, usize)> {
    let (runs, holders) = index(texts);
    let mut found = BTreeSet::new();
    for (text, own) in runs.iter().enumerate() {
        let missing = own.len() - least_shared(own.len()).min(own.len());
        let mut rarest: Vec<usize> = own.iter().copied().collect();
        rarest.sort_by_key(|&run| (holders[run].len(), run));
        let near = rarest
            .iter()
            .take(missing + 1)
            .flat_map(|&run| &holders[run]);
        let others: BTreeSet<usize> = near.copied().filter(|&other| other != text).collect();
        for other in others {
            let shared = own.intersection(&runs[other]).count();
            if own.len() <= runs[other].len() && shared >= least_shared(own.len()) {
                found.insert((text.min(other), text.max(other)));
            }
        }
    }
    found.into_iter().collect()
}

/// The runs of each text, as numbers, and the texts that hold each run.
fn index(texts: &[&str]) -> (Vec<BTreeSet<usize>>, Vec<Vec<usize>>) {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut holders: Vec<Vec<usize>> = Vec::new();
    let mut runs = Vec::with_capacity(texts.len());
    for (text, words) in texts.iter().enumerate() {
        let own: BTreeSet<usize> = grams(words)
            .into_iter()
            .map(|run| {
                let next = numbers.len();
                *numbers.entry(run).or_insert(next)
            })
            .collect();
        holders.resize(numbers.len(), Vec::new());
        own.iter().for_each(|&run| holders[run].push(text));
        runs.push(own);
    }
    (runs, holders)
}

/// The fewest shared runs that are more than [`NEAR`] of `runs`.
fn least_shared(runs: usize) -> usize {
    (NEAR * runs as f64 + 1e-9).floor() as usize + 1
}

/// Texts in groups, so that no text of one is the same as, or nearly, a text of another: indices,
/// each group in order, the groups by their first.
pub fn groups(texts: &[&str]) -> Vec<Vec<usize>> {
    let mut distinct: Vec<usize> = Vec::new();
    let mut first: HashMap<String, usize> = HashMap::new();
    let place: Vec<usize> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            *first.entry(plain(text)).or_insert_with(|| {
                distinct.push(index);
                distinct.len() - 1
            })
        })
        .collect();
    let compared: Vec<&str> = distinct.iter().map(|&index| texts[index]).collect();
    let mut leader: Vec<usize> = (0..compared.len()).collect();
    for (a, b) in pairs(&compared) {
        let (a, b) = (lead(&mut leader, a), lead(&mut leader, b));
        leader[a.max(b)] = a.min(b);
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); compared.len()];
    for (index, &place) in place.iter().enumerate() {
        groups[lead(&mut leader, place)].push(index);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The smallest member of a text's group.
fn lead(leader: &mut [usize], mut text: usize) -> usize {
    while leader[text] != text {
        leader[text] = leader[leader[text]];
        text = leader[text];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "one two three four five six seven eight nine ten eleven twelve";

    #[test]
    fn near_is_more_than_four_fifths_of_the_shorter() {
        let check = |a: &str, b: &str, expected: bool| {
            assert_eq!(!pairs(&[a, b]).is_empty(), expected, "{a} / {b}");
            assert_eq!(!pairs(&[b, a]).is_empty(), expected, "{b} / {a}");
        };
        check("thank you", "Thank you!", true);
        check("thank you", "thank you so much for that", false);
        check(LONG, &format!("{LONG} thirteen fourteen"), true);
        check(LONG, "one two three four five six seven", true);
        // Eight runs; seven shared are over four fifths, six are not.
        check(LONG, &LONG.replace("twelve", "12"), true);
        check(LONG, &LONG.replace("eleven", "11"), false);
        check("🙂", "🙃", false);
    }

    #[test]
    fn groups_hold_what_belongs_together() {
        let check = |texts: &[&str], expected: &[&[usize]]| {
            assert_eq!(groups(texts), expected, "{texts:?}");
        };
        check(&[], &[]);
        check(&["a", "b", " A ", "🙂", "🙂"], &[&[0, 2], &[1], &[3, 4]]);
        let end = "seven eight nine ten eleven twelve and thirteen";
        check(
            &["five six seven eight nine ten", end, LONG, "one"],
            &[&[0, 2], &[1], &[3]],
        );
    }
}
