//! A lock shared by all tabs of this origin.

use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::*};

use super::{navigator, property};

#[wasm_bindgen]
extern "C" {
    type Locks;
    #[wasm_bindgen(method)]
    fn request(this: &Locks, name: &str, options: &JsValue, callback: &Function) -> Promise;
}

/// Held until dropped. Empty where the browser has no locks: then nothing is excluded.
pub struct Lock {
    release: Option<Function>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // Resolving a promise does not throw.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Takes the lock `name`; calls `on_wait` once if another tab holds it.
pub async fn acquire(name: &str, on_wait: impl FnOnce()) -> Lock {
    let locks = property(&navigator(), "locks");
    if !locks.is_object() {
        return Lock { release: None };
    }
    let locks: Locks = locks.unchecked_into();
    if let Some(lock) = request(&locks, name, true).await {
        return lock;
    }
    on_wait();
    request(&locks, name, false)
        .await
        .unwrap_or(Lock { release: None })
}

/// One request; `None` when the lock is held elsewhere and `only_if_free`.
async fn request(locks: &Locks, name: &str, only_if_free: bool) -> Option<Lock> {
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let (granted, wait) = oneshot::channel();
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let is_ours = lock.is_truthy();
        // The receiver waits below, unless the worker is being torn down.
        let _ = granted.send(is_ours);
        if is_ours {
            held.into()
        } else {
            JsValue::UNDEFINED
        }
    });
    let options = Object::new();
    // A fresh plain object takes any property.
    let _ = Reflect::set(&options, &"ifAvailable".into(), &only_if_free.into());
    let _outcome = locks.request(name, &options, callback.unchecked_ref());
    match wait.await {
        Ok(true) => Some(Lock { release }),
        _ => None,
    }
}
