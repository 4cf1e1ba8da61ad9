//! What a visit to the page costs, for README: printed, not asserted, for machines differ.

use std::{ffi::OsStr, fs, path::Path, time::Instant};

use serde_json::Value;
use slm_tests::chrome::Chrome;

use crate::{
    MINUTES, SECONDS, dials,
    steps::{ready, type_and_read},
};

/// Sentences whose answers are timed; half as many rows of a bundle.
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

/// The page's own clock on sentences of 6 to 26 words.
async fn sentences(chrome: &Chrome) {
    let words = |sentence: usize| "it works ".repeat(2 + sentence % 11);
    let texts = (0..SENTENCES).map(|sentence| format!("Number {sentence}: {}", words(sentence)));
    println!("a sentence: {}", answers(chrome, texts).await);
}

/// Opens a recipe where another one was, and has it answer; the base model stays.
pub async fn swap(chrome: &Chrome, url: &str, bundle: &Path) {
    let name = bundle.file_name().and_then(OsStr::to_str);
    let name = name.expect("a bundle's name");
    chrome.go(&format!("{url}#/recipe/{name}/try")).await;
    ready(chrome, MINUTES).await;
    chrome.click(".ready summary").await;
    let figures = "[...(document.querySelector('.ready .figures')?.children ?? [])].map(e => e.innerText.replace(/\\s+/g, ' ')).filter(t => /^(Probes|Ready after)/.test(t)).join(', ')";
    let figures = chrome.until("figures", figures, SECONDS).await;
    assert!(figures.contains("equal, bit for bit"), "{figures}");
    let weights = fs::metadata(bundle.join("adapter_model.safetensors")).expect("an adapter");
    let rows = fs::read_to_string(bundle.join("test.jsonl")).expect("rows");
    let texts = rows.lines().take(SENTENCES / 2).map(text_of);
    let answers = answers(chrome, texts).await;
    let megabytes = weights.len() as f64 / 1e6;
    dials::as_measured(chrome, bundle).await;
    println!("{name}: adapter {megabytes:.2} MB; {figures}; a test row: {answers}");
}

/// The text of a row of data.
fn text_of(line: &str) -> String {
    let row: Value = serde_json::from_str(line).expect("a row");
    let text = row.get("prompt").or_else(|| row.get("text"));
    text.and_then(Value::as_str).expect("a text").to_owned()
}

/// What the page says that each text's answer took, in sum.
async fn answers(chrome: &Chrome, texts: impl Iterator<Item = String>) -> String {
    let mut times = Vec::new();
    for text in texts {
        chrome.paste("#text", "").await;
        let none = format!("{COST} ? '' : 'none'");
        chrome.until("an empty answer", &none, SECONDS).await;
        chrome.paste("#text", &text).await;
        times.push(milliseconds(&chrome.until("a cost", COST, SECONDS).await));
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[times.len() * share / 100];
    let (median, late, count) = (at(50), at(95), times.len());
    format!("p50 {median:.0} ms, p95 {late:.0} ms of {count}")
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
