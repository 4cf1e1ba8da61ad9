//! The service worker that lets the page open without a network. `boot.js` registers it.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ServiceWorkerContainer, ServiceWorkerRegistration};

use super::{navigator, property, spawn_local};

/// Asks the service worker to keep these files, once it runs.
pub fn keep(files: &[String]) {
    let Some(container) = container() else { return };
    let Ok(ready) = container.ready() else { return };
    let list: js_sys::Array = files.iter().map(JsValue::from).collect();
    spawn_local(async move {
        let Ok(registration) = ready.await else {
            return;
        };
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        if let Some(active) = registration.active() {
            // A list of strings can always be cloned across.
            let _ = active.post_message(&list);
        }
    });
}

fn container() -> Option<ServiceWorkerContainer> {
    let container = property(&navigator(), "serviceWorker");
    container.is_object().then(|| container.unchecked_into())
}
