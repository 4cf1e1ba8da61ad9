//! What the charts share: linear scales, round ticks and a bar. Lengths are SVG attributes.

use leptos::prelude::*;

/// A linear map from data to SVG units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Data values at both ends.
    pub domain: [f64; 2],
    /// SVG units at both ends; the first may be the larger (an upward axis).
    pub range: [f64; 2],
}

impl Scale {
    /// Where a value lies; values outside the domain are held at its ends, and a domain of one
    /// value maps to the middle.
    pub fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain;
        let width = high - low;
        let share = if width > 0.0 && value.is_finite() {
            ((value - low) / width).clamp(0.0, 1.0)
        } else {
            0.5
        };
        self.range[0] + share * (self.range[1] - self.range[0])
    }

    /// [`Scale::at`] as an attribute.
    pub fn px(&self, value: f64) -> String {
        px(self.at(value))
    }
}

/// A length as an SVG attribute: at most two decimals, no trailing zeros.
pub fn px(length: f64) -> String {
    let text = format!("{length:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// About `wanted` values on a 1, 2, 5 grid that lie within `[low, high]`.
pub fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let width = high - low;
    if !width.is_finite() || width <= 0.0 || wanted == 0 {
        return vec![low];
    }
    let rough = width / wanted as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * magnitude)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// A tick's text, with as many decimals as its neighbours need.
pub fn tick_text(value: f64, step: f64) -> String {
    let places = if step > 0.0 && step < 1.0 {
        (-step.log10()).ceil().min(6.0) as usize
    } else {
        0
    };
    format!("{value:.places$}")
}

/// A bar from 0 to 1. Decoration only: the number stands beside it.
#[component]
pub fn Bar(
    /// Share of the track that is filled, in `[0, 1]`.
    value: f64,
    /// Class of the filled part, beside `slm-bar-fill`.
    #[prop(default = "")]
    class: &'static str,
) -> impl IntoView {
    let scale = Scale {
        domain: [0.0, 1.0],
        range: [0.0, 100.0],
    };
    let width = if value.is_finite() {
        scale.px(value)
    } else {
        "0".into()
    };
    view! {
        <svg class="slm-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect class="slm-bar-track" x="0" y="0" width="100" height="8"></rect>
            <rect class=format!("slm-bar-fill {class}") x="0" y="0" width=width height="8"></rect>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_values_within_their_ends() {
        let up = Scale {
            domain: [0.0, 2.0],
            range: [100.0, 0.0],
        };
        for (value, expected) in [
            (0.0, 100.0),
            (1.0, 50.0),
            (2.0, 0.0),
            (9.0, 0.0),
            (-1.0, 100.0),
        ] {
            assert_eq!(up.at(value), expected, "{value}");
        }
        assert_eq!(up.at(f64::NAN), 50.0);
        let point = Scale {
            domain: [3.0, 3.0],
            range: [0.0, 10.0],
        };
        assert_eq!(point.at(3.0), 5.0);
    }

    #[test]
    fn lengths_are_short() {
        for (length, expected) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (0.333, "0.33"),
            (-0.001, "0"),
            (100.0, "100"),
        ] {
            assert_eq!(px(length), expected);
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0, 5).len(), 6);
        assert_eq!(ticks(0.0, 100.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(3.0, 3.0, 4), [3.0]);
        assert_eq!(ticks(f64::NAN, 1.0, 4).len(), 1);
        assert_eq!(tick_text(0.2, 0.2), "0.2");
        assert_eq!(tick_text(50.0, 50.0), "50");
    }
}
