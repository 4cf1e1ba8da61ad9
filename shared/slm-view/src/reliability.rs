//! The reliability curve: how often the subject is right at each confidence, bin by bin.

use leptos::prelude::*;
use slm_task::report::{Classification, ReliabilityBin};

use crate::chart::{Scale, px};
use crate::format;
use crate::table::{Head, Table};

/// The curve's data; none where the system has no probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Bins that hold rows.
    pub bins: Vec<ReliabilityBin>,
    /// Rows of the fullest bin.
    pub fullest: u64,
    /// Expected calibration error.
    pub ece: String,
}

impl Reliability {
    /// From a system's classification.
    pub fn new(classification: &Classification) -> Option<Self> {
        let bins: Vec<_> = classification
            .reliability
            .iter()
            .filter(|bin| bin.count > 0)
            .cloned()
            .collect();
        let fullest = bins.iter().map(|bin| bin.count).max()?;
        Some(Self {
            bins,
            fullest,
            ece: format::metric(classification.ece?),
        })
    }

    /// The curve in a sentence.
    pub fn sentence(&self) -> String {
        let rows: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let bold: u64 = self
            .bins
            .iter()
            .filter(|bin| bin.confidence > bin.accuracy)
            .map(|bin| bin.count)
            .sum();
        let share = format::percent(bold as f64 / rows.max(1) as f64);
        format!(
            "Calibration error {}. Bins with {share} of the rows are more confident than right.",
            self.ece
        )
    }
}

const LEFT: f64 = 46.0;
const SIDE: f64 = 280.0;
const TOP: f64 = 10.0;
/// Where the histogram of counts stands, below the curve and its axis.
const COUNTS_TOP: f64 = TOP + SIDE + 28.0;
const COUNTS_HEIGHT: f64 = 44.0;
const WIDTH: f64 = LEFT + SIDE + 14.0;
const HEIGHT: f64 = COUNTS_TOP + COUNTS_HEIGHT + 24.0;

fn across() -> Scale {
    Scale {
        domain: [0.0, 1.0],
        range: [LEFT, LEFT + SIDE],
    }
}

fn upward() -> Scale {
    Scale {
        domain: [0.0, 1.0],
        range: [TOP + SIDE, TOP],
    }
}

/// The curve with a histogram of its bins and a table.
#[component]
pub fn ReliabilityCurve(
    /// What to show.
    reliability: Reliability,
) -> impl IntoView {
    let points: Vec<String> = reliability
        .bins
        .iter()
        .map(|bin| {
            format!(
                "{},{}",
                across().px(bin.confidence),
                upward().px(bin.accuracy)
            )
        })
        .collect();
    let dots: Vec<_> = reliability.bins.iter().map(dot).collect();
    let fullest = reliability.fullest;
    let counts: Vec<_> = reliability
        .bins
        .iter()
        .map(|bin| count_bar(bin, fullest))
        .collect();
    let sentence = reliability.sentence();
    view! {
        <figure class="slm-figure">
            <svg
                class="slm-chart"
                role="img"
                aria-label=format!("Reliability curve. {sentence}")
                viewBox=format!("0 0 {} {}", px(WIDTH), px(HEIGHT))
                width=px(WIDTH)
                height=px(HEIGHT)
            >
                {axes()}
                <line
                    class="slm-ideal"
                    x1=across().px(0.0)
                    y1=upward().px(0.0)
                    x2=across().px(1.0)
                    y2=upward().px(1.0)
                ></line>
                <polyline class="slm-line" points=points.join(" ")></polyline>
                {dots}
                {counts}
                <text class="slm-axis-title slm-middle" x=across().px(0.5) y=px(HEIGHT - 6.0)>
                    "Confidence, with rows in each bin"
                </text>
            </svg>
            <figcaption class="slm-note">
                {format!("{sentence} The dashed line is perfect calibration.")}
            </figcaption>
            {table(reliability.bins)}
        </figure>
    }
}

fn axes() -> AnyView {
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0];
    let lines: Vec<_> = ticks
        .into_iter()
        .map(|tick| {
            let (x, y) = (across().px(tick), upward().at(tick));
            view! {
                <g>
                    <line class="slm-grid" x1=px(LEFT) x2=px(LEFT + SIDE) y1=px(y) y2=px(y)></line>
                    <text class="slm-tick slm-end" x=px(LEFT - 6.0) y=px(y + 4.0)>{px(tick)}</text>
                    <text class="slm-tick slm-middle" x=x y=px(TOP + SIDE + 16.0)>{px(tick)}</text>
                </g>
            }
        })
        .collect();
    let middle = upward().px(0.5);
    view! {
        <g>
            {lines}
            <text
                class="slm-axis-title slm-middle"
                x="12"
                y=middle.clone()
                transform=format!("rotate(-90 12 {middle})")
            >
                "Share right"
            </text>
        </g>
    }
    .into_any()
}

fn dot(bin: &ReliabilityBin) -> AnyView {
    let (x, y) = (across().px(bin.confidence), upward().px(bin.accuracy));
    view! { <circle class="slm-dot" cx=x cy=y r="4"></circle> }.into_any()
}

fn count_bar(bin: &ReliabilityBin, fullest: u64) -> AnyView {
    let height = COUNTS_HEIGHT * bin.count as f64 / fullest.max(1) as f64;
    let (left, right) = (across().at(bin.low), across().at(bin.high));
    view! {
        <rect
            class="slm-count"
            x=px(left + 0.5)
            width=px((right - left - 1.0).max(0.5))
            y=px(COUNTS_TOP + COUNTS_HEIGHT - height)
            height=px(height)
        ></rect>
    }
    .into_any()
}

fn table(bins: Vec<ReliabilityBin>) -> AnyView {
    let rows = bins.into_iter().map(|bin| {
        view! {
            <tr>
                <th scope="row">{format!("{} to {}", format::percent(bin.low), format::percent(bin.high))}</th>
                <td class="slm-number">{format::count(bin.count)}</td>
                <td class="slm-number">{format::percent(bin.confidence)}</td>
                <td class="slm-number">{format::percent(bin.accuracy)}</td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Confidence"),
        Head::number("Rows"),
        Head::number("Mean confidence"),
        Head::number("Share right"),
    ];
    view! {
        <details class="slm-details">
            <summary>"The same as a table"</summary>
            <Table label="Reliability, table" heads>
                {rows.collect_view()}
            </Table>
        </details>
    }
    .into_any()
}
