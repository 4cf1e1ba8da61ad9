//! A report for a terminal: plain text, numbers rounded here and nowhere before.

mod structured;

use std::fmt::Write;

use super::{Average, ClassMetrics, Classification, Figures, Lift, MultiLabel, Report, Spans};
use crate::{
    recall::{RecallDial, RecallPoint},
    routing::RoutingReport,
};

pub use structured::objects;

/// Digits after the point of metrics.
const DIGITS: usize = 3;

/// The whole report: headline, lift, classes, slices, warnings.
pub fn report(report: &Report) -> String {
    let body = &report.body;
    let mut text = format!("{} ({}), {} rows\n\n", body.title, body.subject, body.rows);
    text.push_str(&systems(report));
    if !body.lift.is_empty() {
        text.push('\n');
        text.push_str(&lift(&body.lift, &body.subject));
    }
    if let Some(subject) = body.systems.first() {
        let by = match &subject.figures {
            Figures::Structured(_) => "field",
            _ => "class",
        };
        let _ = write!(text, "\n{} by {by}\n", body.subject);
        match &subject.figures {
            Figures::SingleLabel(figures) => text.push_str(&classes(figures, DIGITS)),
            Figures::MultiLabel(figures) => text.push_str(&labels(figures, DIGITS)),
            Figures::Spans(figures) => text.push_str(&spans(figures)),
            Figures::Structured(figures) => text.push_str(&objects(figures)),
        }
    }
    if let Some(dial) = &body.recall {
        text.push('\n');
        text.push_str(&recall(dial));
    }
    if let Some(found) = &body.decoding {
        text.push('\n');
        text.push_str(&structured::decoding(found));
    }
    if let Some(report) = &body.routing {
        text.push('\n');
        text.push_str(&routing(report));
    }
    if body.slices.len() > 1 {
        text.push('\n');
        text.push_str(&slices(report));
    }
    if !body.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &body.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

/// One line a system: headline metrics with their intervals.
pub fn systems(report: &Report) -> String {
    let mut rows = Vec::new();
    for system in &report.body.systems {
        if rows.is_empty() {
            let names = system.headline.iter().map(|h| h.name.clone());
            rows.push(std::iter::once("system".to_string()).chain(names).collect());
        }
        let values = system
            .headline
            .iter()
            .map(|h| format!("{:.DIGITS$} {}", h.value, interval(h.ci, false)));
        let name = std::iter::once(system.name.clone());
        rows.push(name.chain(values).collect::<Vec<String>>());
    }
    table(&rows)
}

/// The lift table: what the subject gains over each baseline, and whether that is more than luck.
pub fn lift(lifts: &[Lift], subject: &str) -> String {
    let head = ["metric", "lift", "95 % interval", "McNemar p", ""].map(String::from);
    let mut rows = vec![head.to_vec()];
    for lift in lifts {
        rows.push(vec![
            format!("{} over {}", lift.metric, lift.vs),
            format!("{:+.DIGITS$}", lift.value),
            interval(lift.ci, true),
            p_value(lift.p),
            verdict(lift).to_string(),
        ]);
    }
    let mut text = table(&rows);
    if let Some(first) = lifts.first() {
        let note =
            "McNemar's p compares whole rows right and wrong, whatever the metric of the line.";
        let _ = writeln!(text, "{note}\n{}", sentence(first, subject));
    }
    text
}

/// What a lift says, in a few words.
pub fn verdict(lift: &Lift) -> &'static str {
    match (lift.decisive, lift.value > 0.0) {
        (false, _) => "not decisive",
        (true, true) => "better",
        (true, false) => "worse",
    }
}

/// The selection metric's lift as a sentence.
fn sentence(lift: &Lift, subject: &str) -> String {
    let (metric, vs) = (&lift.metric, &lift.vs);
    match verdict(lift) {
        "not decisive" => format!(
            "{subject} against {vs} is not decisive on {metric}: the interval includes zero."
        ),
        verdict => format!("{subject} is {verdict} than {vs} on {metric}."),
    }
}

/// Precision, recall, F1 and support a class, with averages: the layout and the numbers of
/// scikit-learn's `classification_report`. Its line `accuracy` gives way to `micro avg` when rows
/// have no prediction.
pub fn classes(metrics: &Classification, digits: usize) -> String {
    let table = ClassTable::new(&metrics.per_class, digits);
    let mut text = table.head();
    let predicted: u64 = metrics.confusion.iter().flatten().sum();
    if predicted == table.support {
        let (none, all) = (String::new(), table.number(metrics.micro.f1));
        let cells = [none.clone(), none, all, table.support.to_string()];
        text.push_str(&table.line("accuracy", cells));
    } else {
        text.push_str(&table.average("micro avg", &metrics.micro));
    }
    text.push_str(&table.average("macro avg", &metrics.macro_average));
    text.push_str(&table.average("weighted avg", &metrics.weighted));
    text
}

/// [`classes`] for any number of labels a row.
pub fn labels(metrics: &MultiLabel, digits: usize) -> String {
    let table = ClassTable::new(&metrics.per_class, digits);
    let mut text = table.head();
    text.push_str(&table.average("micro avg", &metrics.micro));
    text.push_str(&table.average("macro avg", &metrics.macro_average));
    text.push_str(&table.average("weighted avg", &metrics.weighted));
    text.push_str(&table.average("samples avg", &metrics.samples));
    text
}

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
    text
}

/// The bias in force and what each tried one gave on the dev rows.
fn recall(dial: &RecallDial) -> String {
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

/// The table of `classification_report`.
struct ClassTable<'a> {
    classes: &'a [ClassMetrics],
    digits: usize,
    width: usize,
    support: u64,
}

impl<'a> ClassTable<'a> {
    fn new(classes: &'a [ClassMetrics], digits: usize) -> Self {
        let names = classes.iter().map(|c| c.label.chars().count());
        let least = "weighted avg".len().max(digits);
        Self {
            width: names.max().unwrap_or(0).max(least),
            support: classes.iter().map(|c| c.support).sum(),
            classes,
            digits,
        }
    }

    fn number(&self, value: f64) -> String {
        format!("{value:.digits$}", digits = self.digits)
    }

    fn line(&self, name: &str, cells: [String; 4]) -> String {
        let ([p, r, f, support], width) = (cells, self.width);
        format!("{name:>width$}  {p:>9} {r:>9} {f:>9} {support:>9}\n")
    }

    fn average(&self, name: &str, a: &Average) -> String {
        let [p, r, f] = [a.precision, a.recall, a.f1].map(|value| self.number(value));
        self.line(name, [p, r, f, self.support.to_string()])
    }

    /// The column names and one line a class.
    fn head(&self) -> String {
        let head = ["precision", "recall", "f1-score", "support"].map(String::from);
        let mut text = self.line("", head);
        text.push('\n');
        for c in self.classes {
            let [p, r, f] = [c.precision, c.recall, c.f1].map(|value| self.number(value));
            text.push_str(&self.line(&c.label, [p, r, f, c.support.to_string()]));
        }
        text.push('\n');
        text
    }
}

/// The threshold, what it was set for, and what it does to the rows.
fn routing(report: &RoutingReport) -> String {
    let (threshold, at) = (&report.threshold, &report.at);
    let mut text = format!(
        "routing: below {:.2} to `{}` (goal: {})\n",
        threshold.value, report.fallback, report.goal
    );
    let _ = writeln!(
        text,
        "{:.1} % of the rows are answered, {:.1} % of these right",
        100.0 * at.coverage,
        100.0 * (1.0 - at.risk)
    );
    if !threshold.reached {
        let _ = writeln!(
            text,
            "warning: no threshold reached the goal on the dev rows"
        );
    }
    text
}

/// One line a slice: rows, accuracy, selection metric.
fn slices(report: &Report) -> String {
    let metric = report.body.headline.first();
    let metric = metric.map_or("score", |headline| headline.name.as_str());
    let mut rows = vec![
        ["slice", "rows", "accuracy", metric]
            .map(String::from)
            .to_vec(),
    ];
    for (name, slice) in &report.body.slices {
        rows.push(vec![
            name.clone(),
            slice.rows.to_string(),
            format!("{:.DIGITS$}", slice.accuracy),
            format!("{:.DIGITS$}", slice.score),
        ]);
    }
    table(&rows)
}

fn interval([low, high]: [f64; 2], signed: bool) -> String {
    if signed {
        format!("[{low:+.DIGITS$}, {high:+.DIGITS$}]")
    } else {
        format!("[{low:.DIGITS$}, {high:.DIGITS$}]")
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 {
        "<0.001".to_string()
    } else {
        format!("{p:.3}")
    }
}

/// Columns as wide as their widest cell, the first to the left, two spaces between.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ", width = *width);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
