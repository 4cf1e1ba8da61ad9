//! A report for a terminal: plain text, numbers rounded here and nowhere before.

mod spans;
mod structured;

use std::fmt::Write;

use super::{Average, ClassMetrics, Classification, Figures, Lift, MultiLabel, Report};
use crate::routing::RoutingReport;

pub use spans::spans;
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
        text.push_str(&spans::recall(dial));
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
    let share = |(label, rows, routed): &(String, usize, usize)| format!("{label} {routed}/{rows}");
    let shares: Vec<String> = report.by_label.iter().map(share).collect();
    let shares = shares.join(", ");
    let _ = writeln!(text, "rows that go to `{}`: {shares}", report.fallback);
    for most in [0.5, 0.75, 0.9] {
        let Some(point) = report.curve.iter().find(|point| point.coverage <= most) else {
            continue;
        };
        let _ = writeln!(
            text,
            "at {:.2}: {:.1} % answered, {:.1} % of these right",
            point.threshold,
            100.0 * point.coverage,
            100.0 * (1.0 - point.risk)
        );
    }
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
            slice
                .score
                .map_or_else(|| "-".to_string(), |score| format!("{score:.DIGITS$}")),
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
