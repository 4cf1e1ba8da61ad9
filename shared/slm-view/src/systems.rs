//! All systems side by side, with an interval plot of the first metric.

use leptos::prelude::*;
use slm_task::report::{Body, Figures, SystemReport};

use crate::chart::Scale;
use crate::format;
use crate::table::{Head, Table};

/// One line of the systems table.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemRow {
    /// System for people.
    pub name: String,
    /// Whether the report is about this one.
    pub is_subject: bool,
    /// The first metric's value and interval, for the plot.
    pub whisker: Option<Whisker>,
    /// One rounded value a metric, with its interval.
    pub cells: Vec<(String, String)>,
    /// Calibration error, where the system has probabilities.
    pub ece: String,
    /// Mean mass outside the labels, where the system has probabilities.
    pub outside: String,
    /// Rows without a prediction.
    pub failures: String,
}

/// A value and its interval, in `[0, 1]`; the plot holds anything else at its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whisker {
    /// Value.
    pub value: f64,
    /// Interval.
    pub ci: [f64; 2],
}

/// The systems table.
#[derive(Debug, Clone, PartialEq)]
pub struct Systems {
    /// Metric names for people, in the order of the cells.
    pub metrics: Vec<String>,
    /// The subject first.
    pub rows: Vec<SystemRow>,
}

impl Systems {
    /// From a report's body.
    pub fn new(body: &Body) -> Self {
        let metrics = body.systems.first().map(|s| s.headline.as_slice());
        Self {
            metrics: metrics
                .unwrap_or_default()
                .iter()
                .map(|h| format::metric_name(&h.name))
                .collect(),
            rows: body
                .systems
                .iter()
                .map(|s| SystemRow::new(s, s.name == body.subject))
                .collect(),
        }
    }
}

impl SystemRow {
    fn new(system: &SystemReport, is_subject: bool) -> Self {
        let optional = |value: Option<f64>, text: fn(f64) -> String| {
            value.map_or_else(|| "–".to_string(), text)
        };
        let (ece, outside) = match &system.figures {
            Figures::SingleLabel(figures) => (figures.ece, figures.outside),
            Figures::MultiLabel(figures) => (None, figures.outside),
            Figures::Spans(figures) => (None, figures.outside),
            Figures::Structured(figures) => (None, figures.outside),
        };
        Self {
            name: format::system_name(&system.name),
            is_subject,
            whisker: system.headline.first().map(|h| Whisker {
                value: h.value,
                ci: h.ci,
            }),
            cells: system
                .headline
                .iter()
                .map(|h| (format::metric(h.value), format::interval(h.ci)))
                .collect(),
            ece: optional(ece, format::metric),
            outside: optional(outside, format::percent),
            failures: format::count(system.failures as u64),
        }
    }
}

/// A dot on its interval over `[0, 1]`. Decoration: the numbers stand beside it.
#[component]
fn IntervalPlot(
    /// Value and interval.
    whisker: Whisker,
) -> impl IntoView {
    let scale = Scale {
        domain: [0.0, 1.0],
        range: [4.0, 106.0],
    };
    view! {
        <svg class="slm-whisker" viewBox="0 0 110 16" width="110" height="16" aria-hidden="true">
            <line class="slm-axis" x1="4" x2="106" y1="8" y2="8"></line>
            <line
                class="slm-whisker-line"
                x1=scale.px(whisker.ci[0])
                x2=scale.px(whisker.ci[1])
                y1="8"
                y2="8"
            ></line>
            <circle class="slm-whisker-dot" cx=scale.px(whisker.value) cy="8" r="4"></circle>
        </svg>
    }
}

/// The systems table.
#[component]
pub fn SystemsTable(
    /// What to show.
    systems: Systems,
) -> impl IntoView {
    let plotted = systems.metrics.first().cloned().unwrap_or_default();
    let mut heads = vec![
        Head::text("System"),
        Head::text(format!("{plotted}, 0 to 1")),
    ];
    heads.extend(systems.metrics.into_iter().map(Head::number));
    heads.extend(["ECE", "Outside", "Failures"].map(Head::number));
    let rows = systems.rows.into_iter().map(|row| {
        let cells = row.cells.into_iter().map(|(value, interval)| {
            view! {
                <td class="slm-number">
                    {value}
                    <span class="slm-interval">{interval}</span>
                </td>
            }
        });
        view! {
            <tr class=if row.is_subject { "slm-subject" } else { "" }>
                <th scope="row">{row.name}</th>
                <td>{row.whisker.map(|whisker| view! { <IntervalPlot whisker/> })}</td>
                {cells.collect_view()}
                <td class="slm-number">{row.ece}</td>
                <td class="slm-number">{row.outside}</td>
                <td class="slm-number">{row.failures}</td>
            </tr>
        }
    });
    view! {
        <Table label="All systems" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">
            "Intervals are 95\u{a0}% bootstrap intervals over rows. ECE: expected calibration error. \
             Outside: mean probability of everything that is no label. A failure counts as wrong."
        </p>
    }
}
