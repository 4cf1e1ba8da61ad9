//! A report on spans: headline, figures, slices, mistakes and dial, on rows that a hand can count.

use slm_task::{
    Example, Failure, FoundSpan, Prediction, Recipe, Report, SpansPrediction, Target,
    baseline::Trivial,
    example::Span,
    recall::{RecallDial, RecallPoint, StopBias},
    report::{self, Figures, Provenance, ReportInput, System, text},
    routing::Dials,
};

const TEXT: &str = "Ann wrote to ann@example.org";

fn recipe() -> Recipe {
    let text = r#"id = "mini"
title = "Mini"
summary = "Names and mail addresses."
shape = "spans"
instruction = "List them."
labels = ["NAME", "EMAIL"]
[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;
    Recipe::parse(text, "recipe.toml").unwrap()
}

/// Name and address wanted, three times; nothing wanted once.
fn rows() -> Vec<Example> {
    let span = |start, end, label: &str| Span {
        start,
        end,
        label: label.into(),
    };
    let row = |line: usize| Example {
        prompt: if line == 4 {
            "Nothing here".into()
        } else {
            TEXT.into()
        },
        target: Target::Spans(match line {
            4 => Vec::new(),
            _ => vec![span(0, 3, "NAME"), span(13, 28, "EMAIL")],
        }),
        slice: (line == 4).then(|| "hard_negative".into()),
        line,
    };
    (1..=4).map(row).collect()
}

fn found(spans: &[(usize, usize, &str)]) -> Prediction {
    let one = |&(start, end, label): &(usize, usize, &str)| FoundSpan {
        start,
        end,
        label: label.into(),
        probability: Some(0.9),
        stop_log_odds: Some(-2.0),
    };
    Prediction::Spans(SpansPrediction {
        spans: spans.iter().map(one).collect(),
        stop_log_odds: Some(3.0),
        outside: Some(0.25),
        cut: false,
    })
}

fn report() -> Report {
    let (recipe, rows) = (recipe(), rows());
    let trivial = Trivial::systems(&rows, &recipe);
    let mut systems = vec![System {
        name: "tuned".into(),
        // All right; the name only, with a slip; no answer; right to find nothing.
        predictions: vec![
            found(&[(0, 3, "NAME"), (13, 28, "EMAIL")]),
            found(&[(0, 9, "NAME")]),
            Prediction::Failed(Failure::Unended { limit: 8 }),
            found(&[]),
        ],
    }];
    systems.extend(trivial.iter().map(|system| System {
        name: system.name.into(),
        predictions: rows.iter().map(|row| system.answer(row)).collect(),
    }));
    let point = RecallPoint {
        bias: -1.0,
        precision: 0.5,
        recall: 0.75,
        f2: 0.68,
    };
    let dials = Dials {
        recall: Some(RecallDial {
            bias: StopBias::of(-1.0),
            floor: 0.8,
            dev_rows: 7,
            reached: false,
            curve: vec![point],
            labels: Vec::new(),
            in_force: point,
        }),
        ..Dials::default()
    };
    let body = report::build(ReportInput {
        recipe: &recipe,
        rows: &rows,
        rows_in_file: rows.len(),
        systems,
        train_classes: None,
        dials,
        free: None,
        provenance: Provenance::default(),
        warnings: Vec::new(),
    });
    Report::new(body.unwrap(), None)
}

#[test]
fn the_numbers_are_those_of_a_hand() {
    let body = report().body;
    let names: Vec<&str> = body.systems.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["tuned", "none", "patterns"]);
    // Six wanted, three found, two of these right.
    let (p, r) = (2.0 / 3.0, 2.0 / 6.0);
    let expected = [
        ("span_f2", 5.0 * p * r / (4.0 * p + r)),
        ("span_f1", 2.0 * p * r / (p + r)),
        ("precision", p),
        ("recall", r),
    ];
    for (headline, (name, value)) in body.headline.iter().zip(expected) {
        assert_eq!(headline.name, name);
        assert!((headline.value - value).abs() < 1e-12, "{headline:?}");
    }
    let value = |system: usize| body.systems[system].headline[3].value;
    assert_eq!(
        (value(1), value(2)),
        (0.0, 0.5),
        "patterns find the addresses"
    );
    assert_eq!(body.systems[0].failures, 1);
    let nothing_wanted = &body.slices["hard_negative"];
    assert_eq!((nothing_wanted.score, nothing_wanted.accuracy), (None, 1.0));
    let lines: Vec<usize> = body.mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [2, 3]);

    let Figures::Spans(figures) = &body.systems[0].figures else {
        panic!("{:?}", body.systems[0].figures);
    };
    assert_eq!(figures.overlap.micro.recall, 0.5);
    assert_eq!(figures.entities.per_type[1].recall, 1.0 / 3.0);
    // 18 characters a row: none, the address, and all of them stay readable.
    assert_eq!((figures.leak.characters, figures.leak.leaked), (54, 33));
    assert_eq!(figures.outside, Some(0.25));
}

#[test]
fn a_report_survives_its_file_and_reads_well() {
    let report = report();
    let back = Report::parse(&report.to_json(), "report.json").unwrap();
    assert_eq!(back, report);
    // Reports were once written with a number where nothing was wanted.
    let old = report
        .to_json()
        .replace("\"score\": null", "\"score\": 0.0");
    let old = Report::parse(&old, "report.json").unwrap();
    assert_eq!(old.body.slices["hard_negative"].score, Some(0.0));
    let text = text::report(&report);
    for words in [
        "hard_negative  1     1.000     -\n",
        "span_f2",
        "EMAIL",
        "33 of 54 characters",
        "stop bias -1",
        "no bias reached",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
