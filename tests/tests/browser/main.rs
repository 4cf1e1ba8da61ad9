//! The shipped page in a real browser, from end to end: on a generated base of two layers, so that
//! each test takes seconds, and once on the real base.
//!
//! `cargo xtask browser` runs these with everything they need.

mod access;
mod dials;
mod gallery;
mod gate;
mod server;
mod steps;
mod visit;

use std::time::Duration;

use gate::{After, Gate};
use server::Server;
use slm_tests::{
    chrome::{Chrome, with_chrome, with_webgpu},
    parity,
};
use steps::{
    a_text_beyond_the_context_is_a_failure_in_words, evaluate, evaluate_and_cancel, fits,
    keys_walk_the_tabs, ready, report, the_base_model_answers_too, the_bundle_is_kept,
    the_model_stays_in_memory, type_and_read,
};

const SECONDS: Duration = Duration::from_secs(60);
const MINUTES: Duration = Duration::from_secs(600);

/// Width of a desktop window and of a narrow phone.
const DESKTOP: u32 = 1280;
const PHONE: u32 = 360;

const CARD: &str = "document.querySelector('.slm-card-title')?.innerText";
const PROBLEM: &str = "document.querySelector('.problem-what')?.innerText";

const TRY: &str = "#/recipe/sentiment/try";

#[test]
fn a_person_types_evaluates_reads_the_report_and_goes_offline() {
    let folder = gallery::tiny("whole");
    let mut server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&server.url).await;
        chrome.until("a card", CARD, SECONDS).await;
        chrome.click(".slm-card-title a").await;
        computes_with_threads(chrome).await;
        type_and_read(chrome).await;
        the_base_model_answers_too(chrome).await;
        a_text_beyond_the_context_is_a_failure_in_words(chrome).await;
        keys_walk_the_tabs(chrome).await;
        evaluate_and_cancel(chrome).await;
        evaluate(chrome, SECONDS).await;
        let report = report(chrome).await;
        assert!(report.contains("Confusion"), "{report}");
        the_bundle_is_kept(chrome).await;
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
fn every_shape_answers_in_its_own_view_and_as_reported() {
    let server = Server::start(&gallery::every_shape("shapes"));
    with_chrome(DESKTOP, async |chrome| {
        for (recipe, view) in gallery::EVERY_SHAPE {
            chrome
                .go(&format!("{}#/recipe/{recipe}/try", server.url))
                .await;
            ready(chrome, SECONDS).await;
            chrome
                .write("#text", "Ann Lee wants a refund for order 17.")
                .await;
            let shown =
                format!("document.querySelector('.result[aria-busy=false] {view}')?.tagName");
            chrome.until(recipe, &shown, SECONDS).await;
            fits(chrome, recipe).await;
            dials::turn(chrome, recipe).await;
            the_base_model_answers_too(chrome).await;
            chrome.click("#tab-evaluate").await;
            evaluate(chrome, SECONDS).await;
            report(chrome).await;
        }
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
        let first = chrome.tab().await;
        chrome.new_tab().await;
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
        the_model_stays_in_memory(chrome, "space").await;
        type_and_read(chrome).await;
    });
}

#[test]
fn a_gallery_below_another_site_works() {
    let folder = gallery::tiny("below");
    let site = folder
        .parent()
        .expect("the folder that it was shipped into");
    std::fs::write(site.join("index.html"), "<!doctype html>").expect("space for the other site");
    let mut server = Server::start(site);
    let url = format!("{}gallery/", server.url);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&url).await;
        chrome.click(".slm-card-title a").await;
        ready(chrome, SECONDS).await;
        type_and_read(chrome).await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, SECONDS).await;
        the_bundle_is_kept(chrome).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());

        server.stop();
        chrome.go(&format!("{url}{TRY}")).await;
        chrome.reload().await;
        ready(chrome, SECONDS).await;
        type_and_read(chrome).await;
    });
}

#[test]
fn a_private_window_without_storage_answers_all_the_same() {
    let folder = gallery::tiny("private");
    gallery::forbid_storage(&folder);
    let server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, SECONDS).await;
        the_model_stays_in_memory(chrome, "SecurityError").await;
        type_and_read(chrome).await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, SECONDS).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

/// The page's own service worker sends the headers that a host of static files does not.
#[test]
fn threads_run_on_a_host_of_static_files_too() {
    let server = Server::start(&gallery::tiny("static-host"));
    let host = Gate::static_host(&server);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", host.url)).await;
        computes_with_threads(chrome).await;
        type_and_read(chrome).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

/// As many threads compute as the machine has cores, up to four.
async fn computes_with_threads(chrome: &Chrome) {
    ready(chrome, SECONDS).await;
    chrome.click(".ready summary").await;
    let figures = "document.querySelector('.ready .figures')?.innerText";
    let figures = chrome.until("figures", figures, SECONDS).await;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let expected = format!("Threads\n{}\n", threads.min(4));
    assert!(figures.contains(&expected), "{expected} in {figures}");
}

/// As a browser offline that takes another build since it kept the page.
#[test]
fn the_plain_worker_stands_in_for_the_others() {
    let folder = gallery::tiny("plain-worker");
    for build in &gallery::WORKERS[1..] {
        gallery::remove_worker(&folder, build);
    }
    let server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, SECONDS).await;
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
        &|folder| {
            gallery::WORKERS
                .iter()
                .for_each(|build| gallery::remove_worker(folder, build))
        },
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
/// native against WASM in every build, to the last bit; and all test rows in the build that this
/// browser takes.
#[test]
fn the_real_base_answers_as_reported() {
    let folder = gallery::real("answers");
    let bundle = folder.join("bundles/sentiment");
    gallery::replace_probes(&bundle, &parity::probes(&bundle));
    let server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&format!("{}{TRY}", server.url)).await;
        reproduces_24_prompts(chrome, "this browser's").await;
        type_and_read(chrome).await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, MINUTES).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
    for build in gallery::WORKERS {
        gallery::choose_worker(&folder, build);
        with_chrome(DESKTOP, async |chrome| {
            chrome.go(&format!("{}{TRY}", server.url)).await;
            reproduces_24_prompts(chrome, build).await;
        });
    }
}

async fn reproduces_24_prompts(chrome: &Chrome, build: &str) {
    ready(chrome, MINUTES).await;
    chrome.click(".ready summary").await;
    let figures = "document.querySelector('.ready .figures')?.innerText";
    let figures = chrome.until("figures", figures, SECONDS).await;
    let equal = figures.contains("24 of 24 equal, bit for bit");
    assert!(equal, "{build} worker: {figures}");
    println!("{build} worker: {figures}");
}

/// Prints README's figures of a visit on the real base: `cargo xtask browser a_visit_is_measured`.
#[test]
fn a_visit_is_measured() {
    let folder = gallery::real("visit");
    let server = Server::start(&folder);
    with_chrome(DESKTOP, async |chrome| {
        visit::measure(chrome, &format!("{}{TRY}", server.url)).await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

/// Several bundles, those that the repository keeps above all, reproduce their probes and answer one
/// after the other, the first one twice, on one base that is fetched once. What each costs is printed.
#[test]
fn bundles_are_swapped_and_measured() {
    let (folder, bundles) = gallery::several("several");
    assert!(bundles.len() > 1, "nothing to swap");
    let server = Server::start(&folder);
    let gate = Gate::before(&server, 0, After::Break);
    gate.open();
    with_chrome(DESKTOP, async |chrome| {
        visit::swap(chrome, &gate.url, &bundles[0]).await;
        let fetched = gate.starts();
        for bundle in bundles[1..].iter().chain(&bundles[..1]) {
            visit::swap(chrome, &gate.url, bundle).await;
        }
        assert_eq!(gate.starts(), fetched, "the base was fetched again");
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

/// Every operation and every format of the `serve` kernels, as each build of the worker computes them.
#[test]
fn the_digest_of_the_kernels_is_the_native_one() {
    for check in ["digest_check", "digest_check-relaxed"] {
        let server = Server::start(&gallery::page_of(check));
        with_chrome(DESKTOP, async |chrome| {
            chrome.go(&server.url).await;
            let digest = chrome.until("a digest", "document.title", SECONDS).await;
            assert_eq!(digest, slm_kernels::serve::DIGEST.to_string(), "{check}");
        });
    }
}

/// One WGSL kernel in the browser's WebGPU (a software GPU will do) against the `serve` kernels.
#[test]
fn a_kernel_on_webgpu_agrees_with_the_cpu() {
    let server = Server::start(&gallery::page_of("gpu_check"));
    with_webgpu(DESKTOP, async |chrome| {
        chrome.go(&server.url).await;
        let verdict = chrome.until("a verdict", "document.title", SECONDS).await;
        assert!(verdict.starts_with("agrees: "), "{verdict}");
        println!("{verdict}");
    });
}

/// First byte of the latest request for the model.
fn last_start(gate: &Gate) -> u64 {
    *gate.starts().last().expect("the model was asked for")
}
