//! What a visit to the page costs, for README: printed, not asserted, for machines differ.

use std::time::Instant;

use crate::{
    MINUTES, SECONDS,
    chrome::Chrome,
    steps::{ready, type_and_read},
};

/// Sentences whose answers are timed.
const SENTENCES: usize = 60;

/// What the answer on the screen cost, once it is no longer awaited.
const COST: &str = "document.querySelector('.result[aria-busy=false] .cost')?.innerText";

/// Times the first prediction of a first and of a second visit, then answers one by one.
pub async fn measure(chrome: &Chrome, url: &str) {
    let started = Instant::now();
    chrome.go(url).await;
    first_prediction(chrome, "cold", started).await;
    let started = Instant::now();
    chrome.reload().await;
    first_prediction(chrome, "cached", started).await;
    sentences(chrome).await;
    speed(chrome).await;
}

async fn first_prediction(chrome: &Chrome, visit: &str, started: Instant) {
    ready(chrome, MINUTES).await;
    type_and_read(chrome).await;
    let seconds = started.elapsed().as_secs_f64();
    println!("first prediction, {visit}: {seconds:.1} s");
}

/// The page's own clock on sentences of 6 to 26 words, none as long as the one before, so that their
/// costs read differently.
async fn sentences(chrome: &Chrome) {
    let mut before = chrome.until("a cost", COST, SECONDS).await;
    let mut times = Vec::with_capacity(SENTENCES);
    for sentence in 0..SENTENCES {
        let text = format!(
            "Number {sentence}: {}",
            "it works ".repeat(2 + sentence % 11)
        );
        chrome.write("#text", &text).await;
        let newer = format!("(c => c && c !== {before:?} ? c : '')({COST})");
        before = chrome.until("the next cost", &newer, SECONDS).await;
        times.push(milliseconds(&before));
    }
    times.sort_by(f64::total_cmp);
    let (median, late) = (times[SENTENCES / 2], times[SENTENCES * 95 / 100]);
    println!("a sentence: p50 {median:.0} ms, p95 {late:.0} ms of {SENTENCES}");
}

/// The number before `ms` (or `s`) in `9 tokens in 120 ms · 75 tokens/s`.
fn milliseconds(cost: &str) -> f64 {
    let time = cost.split(" in ").nth(1).unwrap_or_default();
    let mut words = time.split_whitespace();
    let number: f64 = words
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(f64::NAN);
    match words.next() {
        Some("ms") => number,
        _ => 1000.0 * number,
    }
}

async fn speed(chrome: &Chrome) {
    chrome.click(".ready summary").await;
    chrome.click(".ready .button").await;
    let figures = "(t => t.includes('tokens/s') ? t : '')(document.querySelector('.ready .figures')?.innerText ?? '')";
    println!("{}", chrome.until("speeds", figures, SECONDS).await);
}
