//! What a person can turn in a recipe's own view, and what is then shown.

use std::{fs, path::Path};

use slm_task::bundle::Predictions;

use slm_tests::chrome::Chrome;

use crate::SECONDS;

const ROUTE: &str = "document.querySelector('.route')?.innerText";
const MARKS: &str = "document.querySelector('.result[aria-busy=false] .slm-marked') ? String(document.querySelectorAll('.result .slm-marked mark').length) : ''";
const FIELDS: &str =
    "document.querySelector('.result[aria-busy=false] .slm-object table')?.innerText";

/// Turns what a recipe has to turn; one without a dial is looked at.
pub async fn turn(chrome: &Chrome, recipe: &str) {
    match recipe {
        "intent" => the_threshold_decides_the_route(chrome).await,
        "pii" => the_recall_dial_never_finds_less(chrome).await,
        "extract" => every_field_stands_beside_its_schema(chrome).await,
        _ => {}
    }
}

async fn the_threshold_decides_the_route(chrome: &Chrome) {
    slide(
        chrome,
        "threshold",
        "1",
        "Least confidence for an own answer: 1.00",
    )
    .await;
    let route = chrome.until("a route", ROUTE, SECONDS).await;
    assert!(route.starts_with("→ talk_to_human"), "{route}");
    slide(
        chrome,
        "threshold",
        "0",
        "Least confidence for an own answer: 0.00",
    )
    .await;
    let route = chrome.until("a route", ROUTE, SECONDS).await;
    assert!(
        route.starts_with("→ ") && !route.contains("not sure"),
        "{route}"
    );
}

async fn the_recall_dial_never_finds_less(chrome: &Chrome) {
    slide(chrome, "recall", "0", "stop bias 0 nats").await;
    let few: usize = count(chrome).await;
    slide(chrome, "recall", "6", "stop bias -6 nats").await;
    let many = count(chrome).await;
    assert!(many >= few, "{few} spans, then {many}");
}

/// Beside the recall dial stand the figures that were measured when it was set, at every place of it.
pub async fn as_measured(chrome: &Chrome, bundle: &Path) {
    let file = bundle.join("predictions.json");
    let text = fs::read_to_string(file).expect("predictions");
    let predictions = Predictions::parse(&text, "predictions.json").expect("predictions");
    let Some(dial) = predictions.dials.recall else {
        return;
    };
    assert!(dial.curve.len() > 1, "nothing to turn");
    for (place, point) in dial.curve.iter().rev().enumerate() {
        let bias = format!("stop bias {} nats", point.bias);
        slide(chrome, "recall", &place.to_string(), &bias).await;
        let point = match point.bias == dial.in_force.bias {
            true => &dial.in_force,
            false => point,
        };
        let [found, right] = [point.recall, point.precision].map(|share| 100.0 * share);
        let figures =
            format!("{found:.1}\u{a0}% of the wanted spans are found, {right:.1}\u{a0}% of those");
        let shown = format!(
            "document.querySelector('[aria-label=\"Recall dial\"]')?.innerText.includes('{figures}') ? 'yes' : ''"
        );
        chrome.until(&figures, &shown, SECONDS).await;
    }
}

async fn every_field_stands_beside_its_schema(chrome: &Chrome) {
    let fields = chrome.until("fields", FIELDS, SECONDS).await;
    for part in ["intent", "urgency", "order_id", "one of"] {
        assert!(fields.contains(part), "{part}: {fields}");
    }
}

/// Moves a slider as a hand does, and waits for what its label then says.
async fn slide(chrome: &Chrome, id: &str, value: &str, says: &str) {
    chrome
        .run(&format!(
            "const slider = document.getElementById('{id}'); slider.value = '{value}'; \
             slider.dispatchEvent(new Event('input', {{ bubbles: true }}));"
        ))
        .await;
    let label = format!(
        "document.querySelector('label[for={id}]')?.innerText.includes('{says}') ? 'yes' : ''"
    );
    chrome.until(says, &label, SECONDS).await;
}

async fn count(chrome: &Chrome) -> usize {
    let marks = chrome.until("marks", MARKS, SECONDS).await;
    marks.parse().expect("a number")
}
