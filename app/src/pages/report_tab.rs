//! The shipped report.

use std::sync::Arc;

use leptos::prelude::*;
use slm_view::ReportView;

use crate::protocol::Opened;

#[component]
pub(super) fn ReportTab(opened: Arc<Opened>) -> impl IntoView {
    let licences: Vec<_> = opened
        .licences
        .iter()
        .map(|licence| view! { <li>{licence.clone()}</li> })
        .collect();
    view! {
        <ReportView report=Arc::new(opened.report.clone())/>
        <section class="licences">
            <h3>"Licences"</h3>
            <ul>{licences}</ul>
        </section>
    }
}
