//! The threshold in front of a recipe that routes: a slider, what it does to the test rows, and
//! where the present answer would go.

use leptos::prelude::*;
use slm_task::{
    Prediction,
    routing::{RoutingReport, Threshold},
};
use slm_view::routing;

use super::context::AppContext;

/// Id of the slider.
const SLIDER: &str = "threshold";

#[component]
pub(super) fn RoutingPanel(report: RoutingReport) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let chosen = report.threshold.clone();
    let threshold = RwSignal::new(chosen.value);
    let report = StoredValue::new(report);
    let answer = Memo::new(move |_| context.session.with(|session| session.answer.clone()));
    let verdict = move || {
        let (_, answer) = answer.get()?;
        let fallback = report.with_value(|report| report.fallback.clone());
        Some(verdict(&answer.prediction, threshold.get(), &fallback))
    };
    let effect = move || {
        report.with_value(|report| {
            let point = point_at(report, threshold.get());
            point.map(|point| routing::sentence(point, &report.fallback))
        })
    };
    let goal = report.with_value(|report| report.goal.clone());
    let outcome = if chosen.reached {
        ""
    } else {
        ", which none reached"
    };
    let advice = format!(
        "Set to {:.2} on {} dev rows, for the goal: {goal}{outcome}.",
        chosen.value, chosen.dev_rows
    );
    view! {
        <section class="routing" aria-label="Routing">
            <label class="label" for=SLIDER>
                {move || format!("Least confidence for an own answer: {:.2}", threshold.get())}
            </label>
            <input
                id=SLIDER
                type="range"
                min="0"
                max="1"
                step="0.01"
                prop:value=move || threshold.get().to_string()
                on:input=move |event| {
                    if let Ok(value) = event_target_value(&event).parse() {
                        threshold.set(value);
                    }
                }
            />
            <p class="route" role="status">{verdict}</p>
            <p class="quiet">"On the test rows: " {effect}</p>
            <p class="quiet">{advice}</p>
        </section>
    }
}

/// Where an answer goes, in words.
fn verdict(prediction: &Prediction, threshold: f64, fallback: &str) -> String {
    let in_force = Threshold {
        value: threshold,
        dev_rows: 0,
        reached: true,
    };
    match prediction.label() {
        Some(label) if !in_force.routes(prediction, fallback) => format!("→ {label}"),
        Some(label) if label == fallback => format!("→ {fallback}"),
        Some(label) => format!("→ {fallback} (not sure enough of {label})"),
        None => format!("→ {fallback} (no answer)"),
    }
}

/// The point of the curve nearest to a threshold.
fn point_at(report: &RoutingReport, threshold: f64) -> Option<&slm_task::routing::RoutingPoint> {
    let distance = |point: &&slm_task::routing::RoutingPoint| (point.threshold - threshold).abs();
    let nearest = report.curve.iter();
    nearest.min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use slm_task::{Failure, LabelPrediction};

    use super::*;

    #[test]
    fn an_answer_goes_where_the_threshold_says() {
        let label = |label: &str, confidence: f64| {
            Prediction::Label(LabelPrediction {
                label: label.into(),
                probabilities: vec![confidence, 1.0 - confidence],
                outside: 0.0,
            })
        };
        let failed = Prediction::Failed(Failure::Runtime {
            message: "?".into(),
        });
        let check = |prediction: &Prediction, threshold, expected: &str| {
            assert_eq!(verdict(prediction, threshold, "human"), expected);
        };
        check(&label("pay", 0.9), 0.8, "→ pay");
        check(&label("pay", 0.9), 0.95, "→ human (not sure enough of pay)");
        check(&label("human", 0.9), 0.1, "→ human");
        check(&failed, 0.0, "→ human (no answer)");
    }
}
