//! The shipped page in a real browser, from end to end: on a generated base of two layers, so that
//! each test takes seconds, and once on the real base.
//!
//! `cargo xtask browser` runs these with everything they need.

mod chrome;
mod gallery;
mod gate;
mod parity;
mod server;

use std::time::Duration;

use chrome::{Chrome, with_chrome, with_webgpu};
use gate::{After, Gate};
use server::Server;

const SECONDS: Duration = Duration::from_secs(60);
const MINUTES: Duration = Duration::from_secs(600);

/// Width of a desktop window and of a narrow phone.
const DESKTOP: u32 = 1280;
const PHONE: u32 = 360;

const PROBLEM: &str = "document.querySelector('.problem-what')?.innerText";
const ENDING: &str = "document.querySelector('.ending-what')?.innerText";
/// The answer when it is no longer awaited.
const ANSWER: &str = "document.querySelector('.result[aria-busy=false] .verdict')?.innerText";

const TRY: &str = "#/recipe/sentiment/try";

#[test]
fn a_person_types_evaluates_reads_the_report_and_goes_offline() {
    let folder = gallery::tiny("whole");
    let mut server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&server.url).await;
        chrome
            .until(
                "a card",
                "document.querySelector('.slm-card-title')?.innerText",
                SECONDS,
            )
            .await;
        chrome.click(".slm-card-title a").await;
        ready(chrome, SECONDS).await;
        type_and_read(chrome).await;
        the_base_model_answers_too(chrome).await;
        a_text_beyond_the_context_is_a_failure_in_words(chrome).await;
        keys_walk_the_tabs(chrome).await;
        evaluate(chrome, SECONDS).await;
        chrome.click("#tab-report").await;
        let report = chrome
            .until(
                "the report",
                "document.querySelector('.slm-report')?.innerText",
                SECONDS,
            )
            .await;
        assert!(report.contains("Confusion"), "{report}");
        chrome.until("the kept files", "caches.open('slm-gallery-1').then(c => c.match('bundles/sentiment/probes.json')).then(r => r ? 'kept' : '')", SECONDS).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());

        server.stop();
        chrome.go(&format!("{}{TRY}", server.url)).await;
        chrome.reload().await;
        ready(chrome, SECONDS).await;
        type_and_read(chrome).await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, SECONDS).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

#[test]
fn nothing_is_wider_than_a_phone() {
    let server = Server::start(&gallery::tiny("phone"));
    with_chrome(PHONE, async |chrome| {
        chrome.go(&server.url).await;
        chrome
            .until(
                "a card",
                "document.querySelector('.slm-card-title')?.innerText",
                SECONDS,
            )
            .await;
        fits(chrome, "gallery").await;
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, SECONDS).await;
        chrome.click(".ready summary").await;
        type_and_read(chrome).await;
        fits(chrome, "try").await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, SECONDS).await;
        fits(chrome, "evaluate").await;
        chrome.click("#tab-report").await;
        chrome
            .until(
                "the report",
                "document.querySelector('.slm-report')?.innerText",
                SECONDS,
            )
            .await;
        fits(chrome, "report").await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let server = Server::start(&gallery::tiny("broken"));
    let gate = Gate::before(&server, 1_500_000, After::Break);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", gate.url)).await;
        let words = chrome.until("the failure", PROBLEM, SECONDS).await;
        assert!(words.contains("could not be fetched"), "{words}");
        let first = last_start(&gate);
        assert!((1..=1_500_000).contains(&first), "{first}");

        gate.let_pass(1_000_000);
        chrome.click(".problem .button").await;
        chrome
            .until(
                "another attempt",
                "document.querySelector('.loading') ? 'yes' : ''",
                SECONDS,
            )
            .await;
        chrome.until("another failure", PROBLEM, SECONDS).await;
        let second = last_start(&gate);
        assert!(second > first, "{first} {second}");

        gate.open();
        chrome.reload().await;
        ready(chrome, SECONDS).await;
        assert_eq!(
            last_start(&gate),
            second,
            "the reloaded page asks for the rest only"
        );
        type_and_read(chrome).await;
        // The browser itself notes each broken connection; nothing else may go wrong.
        let errors = chrome.console_errors().await;
        let uncaught = errors.iter().find(|error| error.contains("Uncaught"));
        assert_eq!(uncaught, None);
    });
}

#[test]
fn a_second_tab_waits_for_the_first_ones_download() {
    let server = Server::start(&gallery::tiny("tabs"));
    let gate = Gate::before(&server, 1_500_000, After::Stall);
    with_chrome(DESKTOP, async |chrome| {
        let url = format!("{}{TRY}", gate.url);
        let phase = "document.querySelector('.loading-phase')?.innerText";
        chrome.go(&url).await;
        chrome
            .until(
                "a download",
                &format!("{phase}?.startsWith('Downloading') ? 'yes' : ''"),
                SECONDS,
            )
            .await;
        let first = chrome.new_tab().await;
        chrome.go(&url).await;
        chrome
            .until(
                "the word to wait",
                &format!("{phase}?.startsWith('Another tab is downloading') ? 'yes' : ''"),
                SECONDS,
            )
            .await;
        gate.open();
        ready(chrome, SECONDS).await;
        chrome.switch_to(first).await;
        ready(chrome, SECONDS).await;
        assert_eq!(gate.starts(), [0], "the model is downloaded once");
    });
}

#[test]
fn without_space_the_model_stays_in_memory() {
    let server = Server::start(&gallery::tiny("no-space"));
    with_chrome(DESKTOP, async |chrome| {
        chrome.limit_storage(&server.url, 1_000_000).await;
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, SECONDS).await;
        let note = chrome
            .until(
                "the note",
                "document.querySelector('.note')?.innerText",
                SECONDS,
            )
            .await;
        assert!(note.contains("in memory only"), "{note}");
        type_and_read(chrome).await;
    });
}

#[test]
fn a_folder_that_is_not_whole_is_refused_in_words() {
    let check = |name: &str, damage: &dyn Fn(&std::path::Path), expected: &str| {
        let folder = gallery::tiny(name);
        damage(&folder);
        let server = Server::start(&folder);
        with_chrome(DESKTOP, async |chrome| {
            chrome.go(&format!("{}{TRY}", server.url)).await;
            let words = chrome.until(name, PROBLEM, SECONDS).await;
            assert!(words.contains(expected), "{name}: {words}");
            let advice = chrome
                .until(
                    "advice",
                    "document.querySelector('.problem')?.innerText",
                    SECONDS,
                )
                .await;
            assert!(advice.contains("Retry"), "{advice}");
        });
    };
    let adapter = "bundles/sentiment/adapter_model.safetensors";
    check(
        "damaged-adapter",
        &|folder| gallery::flip_a_byte(&folder.join(adapter)),
        "adapter_model.safetensors is damaged: its sha256 is",
    );
    check(
        "missing-adapter",
        &|folder| std::fs::remove_file(folder.join(adapter)).unwrap(),
        "adapter_model.safetensors could not be fetched: the server answered 404",
    );
    check(
        "other-base",
        &|folder| gallery::replace_base_hash(&folder.join("bundles/sentiment/manifest.json")),
        "The adapter belongs to another base model",
    );
    check(
        "other-logits",
        &|folder| gallery::change_a_probe(&folder.join("bundles/sentiment")),
        "This browser does not reproduce probe 1: the logit of token",
    );
    check(
        "no-engine",
        &|folder| std::fs::remove_file(folder.join("worker_bg.wasm")).unwrap(),
        "The engine could not start",
    );
    check(
        "no-gallery",
        &|folder| std::fs::write(folder.join("gallery.json"), "<!doctype html>").unwrap(),
        "gallery.json:1: found",
    );
    check(
        "damaged-base",
        &|folder| gallery::replace_base(folder),
        "is damaged: its sha256 is",
    );
}

/// The worker trusts itself only after it has reproduced each probe: here all logits of 24 prompts,
/// native against WASM, to the last bit.
#[test]
fn the_real_base_answers_as_reported() {
    let folder = gallery::real();
    let bundle = folder.join("bundles/sentiment");
    gallery::replace_probes(&bundle, &parity::probes(&bundle));
    let server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, MINUTES).await;
        chrome.click(".ready summary").await;
        let figures = "document.querySelector('.ready .figures')?.innerText";
        let figures = chrome.until("figures", figures, SECONDS).await;
        assert!(figures.contains("24 of 24 equal, bit for bit"), "{figures}");
        println!("{figures}");
        type_and_read(chrome).await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, MINUTES).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

/// One WGSL kernel in the browser's WebGPU (a software GPU will do) against the `serve` kernels.
#[test]
fn a_kernel_on_webgpu_agrees_with_the_cpu() {
    let server = Server::start(&gallery::page_of(
        &server::variable("SLM_GPU_CHECK"),
        "gpu_check",
    ));
    with_webgpu(DESKTOP, async |chrome| {
        chrome.go(&server.url).await;
        let verdict = chrome.until("a verdict", "document.title", SECONDS).await;
        assert!(verdict.starts_with("agrees: "), "{verdict}");
        println!("{verdict}");
    });
}

/// Waits until the model answers; a problem instead of it ends the test.
async fn ready(chrome: &Chrome, patience: Duration) {
    let outcome = "(document.querySelector('.ready summary') || document.querySelector('.problem'))?.innerText";
    let outcome = chrome.until("model", outcome, patience).await;
    assert_eq!(outcome, "Model ready, on this device");
}

/// Types a sentence and checks that three probabilities share 100 %.
async fn type_and_read(chrome: &Chrome) {
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

async fn the_base_model_answers_too(chrome: &Chrome) {
    let who = "document.querySelector('.result[aria-busy=false] .label')?.innerText";
    chrome
        .run("document.querySelectorAll('.switch input')[1].click()")
        .await;
    chrome
        .until(
            "the base's answer",
            &format!("{who}?.startsWith('Base') ? 'yes' : ''"),
            SECONDS,
        )
        .await;
    chrome
        .run("document.querySelectorAll('.switch input')[0].click()")
        .await;
    chrome
        .until(
            "the tuned answer",
            &format!("{who}?.startsWith('Fine-tuned') ? 'yes' : ''"),
            SECONDS,
        )
        .await;
}

async fn a_text_beyond_the_context_is_a_failure_in_words(chrome: &Chrome) {
    chrome.run(
        "const t = document.querySelector('#text'); t.value = 'word '.repeat(9000); t.dispatchEvent(new Event('input', {bubbles: true}))",
    ).await;
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

async fn keys_walk_the_tabs(chrome: &Chrome) {
    let selected = "document.querySelector('[role=tab][aria-selected=true]')?.innerText";
    chrome.press("#tab-try", fantoccini::key::Key::Right).await;
    chrome.until("the next tab", &format!("{selected} === 'Evaluate' && document.activeElement.id === 'tab-evaluate' ? 'yes' : ''"), SECONDS).await;
}

/// Runs the evaluation of the open tab to its end; it must give the shipped report.
async fn evaluate(chrome: &Chrome, patience: Duration) {
    chrome.click(".evaluate .button.primary").await;
    chrome.until("a cancel button", "document.querySelector('.evaluate .actions')?.innerText.includes('Cancel') || document.querySelector('.ending') ? 'yes' : ''", SECONDS).await;
    let verdict = chrome.until("the end", ENDING, patience).await;
    assert_eq!(verdict, "Equal to the shipped report, byte for byte.");
}

/// No horizontal scroll.
async fn fits(chrome: &Chrome, what: &str) {
    let widths = chrome
        .until(
            what,
            "document.documentElement.scrollWidth + ' ' + innerWidth",
            SECONDS,
        )
        .await;
    assert_eq!(widths, format!("{PHONE} {PHONE}"), "{what}");
}

/// First byte of the latest request for the model.
fn last_start(gate: &Gate) -> u64 {
    *gate.starts().last().expect("the model was asked for")
}
