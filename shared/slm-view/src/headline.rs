//! The metrics a person reads first: tiles of a report, and the gallery's card.

use leptos::prelude::*;
use slm_task::bundle::GalleryEntry;
use slm_task::report::{Body, Headline, Lift};

use crate::format;

/// One metric with its interval, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Metric for people.
    pub name: String,
    /// Rounded value.
    pub value: String,
    /// Its 95 % interval.
    pub interval: String,
}

impl Tile {
    /// From a metric of the report.
    pub fn new(headline: &Headline) -> Self {
        Self {
            name: format::metric_name(&headline.name),
            value: format::metric(headline.value),
            interval: format!("95\u{a0}% interval {}", format::interval(headline.ci)),
        }
    }
}

/// The report in one or two sentences.
pub fn summary(body: &Body) -> String {
    let rows = format::counted(body.rows as u64, "row");
    let subject = format::system_name(&body.subject);
    let Some(first) = body.headline.first() else {
        return format!("{subject} on {rows}; no metric was computed.");
    };
    let name = format::metric_name(&first.name);
    let value = format::metric(first.value);
    let sampled = if body.rows < body.rows_in_file {
        format!(" (a seeded sample of {})", body.rows_in_file)
    } else {
        String::new()
    };
    let lift = body
        .lift
        .first()
        .map(|lift| format!(" {}", lift_sentence(lift)));
    format!(
        "{subject}: {name} {value} on {rows}{sampled}.{}",
        lift.unwrap_or_default()
    )
}

/// A lift in one sentence, its verdict included.
pub fn lift_sentence(lift: &Lift) -> String {
    format!(
        "{} against {}: {}.",
        format::signed(lift.value),
        format::system_name(&lift.vs),
        format::verdict(lift.decisive)
    )
}

/// The subject's metrics, one tile each.
#[component]
pub fn HeadlineTiles(
    /// In the order of the report.
    tiles: Vec<Tile>,
) -> impl IntoView {
    let tiles = tiles.into_iter().map(|tile| {
        view! {
            <div class="slm-tile">
                <dt>{tile.name}</dt>
                <dd class="slm-tile-value">{tile.value}</dd>
                <dd class="slm-muted">{tile.interval}</dd>
            </div>
        }
    });
    view! { <dl class="slm-tiles">{tiles.collect_view()}</dl> }
}

/// One recipe in the gallery, with its first metric and lift.
#[component]
pub fn HeadlineCard(
    /// The gallery's entry.
    entry: GalleryEntry,
    /// Where the card leads.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let tile = Tile::new(&entry.headline);
    let lift = entry.lift.as_ref().map(|lift| {
        view! { <p class="slm-muted">{lift_sentence(lift)}</p> }
    });
    view! {
        <article class="slm-card">
            <h2 class="slm-card-title"><a href=href>{entry.title}</a></h2>
            <p class="slm-card-summary">{entry.summary}</p>
            <p class="slm-card-metric">
                <span class="slm-card-value">{tile.value}</span>
                " "
                <span class="slm-muted">{tile.name}", "{tile.interval}</span>
            </p>
            {lift}
        </article>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lift(value: f64, decisive: bool) -> Lift {
        Lift {
            metric: "macro_f1".into(),
            vs: "few-shot".into(),
            value,
            ci: [0.0, 0.2],
            p: 0.5,
            decisive,
        }
    }

    #[test]
    fn a_tile_is_rounded_and_named() {
        let tile = Tile::new(&Headline {
            name: "macro_f1".into(),
            value: 0.71234,
            ci: [0.65, 0.7777],
        });
        assert_eq!(tile.name, "Macro-F1");
        assert_eq!(tile.value, "0.712");
        assert_eq!(tile.interval, "95\u{a0}% interval 0.650 to 0.778");
    }

    #[test]
    fn the_verdict_is_said() {
        assert_eq!(
            lift_sentence(&lift(0.1, true)),
            "+0.100 against Base, few-shot: decisive."
        );
        assert!(lift_sentence(&lift(-0.1, false)).ends_with("not decisive."));
    }
}
