//! What a person does on the page, step by step, and what they see.

use std::time::Duration;

use slm_tests::chrome::Chrome;

use crate::SECONDS;

const ENDING: &str = "document.querySelector('.ending-what')?.innerText";
/// The answer when it is no longer awaited.
pub const ANSWER: &str = "document.querySelector('.result[aria-busy=false] .verdict')?.innerText";

/// Waits until the model answers; a problem instead of it ends the test.
pub async fn ready(chrome: &Chrome, patience: Duration) {
    let outcome = "(document.querySelector('.ready summary') || document.querySelector('.problem'))?.innerText";
    let outcome = chrome.until("model", outcome, patience).await;
    assert_eq!(outcome, "Model ready, on this device");
}

/// Types a sentence and checks that three probabilities share 100 %.
pub async fn type_and_read(chrome: &Chrome) {
    chrome
        .write("#text", "The battery died after two days.")
        .await;
    let label = chrome.until("an answer", ANSWER, SECONDS).await;
    assert!(
        ["negative", "neutral", "positive"].contains(&label.as_str()),
        "{label}"
    );
    let shares = "Array.from(document.querySelectorAll('.result .slm-probability-value'), e => parseFloat(e.innerText))";
    let sum = chrome
        .until(
            "probabilities",
            &format!(
                "String({shares}.length) + ' ' + {shares}.reduce((a, b) => a + b, 0).toFixed(0)"
            ),
            SECONDS,
        )
        .await;
    assert_eq!(sum, "3 100");
}

pub async fn the_base_model_answers_too(chrome: &Chrome) {
    for (system, name) in [(1, "Base"), (0, "Fine-tuned")] {
        let choose = format!("document.querySelectorAll('.switch input')[{system}].click()");
        chrome.run(&choose).await;
        who_answers(chrome, name).await;
    }
}

/// Waits for the answer of this model.
pub async fn who_answers(chrome: &Chrome, name: &str) {
    let who = "document.querySelector('.result[aria-busy=false] .label')?.innerText";
    let is_it = format!("{who}?.startsWith('{name}') ? 'yes' : ''");
    chrome.until(name, &is_it, SECONDS).await;
}

pub async fn a_text_beyond_the_context_is_a_failure_in_words(chrome: &Chrome) {
    chrome.paste("#text", &"word ".repeat(9000)).await;
    let words = chrome
        .until(
            "the failure",
            "document.querySelector('.slm-failure')?.innerText",
            SECONDS,
        )
        .await;
    assert!(
        words.contains("tokens") && words.contains("Shorten"),
        "{words}"
    );
}

pub async fn keys_walk_the_tabs(chrome: &Chrome) {
    let selected = "document.querySelector('[role=tab][aria-selected=true]')?.innerText";
    chrome.press("#tab-try", fantoccini::key::Key::Right).await;
    chrome.until("the next tab", &format!("{selected} === 'Evaluate' && document.activeElement.id === 'tab-evaluate' ? 'yes' : ''"), SECONDS).await;
}

/// Runs the evaluation of the open tab to its end; it must give the shipped report.
pub async fn evaluate(chrome: &Chrome, patience: Duration) {
    chrome.click(".evaluate .button.primary").await;
    chrome.until("a cancel button", "document.querySelector('.evaluate .actions')?.innerText.includes('Cancel') || document.querySelector('.ending') ? 'yes' : ''", SECONDS).await;
    is_equal_to_the_report(chrome, patience).await;
}

/// Waits for the end of the evaluation, which must give the shipped report.
pub async fn is_equal_to_the_report(chrome: &Chrome, patience: Duration) {
    let verdict = chrome.until("the end", ENDING, patience).await;
    assert_eq!(verdict, "Equal to the shipped report, byte for byte.");
}

/// Starts the evaluation of the open tab and thinks better of it.
pub async fn evaluate_and_cancel(chrome: &Chrome) {
    // In one go: the whole evaluation of a small model may take less time than two commands.
    chrome
        .run(
            "document.querySelector('.evaluate .button.primary').click(); \
             setTimeout(() => document.querySelector('.evaluate .actions .button:not(.primary)').click())",
        )
        .await;
    let verdict = chrome.until("the end", ENDING, SECONDS).await;
    assert_eq!(verdict, "Cancelled.");
    chrome
        .until(
            "the way to run it again",
            "document.querySelector('.evaluate .button.primary:enabled')?.innerText",
            SECONDS,
        )
        .await;
}

/// Opens the report; gives its text.
pub async fn report(chrome: &Chrome) -> String {
    chrome.click("#tab-report").await;
    let report = "document.querySelector('.slm-report')?.innerText";
    chrome.until("the report", report, SECONDS).await
}

/// The page says that this browser did not store the model, and why.
pub async fn the_model_stays_in_memory(chrome: &Chrome, why: &str) {
    let note = "document.querySelector('.note')?.innerText";
    let note = chrome.until("the note", note, SECONDS).await;
    assert!(
        note.contains("in memory only") && note.contains(why),
        "{note}"
    );
}

/// Waits until the service worker keeps the open recipe for use offline.
pub async fn the_bundle_is_kept(chrome: &Chrome) {
    let kept = "caches.open('slm-gallery-1').then(c => c.match('bundles/sentiment/probes.json')).then(r => r ? 'kept' : '')";
    chrome.until("the kept files", kept, SECONDS).await;
}

/// How bright the page's ground is, from 0 to 1.
pub async fn ground(chrome: &Chrome) -> f64 {
    let brightness = "String(Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)) / 255)";
    let brightness = chrome.until("a ground", brightness, SECONDS).await;
    brightness.parse().expect("a number")
}

/// Every text stands out from its ground as WCAG 2.2 asks (1.4.3, level AA).
pub async fn is_readable(chrome: &Chrome, scheme: &str, place: &str) {
    let faint = include_str!("contrast.js").trim();
    let faint = chrome.until("a verdict", faint, SECONDS).await;
    assert_eq!(faint, "readable", "{place}, {scheme}");
}

/// No horizontal scroll. The window may be wider than the page by a scroll bar.
pub async fn fits(chrome: &Chrome, what: &str) {
    let page = "document.documentElement.scrollWidth";
    let verdict = format!("{page} <= innerWidth ? 'fits' : {page} + ' in ' + innerWidth");
    let verdict = chrome.until(what, &verdict, SECONDS).await;
    assert_eq!(verdict, "fits", "{what}");
}
