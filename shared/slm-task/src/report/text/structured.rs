//! JSON objects for a terminal: scores field by field, and decoding with and without a grammar.

use std::fmt::Write;

use super::{DIGITS, table};
use crate::report::{Decoding, Structured};

/// Precision, recall, F1 and accuracy a field, and how many answers are JSON at all.
pub fn objects(figures: &Structured) -> String {
    let head = ["field", "precision", "recall", "f1", "accuracy", "values"];
    let number = |value: f64| format!("{value:.DIGITS$}");
    let mut rows = vec![head.map(String::from).to_vec()];
    for field in &figures.fields {
        let mut row = vec![field.path.clone()];
        row.extend([field.precision, field.recall, field.f1, field.accuracy].map(number));
        row.push(field.support.to_string());
        rows.push(row);
    }
    for (name, average) in [
        ("micro avg", &figures.micro),
        ("macro avg", &figures.macro_average),
    ] {
        let mut row = vec![name.to_string()];
        row.extend([average.precision, average.recall, average.f1].map(number));
        rows.push(row);
    }
    let mut text = table(&rows);
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let _ = writeln!(
        text,
        "{} of the answers are JSON, {} fit the schema; accuracy counts the rows that parsed",
        percent(figures.valid_json),
        percent(figures.valid_schema)
    );
    text
}

/// What the grammar gains and changes.
pub(super) fn decoding(decoding: &Decoding) -> String {
    let head = ["decoding", "parsed", "valid", "exact"].map(String::from);
    let mut rows = vec![head.to_vec()];
    for (name, written) in [
        ("under the grammar", &decoding.constrained),
        ("free", &decoding.free),
    ] {
        let counts = [written.parsed, written.valid, written.exact].map(|n| n.to_string());
        rows.push(std::iter::once(name.to_string()).chain(counts).collect());
    }
    let mut text = table(&rows);
    let _ = writeln!(
        text,
        "the grammar makes {} answers valid and loses {}; {} differ in a value; it forces {:.1} % of \
         the tokens and takes away {:.2} % of the probability",
        decoding.gained,
        decoding.lost,
        decoding.changed,
        100.0 * decoding.forced_share,
        100.0 * decoding.masked
    );
    text
}
