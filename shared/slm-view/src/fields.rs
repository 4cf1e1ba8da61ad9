//! What a report says of JSON answers: fields one by one, whole answers, and decoding with and without
//! the grammar.

use leptos::prelude::*;
use slm_task::report::{Decoding, Structured};

use crate::format;
use crate::table::{Head, Table};

/// How many answers are JSON, fit the schema, and are right as a whole.
pub fn sentence(figures: &Structured) -> String {
    format!(
        "{} of the answers are JSON objects, {} fit the schema, and {} have every field right. Among \
         those that parsed, a field is right in {} of the rows, absent where it should be included.",
        format::percent(figures.valid_json),
        format::percent(figures.valid_schema),
        format::percent(figures.exact_object),
        format::percent(figures.field_accuracy)
    )
}

/// Accuracy of each field.
#[component]
pub fn FieldTable(
    /// The figures of the report.
    figures: Structured,
) -> impl IntoView {
    let rows = figures.fields.into_iter().map(|field| {
        view! {
            <tr>
                <th scope="row"><code>{field.path}</code></th>
                <td class="slm-number">{format::metric(field.accuracy)}</td>
                <td class="slm-number">{format::metric(field.f1)}</td>
                <td class="slm-number">{format::count(field.support)}</td>
                <td class="slm-number">{format::count(field.predicted)}</td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Field"),
        Head::number("Accuracy"),
        Head::number("F1 where present"),
        Head::number("Wanted"),
        Head::number("Answered"),
    ];
    view! {
        <Table label="Accuracy by field" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">
            "Accuracy counts the rows that parsed; a field absent on both sides is right there, so an \
             answer that is always empty scores high on accuracy and 0 on F1."
        </p>
    }
}

/// What the grammar gains and changes.
#[component]
pub fn DecodingView(
    /// The comparison of the report.
    decoding: Decoding,
) -> impl IntoView {
    let rows = [
        ("Under the grammar", &decoding.constrained),
        ("Free", &decoding.free),
    ];
    let rows = rows.map(|(name, written)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="slm-number">{format::count(written.parsed)}</td>
                <td class="slm-number">{format::count(written.valid)}</td>
                <td class="slm-number">{format::count(written.exact)}</td>
            </tr>
        }
    });
    let text = format!(
        "The grammar makes {} valid that would not be, and loses {}; {} differ in a value. It forces {} \
         of the tokens, and takes away {} of the probability of the others.",
        format::counted(decoding.gained, "answer"),
        format::count(decoding.lost),
        format::count(decoding.changed),
        format::percent(decoding.forced_share),
        format::percent(decoding.masked)
    );
    view! {
        <table class="slm-table">
            <thead>
                <tr>
                    <th scope="col">"Decoding"</th>
                    <th scope="col" class="slm-number">"JSON"</th>
                    <th scope="col" class="slm-number">"Fits the schema"</th>
                    <th scope="col" class="slm-number">"Every field right"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        <p>{text}</p>
    }
}
