//! Labels that are most likely one label, written in two ways.

use std::collections::BTreeMap;

/// How often a label occurs for each time that a slip of the finger in it does, at least.
const TIMES_A_SLIP: usize = 20;
/// Letters of the shortest label in which a slip is looked for.
const LETTERS: usize = 4;

/// Two labels that look alike, with their numbers of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The rarer one.
    pub rare: (String, usize),
    /// The other.
    pub common: (String, usize),
}

impl Alike {
    /// The pair, for people.
    pub fn in_words(&self) -> String {
        let ((rare, few), (common, many)) = (&self.rare, &self.common);
        format!(
            "the labels {rare:?} ({few} rows) and {common:?} ({many} rows) look alike; if they mean \
             the same, write one of them everywhere"
        )
    }
}

/// Labels that differ only in case, white space, `_` and `-`; and those that are one slip of the
/// finger apart, where one is very rare. Digits and an `s` at the end make labels differ on purpose.
pub fn pairs(counts: &BTreeMap<&str, usize>) -> Vec<Alike> {
    let labels: Vec<(&str, String, usize)> = (counts.iter())
        .map(|(label, rows)| (*label, plain(label), *rows))
        .collect();
    let mut found = Vec::new();
    for (index, a) in labels.iter().enumerate() {
        for b in &labels[index + 1..] {
            let (rare, common) = if a.2 <= b.2 { (a, b) } else { (b, a) };
            let slip = || rare.2 * TIMES_A_SLIP <= common.2 && is_slip(&rare.1, &common.1);
            if rare.1 == common.1 || slip() {
                found.push(Alike {
                    rare: (rare.0.to_string(), rare.2),
                    common: (common.0.to_string(), common.2),
                });
            }
        }
    }
    found
}

/// What is left of a label without that in which writings of it differ.
fn plain(label: &str) -> String {
    let differs = |c: &char| c.is_whitespace() || matches!(c, '_' | '-');
    let letters = label.chars().filter(|c| !differs(c));
    letters.flat_map(char::to_lowercase).collect()
}

/// One letter wrong, missing, too many, or two swapped.
fn is_slip(a: &str, b: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_numeric()).count();
    let digits = |text: &str| text.chars().filter(|c| c.is_numeric()).collect::<String>();
    let plural = |one: &str, many: &str| many.strip_suffix('s') == Some(one);
    letters(a).min(letters(b)) >= LETTERS
        && letters(a).abs_diff(letters(b)) <= 1
        && digits(a) == digits(b)
        && !plural(a, b)
        && !plural(b, a)
        && strsim::osa_distance(a, b) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writings_of_one_label_are_alike() {
        let check = |a: (&str, usize), b: (&str, usize), expected: bool| {
            let found = pairs(&BTreeMap::from([a, b]));
            assert_eq!(found.len(), usize::from(expected), "{a:?} {b:?}");
            if let [alike] = found.as_slice() {
                assert!(alike.rare.1 <= alike.common.1);
                for (label, rows) in [a, b] {
                    let words = format!("{label:?} ({rows} rows)");
                    assert!(alike.in_words().contains(&words), "{}", alike.in_words());
                }
            }
        };
        check(("Refund", 50), ("refund", 60), true);
        check(("talk_to_human", 5), ("Talk to-human", 5), true);
        check(("talk to  human", 0), ("talktohuman", 5), true);
        check(("refund", 100), ("refnud", 5), true);
        check(("refund", 100), ("refun", 1), true);
        check(("refund", 100), ("reefund", 1), true);
        check(("refund", 100), ("refumd", 1), true);
        // As common as a label of its own.
        check(("refund", 100), ("refumd", 6), false);
        check(("refund", 100), ("refunds", 1), false);
        check(("refund", 100), ("refumt", 1), false);
        check(("stars_1", 100), ("stars_2", 1), false);
        check(("yes", 100), ("yea", 1), false);
        check(("a", 5), ("b", 5), false);
    }
}
