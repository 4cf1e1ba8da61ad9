//! Errors of scoring name the row that they are about, of every shape.

use slm_task::{
    Example, LabelPrediction, LabelsPrediction, Prediction, Recipe, SpansPrediction, Target,
    example::Span, prediction::FoundSpan, score,
};

const RECIPE: &str = r#"id = "mood"
title = "Mood"
summary = "Good or bad?"
shape = "multi-label"
instruction = "Good or bad?"
labels = ["good", "bad"]
[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;

fn label(label: &str) -> (Target, Prediction) {
    let prediction = Prediction::Label(LabelPrediction {
        label: label.into(),
        probabilities: Vec::new(),
        outside: 0.0,
    });
    (Target::Label(label.into()), prediction)
}

fn labels(labels: &[&str]) -> (Target, Prediction) {
    let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let prediction = Prediction::Labels(LabelsPrediction {
        labels: labels.clone(),
        probabilities: Vec::new(),
        outside: 0.0,
    });
    (Target::Labels(labels), prediction)
}

fn spans(end: usize, label: &str) -> (Target, Prediction) {
    let (start, label) = (0, label.to_string());
    let found = FoundSpan {
        start,
        end,
        label: label.clone(),
        probability: None,
        stop_log_odds: None,
    };
    let prediction = Prediction::Spans(SpansPrediction {
        spans: vec![found],
        ..SpansPrediction::default()
    });
    let target = Target::Spans(vec![Span { start, end, label }]);
    (target, prediction)
}

type Answer = (Target, Prediction);

/// Three rows, of which the last has another target or another prediction.
fn error(shape: &str, fine: &Answer, (target, prediction): (&Target, &Prediction)) -> String {
    let mut recipe = Recipe::parse(RECIPE, "recipe.toml").unwrap();
    recipe.set("shape", shape).unwrap();
    let targets = [&fine.0, &fine.0, target];
    let row = |(index, target): (usize, &&Target)| Example {
        prompt: "a good day".into(),
        target: (*target).clone(),
        slice: None,
        line: index + 1,
    };
    let rows: Vec<Example> = targets.iter().enumerate().map(row).collect();
    let predictions = vec![fine.1.clone(), fine.1.clone(), prediction.clone()];
    let error = score::summary(&recipe, &rows, predictions).unwrap_err();
    error.to_string()
}

#[test]
fn the_third_row_is_called_the_third() {
    let check = |shape: &str, fine: Answer, wrong: Answer, of_gold: &str, of_predicted: &str| {
        let gold = error(shape, &fine, (&wrong.0, &fine.1));
        assert!(gold.starts_with(of_gold), "{gold}");
        let predicted = error(shape, &fine, (&fine.0, &wrong.1));
        assert!(predicted.starts_with(of_predicted), "{predicted}");
    };
    let (gold, predicted) = ("row 3: gold label `odd`", "row 3: predicted label `odd`");
    check("single-label", label("good"), label("odd"), gold, predicted);
    let (fine, odd) = (labels(&["good"]), labels(&["good", "odd"]));
    check("multi-label", fine.clone(), odd, gold, predicted);
    check("spans", spans(1, "good"), spans(1, "odd"), gold, predicted);
    check(
        "spans",
        spans(1, "good"),
        spans(99, "good"),
        "row 3: gold span 0..99",
        "row 3: predicted span 0..99",
    );
    let (target, prediction) = (
        "row 3: a target of another shape",
        "row 3: a prediction of another shape",
    );
    check(
        "multi-label",
        fine.clone(),
        label("good"),
        target,
        prediction,
    );
    check("spans", spans(1, "good"), fine, target, prediction);
}
