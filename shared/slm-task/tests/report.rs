//! From rows and predictions to a report: numbers, order, warnings, text, and files that are the
//! same bytes every time.

use slm_task::{
    Example, Failure, LabelPrediction, Prediction, Recipe, Report, Target, TaskError,
    baseline::Trivial,
    bundle::{Gallery, Manifest, Predictions},
    report::{self, Body, Classification, Provenance, ReportInput, RunInfo, System, text},
    routing::Dials,
};

fn recipe() -> Recipe {
    let text = r#"id = "sentiment"
title = "Sentiment"
summary = "How a sentence feels."
shape = "single-label"
instruction = "Say how the text feels."
labels = ["negative", "neutral", "positive"]
[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;
    Recipe::parse(text, "recipe.toml").unwrap()
}

/// 90 rows, labels in turn; every third row is in slice `rare`.
fn rows() -> Vec<Example> {
    (0..90)
        .map(|i| Example {
            prompt: format!("text {i}"),
            target: Target::Label(recipe().labels[(i / 3) % 3].clone()),
            slice: (i % 3 == 0).then(|| "rare".to_string()),
            line: i + 2,
        })
        .collect()
}

/// A label with the given confidence, the rest shared by the others.
fn sure(label: usize, confidence: f64) -> Prediction {
    let mut probabilities = vec![(1.0 - confidence) / 2.0; 3];
    probabilities[label] = confidence;
    Prediction::Label(LabelPrediction {
        label: recipe().labels[label].clone(),
        probabilities,
        outside: 0.1,
    })
}

/// Wrong on every `nth` row, the later the surer.
fn system(name: &str, nth: usize) -> System {
    let one = |i: usize| {
        let gold = (i / 3) % 3;
        let label = if i.is_multiple_of(nth) {
            (gold + 1) % 3
        } else {
            gold
        };
        sure(label, 0.5 + i as f64 / 200.0)
    };
    System {
        name: name.to_string(),
        predictions: (0..90).map(one).collect(),
    }
}

/// A label without probabilities.
fn says(label: &str) -> Prediction {
    Trivial::majority(label).answer(&rows()[0])
}

fn majority() -> System {
    System {
        name: "majority".to_string(),
        predictions: vec![says("negative"); 90],
    }
}

fn input<'a>(recipe: &'a Recipe, rows: &'a [Example], systems: Vec<System>) -> ReportInput<'a> {
    ReportInput {
        recipe,
        rows,
        rows_in_file: rows.len(),
        systems,
        train_classes: None,
        dials: Dials::default(),
        free: None,
        provenance: Provenance::default(),
        warnings: Vec::new(),
    }
}

fn classification(body: &Body, system: usize) -> &Classification {
    body.systems[system].figures.single_label().unwrap()
}

fn body(systems: Vec<System>) -> Body {
    report::build(input(&recipe(), &rows(), systems)).unwrap()
}

#[test]
fn the_headline_is_the_first_systems() {
    let body = body(vec![
        system("tuned", 10),
        majority(),
        system("zero-shot", 2),
    ]);
    assert_eq!(body.subject, "tuned");
    let names: Vec<&str> = body.headline.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(names, ["macro_f1", "accuracy", "mcc"]);
    assert_eq!(body.headline[1].value, 0.9);
    for system in &body.systems {
        for h in &system.headline {
            assert!(
                h.ci[0] <= h.value && h.value <= h.ci[1],
                "{} {h:?}",
                system.name
            );
        }
    }
    assert_eq!(body.headline, body.systems[0].headline);
    assert_eq!(classification(&body, 1).ece, None);
    assert!(classification(&body, 0).ece.is_some());
}

#[test]
fn lift_has_every_metrics_best_baseline_first() {
    let body = body(vec![
        system("tuned", 10),
        majority(),
        system("zero-shot", 2),
    ]);
    let order: Vec<(&str, &str)> = body
        .lift
        .iter()
        .map(|l| (l.metric.as_str(), l.vs.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            ("macro_f1", "zero-shot"),
            ("accuracy", "zero-shot"),
            ("mcc", "zero-shot"),
            ("macro_f1", "majority"),
            ("accuracy", "majority"),
            ("mcc", "majority"),
        ]
    );
    let accuracy = &body.lift[1];
    assert_eq!(accuracy.value, 0.9 - 0.5);
    assert!(accuracy.ci[0] < accuracy.value && accuracy.value < accuracy.ci[1]);
    assert!(accuracy.decisive && accuracy.p < 1e-9);
}

#[test]
fn what_is_not_decisive_is_said() {
    let alike = body(vec![system("tuned", 10), system("zero-shot", 11)]);
    assert!(!alike.lift[0].decisive);
    let text = text::report(&Report::new(alike, None));
    let sentence = "tuned against zero-shot is not decisive on macro_f1: \
                    the interval includes zero.";
    assert!(text.contains(sentence), "{text}");

    let worse = body(vec![system("tuned", 2), system("zero-shot", 10)]);
    let text = text::report(&Report::new(worse, None));
    assert!(
        text.contains("tuned is worse than zero-shot on macro_f1."),
        "{text}"
    );
}

#[test]
fn slices_and_mistakes_are_the_subjects() {
    let body = body(vec![system("tuned", 10), majority()]);
    let names: Vec<&String> = body.slices.keys().collect();
    assert_eq!(names, ["(none)", "rare"]);
    assert_eq!(body.slices["rare"].rows, 30);
    assert_eq!(body.slices["rare"].accuracy, 0.9);
    let lines: Vec<usize> = body.mistakes.iter().map(|m| m.line).collect();
    assert_eq!(lines, [82, 72, 62, 52, 42, 32, 22, 12, 2]);
    assert_eq!(body.mistakes[0].slice, None);

    let many = report::build(input(&recipe(), &rows(), vec![system("tuned", 2)])).unwrap();
    assert_eq!(many.mistakes.len(), 20);
    assert!(many.lift.is_empty());
}

#[test]
fn a_slice_scores_the_labels_that_occur_in_it() {
    let rows: Vec<Example> = rows().into_iter().take(3).collect();
    let mut tuned = system("tuned", 100);
    tuned.predictions.truncate(3);
    let body = report::build(input(&recipe(), &rows, vec![tuned])).unwrap();
    assert_eq!(body.slices["(none)"].score, Some(1.0));
    // The report as a whole pins the recipe's labels, so the two that no row has count 0.
    assert!(body.headline[0].value < 0.5);
}

#[test]
fn failures_are_counted_and_never_a_label() {
    let mut tuned = system("tuned", 10);
    tuned.predictions[4] = Prediction::Failed(Failure::TooLong {
        tokens: 9000,
        limit: 2048,
    });
    let body = body(vec![tuned, majority()]);
    assert_eq!(body.systems[0].failures, 1);
    let confusion = &classification(&body, 0).confusion;
    assert_eq!(confusion.iter().flatten().sum::<u64>(), 89);
    assert_eq!(body.headline[1].value, 80.0 / 90.0);
    assert_eq!(body.mistakes.last().unwrap().line, 6);
    assert_eq!(
        body.warnings,
        ["tuned: 1 of 90 rows have no prediction and count as wrong"]
    );
}

#[test]
fn warnings_say_what_the_reader_must_know() {
    let (recipe, rows) = (recipe(), rows());
    let mut input = input(&recipe, &rows, vec![system("tuned", 10)]);
    input.rows_in_file = 200;
    let train = [("negative", 30), ("neutral", 30)];
    input.train_classes = Some(train.map(|(label, rows)| (label.into(), rows)).into());
    input.warnings = vec!["given".to_string()];
    assert_eq!(
        report::build(input).unwrap().warnings,
        [
            "given",
            "scored on a sample of 90 of the file's 200 rows",
            "`positive` has no training row; its 30 rows stay in and count as missed",
        ]
    );
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let check = |rows: &[Example], systems: Vec<System>, expected: &str| {
        let error = report::build(input(&recipe(), rows, systems)).unwrap_err();
        assert!(matches!(error, TaskError::Mismatch(_)), "{error:?}");
        assert_eq!(error.to_string(), expected);
    };
    let rows = rows();
    check(
        &[],
        vec![majority()],
        "a report needs rows and systems, not 0 and 1",
    );
    check(
        &rows,
        vec![],
        "a report needs rows and systems, not 90 and 0",
    );
    check(
        &rows[1..],
        vec![majority()],
        "majority: 90 predictions for 89 rows",
    );
    let with = |prediction: Prediction| {
        let mut system = system("tuned", 10);
        system.predictions[1] = prediction;
        vec![system]
    };
    check(
        &rows,
        with(says("angry")),
        "row 2: predicted label `angry` is none of `negative`, `neutral`, `positive`",
    );
    let odd = |probabilities: Vec<f64>| {
        with(Prediction::Label(LabelPrediction {
            label: "neutral".to_string(),
            probabilities,
            outside: 0.0,
        }))
    };
    check(
        &rows,
        odd(vec![0.5, 0.5]),
        "row 2: 2 probabilities for 3 labels",
    );
    check(
        &rows,
        odd(vec![0.5, f64::NAN, 0.5]),
        "row 2: a probability is not between 0 and 1",
    );
}

#[test]
fn files_are_read_back_to_the_same_bytes() {
    let systems = vec![system("tuned", 10), majority()];
    let mut report = Report::new(body(systems.clone()), None);
    let made_by = |train_command| {
        Some(RunInfo {
            time: "2026-11-22T14:20:05Z".into(),
            machine: "test".into(),
            command: "slm eval runs/sentiment".into(),
            train_command,
            seconds: 1.5,
            curve: Vec::new(),
        })
    };
    // A report that names no training command says nothing of one, as reports did before.
    let trained_by = "slm train sentiment".to_string();
    for run in [None, made_by(None), made_by(Some(trained_by))] {
        report.run = run;
        let json = report.to_json();
        assert!(json.ends_with("}\n"));
        assert_eq!(
            json.matches("train_command").count(),
            json.matches("slm train").count()
        );
        let again = Report::parse(&json, "report.json").unwrap();
        assert_eq!(again.to_json(), json);
    }

    let predictions = Predictions {
        systems,
        train_classes: None,
        dials: Dials::default(),
        free: None,
        warnings: Vec::new(),
    };
    let read = Predictions::parse(&predictions.to_json(), "predictions.json").unwrap();
    // A page rebuilds the body from the file's predictions and compares bytes.
    assert_eq!(body(read.systems).to_json(), report.body.to_json());
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let manifest = |path: &str, hash: &str| {
        format!(
            r#"{{"format": 1, "numerics": 1, "recipe": "sentiment", "base_sha256": "{hash}",
                "files": [{{"path": "{path}", "size": 1, "sha256": "{hash}"}}], "licences": []}}"#
        )
    };
    let hash = "a".repeat(64);
    let good = Manifest::parse(&manifest("recipe.toml", &hash), "manifest.json").unwrap();
    assert_eq!(good.entry("recipe.toml").unwrap().size, 1);
    assert!(good.entry("other").is_none());
    let check = |text: &str, expected: &str| {
        let error = Manifest::parse(text, "manifest.json").unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(
        &manifest("../recipe.toml", &hash),
        "files.path: found `../recipe.toml`",
    );
    check(&manifest("recipe.toml", "abc"), "base_sha256: found `abc`");
    check(
        &manifest("recipe.toml", &hash).replace("\"format\": 1", "\"format\": 7"),
        "manifest.json: format: found 7; expected 1",
    );
    check("{\"format\": 1}", "manifest.json:1: found missing field");
    check(
        "<!doctype html>",
        "manifest.json:1: found expected value (column 1)",
    );
    assert!(Gallery::parse("{}", "gallery.json").is_err());
    assert!(Report::parse("", "report.json").is_err());
}

#[test]
fn the_terminal_report_reads_as_documented() {
    let report = Report::new(body(vec![system("tuned", 10), majority()]), None);
    let text = text::report(&report);
    let expected = include_str!("report.txt");
    assert_eq!(text, expected, "{text}");
}

#[test]
fn rare_classes_have_their_recall_beside_the_headline() {
    let (recipe, rows) = (recipe(), rows());
    let mut input = input(&recipe, &rows, vec![system("tuned", 10), majority()]);
    let train = [("negative", 100), ("neutral", 50), ("positive", 9)];
    input.train_classes = Some(train.map(|(label, rows)| (label.into(), rows)).into());
    let body = report::build(input).unwrap();
    let recall = body.headline.last().unwrap();
    assert_eq!(recall.name, "rare_recall");
    assert_eq!(recall.value, classification(&body, 0).per_class[2].recall);
    assert!(body.lift.iter().any(|lift| lift.metric == "rare_recall"));
}

#[test]
fn a_threshold_makes_a_second_block() {
    let mut recipe = recipe();
    recipe.routing.fallback = "talk_to_human".into();
    let rows = rows();
    let mut input = input(&recipe, &rows, vec![system("tuned", 10), majority()]);
    input.dials = Dials::set(&recipe, &rows, &input.systems[0].predictions).unwrap();
    let body = report::build(input).unwrap();
    let routing = body.routing.as_ref().unwrap();
    assert!(1.0 - routing.at.risk >= 0.95 && routing.at.coverage > 0.0);
    assert_eq!(
        body.headline[1].value, 0.9,
        "the headline is before routing"
    );
    let text = text::report(&Report::new(body.clone(), None));
    assert!(
        text.contains("to `talk_to_human` (goal: at least 95 % of the answers given are right)"),
        "{text}"
    );
}
