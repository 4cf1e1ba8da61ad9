//! The page on a phone, in light and dark, and by keyboard alone.

use fantoccini::key::Key;
use slm_tests::chrome::with_chrome;

use crate::{
    CARD, DESKTOP, PHONE, SECONDS, TRY, gallery,
    server::Server,
    steps::{
        ANSWER, evaluate, fits, ground, is_equal_to_the_report, is_readable, ready, report,
        type_and_read, who_answers,
    },
};

#[test]
fn nothing_is_wider_than_a_phone() {
    let server = Server::start(&gallery::tiny("phone"));
    with_chrome(PHONE, async |chrome| {
        chrome.go(&server.url).await;
        chrome.until("a card", CARD, SECONDS).await;
        fits(chrome, "gallery").await;
        chrome.go(&format!("{}{TRY}", server.url)).await;
        ready(chrome, SECONDS).await;
        chrome.click(".ready summary").await;
        type_and_read(chrome).await;
        fits(chrome, "try").await;
        chrome.click("#tab-evaluate").await;
        evaluate(chrome, SECONDS).await;
        fits(chrome, "evaluate").await;
        report(chrome).await;
        fits(chrome, "report").await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

#[test]
fn every_text_is_readable_in_light_and_dark() {
    let server = Server::start(&gallery::tiny("colours"));
    with_chrome(DESKTOP, async |chrome| {
        let mut grounds = Vec::new();
        for scheme in ["light", "dark"] {
            chrome.prefer(scheme).await;
            chrome.go(&server.url).await;
            chrome.click(".slm-card-title a").await;
            ready(chrome, SECONDS).await;
            grounds.push(ground(chrome).await);
            chrome.click(".ready summary").await;
            type_and_read(chrome).await;
            is_readable(chrome, scheme, "try").await;
            chrome.click("#tab-evaluate").await;
            evaluate(chrome, SECONDS).await;
            is_readable(chrome, scheme, "evaluate").await;
            report(chrome).await;
            is_readable(chrome, scheme, "report").await;
            chrome.click(".brand").await;
            chrome.until("a card", CARD, SECONDS).await;
            is_readable(chrome, scheme, "gallery").await;
        }
        assert!(grounds[0] > 0.8 && grounds[1] < 0.1, "{grounds:?}");
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}

#[test]
fn the_keyboard_is_enough() {
    let server = Server::start(&gallery::tiny("keyboard"));
    with_chrome(DESKTOP, async |chrome| {
        chrome.go(&server.url).await;
        chrome.until("a card", CARD, SECONDS).await;
        chrome.tab_to(".skip").await;
        chrome.key(Key::Enter).await;
        chrome.tab_to(".slm-card-title a").await;
        chrome.key(Key::Enter).await;
        ready(chrome, SECONDS).await;
        chrome.tab_to("#text").await;
        chrome.key('x').await;
        chrome.until("an answer", ANSWER, SECONDS).await;
        chrome.tab_to(".chip").await;
        chrome.key(Key::Enter).await;
        chrome
            .until(
                "the example",
                "document.querySelector('#text').value.length > 1 && document.activeElement.id",
                SECONDS,
            )
            .await;
        chrome.tab_to(".switch input").await;
        chrome.key(Key::Right).await;
        who_answers(chrome, "Base").await;
        chrome.tab_back_to("#tab-try").await;
        chrome.key(Key::Right).await;
        chrome.tab_to(".evaluate .button.primary").await;
        chrome.key(Key::Enter).await;
        is_equal_to_the_report(chrome, SECONDS).await;
        chrome.tab_to(".ready summary").await;
        chrome.key(Key::Enter).await;
        chrome
            .until(
                "the figures",
                "document.activeElement.parentElement.open && 'open'",
                SECONDS,
            )
            .await;
        assert_eq!(chrome.console_errors().await, Vec::<String>::new());
    });
}
