//! A table: named for who cannot see it, scrolled sideways, by keyboard too, where the window is
//! narrower.

use leptos::prelude::*;

/// The head of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    title: String,
    class: &'static str,
}

impl Head {
    /// Above words or pictures.
    pub fn text(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            class: "",
        }
    }

    /// Above numbers.
    pub fn number(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            class: "slm-number",
        }
    }
}

/// Heads above rows, which are the children.
#[component]
pub fn Table(
    /// What it shows.
    label: &'static str,
    /// One a column.
    heads: Vec<Head>,
    /// Beside `slm-table`.
    #[prop(optional)]
    class: &'static str,
    /// The rows, each a `tr`.
    children: Children,
) -> impl IntoView {
    let heads = heads
        .into_iter()
        .map(|head| view! { <th scope="col" class=head.class>{head.title}</th> });
    view! {
        <div class="slm-scroll" tabindex="0" role="group" aria-label=label>
            <table class=format!("slm-table {class}").trim_end().to_owned()>
                <thead>
                    <tr>{heads.collect_view()}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
