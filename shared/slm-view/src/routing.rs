//! The routing block: the threshold, what it does to the rows, and the risk at every coverage.

use leptos::prelude::*;
use slm_task::routing::{RoutingPoint, RoutingReport};

use crate::chart::{Bar, Scale, px};
use crate::format;
use crate::table::{Head, Table};

/// What a threshold does, in a sentence.
pub fn sentence(point: &RoutingPoint, fallback: &str) -> String {
    format!(
        "At {:.2} the model answers {} of the rows itself, {} of these right; the rest go to {fallback}.",
        point.threshold,
        format::percent(point.coverage),
        format::percent(1.0 - point.risk),
    )
}

const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const PLOT: [f64; 2] = [300.0, 160.0];
const SIZE: [f64; 2] = [LEFT + PLOT[0] + 14.0, TOP + PLOT[1] + 38.0];

/// Scales of the plot: coverage across, risk upward to a little above its highest.
fn scales(curve: &[RoutingPoint]) -> [Scale; 2] {
    let highest = curve.iter().map(|p| p.risk).fold(0.0, f64::max);
    let top = (highest * 10.0).ceil().max(1.0) / 10.0;
    let across = Scale {
        domain: [0.0, 1.0],
        range: [LEFT, LEFT + PLOT[0]],
    };
    let upward = Scale {
        domain: [0.0, top],
        range: [TOP + PLOT[1], TOP],
    };
    [across, upward]
}

/// The routing block of a report.
#[component]
pub fn RoutingView(
    /// What to show.
    routing: RoutingReport,
) -> impl IntoView {
    let text = sentence(&routing.at, &routing.fallback);
    let set = format!(
        "Set on {} for the goal: {}.",
        format::counted(routing.threshold.dev_rows as u64, "dev row"),
        routing.goal
    );
    let unreached = (!routing.threshold.reached).then(|| {
        view! { <p class="slm-note">"No threshold reached the goal on the dev rows."</p> }
    });
    view! {
        <div>
            <p>{text}</p>
            <p class="slm-muted">{set}</p>
            {unreached}
            <div class="slm-columns">
                {curve(&routing)}
                {by_label(routing.by_label)}
            </div>
        </div>
    }
}

fn curve(routing: &RoutingReport) -> AnyView {
    let [across, upward] = scales(&routing.curve);
    let place = |p: &RoutingPoint| format!("{},{}", across.px(p.coverage), upward.px(p.risk));
    let answered = routing.curve.iter().filter(|p| p.coverage > 0.0);
    let points: Vec<String> = answered.map(place).collect();
    let label = format!(
        "Risk by coverage. {}",
        sentence(&routing.at, &routing.fallback)
    );
    view! {
        <figure class="slm-figure">
            <svg
                class="slm-chart"
                role="img"
                aria-label=label
                viewBox=format!("0 0 {} {}", px(SIZE[0]), px(SIZE[1]))
                width=px(SIZE[0])
                height=px(SIZE[1])
            >
                {grid(across, upward)}
                <polyline class="slm-line" points=points.join(" ")></polyline>
                <circle
                    class="slm-dot"
                    cx=across.px(routing.at.coverage)
                    cy=upward.px(routing.at.risk)
                    r="5"
                ></circle>
                <text class="slm-axis-title slm-middle" x=across.px(0.5) y=px(SIZE[1] - 4.0)>
                    "Coverage: share of rows answered"
                </text>
            </svg>
            <figcaption class="slm-note">
                "Risk, the share of wrong answers among those given, by coverage. The dot is the \
                 threshold in force."
            </figcaption>
        </figure>
    }
    .into_any()
}

fn grid(across: Scale, upward: Scale) -> AnyView {
    let right = LEFT + PLOT[0];
    let lines = [0.0, 0.5, 1.0].map(|share| {
        let risk = share * upward.domain[1];
        let y = upward.px(risk);
        view! {
            <g>
                <line class="slm-grid" x1=px(LEFT) x2=px(right) y1=y.clone() y2=y></line>
                <text class="slm-tick slm-end" x=px(LEFT - 6.0) y=px(upward.at(risk) + 4.0)>
                    {px(risk)}
                </text>
                <text class="slm-tick slm-middle" x=across.px(share) y=px(TOP + PLOT[1] + 16.0)>
                    {px(share)}
                </text>
            </g>
        }
    });
    view! { <g>{lines.into_iter().collect_view()}</g> }.into_any()
}

fn by_label(labels: Vec<(String, usize, usize)>) -> AnyView {
    let rows = labels.into_iter().map(|(label, rows, routed)| {
        let share = routed as f64 / rows.max(1) as f64;
        let shown = match rows {
            0 => "–".to_string(),
            _ => format::percent(share),
        };
        view! {
            <tr>
                <th scope="row">{label}</th>
                <td class="slm-number">{format::count(rows as u64)}</td>
                <td>
                    <span class="slm-bar-number">{shown}</span>
                    <Bar value=share/>
                </td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Class"),
        Head::number("Rows"),
        Head::text("Routed"),
    ];
    view! {
        <Table label="Routed share by label" class="slm-classes" heads>
            {rows.collect_view()}
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(coverage: f64, risk: f64) -> RoutingPoint {
        RoutingPoint {
            threshold: 0.62,
            coverage,
            risk,
            cost: 0.0,
        }
    }

    #[test]
    fn a_threshold_is_said_in_words() {
        assert_eq!(
            sentence(&point(0.8, 0.05), "talk_to_human"),
            "At 0.62 the model answers 80.0\u{a0}% of the rows itself, 95.0\u{a0}% of these right; \
             the rest go to talk_to_human."
        );
    }

    #[test]
    fn the_plot_holds_the_highest_risk() {
        for (risk, top) in [(0.0, 0.1), (0.05, 0.1), (0.23, 0.3), (1.0, 1.0)] {
            let [_, upward] = scales(&[point(1.0, risk)]);
            assert!((upward.domain[1] - top).abs() < 1e-9, "{risk}");
        }
    }
}
