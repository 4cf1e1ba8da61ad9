//! Entity-level metrics against seqeval, bit for bit, on `tests/goldens/entities.json`.

mod golden;

use std::collections::{BTreeMap, BTreeSet};

use golden::{Number, same_all};
use serde::Deserialize;
use slm_task::metrics::spans::{Convention, EntityScores, Matches, Tag};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    gold: Vec<String>,
    predicted: Vec<String>,
    default: Scored,
    strict: Scored,
}

#[derive(Deserialize)]
struct Scored {
    /// Precision, recall, F1, F2 and support of the types that occur.
    types: BTreeMap<String, (Number, Number, Number, Number, u64)>,
    micro: [Number; 4],
    #[serde(rename = "macro")]
    macro_average: [Number; 4],
    weighted: [Number; 4],
}

fn same_scores(got: EntityScores, want: [Number; 4], what: &str) {
    same_all([got.precision, got.recall, got.f1, got.f2], want, what);
}

/// The types of a case, in an order that is not the alphabet's.
fn labels(case: &Case) -> Vec<&str> {
    let rows = case.gold.iter().chain(&case.predicted);
    let tags = rows.flat_map(|row| row.split_whitespace());
    let labels: BTreeSet<&str> = tags.filter_map(|tag| tag.get(2..)).collect();
    labels.into_iter().rev().collect()
}

fn tags(row: &str, labels: &[&str]) -> Vec<Tag> {
    let one = |tag: &str| {
        let Some((prefix, label)) = tag.split_once('-') else {
            return Tag::Outside;
        };
        let label = labels.iter().position(|l| *l == label).unwrap();
        match prefix {
            "B" => Tag::Begin(label),
            "I" => Tag::Inside(label),
            other => panic!("{other}"),
        }
    };
    row.split_whitespace().map(one).collect()
}

fn check(case: &Case, want: &Scored, convention: Convention) {
    let what = format!("{}, {}", case.name, convention.name());
    let labels = labels(case);
    let mut matches = Matches::new(&labels);
    for (gold, predicted) in case.gold.iter().zip(&case.predicted) {
        let mut row = Matches::new(&labels);
        row.add_tags(&tags(gold, &labels), &tags(predicted, &labels), convention);
        matches.merge(&row);
    }
    same_scores(matches.micro_average(), want.micro, &what);
    same_scores(matches.macro_average(), want.macro_average, &what);
    same_scores(matches.weighted_average(), want.weighted, &what);
    for (label, counts) in labels.iter().zip(matches.types()) {
        let what = format!("{what}, {label}");
        let scores = counts.scores();
        match want.types.get(*label) {
            Some(&(p, r, f1, f2, support)) => {
                same_scores(scores, [p, r, f1, f2], &what);
                assert_eq!(scores.support, support, "{what}");
            }
            None => assert_eq!((counts.support, counts.predicted), (0, 0), "{what}"),
        }
    }
    assert!(
        want.types
            .keys()
            .all(|name| labels.contains(&name.as_str()))
    );
}

#[test]
fn matches_give_seqevals_numbers_bit_for_bit() {
    let cases = golden::read::<Golden>("entities.json").cases;
    assert!(cases.len() >= 200);
    for case in &cases {
        check(case, &case.default, Convention::Default);
        check(case, &case.strict, Convention::Strict);
    }
}
