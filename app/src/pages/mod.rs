//! What is drawn: thin components over [`crate::state`]. One file a page or tab. Nothing here
//! fetches, computes or decides.

mod context;
mod engine;
mod evaluate_tab;
mod gallery;
mod parts;
mod recall;
mod recipe;
mod report_tab;
mod routing;
mod try_tab;

use leptos::prelude::*;

use self::{context::AppContext, gallery::GalleryPage, recipe::RecipePage};
use crate::{platform::page, state::route::Route};

/// Id of what the document shows until the app runs.
const PLACEHOLDER: &str = "boot";

/// Draws the app into the document and starts everything.
pub fn mount() {
    page::remove_placeholder(PLACEHOLDER);
    leptos::mount::mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let context = AppContext::start();
    provide_context(context);
    let recipe = Memo::new(move |_| match context.route.get() {
        Route::Gallery => None,
        Route::Recipe { id, .. } => Some(id),
    });
    // A new page is read from its top; the first one is where the browser has put it.
    Effect::new(move |before: Option<Option<String>>| {
        let recipe = recipe.get();
        if before.is_some_and(|before| before != recipe) {
            page::focus("main");
        }
        recipe
    });
    view! {
        <a class="skip" href="#main" on:click=move |event| {
            event.prevent_default();
            page::focus("main");
        }>"Skip to content"</a>
        <header class="top">
            <a class="brand" href=Route::Gallery.hash()>
                <img src="icon.svg" alt="" width="28" height="28"/>
                <span>"SLM Gallery"</span>
            </a>
            <p class="privacy">"Nothing you type leaves this device."</p>
        </header>
        <main id="main" tabindex="-1">
            {move || match recipe.get() {
                None => view! { <GalleryPage/> }.into_any(),
                Some(id) => view! { <RecipePage id/> }.into_any(),
            }}
        </main>
        <footer class="bottom">
            <p>"One small language model, one adapter a task. Every number here was measured."</p>
        </footer>
    }
}
