//! One recipe: its heading, and the tabs Try, Evaluate and Report.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    context::AppContext, evaluate_tab::EvaluateTab, parts::ProblemView, report_tab::ReportTab,
    try_tab::TryTab,
};
use crate::{
    platform::page,
    protocol::Opened,
    state::{
        route::{Route, Tab},
        session::{Engine, Remote},
    },
};

#[component]
pub(super) fn RecipePage(id: String) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let id = StoredValue::new(id);
    let entry = Memo::new(move |_| context.entry(&id.get_value()));
    let tab = Memo::new(move |_| match context.route.get() {
        Route::Recipe { tab, .. } => tab,
        Route::Gallery => Tab::Try,
    });
    open_and_load(context, entry, tab);
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <a href=Route::Gallery.hash()>"All recipes"</a>
        </nav>
        {move || match (entry.get(), context.gallery.get()) {
            (Some(entry), _) => {
                page::set_title(&format!("{} · SLM Gallery", entry.title));
                view! {
                    <header class="recipe-head">
                        <h1>{entry.title}</h1>
                        <p>{entry.summary}</p>
                    </header>
                    <Tabs id=id.get_value() tab/>
                }.into_any()
            }
            (None, Remote::Waiting) => view! { <p class="quiet" role="status">"Fetching the gallery…"</p> }.into_any(),
            (None, Remote::Failed(problem)) => view! {
                <ProblemView problem on_retry=move || context.fetch_gallery()/>
            }.into_any(),
            (None, Remote::Ready(_)) => view! {
                <h1>"No such recipe"</h1>
                <p>"This gallery has no recipe " <code>{id.get_value()}</code> ". Go back and pick another."</p>
            }.into_any(),
        }}
    }
}

/// Opens the bundle when the gallery names it, and asks for the model when a tab needs it.
fn open_and_load(
    context: AppContext,
    entry: Memo<Option<slm_task::bundle::GalleryEntry>>,
    tab: Memo<Tab>,
) {
    Effect::new(move |_| {
        if let Some(entry) = entry.get() {
            context.enter(&entry);
        }
    });
    let is_wanted = Memo::new(move |_| {
        let needs_model = tab.get() != Tab::Report;
        needs_model
            && context
                .session
                .with(|session| session.bundle.ready().is_some() && session.engine == Engine::Idle)
    });
    Effect::new(move |_| {
        if is_wanted.get() {
            context.load();
        }
    });
}

#[component]
fn Tabs(id: String, tab: Memo<Tab>) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let bundle = Memo::new(move |_| context.session.with(|session| session.bundle.clone()));
    let buttons: Vec<_> = Tab::ALL
        .into_iter()
        .map(|this| tab_button(id.clone(), this, tab))
        .collect();
    view! {
        <div class="tabs" role="tablist" aria-label="Recipe">{buttons}</div>
        <section
            id="panel"
            class="panel"
            role="tabpanel"
            aria-labelledby=move || format!("tab-{}", tab.get().id())
        >
            {move || match bundle.get() {
                Remote::Waiting => view! { <p class="quiet" role="status">"Fetching the recipe…"</p> }.into_any(),
                Remote::Failed(problem) => view! {
                    <ProblemView problem on_retry=move || context.retry()/>
                }.into_any(),
                Remote::Ready(opened) => view! { <Panels opened tab/> }.into_any(),
            }}
        </section>
    }
}

/// All three panels stay, so that a text or a running evaluation outlives a change of tab.
#[component]
fn Panels(opened: Arc<Opened>, tab: Memo<Tab>) -> impl IntoView {
    let hidden = move |this: Tab| move || tab.get() != this;
    let is_report_wanted =
        Memo::new(move |before: Option<&bool>| before == Some(&true) || tab.get() == Tab::Report);
    let metric = slm_view::format::metric_name(opened.recipe.shape.selection_metric());
    view! {
        <div hidden=hidden(Tab::Try)><TryTab recipe=opened.recipe.clone() body=opened.report.body.clone()/></div>
        <div hidden=hidden(Tab::Evaluate)><EvaluateTab rows=opened.test_rows metric/></div>
        <div hidden=hidden(Tab::Report)>
            {move || is_report_wanted.get().then(|| view! { <ReportTab opened=opened.clone()/> })}
        </div>
    }
}

fn tab_button(id: String, this: Tab, tab: Memo<Tab>) -> impl IntoView {
    let is_selected = move || tab.get() == this;
    let go = move |to: Tab| {
        let id = id.clone();
        page::set_hash(&Route::Recipe { id, tab: to }.hash());
    };
    let go_by_key = go.clone();
    view! {
        <button
            type="button"
            role="tab"
            id=format!("tab-{}", this.id())
            aria-selected=move || is_selected().to_string()
            aria-controls="panel"
            tabindex=move || if is_selected() { "0" } else { "-1" }
            on:click=move |_| go(this)
            on:keydown=move |event| {
                if let Some(to) = this.after_key(&event.key()) {
                    event.prevent_default();
                    go_by_key(to);
                    page::focus(&format!("tab-{}", to.id()));
                }
            }
        >{this.title()}</button>
    }
}
