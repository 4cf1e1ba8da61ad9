//! The subject by slice.

use leptos::prelude::*;
use slm_task::report::Body;

use crate::chart::Bar;
use crate::format;
use crate::table::{Head, Table};

/// One slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceRow {
    /// Name, for people.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Share right.
    pub accuracy: f64,
    /// The selection metric, where it is defined.
    pub score: Option<f64>,
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
            score: slice.score,
        })
        .collect()
}

/// The slices table.
#[component]
pub fn SliceTable(
    /// From [`rows`].
    rows: Vec<SliceRow>,
    /// The selection metric's name, for people.
    metric: String,
) -> impl IntoView {
    let undefined = (rows.iter().any(|row| row.score.is_none())).then_some(
        " A dash stands where no row of a slice wants a label or a span: only its accuracy is defined.",
    );
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
                    <span class="slm-bar-number">
                        {row.score.map_or_else(|| "–".to_string(), format::metric)}
                    </span>
                    {row.score.map(|score| view! { <Bar value=score class="slm-bar-main"/> })}
                </td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Slice"),
        Head::number("Rows"),
        Head::text("Accuracy"),
        Head::text(metric.clone()),
    ];
    view! {
        <Table label="Metrics by slice" class="slm-classes" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">
            {format!("{metric} of a slice is over the classes that occur in it. Small slices vary much by chance.")}
            {undefined}
        </p>
    }
}
