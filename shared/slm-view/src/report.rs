//! The whole report, section by section. Sections without data are left out.

use std::sync::Arc;

use leptos::prelude::*;
use slm_task::Report;
use slm_task::report::{Body, ClassMetrics, Classification, Figures, MultiLabel};

use crate::classes::{self, ClassTable};
use crate::confusion::{ConfusionMatrix, Matrix};
use crate::curve::{self, TrainingCurve};
use crate::fields::{self, DecodingView, FieldTable};
use crate::format;
use crate::headline::{self, HeadlineTiles, Tile};
use crate::lift::{LiftRow, LiftTable};
use crate::mistakes::{self, MistakeList};
use crate::provenance::{self, ProvenanceList};
use crate::recall::RecallView;
use crate::reliability::{Reliability, ReliabilityCurve};
use crate::routing::RoutingView;
use crate::slices::{self, SliceTable};
use crate::spans::{self, SpanTypeTable};
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
            {details(body, &labels(body))}
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
    let figures = &body.systems.first()?.figures;
    let rows = classes::rows(figures);
    let title = match figures {
        Figures::Structured(_) => "By field",
        _ => "By class",
    };
    let classes = section(title, view! { <ClassTable rows/> });
    let more = match figures {
        Figures::SingleLabel(classification) => errors(classification),
        Figures::MultiLabel(figures) => whole_sets(figures),
        Figures::Spans(figures) => {
            let rows = spans::type_rows(figures);
            let leak = spans::leak_sentence(&figures.leak);
            let cut = spans::cut_sentence(figures).map(|text| view! { <p>{text}</p> });
            section(
                "Spans by type",
                view! {
                    <SpanTypeTable rows/>
                    <p>{leak}</p>
                    {cut}
                },
            )
        }
        Figures::Structured(figures) => {
            let text = fields::sentence(figures);
            let figures = figures.clone();
            section(
                "Whole answers",
                view! {
                    <p>{text}</p>
                    <FieldTable figures/>
                },
            )
        }
    };
    let routing = body
        .routing
        .clone()
        .map(|routing| section("Routing", view! { <RoutingView routing/> }));
    let recall = body
        .recall
        .clone()
        .map(|dial| section("Recall dial", view! { <RecallView dial/> }));
    let decoding = body.decoding.clone().map(|decoding| {
        section(
            "With and without the grammar",
            view! { <DecodingView decoding/> },
        )
    });
    Some((classes, more, decoding, routing, recall).into_any())
}

/// Which classes are taken for which, and how honest the confidence is.
fn errors(classification: &Classification) -> AnyView {
    let matrix = Matrix::new(classification);
    let arrangement = if matrix.is_wide() { "" } else { "slm-columns" };
    let reliability = Reliability::new(classification).map(|reliability| {
        section(
            "Is its confidence honest?",
            view! { <ReliabilityCurve reliability/> },
        )
    });
    view! {
        <div class=arrangement>
            {section("Confusion", view! { <ConfusionMatrix matrix/> })}
            {reliability}
        </div>
    }
    .into_any()
}

/// How often all labels of a row are right, and single ones wrong.
fn whole_sets(figures: &MultiLabel) -> AnyView {
    let text = format!(
        "{} of the rows have every label right; {} of the single decisions are wrong (Hamming loss).",
        format::percent(figures.subset_accuracy),
        format::percent(figures.hamming_loss)
    );
    section("Whole sets", view! { <p>{text}</p> })
}

fn details(body: &Body, labels: &[String]) -> AnyView {
    let rows = slices::rows(body);
    let metric = body.headline.first();
    let metric = metric.map_or_else(String::new, |h| format::metric_name(&h.name));
    let slices =
        (!rows.is_empty()).then(|| section("By slice", view! { <SliceTable rows metric/> }));
    let items = mistakes::items(body);
    let labels = labels.to_vec();
    let mistakes = (!items.is_empty()).then(|| {
        section(
            "Most confident mistakes",
            view! { <MistakeList items labels/> },
        )
    });
    (slices, mistakes).into_any()
}

/// The labels that probabilities belong to, in the recipe's order.
fn labels(body: &Body) -> Vec<String> {
    let figures = body.systems.first().map(|system| &system.figures);
    let names = |classes: &[ClassMetrics]| classes.iter().map(|c| c.label.clone()).collect();
    match figures {
        None => Vec::new(),
        Some(Figures::SingleLabel(c)) => names(&c.per_class),
        Some(Figures::MultiLabel(m)) => names(&m.per_class),
        Some(Figures::Spans(s)) => {
            let types = s.exact.per_type.iter();
            types.map(|t| t.label.clone()).collect()
        }
        Some(Figures::Structured(_)) => Vec::new(),
    }
}

fn training(report: &Report) -> Option<AnyView> {
    let series = curve::series(&report.run.as_ref()?.curve);
    if series.is_empty() {
        return None;
    }
    let steps = curve::steps(&series);
    Some(section("Training", view! { <TrainingCurve series steps/> }))
}
