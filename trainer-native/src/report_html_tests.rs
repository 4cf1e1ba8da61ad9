//! The rendered file: complete, closed to scripts and requests, readable back, and safe whatever
//! the data says.

use std::collections::BTreeMap;

use slm_task::report::*;
use slm_task::{Failure, LabelPrediction, Prediction, Target};

use super::*;

/// What a data file may hold: markup in texts, labels and slices.
const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&";

fn headline(values: [f64; 3]) -> Vec<Headline> {
    let names = ["macro_f1", "accuracy", "mcc"];
    names
        .into_iter()
        .zip(values)
        .map(|(name, value)| Headline {
            name: name.into(),
            value,
            ci: [value - 0.061, (value + 0.058_f64).min(1.0)],
        })
        .collect()
}

fn class(label: &str, [precision, recall, f1]: [f64; 3], support: u64) -> ClassMetrics {
    ClassMetrics {
        label: label.into(),
        precision,
        recall,
        f1,
        support,
    }
}

fn average(value: f64) -> Average {
    Average {
        precision: value + 0.011,
        recall: value - 0.004,
        f1: value,
    }
}

fn reliability() -> Vec<ReliabilityBin> {
    let counts = [0, 0, 0, 0, 0, 2, 6, 11, 14, 18, 20, 24, 27, 33, 45];
    let bin = |(i, count): (usize, u64)| {
        let (low, high) = (i as f64 / 15.0, (i + 1) as f64 / 15.0);
        let middle = (low + high) / 2.0;
        ReliabilityBin {
            low,
            high,
            count,
            confidence: if count > 0 { middle } else { 0.0 },
            accuracy: if count > 0 {
                middle * 0.9 + 0.03 * (i % 3) as f64
            } else {
                0.0
            },
        }
    };
    counts.into_iter().enumerate().map(bin).collect()
}

fn classification(labels: &[String]) -> Classification {
    let values = [
        [0.78, 0.71, 0.743],
        [0.62, 0.68, 0.649],
        [0.81, 0.80, 0.805],
    ];
    let supports = [70, 62, 68];
    let per_class = labels.iter().zip(values).zip(supports);
    Classification {
        convention: "sklearn-1.9".into(),
        labels: labels.to_vec(),
        per_class: per_class
            .map(|((label, values), support)| class(label, values, support))
            .collect(),
        confusion: vec![vec![50, 15, 5], vec![11, 42, 8], vec![3, 11, 54]],
        accuracy: 0.73,
        macro_average: average(0.732),
        micro: average(0.73),
        weighted: average(0.734),
        mcc: 0.594,
        ece: Some(0.0713),
        reliability: reliability(),
        outside: Some(0.0042),
    }
}

fn systems(labels: &[String]) -> Vec<SystemReport> {
    let system = |name: &str, values: [f64; 3], probabilities: bool, failures| {
        let mut classification = classification(labels);
        if !probabilities {
            classification.ece = None;
            classification.outside = None;
            classification.reliability.clear();
        }
        SystemReport {
            name: name.into(),
            headline: headline(values),
            failures,
            figures: Figures::SingleLabel(classification),
        }
    };
    vec![
        system("tuned", [0.732, 0.73, 0.594], true, 1),
        system("majority", [0.174, 0.35, 0.0], false, 0),
        system("zero-shot", [0.491, 0.525, 0.301], true, 0),
        system("few-shot", [0.538, 0.55, 0.338], true, 3),
    ]
}

fn lift(metric: &str, vs: &str, value: f64, p: f64) -> Lift {
    let ci = [value - 0.071, value + 0.069];
    Lift {
        metric: metric.into(),
        vs: vs.into(),
        value,
        ci,
        p,
        decisive: ci[0] > 0.0 || ci[1] < 0.0,
    }
}

fn mistakes(labels: &[String]) -> Vec<Mistake> {
    let answer = |label: usize, probabilities: [f64; 3]| {
        Prediction::Label(LabelPrediction {
            label: labels[label].clone(),
            probabilities: probabilities.into(),
            outside: 0.0031,
        })
    };
    let mistake = |line, prompt: &str, gold: usize, prediction, slice: Option<&str>| Mistake {
        line,
        prompt: prompt.into(),
        gold: Target::Label(labels[gold].clone()),
        prediction,
        slice: slice.map(Into::into),
    };
    vec![
        mistake(
            17,
            "Oh great, another update that fixes nothing. Exactly what I was hoping for.",
            0,
            answer(2, [0.021, 0.034, 0.945]),
            Some("hard_negative"),
        ),
        mistake(88, HOSTILE, 1, answer(0, [0.812, 0.12, 0.068]), None),
        mistake(
            131,
            "The room was as it was last year.\nNot that I mind.",
            1,
            Prediction::Failed(Failure::TooLong {
                tokens: 412,
                limit: 384,
            }),
            Some("ambiguous"),
        ),
    ]
}

fn run_info() -> RunInfo {
    let point = |i: usize| CurvePoint {
        step: i * 4 + 1,
        loss: Some(1.1 / (1.0 + i as f64 * 0.08) + 0.04 * ((i * 7) % 5) as f64),
        dev: i
            .is_multiple_of(7)
            .then_some(0.5 + 0.23 * (1.0 - (-(i as f64) / 9.0).exp())),
    };
    RunInfo {
        time: "2026-11-22T14:20:05Z".into(),
        machine: "Intel Xeon, 2 cores, AVX-512 VNNI".into(),
        command: "slm eval runs/sentiment".into(),
        train_command: Some(
            "slm train sentiment --minutes 9 --set sft.lr=0.001 --out runs/sentiment".into(),
        ),
        seconds: 83.4,
        curve: (0..29).map(point).collect(),
    }
}

/// A made-up report that fills every section.
fn report(labels: &[String]) -> Report {
    let hash = |byte: u8| format!("{byte:02x}").repeat(32);
    let slice = |rows, accuracy, score| SliceReport {
        rows,
        accuracy,
        score,
    };
    let body = Body {
        recipe: "sentiment".into(),
        title: "Sentiment".into(),
        rows: 200,
        rows_in_file: 200,
        subject: "tuned".into(),
        headline: headline([0.732, 0.73, 0.594]),
        systems: systems(labels),
        lift: vec![
            lift("macro_f1", "few-shot", 0.194, 0.000_02),
            lift("accuracy", "few-shot", 0.18, 0.000_02),
            lift("macro_f1", "zero-shot", 0.241, 0.000_001),
            lift("macro_f1", "majority", 0.558, 0.0),
            lift("mcc", "few-shot", 0.056, 0.213),
        ],
        slices: BTreeMap::from([
            ("(none)".into(), slice(96, 0.812, Some(0.81))),
            ("ambiguous".into(), slice(30, 0.567, Some(0.54))),
            ("hard_negative".into(), slice(44, 0.614, Some(0.601))),
            ("out_of_domain".into(), slice(19, 0.733, Some(0.728))),
            ("refusal".into(), slice(11, 0.636, None)),
        ]),
        routing: None,
        recall: None,
        decoding: None,
        mistakes: mistakes(labels),
        warnings: vec![format!(
            "1 row has no prediction (longer than the context). It counts as wrong. {HOSTILE}"
        )],
        provenance: Provenance {
            numerics: 1,
            base: hash(0xb1),
            adapter: Some(hash(0x5c)),
            data: hash(0x3e),
            recipe: hash(0x94),
            train: Some(hash(0x07)),
        },
    };
    Report {
        format: 1,
        body,
        run: Some(run_info()),
    }
}

fn plain_labels() -> Vec<String> {
    ["negative", "neutral", "positive"].map(String::from).into()
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end}")).0
}

#[test]
fn every_section_is_there() {
    let html = render(&report(&plain_labels()));
    for title in [
        "What to keep in mind",
        "Lift",
        "Systems",
        "By class",
        "Confusion",
        "Is its confidence honest?",
        "By slice",
        "Most confident mistakes",
        "Training",
        "Provenance",
    ] {
        assert!(html.contains(&format!("<h3>{title}</h3>")), "{title}");
    }
    for words in [
        "0.732",
        "not decisive",
        "0.671 to 0.790",
        "+0.194",
        "412 tokens",
        "<span class=\"slm-bar-number\">–</span>",
        "A dash stands where",
        "slm train sentiment",
        "slm eval runs/sentiment",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
}

#[test]
fn the_policy_allows_the_style_block_and_nothing_else() {
    let html = render(&report(&plain_labels()));
    let policy = between(&html, "Content-Security-Policy\" content=\"", "\"");
    let style = between(&html, "<style>", "</style>");
    let hash = BASE64.encode(Sha256::digest(style));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        )
    );
    assert_eq!(html.matches("<style").count(), 1);
    for forbidden in [
        " style=", "src=\"", "href=", "url(", "@import", "onclick", "<link",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn markup_in_data_stays_text() {
    let labels = vec![HOSTILE.to_string(), "a<b".into(), "x\"y".into()];
    let mut report = report(&labels);
    report.body.title = HOSTILE.into();
    report.run.as_mut().unwrap().command = HOSTILE.into();
    let html = render(&report);
    // The data block is the only script element, and nothing became an element of its own.
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("</script").count(), 1);
    assert!(!html.contains("<img"));
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"));
}

#[test]
fn the_report_can_be_read_back() {
    let report = report(&plain_labels());
    let html = render(&report);
    let data = between(&html, "id=\"slm-report\">", "</script>");
    assert!(!data.contains('<'));
    assert_eq!(serde_json::from_str::<Report>(data).unwrap(), report);
}

#[test]
fn a_report_with_nothing_optional_renders() {
    let mut report = report(&plain_labels());
    report.run = None;
    report.body.lift.clear();
    report.body.slices.clear();
    report.body.mistakes.clear();
    report.body.warnings.clear();
    report.body.headline.clear();
    let html = render(&report);
    assert!(html.contains("no metric was computed"));
    for absent in [
        "By slice",
        "What to keep in mind",
        "<h3>Lift",
        "<h3>Training",
    ] {
        assert!(!html.contains(absent), "{absent}");
    }
    report.body.systems.clear();
    render(&report);
}

/// For eyes: `SLM_TEST_REPORT=FILE cargo test -p trainer-native report_html` leaves the made-up
/// report there.
#[test]
fn many_labels_render() {
    let labels: Vec<String> = (0..24)
        .map(|i| format!("change_delivery_address_to_{i}"))
        .collect();
    let mut many = report(&plain_labels());
    for system in &mut many.body.systems {
        let Figures::SingleLabel(c) = &mut system.figures else {
            continue;
        };
        c.labels = labels.clone();
        c.per_class = labels
            .iter()
            .map(|l| class(l, [0.7, 0.6, 0.65], 20))
            .collect();
        c.confusion = (0..24)
            .map(|i| {
                (0..24)
                    .map(|j| {
                        if i == j {
                            14
                        } else {
                            u64::from((i * j) % 9 == 1)
                        }
                    })
                    .collect()
            })
            .collect();
    }
    let html = render(&many);
    assert!(html.contains("change_delivery_address…"));
    if let Some(path) = std::env::var_os("SLM_TEST_REPORT") {
        let path = std::path::PathBuf::from(path);
        std::fs::write(&path, render(&report(&plain_labels()))).unwrap();
        std::fs::write(path.with_extension("many.html"), html).unwrap();
    }
}
