//! All recipes, a card each.

use leptos::prelude::*;
use slm_view::HeadlineCard;

use super::{context::AppContext, parts::ProblemView};
use crate::{
    platform::page,
    state::{
        format,
        route::{Route, Tab},
        session::Remote,
    },
};

#[component]
pub(super) fn GalleryPage() -> impl IntoView {
    let context = expect_context::<AppContext>();
    page::set_title("SLM Gallery");
    view! {
        <section class="hero">
            <h1>"Small models, trained for one thing each"</h1>
            <p>
                "Pick a recipe, type, and read what the model thinks: computed in this browser. "
                "Score it again on its test rows, or read its report."
            </p>
        </section>
        {move || context.gallery.with(|gallery| match gallery {
            Remote::Waiting => view! { <p class="quiet" role="status">"Fetching the gallery…"</p> }.into_any(),
            Remote::Failed(problem) => view! {
                <ProblemView problem=problem.clone() on_retry=move || context.fetch_gallery()/>
            }.into_any(),
            Remote::Ready(gallery) => cards(gallery).into_any(),
        })}
    }
}

fn cards(gallery: &slm_task::bundle::Gallery) -> impl IntoView {
    let base = format!(
        "Base model: {}, {}, licence {}. It is downloaded once, when a recipe is first tried, and kept in this browser.",
        gallery.base.name,
        format::bytes(gallery.base.size),
        gallery.base.licence,
    );
    let cards: Vec<_> = gallery
        .bundles
        .iter()
        .map(|entry| {
            let route = Route::Recipe {
                id: entry.id.clone(),
                tab: Tab::Try,
            };
            view! { <li><HeadlineCard entry=entry.clone() href=route.hash()/></li> }
        })
        .collect();
    view! {
        <ul class="cards">{cards}</ul>
        <p class="quiet">{base}</p>
    }
}
