//! The line between page and worker: JSON text both ways.

use std::{cell::RefCell, rc::Rc};

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{
    DedicatedWorkerGlobalScope, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType,
};

use super::{property, thrown};
use crate::error::AppError;

/// Messages for a worker that does not listen yet; `None` once it does. A browser drops what comes
/// before the worker's module has set its handler.
type Waiting = Rc<RefCell<Option<Vec<JsValue>>>>;

/// The page's end. The worker ends with it.
pub struct Link {
    worker: Worker,
    waiting: Waiting,
    // Kept alive as long as the worker may call them.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Link {
    /// Starts the worker `script`, relative to the page. The worker's first message says that it
    /// listens.
    ///
    /// # Errors
    /// The browser has no module workers.
    pub fn start<T: DeserializeOwned>(
        script: &str,
        mut on_message: impl FnMut(T) + 'static,
        mut on_failure: impl FnMut(String) + 'static,
    ) -> Result<Self, AppError> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker =
            Worker::new_with_options(script, &options).map_err(|error| AppError::Browser {
                reason: thrown(&error),
            })?;
        let waiting: Waiting = Rc::new(RefCell::new(Some(Vec::new())));
        let on_message = {
            let (worker, waiting) = (worker.clone(), waiting.clone());
            Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
                for text in waiting.take().into_iter().flatten() {
                    post_text(&worker, &text);
                }
                if let Some(message) = parse(&event) {
                    on_message(message);
                }
            })
        };
        let on_error = Closure::<dyn FnMut(_)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            // An event without a message: the worker's script itself did not load.
            let message = property(&event, "message").as_string();
            let unloaded = || "its program could not be loaded".to_owned();
            on_failure(
                message
                    .filter(|text| !text.is_empty())
                    .unwrap_or_else(unloaded),
            );
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            waiting,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Sends one message.
    pub fn send<T: Serialize>(&self, message: &T) {
        let Some(text) = text(message) else { return };
        match &mut *self.waiting.borrow_mut() {
            Some(waiting) => waiting.push(text),
            None => post_text(&self.worker, &text),
        }
    }
}

fn post_text(worker: &Worker, text: &JsValue) {
    // Text can always be cloned across.
    let _ = worker.post_message(text);
}

impl Drop for Link {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// The worker's end: everything the page sends, in order.
pub fn inbox<T: DeserializeOwned + 'static>() -> UnboundedReceiver<T> {
    let (sender, receiver) = unbounded();
    let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        if let Some(message) = parse(&event) {
            // Fails only when the worker's loop has ended.
            let _ = sender.unbounded_send(message);
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // Lives as long as the worker.
    on_message.forget();
    receiver
}

/// Sends one message from the worker to the page.
pub fn post<T: Serialize>(message: &T) {
    if let Some(text) = text(message) {
        // Text can always be cloned across.
        let _ = scope().post_message(&text);
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Both ends are built together, so what one writes the other reads.
fn parse<T: DeserializeOwned>(event: &MessageEvent) -> Option<T> {
    serde_json::from_str(&event.data().as_string()?).ok()
}

fn text<T: Serialize>(message: &T) -> Option<JsValue> {
    serde_json::to_string(message).ok().map(JsValue::from)
}
