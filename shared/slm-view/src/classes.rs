//! Precision, recall and F1 of each class as bars beside their numbers.

use leptos::prelude::*;
use slm_task::report::{Average, ClassMetrics, Figures};

use crate::chart::Bar;
use crate::format;

/// One class or one average.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    /// Label, or the average's name.
    pub name: String,
    /// Precision, recall, F1.
    pub values: [f64; 3],
    /// Gold rows; none for an average.
    pub support: Option<u64>,
}

/// Classes in recipe order, then the averages.
pub fn rows(figures: &Figures) -> Vec<ClassRow> {
    match figures {
        Figures::SingleLabel(c) => table(
            &c.per_class,
            &[
                ("Macro average", &c.macro_average),
                ("Micro average", &c.micro),
                ("Weighted average", &c.weighted),
            ],
        ),
        Figures::MultiLabel(m) => table(
            &m.per_class,
            &[
                ("Macro average", &m.macro_average),
                ("Micro average", &m.micro),
                ("Weighted average", &m.weighted),
                ("Average over rows", &m.samples),
            ],
        ),
    }
}

fn table(classes: &[ClassMetrics], averages: &[(&str, &Average)]) -> Vec<ClassRow> {
    let classes = classes.iter().map(|c| ClassRow {
        name: c.label.clone(),
        values: [c.precision, c.recall, c.f1],
        support: Some(c.support),
    });
    let averages = averages.iter().map(|(name, a)| ClassRow {
        name: (*name).into(),
        values: [a.precision, a.recall, a.f1],
        support: None,
    });
    classes.chain(averages).collect()
}

/// The per-class table.
#[component]
pub fn ClassTable(
    /// From [`rows`].
    rows: Vec<ClassRow>,
) -> impl IntoView {
    let rows = rows.into_iter().map(|row| {
        let cells = row.values.into_iter().zip(["", "", "slm-bar-main"]);
        let cells = cells.map(|(value, class)| {
            view! {
                <td>
                    <span class="slm-bar-number">{format::metric(value)}</span>
                    <Bar value class/>
                </td>
            }
        });
        view! {
            <tr class=if row.support.is_none() { "slm-average" } else { "" }>
                <th scope="row">{row.name}</th>
                {cells.collect_view()}
                <td class="slm-number">{row.support.map(format::count)}</td>
            </tr>
        }
    });
    view! {
        <div class="slm-scroll" tabindex="0" role="group" aria-label="Metrics by class">
            <table class="slm-table slm-classes">
                <thead>
                    <tr>
                        <th scope="col">"Class"</th>
                        <th scope="col">"Precision"</th>
                        <th scope="col">"Recall"</th>
                        <th scope="col">"F1"</th>
                        <th scope="col" class="slm-number">"Rows"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}
