//! Metrics against scikit-learn, bit for bit, on `tests/goldens/classification.json`.

mod golden;

use std::collections::BTreeMap;

use golden::{Number, same, same_all};
use serde::Deserialize;
use slm_task::{
    Failure, LabelPrediction, Prediction,
    metrics::{self, Counts, Scores, ZeroDivision},
    report::text,
};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    k: usize,
    gold: Vec<usize>,
    predicted: Vec<usize>,
    support: Vec<u64>,
    confusion: Option<Vec<Vec<u64>>>,
    accuracy: f64,
    mcc: f64,
    averages: BTreeMap<String, Averages>,
    report: Option<String>,
}

#[derive(Deserialize)]
struct Averages {
    per_class: [Vec<Number>; 3],
    #[serde(rename = "macro")]
    macro_average: [Number; 3],
    micro: [Number; 3],
    weighted: [Number; 3],
}

fn golden() -> Golden {
    golden::read("classification.json")
}

fn same_scores(got: Scores, want: [Number; 3], what: &str) {
    same_all([got.precision, got.recall, got.f1], want, what);
}

fn counts(case: &Case) -> Counts {
    let predicted: Vec<Option<usize>> = case
        .predicted
        .iter()
        .map(|&p| (p < case.k).then_some(p))
        .collect();
    Counts::of_rows(case.k, &case.gold, &predicted).unwrap()
}

#[test]
fn counts_give_scikit_learns_numbers_bit_for_bit() {
    let golden = golden();
    assert!(golden.cases.len() >= 200);
    for case in &golden.cases {
        let name = &case.name;
        let counts = counts(case);
        same(counts.accuracy(), Number::Finite(case.accuracy), name);
        same(counts.mcc(), Number::Finite(case.mcc), name);
        for (zero, want) in &case.averages {
            let what = format!("{name}, zero_division {zero}");
            let zero = match zero.as_str() {
                "0" => ZeroDivision::Zero,
                "1" => ZeroDivision::One,
                "nan" => ZeroDivision::Nan,
                other => panic!("{other}"),
            };
            for (label, scores) in counts.per_class(zero).into_iter().enumerate() {
                let [p, r, f] = &want.per_class;
                let what = format!("{what}, label {label}");
                same_scores(scores, [p[label], r[label], f[label]], &what);
                assert_eq!(scores.support, case.support[label], "{what}");
            }
            same_scores(counts.macro_average(zero), want.macro_average, &what);
            same_scores(counts.micro_average(zero), want.micro, &what);
            same_scores(counts.weighted_average(zero), want.weighted, &what);
        }
    }
}

#[test]
fn a_classification_holds_the_same_numbers_and_prints_the_same_report() {
    for case in golden().cases {
        let labels: Vec<String> = (0..case.k).map(|i| format!("c{i:03}")).collect();
        let gold: Vec<&String> = case.gold.iter().map(|&g| &labels[g]).collect();
        let predictions: Vec<Prediction> = case
            .predicted
            .iter()
            .map(|&p| prediction(labels.get(p)))
            .collect();
        let got = metrics::classification(&labels, &gold, &predictions).unwrap();
        assert_eq!(got.convention, "sklearn-1.9");
        same(got.accuracy, Number::Finite(case.accuracy), &case.name);
        same(got.mcc, Number::Finite(case.mcc), &case.name);
        if let Some(want) = case.averages.get("0") {
            same(got.macro_average.f1, want.macro_average[2], &case.name);
            same(got.micro.f1, want.micro[2], &case.name);
            same(got.weighted.f1, want.weighted[2], &case.name);
        }
        if let Some(want) = case.confusion {
            assert_eq!(got.confusion, want, "{}", case.name);
        }
        if let Some(want) = case.report {
            assert_eq!(text::classes(&got, 3), want, "{}", case.name);
        }
    }
}

fn prediction(label: Option<&String>) -> Prediction {
    let Some(label) = label else {
        let message = "no answer".to_string();
        return Prediction::Failed(Failure::Runtime { message });
    };
    Prediction::Label(LabelPrediction {
        label: label.clone(),
        probabilities: Vec::new(),
        outside: 0.0,
    })
}
