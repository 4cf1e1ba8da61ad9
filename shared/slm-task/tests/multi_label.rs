//! Multi-label metrics against scikit-learn, bit for bit, on `tests/goldens/multi_label.json`.

mod golden;

use std::collections::BTreeMap;

use golden::{Number, same, same_all};
use serde::Deserialize;
use slm_task::metrics::{Scores, ZeroDivision, multi_label::Counts};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    k: usize,
    gold: Vec<Vec<usize>>,
    predicted: Vec<Option<Vec<usize>>>,
    confusion: Vec<[[u64; 2]; 2]>,
    subset_accuracy: f64,
    hamming_loss: f64,
    averages: BTreeMap<String, Averages>,
}

#[derive(Deserialize)]
struct Averages {
    per_label: [Vec<Number>; 3],
    #[serde(rename = "macro")]
    macro_average: [Number; 3],
    micro: [Number; 3],
    weighted: [Number; 3],
    samples: [Number; 3],
}

fn cases() -> Vec<Case> {
    golden::read::<Golden>("multi_label.json").cases
}

fn same_scores(got: Scores, want: [Number; 3], what: &str) {
    same_all([got.precision, got.recall, got.f1], want, what);
}

fn counts(case: &Case) -> Counts {
    Counts::of_rows(case.k, &case.gold, &case.predicted).unwrap()
}

#[test]
fn counts_give_scikit_learns_numbers_bit_for_bit() {
    let cases = cases();
    assert!(cases.len() >= 200);
    for case in &cases {
        let name = &case.name;
        let counts = counts(case);
        assert_eq!(counts.confusion(), case.confusion, "{name}");
        let (exact, loss) = (counts.subset_accuracy(), counts.hamming_loss());
        same(exact, Number::Finite(case.subset_accuracy), name);
        same(loss, Number::Finite(case.hamming_loss), name);
        for (zero, want) in &case.averages {
            let what = format!("{name}, zero_division {zero}");
            let zero = match zero.as_str() {
                "0" => ZeroDivision::Zero,
                "1" => ZeroDivision::One,
                "nan" => ZeroDivision::Nan,
                other => panic!("{other}"),
            };
            for (label, scores) in counts.per_label(zero).into_iter().enumerate() {
                let [p, r, f] = &want.per_label;
                let what = format!("{what}, label {label}");
                same_scores(scores, [p[label], r[label], f[label]], &what);
                let [_, wanted] = case.confusion[label];
                assert_eq!(scores.support, wanted[0] + wanted[1], "{what}");
            }
            same_scores(counts.macro_average(zero), want.macro_average, &what);
            same_scores(counts.micro_average(zero), want.micro, &what);
            same_scores(counts.weighted_average(zero), want.weighted, &what);
            same_scores(counts.samples_average(zero), want.samples, &what);
        }
    }
}

#[test]
fn merged_rows_are_the_rows() {
    for case in cases() {
        let mut merged = Counts::new(case.k);
        for (gold, predicted) in case.gold.iter().zip(&case.predicted) {
            let mut row = Counts::new(case.k);
            row.add(gold, predicted.as_deref()).unwrap();
            merged.merge(&row);
        }
        assert_eq!(merged, counts(&case), "{}", case.name);
        let failures = case.predicted.iter().filter(|p| p.is_none()).count();
        assert_eq!(merged.failures(), failures as u64, "{}", case.name);
    }
}

#[test]
fn sets_have_no_order_and_no_repetition() {
    let plain = Counts::of_rows(3, &[vec![0, 2]], &[Some(vec![0, 1])]).unwrap();
    let repeated = Counts::of_rows(3, &[vec![2, 0, 2]], &[Some(vec![1, 0, 0, 1])]).unwrap();
    assert_eq!(plain, repeated);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let check = |gold: &[Vec<usize>], predicted: &[Option<Vec<usize>>], expected: &str| {
        let error = Counts::of_rows(2, gold, predicted).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(&[], &[], "no rows to score");
    check(&[vec![0]], &[], "0 predictions for 1 rows");
    check(
        &[vec![0], vec![2]],
        &[None, None],
        "row 2: label index 2 of 2 labels",
    );
    check(
        &[vec![0]],
        &[Some(vec![5])],
        "row 1: label index 5 of 2 labels",
    );
}
