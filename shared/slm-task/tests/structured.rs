//! Scores of objects, on rows that a hand can count.

use serde_json::{Value, json};
use slm_task::metrics::structured::{Compare, Counts, Field};

fn fields() -> Vec<Field> {
    [
        ("customer.name", Compare::Normalized),
        ("date", Compare::Date),
        ("total", Compare::Number { tolerance: 0.01 }),
        ("items[].qty", Compare::Exact),
    ]
    .into_iter()
    .map(|(path, compare)| Field::new(path, compare).unwrap())
    .collect()
}

fn count(rows: &[(Value, Option<Value>)]) -> Counts {
    let fields = fields();
    let mut counts = Counts::new(fields.len());
    for (gold, predicted) in rows {
        counts.add(&fields, gold, predicted.as_ref());
    }
    counts
}

fn gold() -> Value {
    json!({
        "customer": {"name": "Ann Lee"},
        "date": "2026-11-24",
        "total": 12.5,
        "items": [{"qty": 1}, {"qty": 2}],
    })
}

/// The same under the rules, and written otherwise.
fn same() -> Value {
    json!({
        "total": 12.49,
        "customer": {"name": "ann lee."},
        "date": "2026-11-24T08:00",
        "items": [{"qty": 1.0}, {"qty": 2}],
    })
}

#[test]
fn one_row_is_counted_field_by_field() {
    // Present values as (right, predicted, gold) a field; accuracy a field; exact.
    let check = |predicted: Option<Value>, present: [(u64, u64, u64); 4], right: [f64; 4]| {
        let counts = count(&[(gold(), predicted.clone())]);
        let got = counts.present().iter();
        let got: Vec<_> = got.map(|t| (t.right, t.predicted, t.support)).collect();
        assert_eq!(got, present, "{predicted:?}");
        assert_eq!(counts.accuracies(), right, "{predicted:?}");
        let exact = f64::from(u8::from(predicted.is_some() && right == [1.0; 4]));
        assert_eq!(counts.exact_rate(), exact, "{predicted:?}");
        let valid = f64::from(u8::from(predicted.is_some()));
        assert_eq!(counts.valid_rate(), valid, "{predicted:?}");
    };
    let all = [(1, 1, 1), (1, 1, 1), (1, 1, 1), (2, 2, 2)];
    check(Some(gold()), all, [1.0; 4]);
    check(Some(same()), all, [1.0; 4]);
    let nothing = [(0, 0, 1), (0, 0, 1), (0, 0, 1), (0, 0, 2)];
    check(None, nothing, [0.0; 4]);
    check(Some(json!({})), nothing, [0.0; 4]);
    check(Some(json!("text")), nothing, [0.0; 4]);
    let mut other = gold();
    other["total"] = json!(12.52);
    other["customer"] = json!({"name": null});
    other["items"] = json!([{"qty": 1}, {"qty": 3}, {"qty": 2}]);
    let present = [(0, 0, 1), (1, 1, 1), (0, 1, 1), (1, 3, 2)];
    check(Some(other), present, [0.0, 1.0, 0.0, 0.0]);
    // Arrays go in order.
    let mut shifted = gold();
    shifted["items"] = json!([{"qty": 2}, {"qty": 1}]);
    let present = [(1, 1, 1), (1, 1, 1), (1, 1, 1), (0, 2, 2)];
    check(Some(shifted), present, [1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn an_answer_that_is_always_empty_scores_high_in_accuracy_alone() {
    // Nine rows name one field of four, in turns; one names none.
    let sparse = [
        json!({"date": "2026-11-24"}),
        json!({"total": 3}),
        json!({"customer": {"name": "A"}}),
    ];
    let mut rows: Vec<_> = (0..9)
        .map(|i| (sparse[i % 3].clone(), Some(json!({}))))
        .collect();
    rows.push((json!({}), Some(json!({}))));
    let counts = count(&rows);
    let expected = (0.7 + 0.7 + 0.7 + 1.0) / 4.0;
    assert!((counts.mean_accuracy() - expected).abs() < 1e-12);
    assert_eq!(counts.valid_rate(), 1.0);
    assert_eq!(counts.exact_rate(), 0.1);
    assert_eq!(counts.micro_average().f1, 0.0);
    assert_eq!(counts.macro_average().f1, 0.0);
}

#[test]
fn accuracy_is_over_what_parsed_and_recall_over_all() {
    let counts = count(&[
        (gold(), Some(same())),
        (gold(), None),
        (json!({}), Some(gold())),
    ]);
    assert_eq!((counts.rows(), counts.failures()), (3, 1));
    assert_eq!(counts.accuracies(), [0.5; 4]);
    assert_eq!(counts.mean_accuracy(), 0.5);
    assert_eq!(counts.valid_rate(), 2.0 / 3.0);
    assert_eq!(counts.exact_rate(), 1.0 / 3.0);
    for scores in counts
        .per_field()
        .into_iter()
        .chain([counts.micro_average()])
    {
        assert_eq!([scores.precision, scores.recall, scores.f1], [0.5; 3]);
    }
    assert_eq!(counts.micro_average().support, 10);
    // Nothing parsed: nothing to be accurate about.
    assert_eq!(count(&[(gold(), None)]).mean_accuracy(), 0.0);
}

#[test]
fn merged_rows_are_the_rows() {
    let rows = [
        (gold(), Some(same())),
        (gold(), None),
        (json!({}), Some(gold())),
    ];
    let mut merged = Counts::new(fields().len());
    for row in &rows {
        merged.merge(&count(std::slice::from_ref(row)));
    }
    assert_eq!(merged, count(&rows));
}
