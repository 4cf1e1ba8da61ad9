//! Every browser API that the app uses, behind small Rust types. Nothing outside this module
//! touches `web-sys` or `js-sys`; nothing in it knows recipes, models or what is drawn.

pub mod clock;
pub mod fetch;
pub mod link;
pub mod lock;
pub mod offline;
pub mod page;
pub mod store;
#[cfg(feature = "model")]
pub mod threads;

use wasm_bindgen::{JsCast, JsValue};

pub use wasm_bindgen_futures::spawn_local;

/// Bytes of WebAssembly memory in use; 0 where there is none.
pub fn memory_bytes() -> u64 {
    // The buffer of a memory that threads share is of another class.
    let buffer = property(&wasm_bindgen::memory(), "buffer");
    property(&buffer, "byteLength")
        .as_f64()
        .map_or(0, |bytes| bytes as u64)
}

/// Name and message of something thrown (`QuotaExceededError: …`).
fn thrown(value: &JsValue) -> String {
    let Some(error) = value.dyn_ref::<js_sys::Error>() else {
        return value.as_string().unwrap_or_else(|| format!("{value:?}"));
    };
    let (name, message) = (String::from(error.name()), String::from(error.message()));
    if message.is_empty() {
        name
    } else {
        format!("{name}: {message}")
    }
}

/// `object[key]`, or `undefined`.
fn property(object: &JsValue, key: &str) -> JsValue {
    js_sys::Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED)
}

/// `navigator`, in a page and in a worker alike.
fn navigator() -> JsValue {
    property(&js_sys::global(), "navigator")
}
