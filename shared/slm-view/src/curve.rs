//! The training curve: loss and dev metric by optimizer step, one panel each.

use leptos::prelude::*;
use slm_task::report::CurvePoint;

use crate::chart::{Scale, px, tick_text, ticks};
use crate::format;

/// One line over steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// For people.
    pub name: &'static str,
    /// Step and value, steps ascending, values finite.
    pub points: Vec<(f64, f64)>,
    /// Whether single points are drawn (few of them) or only the line.
    pub dotted: bool,
}

/// Loss and dev metric, whichever have points.
pub fn series(curve: &[CurvePoint]) -> Vec<Series> {
    let pick = |name, dotted, value: fn(&CurvePoint) -> Option<f64>| Series {
        name,
        dotted,
        points: curve
            .iter()
            .filter_map(|p| Some((p.step as f64, value(p)?)))
            .filter(|(_, value)| value.is_finite())
            .collect(),
    };
    [
        pick("Training loss", false, |p| p.loss),
        pick("Dev selection metric", true, |p| p.dev),
    ]
    .into_iter()
    .filter(|s| !s.points.is_empty())
    .collect()
}

impl Series {
    /// Smallest and largest of one coordinate.
    fn bounds(&self, of: fn(&(f64, f64)) -> f64) -> [f64; 2] {
        let values = self.points.iter().map(of);
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
            [low.min(v), high.max(v)]
        })
    }

    /// The line in a sentence.
    pub fn sentence(&self) -> String {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return format!("{}: no points.", self.name);
        };
        let [low, high] = self.bounds(|p| p.1);
        format!(
            "{} from {} at step {} to {} at step {}; lowest {}, highest {}.",
            self.name,
            format::metric(first.1),
            first.0,
            format::metric(last.1),
            last.0,
            format::metric(low),
            format::metric(high)
        )
    }
}

const LEFT: f64 = 46.0;
const TOP: f64 = 24.0;
const PLOT: [f64; 2] = [300.0, 150.0];
const SIZE: [f64; 2] = [LEFT + PLOT[0] + 14.0, TOP + PLOT[1] + 38.0];

/// Both panels.
#[component]
pub fn TrainingCurve(
    /// From [`series`].
    series: Vec<Series>,
    /// Steps at both ends, so that panels line up.
    steps: [f64; 2],
) -> impl IntoView {
    let panels: Vec<_> = series.into_iter().map(|s| panel(s, steps)).collect();
    view! { <div class="slm-panels">{panels}</div> }
}

/// First and last step of a curve.
pub fn steps(series: &[Series]) -> [f64; 2] {
    series.iter().fold([f64::INFINITY, 0.0], |[low, high], s| {
        let [first, last] = s.bounds(|p| p.0);
        [low.min(first), high.max(last)]
    })
}

fn panel(series: Series, steps: [f64; 2]) -> AnyView {
    let x = Scale {
        domain: steps,
        range: [LEFT, LEFT + PLOT[0]],
    };
    let y = Scale {
        domain: padded(series.bounds(|p| p.1)),
        range: [TOP + PLOT[1], TOP],
    };
    let place = |&(step, value): &(f64, f64)| format!("{},{}", x.px(step), y.px(value));
    let points: Vec<String> = series.points.iter().map(place).collect();
    let dots: Vec<_> = series
        .points
        .iter()
        .filter(|_| series.dotted || series.points.len() == 1)
        .map(|p| view! { <circle class="slm-dot" cx=x.px(p.0) cy=y.px(p.1) r="3.5"></circle> })
        .collect();
    let sentence = series.sentence();
    view! {
        <figure class="slm-figure">
            <svg
                class="slm-chart"
                role="img"
                aria-label=sentence.clone()
                viewBox=format!("0 0 {} {}", px(SIZE[0]), px(SIZE[1]))
                width=px(SIZE[0])
                height=px(SIZE[1])
            >
                <text class="slm-axis-title" x=px(LEFT) y="14">{series.name}</text>
                {horizontal_grid(y)}
                {step_ticks(x)}
                <polyline class="slm-line" points=points.join(" ")></polyline>
                {dots}
                <text class="slm-axis-title slm-middle" x=px(LEFT + PLOT[0] / 2.0) y=px(SIZE[1] - 4.0)>
                    "Step"
                </text>
            </svg>
            <figcaption class="slm-note">{sentence}</figcaption>
        </figure>
    }
    .into_any()
}

/// A little air above and below, so that a flat line is not an edge.
fn padded([low, high]: [f64; 2]) -> [f64; 2] {
    let air = if high > low {
        (high - low) * 0.06
    } else {
        0.05
    };
    [low - air, high + air]
}

fn horizontal_grid(y: Scale) -> Vec<impl IntoView> {
    let values = ticks(y.domain[0], y.domain[1], 6);
    let step = spacing(&values);
    let line = move |value: f64| {
        view! {
            <g>
                <line
                    class="slm-grid"
                    x1=px(LEFT)
                    x2=px(LEFT + PLOT[0])
                    y1=y.px(value)
                    y2=y.px(value)
                ></line>
                <text class="slm-tick slm-end" x=px(LEFT - 6.0) y=px(y.at(value) + 4.0)>
                    {tick_text(value, step)}
                </text>
            </g>
        }
    };
    values.into_iter().map(line).collect()
}

fn step_ticks(x: Scale) -> Vec<impl IntoView> {
    let values = ticks(x.domain[0], x.domain[1], 5);
    let values = values.into_iter().filter(|v| v.fract() == 0.0);
    let text = move |value: f64| {
        view! {
            <text class="slm-tick slm-middle" x=x.px(value) y=px(TOP + PLOT[1] + 16.0)>
                {tick_text(value, 1.0)}
            </text>
        }
    };
    values.map(text).collect()
}

fn spacing(values: &[f64]) -> f64 {
    match values {
        [first, second, ..] => second - first,
        _ => 0.001,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: usize, loss: Option<f64>, dev: Option<f64>) -> CurvePoint {
        CurvePoint { step, loss, dev }
    }

    #[test]
    fn each_series_takes_its_own_points() {
        let curve = [
            point(1, Some(1.2), None),
            point(2, Some(f64::NAN), Some(0.5)),
            point(4, Some(0.8), None),
        ];
        let series = series(&curve);
        assert_eq!(series[0].points, [(1.0, 1.2), (4.0, 0.8)]);
        assert_eq!(series[1].points, [(2.0, 0.5)]);
        assert_eq!(steps(&series), [1.0, 4.0]);
        assert_eq!(
            series[0].sentence(),
            "Training loss from 1.200 at step 1 to 0.800 at step 4; lowest 0.800, highest 1.200."
        );
    }

    #[test]
    fn no_points_no_series() {
        assert!(series(&[]).is_empty());
        assert!(series(&[point(1, None, None)]).is_empty());
    }

    #[test]
    fn a_flat_line_has_a_panel() {
        let [low, high] = padded([0.5, 0.5]);
        assert!(low < 0.5 && 0.5 < high);
    }
}
