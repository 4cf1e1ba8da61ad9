//! Precision, recall and F1 of each class as bars beside their numbers.

use leptos::prelude::*;
use slm_task::report::{Average, ClassMetrics, Figures, SpanView, Structured};

use crate::chart::Bar;
use crate::format;
use crate::table::{Head, Table};

/// One class or one average.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassRow {
    /// Label, or the average's name.
    pub name: String,
    /// Precision, recall, F1.
    pub values: [f64; 3],
    /// Gold rows, or spans; none for an average.
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
        Figures::Spans(spans) => of_spans(&spans.exact),
        Figures::Structured(figures) => of_fields(figures),
    }
}

fn of_fields(figures: &Structured) -> Vec<ClassRow> {
    let fields = figures.fields.iter().map(|field| ClassRow {
        name: field.path.clone(),
        values: [field.precision, field.recall, field.f1],
        support: Some(field.support),
    });
    let averages = [
        ("Micro average", &figures.micro),
        ("Macro average", &figures.macro_average),
    ];
    fields.chain(averages.map(average_row)).collect()
}

fn of_spans(view: &SpanView) -> Vec<ClassRow> {
    let types = view.per_type.iter().map(|t| ClassRow {
        name: t.label.clone(),
        values: [t.precision, t.recall, t.f1],
        support: Some(t.support),
    });
    let averages = [
        ("Micro average", &view.micro),
        ("Macro average", &view.macro_average),
    ];
    let averages = averages.map(|(name, a)| ClassRow {
        name: name.into(),
        values: [a.precision, a.recall, a.f1],
        support: None,
    });
    types.chain(averages).collect()
}

fn table(classes: &[ClassMetrics], averages: &[(&str, &Average)]) -> Vec<ClassRow> {
    let classes = classes.iter().map(|c| ClassRow {
        name: c.label.clone(),
        values: [c.precision, c.recall, c.f1],
        support: Some(c.support),
    });
    classes
        .chain(averages.iter().copied().map(average_row))
        .collect()
}

fn average_row((name, average): (&str, &Average)) -> ClassRow {
    ClassRow {
        name: name.into(),
        values: [average.precision, average.recall, average.f1],
        support: None,
    }
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
    let heads = vec![
        Head::text("Class"),
        Head::text("Precision"),
        Head::text("Recall"),
        Head::text("F1"),
        Head::number("Support"),
    ];
    view! {
        <Table label="Metrics by class" class="slm-classes" heads>
            {rows.collect_view()}
        </Table>
    }
}
