//! The document: address, title, focus.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{HtmlElement, Window};

/// The part of the address after `#`, or nothing.
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Goes to another hash, with an entry in the history.
pub fn set_hash(hash: &str) {
    // A hash is always allowed.
    let _ = window().location().set_hash(hash);
}

/// Calls back whenever the hash changes, for the life of the page.
pub fn on_hash_change(callback: impl FnMut() + 'static) {
    let closure = Closure::<dyn FnMut()>::new(callback);
    window().set_onhashchange(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
}

/// Names the tab.
pub fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Moves the keyboard to an element.
pub fn focus(id: &str) {
    let element = window()
        .document()
        .and_then(|document| document.get_element_by_id(id))
        .and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element {
        // An element that cannot take focus leaves it where it is.
        let _ = element.focus();
    }
}

/// Takes away what the document shows until the app runs.
pub fn remove_placeholder(id: &str) {
    if let Some(element) = window()
        .document()
        .and_then(|document| document.get_element_by_id(id))
    {
        element.remove();
    }
}

fn window() -> Window {
    js_sys::global().unchecked_into()
}
