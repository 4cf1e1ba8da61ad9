//! Small parts that several pages use.

use leptos::prelude::*;

use crate::error::Problem;

/// A failure in words, with a way on.
#[component]
pub(super) fn ProblemView(
    problem: Problem,
    /// What the Retry button does.
    on_retry: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <div class="problem" role="alert">
            <p class="problem-what">{problem.what}</p>
            <p>{problem.advice}</p>
            <button type="button" class="button" on:click=move |_| on_retry()>"Retry"</button>
        </div>
    }
}

/// A bar that fills; without a total it only says that something goes on.
#[component]
pub(super) fn ProgressBar(
    /// What it measures, for people who do not see it.
    #[prop(into)]
    label: String,
    #[prop(into)] done: Signal<f64>,
    #[prop(into)] total: Signal<f64>,
) -> impl IntoView {
    let value = move || (total.get() > 0.0).then(|| done.get().to_string());
    let max = move || total.get().max(1.0).to_string();
    view! { <progress class="progress" aria-label=label max=max value=value></progress> }
}

/// A number with its name.
#[component]
pub(super) fn Figure(
    #[prop(into)] name: String,
    #[prop(into)] value: Signal<String>,
) -> impl IntoView {
    view! {
        <div class="figure">
            <dt>{name}</dt>
            <dd>{value}</dd>
        </div>
    }
}
