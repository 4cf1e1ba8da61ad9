//! Spans for a terminal: scores type by type, and the recall dial.

use std::fmt::Write;

use super::{DIGITS, table};
use crate::{
    recall::{RecallDial, RecallPoint},
    report::Spans,
};

/// Precision, recall, F1 and F2 of exact spans a label, seqeval's F1 over words, and what leaks.
pub fn spans(figures: &Spans) -> String {
    let head = [
        "label",
        "precision",
        "recall",
        "f1",
        "f2",
        "seqeval f1",
        "leaked",
        "spans",
    ];
    let number = |value: f64| format!("{value:.DIGITS$}");
    let percent = |value: f64| format!("{:.1} %", 100.0 * value);
    let mut rows = vec![head.map(String::from).to_vec()];
    let types = figures
        .exact
        .per_type
        .iter()
        .zip(&figures.entities.per_type);
    for ((exact, words), leak) in types.zip(&figures.leaks) {
        rows.push(vec![
            exact.label.clone(),
            number(exact.precision),
            number(exact.recall),
            number(exact.f1),
            number(exact.f2),
            number(words.f1),
            percent(leak.share),
            exact.support.to_string(),
        ]);
    }
    let averages = [
        (
            "micro avg",
            &figures.exact.micro,
            &figures.entities.micro,
            percent(figures.leak.share),
        ),
        (
            "macro avg",
            &figures.exact.macro_average,
            &figures.entities.macro_average,
            String::new(),
        ),
    ];
    for (name, exact, words, leaked) in averages {
        let mut row = vec![name.to_string()];
        row.extend([exact.precision, exact.recall, exact.f1, exact.f2, words.f1].map(number));
        row.push(leaked);
        rows.push(row);
    }
    let mut text = table(&rows);
    let _ = writeln!(
        text,
        "{} of {} characters of the wanted spans stay readable; touched at all: {:.DIGITS$} of the spans",
        figures.leak.leaked, figures.leak.characters, figures.overlap.micro.recall
    );
    if figures.cut > 0 {
        let _ = writeln!(
            text,
            "{} lists were cut at scoring.max_tokens; their whole spans count, their rows are not right",
            figures.cut
        );
    }
    text
}

/// The bias in force and what each tried one gave on the dev rows.
pub(super) fn recall(dial: &RecallDial) -> String {
    let mut text = format!(
        "recall dial: stop bias {} (goal: recall of at least {}, on {} dev rows)\n",
        dial.bias.all, dial.floor, dial.dev_rows
    );
    let mut rows = vec![
        ["bias", "precision", "recall", "f2"]
            .map(String::from)
            .to_vec(),
    ];
    for point in &dial.curve {
        let mut row = vec![point.bias.to_string()];
        let values = [point.precision, point.recall, point.f2];
        row.extend(values.map(|value| format!("{value:.DIGITS$}")));
        rows.push(row);
    }
    text.push_str(&table(&rows));
    if !dial.reached {
        text.push_str(
            "warning: no bias reached the floor on the dev rows; this one has the best F2\n",
        );
    }
    text + &label_floors(dial)
}

/// The labels with a floor of their own, and what these change.
fn label_floors(dial: &RecallDial) -> String {
    if dial.labels.is_empty() {
        return String::new();
    }
    let head = ["label", "floor", "recall", "bias", "dev spans", ""].map(String::from);
    let mut rows = vec![head.to_vec()];
    for label in &dial.labels {
        rows.push(vec![
            label.label.clone(),
            label.floor.to_string(),
            format!("{:.DIGITS$}", label.recall),
            label.bias.to_string(),
            label.spans.to_string(),
            if label.reached { "" } else { "missed" }.to_string(),
        ]);
    }
    let RecallPoint {
        precision,
        recall,
        f2,
        ..
    } = dial.in_force;
    format!(
        "\n{}with these: precision {precision:.DIGITS$}, recall {recall:.DIGITS$}, f2 {f2:.DIGITS$}\n",
        table(&rows)
    )
}
