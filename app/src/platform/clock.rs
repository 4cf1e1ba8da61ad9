//! Time: now, and later.

use std::{future::Future, pin::pin};

use futures::future::{Either, select};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &js_sys::Function, milliseconds: f64) -> wasm_bindgen::JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &wasm_bindgen::JsValue);
}

/// Milliseconds since some fixed moment; never runs backwards.
pub fn now_ms() -> f64 {
    now()
}

/// A running timer; stopped when dropped.
struct Timer(wasm_bindgen::JsValue);

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.0);
    }
}

/// Waits.
pub async fn sleep(milliseconds: f64) {
    let mut timer = None;
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        timer = Some(Timer(set_timeout(&resolve, milliseconds)));
    });
    // A timer never rejects.
    let _ = promise.await;
}

/// The outcome of `future`, or `None` when it takes longer.
pub async fn within<T>(milliseconds: f64, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(sleep(milliseconds))).await {
        Either::Left((outcome, _)) => Some(outcome),
        Either::Right(_) => None,
    }
}

/// Lets waiting browser events (messages, above all) be delivered.
pub async fn breathe() {
    sleep(0.0).await;
}
