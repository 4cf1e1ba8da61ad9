//! The recall dial of a recipe of spans: a slider over the biases that were tried. Moving it asks the
//! model again.

use leptos::prelude::*;
use slm_task::recall::{RecallDial, RecallPoint};
use slm_view::recall;

/// Id of the slider.
const SLIDER: &str = "recall";

#[component]
pub(super) fn RecallPanel(dial: RecallDial, stop_bias: RwSignal<Option<f64>>) -> impl IntoView {
    let shipped = dial.bias.all;
    let advice = recall::advice(&dial);
    let last = dial.curve.len().saturating_sub(1);
    let in_force = dial.in_force;
    let curve = StoredValue::new(dial.curve);
    let place = move || curve.with_value(|curve| place(curve, stop_bias.get().unwrap_or(shipped)));
    let effect = move || {
        curve.with_value(|curve| {
            let point = curve.get(curve.len().checked_sub(1 + place())?)?;
            let is_shipped = point.bias == in_force.bias;
            Some(recall::sentence(if is_shipped { &in_force } else { point }))
        })
    };
    view! {
        <section class="routing" aria-label="Recall dial">
            <label class="label" for=SLIDER>
                {move || format!("Eagerness: stop bias {} nats", stop_bias.get().unwrap_or(shipped))}
            </label>
            <input
                id=SLIDER
                type="range"
                min="0"
                max=last
                step="1"
                prop:value=move || place().to_string()
                on:input=move |event| {
                    let chosen = event_target_value(&event).parse().ok();
                    let bias = chosen.and_then(|place| curve.with_value(|curve| bias_at(curve, place)));
                    if bias.is_some() {
                        stop_bias.set(bias);
                    }
                }
            />
            <p class="quiet">"On the dev rows: " {effect}</p>
            <p class="quiet">{advice}</p>
        </section>
    }
}

/// The slider's place for a bias: the further right, the lower the bias and the more is found.
fn place(curve: &[RecallPoint], bias: f64) -> usize {
    let above = curve.iter().filter(|point| point.bias > bias);
    above.count()
}

/// The bias at a place of the slider.
fn bias_at(curve: &[RecallPoint], place: usize) -> Option<f64> {
    let point = curve.get(curve.len().checked_sub(1 + place)?)?;
    Some(point.bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slider_goes_from_few_spans_to_many() {
        let curve: Vec<RecallPoint> = [-6.0, -1.0, 0.0]
            .map(|bias| RecallPoint {
                bias,
                precision: 0.0,
                recall: 0.0,
                f2: 0.0,
            })
            .to_vec();
        for (at, bias) in [0.0, -1.0, -6.0].into_iter().enumerate() {
            assert_eq!(place(&curve, bias), at);
            assert_eq!(bias_at(&curve, at), Some(bias));
        }
        assert_eq!(bias_at(&curve, 3), None);
    }
}
