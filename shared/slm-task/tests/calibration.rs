//! Expected calibration error against torchmetrics, on `tests/goldens/calibration.json`.

use std::path::PathBuf;

use serde::Deserialize;
use slm_task::{Failure, LabelPrediction, Prediction, metrics};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    ece: f64,
    ece_f32: f64,
}

fn golden() -> Golden {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../../tests/goldens/calibration.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn labels(k: usize) -> Vec<String> {
    (0..k).map(|i| format!("c{i}")).collect()
}

fn prediction(labels: &[String], probabilities: &[f64]) -> Prediction {
    let mut best = 0;
    for (i, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = i;
        }
    }
    Prediction::Label(LabelPrediction {
        label: labels[best].clone(),
        probabilities: probabilities.to_vec(),
        outside: 0.25,
    })
}

#[test]
fn the_error_is_torchmetrics_error() {
    let mut rounded_alike = 0;
    for case in golden().cases {
        let labels = labels(case.probabilities[0].len());
        let gold: Vec<&String> = case.gold.iter().map(|&g| &labels[g]).collect();
        let rows = case.probabilities.iter();
        let predictions: Vec<Prediction> = rows.map(|p| prediction(&labels, p)).collect();
        let got = metrics::classification(&labels, &gold, &predictions).unwrap();
        let ece = got.ece.unwrap();
        // torch sums the sixteen bins in another order.
        assert!(
            (ece - case.ece).abs() <= 2e-16,
            "{}: {ece} {}",
            case.name,
            case.ece
        );
        // Rounded to float32, a confidence beside a bound falls into another bin.
        if !predictions.iter().any(is_near_bound) {
            assert!((ece - case.ece_f32).abs() <= 1e-6, "{}: {ece}", case.name);
            rounded_alike += 1;
        }
        assert_eq!(got.outside, Some(0.25));
        assert_eq!(got.reliability.len(), 16);
        let counted: u64 = got.reliability.iter().map(|b| b.count).sum();
        assert_eq!(counted as usize, gold.len());
    }
    assert!(rounded_alike >= 20, "{rounded_alike}");
}

fn is_near_bound(prediction: &Prediction) -> bool {
    let bins = prediction.confidence().unwrap() * 15.0;
    (bins - bins.round()).abs() < 1e-5
}

#[test]
fn only_rows_with_probabilities_count() {
    let labels = labels(2);
    let failed = Prediction::Failed(Failure::Runtime {
        message: "no answer".to_string(),
    });
    let sure = prediction(&labels, &[1.0, 0.0]);
    let gold = ["c0", "c0"];
    let some = metrics::classification(&labels, &gold, &[sure, failed.clone()]).unwrap();
    assert_eq!(some.ece, Some(0.0));
    assert_eq!(some.reliability[15].count, 1);
    assert_eq!(some.accuracy, 0.5);
    let none = metrics::classification(&labels, &gold, &[failed.clone(), failed]).unwrap();
    assert_eq!((none.ece, none.outside), (None, None));
    assert!(none.reliability.is_empty());
}
