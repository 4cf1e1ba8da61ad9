//! The subject by slice.

use leptos::prelude::*;
use slm_task::report::Body;

use crate::chart::Bar;
use crate::format;

/// One slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceRow {
    /// Name, for people.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Share right.
    pub accuracy: f64,
    /// Macro-F1 over the labels that occur.
    pub macro_f1: f64,
}

/// All slices in the report's order; empty when no row has a slice.
pub fn rows(body: &Body) -> Vec<SliceRow> {
    if body.slices.keys().all(|name| name == "(none)") {
        return vec![];
    }
    body.slices
        .iter()
        .map(|(name, slice)| SliceRow {
            name: match name.as_str() {
                "(none)" => "no slice".into(),
                named => named.replace('_', " "),
            },
            rows: slice.rows as u64,
            accuracy: slice.accuracy,
            macro_f1: slice.macro_f1,
        })
        .collect()
}

/// The slices table.
#[component]
pub fn SliceTable(
    /// From [`rows`].
    rows: Vec<SliceRow>,
) -> impl IntoView {
    let rows = rows.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{row.name}</th>
                <td class="slm-number">{format::count(row.rows)}</td>
                <td>
                    <span class="slm-bar-number">{format::metric(row.accuracy)}</span>
                    <Bar value=row.accuracy/>
                </td>
                <td>
                    <span class="slm-bar-number">{format::metric(row.macro_f1)}</span>
                    <Bar value=row.macro_f1 class="slm-bar-main"/>
                </td>
            </tr>
        }
    });
    view! {
        <div class="slm-scroll" tabindex="0" role="group" aria-label="Metrics by slice">
            <table class="slm-table slm-classes">
                <thead>
                    <tr>
                        <th scope="col">"Slice"</th>
                        <th scope="col" class="slm-number">"Rows"</th>
                        <th scope="col">"Accuracy"</th>
                        <th scope="col">"Macro-F1"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="slm-note">
            "Macro-F1 of a slice is over the labels that occur in it. Small slices vary much by chance."
        </p>
    }
}
