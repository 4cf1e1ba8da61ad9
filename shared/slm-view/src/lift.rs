//! The subject against each baseline: difference, interval, p and a verdict in words.

use leptos::prelude::*;
use slm_task::report::Lift;

use crate::format;
use crate::table::{Head, Table};

/// One line of the lift table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftRow {
    /// Metric for people.
    pub metric: String,
    /// Baseline for people.
    pub vs: String,
    /// Signed difference.
    pub value: String,
    /// Its 95 % interval.
    pub interval: String,
    /// McNemar p.
    pub p: String,
    /// `decisive` or `not decisive`.
    pub verdict: &'static str,
    /// Class of the verdict: what it says is also in words.
    pub class: &'static str,
}

impl LiftRow {
    /// From an entry of the report.
    pub fn new(lift: &Lift) -> Self {
        let class = match (lift.decisive, lift.value > 0.0) {
            (true, true) => "slm-good",
            (true, false) => "slm-bad",
            (false, _) => "slm-muted",
        };
        Self {
            metric: format::metric_name(&lift.metric),
            vs: format::system_name(&lift.vs),
            value: format::signed(lift.value),
            interval: format::signed_interval(lift.ci),
            p: format::p_value(lift.p),
            verdict: format::verdict(lift.decisive),
            class,
        }
    }
}

/// The lift table.
#[component]
pub fn LiftTable(
    /// In the order of the report.
    rows: Vec<LiftRow>,
) -> impl IntoView {
    let rows = rows.into_iter().map(|row| {
        view! {
            <tr>
                <th scope="row">{row.metric}</th>
                <td>{row.vs}</td>
                <td class="slm-number">{row.value}</td>
                <td class="slm-number">{row.interval}</td>
                <td class="slm-number">{row.p}</td>
                <td class=row.class>{row.verdict}</td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Metric"),
        Head::text("Against"),
        Head::number("Difference"),
        Head::number("95\u{a0}% interval"),
        Head::number("McNemar p"),
        Head::text("Verdict"),
    ];
    view! {
        <Table label="Lift over the baselines" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">
            "A difference is decisive when its paired bootstrap interval lies on one side of zero. \
             McNemar's exact test compares right and wrong rows only, so its p belongs to accuracy, \
             whatever the metric of the line."
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_has_words_and_a_class() {
        let lift = |value, decisive| {
            let row = LiftRow::new(&Lift {
                metric: "accuracy".into(),
                vs: "majority".into(),
                value,
                ci: [-0.1, 0.1],
                p: 0.0001,
                decisive,
            });
            (row.value, row.verdict, row.class)
        };
        let check = |found: (String, _, _), expected: (&str, _, _)| {
            assert_eq!((found.0.as_str(), found.1, found.2), expected);
        };
        check(lift(0.2, true), ("+0.200", "decisive", "slm-good"));
        check(lift(-0.2, true), ("−0.200", "decisive", "slm-bad"));
        check(lift(0.2, false), ("+0.200", "not decisive", "slm-muted"));
    }
}
