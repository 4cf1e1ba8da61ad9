//! The whole report, section by section. Sections without data are left out.

use std::sync::Arc;

use leptos::prelude::*;
use slm_task::Report;
use slm_task::report::Body;

use crate::classes::{self, ClassTable};
use crate::confusion::{ConfusionMatrix, Matrix};
use crate::curve::{self, TrainingCurve};
use crate::headline::{self, HeadlineTiles, Tile};
use crate::lift::{LiftRow, LiftTable};
use crate::mistakes::{self, MistakeList};
use crate::provenance::{self, ProvenanceList};
use crate::reliability::{Reliability, ReliabilityCurve};
use crate::slices::{self, SliceTable};
use crate::systems::{Systems, SystemsTable};

/// A report: headline and warnings first, then everything they rest on.
#[component]
pub fn ReportView(
    /// What to show.
    #[prop(into)]
    report: Arc<Report>,
    /// sha256 of [`Body::to_json`], where the caller has computed it.
    #[prop(optional, into)]
    body_sha256: Option<String>,
) -> impl IntoView {
    let body = &report.body;
    let facts = provenance::facts(&report, body_sha256.as_deref());
    view! {
        <article class="slm-report">
            {opening(body)}
            {comparison(body)}
            {subject(body)}
            {details(body)}
            {training(&report)}
            {section("Provenance", view! { <ProvenanceList facts/> })}
        </article>
    }
}

/// Erased, as every larger part here is: nested view types otherwise outgrow the compiler.
fn section(title: &'static str, content: impl IntoView + 'static) -> AnyView {
    let content = content.into_any();
    view! {
        <section class="slm-section">
            <h3>{title}</h3>
            {content}
        </section>
    }
    .into_any()
}

fn opening(body: &Body) -> AnyView {
    let tiles: Vec<Tile> = body.headline.iter().map(Tile::new).collect();
    view! {
        <header class="slm-opening">
            <h2>{body.title.clone()}</h2>
            <p class="slm-summary">{headline::summary(body)}</p>
            <HeadlineTiles tiles/>
            {warnings(&body.warnings)}
        </header>
    }
    .into_any()
}

fn warnings(warnings: &[String]) -> Option<AnyView> {
    if warnings.is_empty() {
        return None;
    }
    let items: Vec<_> = warnings
        .iter()
        .map(|warning| view! { <li>{warning.clone()}</li> })
        .collect();
    let view = view! {
        <aside class="slm-warnings" aria-label="Warnings">
            <h3>"What to keep in mind"</h3>
            <ul>{items}</ul>
        </aside>
    };
    Some(view.into_any())
}

fn comparison(body: &Body) -> AnyView {
    let rows: Vec<LiftRow> = body.lift.iter().map(LiftRow::new).collect();
    let lift = (!rows.is_empty()).then(|| section("Lift", view! { <LiftTable rows/> }));
    let systems = Systems::new(body);
    let systems = section("Systems", view! { <SystemsTable systems/> });
    (lift, systems).into_any()
}

fn subject(body: &Body) -> Option<AnyView> {
    let classification = &body.systems.first()?.classification;
    let rows = classes::rows(classification);
    let matrix = Matrix::new(classification);
    let arrangement = if matrix.is_wide() { "" } else { "slm-columns" };
    let reliability = Reliability::new(classification).map(|reliability| {
        section(
            "Is its confidence honest?",
            view! { <ReliabilityCurve reliability/> },
        )
    });
    let view = (
        section("By class", view! { <ClassTable rows/> }),
        view! {
            <div class=arrangement>
                {section("Confusion", view! { <ConfusionMatrix matrix/> })}
                {reliability}
            </div>
        },
    );
    Some(view.into_any())
}

fn details(body: &Body) -> AnyView {
    let rows = slices::rows(body);
    let slices = (!rows.is_empty()).then(|| section("By slice", view! { <SliceTable rows/> }));
    let items = mistakes::items(body);
    let labels = body
        .systems
        .first()
        .map(|s| s.classification.labels.clone());
    let labels = labels.unwrap_or_default();
    let mistakes = (!items.is_empty()).then(|| {
        section(
            "Most confident mistakes",
            view! { <MistakeList items labels/> },
        )
    });
    (slices, mistakes).into_any()
}

fn training(report: &Report) -> Option<AnyView> {
    let series = curve::series(&report.run.as_ref()?.curve);
    if series.is_empty() {
        return None;
    }
    let steps = curve::steps(&series);
    Some(section("Training", view! { <TrainingCurve series steps/> }))
}
