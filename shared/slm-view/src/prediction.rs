//! One prediction: a bar for each label's probability, or the failure in words.

use leptos::prelude::*;
use slm_task::{Failure, LabelPrediction, LabelsPrediction, Prediction, Schema, Target};

use crate::chart::Bar;
use crate::format;
use crate::objects::ObjectView;
use crate::spans::SpansView;

/// Up to this many labels stand in recipe order, so that bars keep their places while someone
/// types; of more, the most probable are shown.
const MOST_BARS: usize = 8;

/// One label's bar.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelBar {
    /// The label.
    pub label: String,
    /// Its probability among the labels.
    pub probability: f64,
    /// The model's answer.
    pub answered: bool,
    /// The right answer, where one is known.
    pub gold: bool,
}

/// A label prediction as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelBars {
    /// The answer.
    pub label: String,
    /// Bars; empty for a system without probabilities.
    pub bars: Vec<LabelBar>,
    /// Labels without a bar of their own, and their probability together.
    pub others: Option<(usize, f64)>,
    /// Mass outside the labels; none for a system without probabilities.
    pub outside: Option<f64>,
}

impl LabelBars {
    /// `labels` in recipe order, as the probabilities are.
    pub fn new(prediction: &LabelPrediction, labels: &[String], gold: Option<&str>) -> Self {
        let bar = |(label, &probability): (&String, &f64)| LabelBar {
            label: label.clone(),
            probability,
            answered: *label == prediction.label,
            gold: gold == Some(label),
        };
        let mut bars: Vec<LabelBar> = labels
            .iter()
            .zip(&prediction.probabilities)
            .map(bar)
            .collect();
        let mut others = None;
        if bars.len() > MOST_BARS {
            bars.sort_by(|a, b| b.probability.total_cmp(&a.probability));
            // The right answer keeps its bar, however improbable.
            let (kept, rest): (Vec<_>, Vec<_>) = bars
                .into_iter()
                .enumerate()
                .partition(|(i, bar)| *i < MOST_BARS || bar.gold);
            others = Some((rest.len(), rest.iter().map(|(_, b)| b.probability).sum()))
                .filter(|(count, _)| *count > 0);
            bars = kept.into_iter().map(|(_, bar)| bar).collect();
        }
        Self {
            label: prediction.label.clone(),
            outside: (!bars.is_empty()).then_some(prediction.outside),
            bars,
            others,
        }
    }
}

impl LabelBars {
    /// One bar a label, each with the probability that it holds. `gold` are the labels that do.
    pub fn of_several(
        prediction: &LabelsPrediction,
        labels: &[String],
        gold: Option<&[&str]>,
    ) -> Self {
        let bar = |(label, &probability): (&String, &f64)| LabelBar {
            label: label.clone(),
            probability,
            answered: prediction.labels.contains(label),
            gold: gold.is_some_and(|gold| gold.contains(&label.as_str())),
        };
        let bars: Vec<LabelBar> = labels
            .iter()
            .zip(&prediction.probabilities)
            .map(bar)
            .collect();
        Self {
            label: Target::Labels(prediction.labels.clone()).in_words(),
            outside: (!bars.is_empty()).then_some(prediction.outside),
            bars,
            others: None,
        }
    }
}

/// A failure in words.
pub fn failure_text(failure: &Failure) -> String {
    match failure {
        Failure::TooLong { tokens, limit } => format!(
            "No answer: the text has {tokens} tokens and the model takes {limit}. Shorten it."
        ),
        Failure::Unparsable { answer } => {
            format!("No answer: the model wrote something that is no answer: {answer}")
        }
        Failure::Unended { limit } => {
            format!("No answer: what the model wrote did not end within {limit} tokens.")
        }
        Failure::Runtime { message } => format!("No answer: {message}"),
    }
}

/// One prediction.
#[component]
pub fn PredictionView(
    /// What the model answered.
    prediction: Prediction,
    /// The recipe's labels, in its order.
    labels: Vec<String>,
    /// The right answer, where one is known.
    #[prop(optional_no_strip, into)]
    gold: Option<Target>,
    /// The text that was answered; spans are shown in it.
    #[prop(optional, into)]
    text: String,
    /// The schema of a JSON answer, where it is known.
    #[prop(optional_no_strip)]
    schema: Option<Schema>,
) -> impl IntoView {
    if let Prediction::Spans(found) = prediction {
        let wanted = match gold {
            Some(Target::Spans(wanted)) => Some(wanted),
            _ => None,
        };
        return view! { <SpansView text found wanted/> }.into_any();
    }
    if let Prediction::Object(found) = prediction {
        let wanted = match gold {
            Some(Target::Object(wanted)) => Some(wanted),
            _ => None,
        };
        return view! { <ObjectView found=found.object wanted schema/> }.into_any();
    }
    let gold = gold.as_ref().map(Target::classes);
    match prediction {
        Prediction::Label(label) => {
            let gold = gold.and_then(|gold| gold.first().copied());
            let bars = LabelBars::new(&label, &labels, gold);
            view! { <LabelBarsView bars/> }.into_any()
        }
        Prediction::Labels(found) => {
            let bars = LabelBars::of_several(&found, &labels, gold.as_deref());
            view! { <LabelBarsView bars/> }.into_any()
        }
        // Shown above.
        Prediction::Spans(_) | Prediction::Object(_) => ().into_any(),
        Prediction::Failed(failure) => {
            view! { <p class="slm-failure">{failure_text(&failure)}</p> }.into_any()
        }
    }
}

/// Bars of one label prediction.
#[component]
fn LabelBarsView(
    /// What to show.
    bars: LabelBars,
) -> impl IntoView {
    let only_label = bars
        .bars
        .is_empty()
        .then(|| view! { <p class="slm-answer">{bars.label.clone()}</p> });
    let rows: Vec<_> = bars.bars.into_iter().map(label_bar).collect();
    let others = bars.others.map(|(count, probability)| {
        let name = format::counted(count as u64, "other label");
        quiet_bar(name, probability)
    });
    let outside = bars.outside.map(|outside| {
        let text = format!(
            "{} of the model's probability was outside the labels; the bars share the rest.",
            format::percent(outside)
        );
        view! { <p class="slm-note">{text}</p> }
    });
    view! {
        <div class="slm-prediction">
            {only_label}
            <ul class="slm-probabilities">{rows}{others}</ul>
            {outside}
        </div>
    }
}

fn label_bar(bar: LabelBar) -> AnyView {
    let class = if bar.answered { "slm-answered" } else { "" };
    let fill = if bar.answered { "slm-bar-main" } else { "" };
    let gold = bar
        .gold
        .then(|| view! { <span class="slm-tag">"right answer"</span> });
    view! {
        <li class=class>
            <span class="slm-probability-label">{bar.label}{gold}</span>
            <Bar value=bar.probability class=fill/>
            <span class="slm-probability-value">{format::percent(bar.probability)}</span>
        </li>
    }
    .into_any()
}

fn quiet_bar(name: String, probability: f64) -> AnyView {
    view! {
        <li class="slm-muted">
            <span class="slm-probability-label">{name}</span>
            <Bar value=probability/>
            <span class="slm-probability-value">{format::percent(probability)}</span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("label-{i}")).collect()
    }

    fn prediction(label: &str, probabilities: Vec<f64>) -> LabelPrediction {
        LabelPrediction {
            label: label.into(),
            probabilities,
            outside: 0.1,
        }
    }

    #[test]
    fn few_labels_stay_in_recipe_order() {
        let bars = LabelBars::new(
            &prediction("label-1", vec![0.2, 0.7, 0.1]),
            &labels(3),
            Some("label-2"),
        );
        let shown: Vec<_> = bars
            .bars
            .iter()
            .map(|b| (b.label.as_str(), b.answered, b.gold))
            .collect();
        assert_eq!(
            shown,
            [
                ("label-0", false, false),
                ("label-1", true, false),
                ("label-2", false, true)
            ]
        );
        assert_eq!(bars.outside, Some(0.1));
        assert_eq!(bars.others, None);
    }

    #[test]
    fn of_many_labels_the_most_probable_and_the_right_one_are_shown() {
        let probabilities: Vec<f64> = (0..20).map(|i| f64::from(i) / 190.0).collect();
        let bars = LabelBars::new(
            &prediction("label-19", probabilities),
            &labels(20),
            Some("label-3"),
        );
        assert_eq!(bars.bars[0].label, "label-19");
        assert_eq!(bars.bars.len(), MOST_BARS + 1);
        assert_eq!(bars.bars[MOST_BARS].label, "label-3");
        let (count, rest) = bars.others.unwrap();
        assert_eq!(count, 11);
        let shown: f64 = bars.bars.iter().map(|b| b.probability).sum();
        assert!((shown + rest - 1.0).abs() < 1e-12);
    }

    #[test]
    fn several_labels_keep_their_order_and_say_which_hold() {
        let found = LabelsPrediction {
            labels: vec!["label-1".into()],
            probabilities: vec![0.2, 0.9, 0.4],
            outside: 0.0,
        };
        let bars = LabelBars::of_several(&found, &labels(3), Some(&["label-1", "label-2"]));
        let shown: Vec<_> = bars.bars.iter().map(|b| (b.answered, b.gold)).collect();
        assert_eq!(shown, [(false, false), (true, true), (false, true)]);
        assert_eq!(bars.label, "label-1");
    }

    #[test]
    fn a_system_without_probabilities_shows_its_label_only() {
        let bars = LabelBars::new(&prediction("label-0", vec![]), &labels(3), None);
        assert_eq!(bars.label, "label-0");
        assert!(bars.bars.is_empty());
        assert_eq!(bars.outside, None);
    }

    #[test]
    fn failures_say_what_to_do() {
        let text = failure_text(&Failure::TooLong {
            tokens: 900,
            limit: 384,
        });
        assert!(text.contains("900") && text.contains("384") && text.contains("Shorten"));
    }
}
