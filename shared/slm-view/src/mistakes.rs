//! The subject's most confident mistakes, each with its probabilities.

use leptos::prelude::*;
use slm_task::report::{Body, Mistake};
use slm_task::{Prediction, Target};

use crate::{objects, prediction::PredictionView, spans};

/// One mistake as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct MistakeItem {
    /// `line 17, hard negative`.
    pub place: String,
    /// The text.
    pub prompt: String,
    /// The right answer.
    pub gold: Target,
    /// What was answered, in words.
    pub answer: String,
    /// For the bars.
    pub prediction: Prediction,
}

impl MistakeItem {
    fn new(mistake: &Mistake) -> Self {
        let slice = mistake.slice.as_deref().map(|s| s.replace('_', " "));
        let place = match slice {
            Some(slice) => format!("line {}, {slice}", mistake.line),
            None => format!("line {}", mistake.line),
        };
        let answer = match &mistake.prediction {
            Prediction::Label(label) => format!("answered {}", label.label),
            Prediction::Labels(p) => {
                format!("answered {}", Target::Labels(p.labels.clone()).in_words())
            }
            Prediction::Spans(p) => format!("found {}", spans::in_words(p)),
            Prediction::Object(p) => format!("answered {}", objects::in_words(&p.object)),
            Prediction::Failed(_) => "no answer".into(),
        };
        Self {
            place,
            prompt: mistake.prompt.clone(),
            gold: mistake.gold.clone(),
            answer,
            prediction: mistake.prediction.clone(),
        }
    }
}

impl MistakeItem {
    /// The right answer in a line.
    fn right(&self) -> String {
        match &self.gold {
            Target::Object(object) => objects::in_words(object),
            gold => gold.in_words(),
        }
    }

    /// The text, unless the prediction shows it.
    fn quoted_text(&self) -> Option<String> {
        let shown = matches!(self.prediction, Prediction::Spans(_));
        (!shown).then(|| self.prompt.clone())
    }
}

/// All mistakes of a report, worst first.
pub fn items(body: &Body) -> Vec<MistakeItem> {
    body.mistakes.iter().map(MistakeItem::new).collect()
}

/// The list of mistakes.
#[component]
pub fn MistakeList(
    /// From [`items`].
    items: Vec<MistakeItem>,
    /// The recipe's labels, in its order.
    labels: Vec<String>,
) -> impl IntoView {
    let items = items.into_iter().map(|item| {
        view! {
            <li class="slm-mistake">
                <p class="slm-muted">
                    {format!("{}: right is {}, {}", item.place, item.right(), item.answer)}
                </p>
                {item.quoted_text().map(|text| view! { <blockquote class="slm-prompt">{text}</blockquote> })}
                <PredictionView
                    prediction=item.prediction
                    labels=labels.clone()
                    gold=item.gold
                    text=item.prompt
                />
            </li>
        }
    });
    let items: Vec<_> = items.collect();
    view! { <ol class="slm-mistakes">{items}</ol> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slm_task::Failure;

    #[test]
    fn a_failure_is_no_answer() {
        let item = MistakeItem::new(&Mistake {
            line: 17,
            prompt: "…".into(),
            gold: Target::Label("positive".into()),
            prediction: Prediction::Failed(Failure::Runtime {
                message: "logits are not finite".into(),
            }),
            slice: Some("hard_negative".into()),
        });
        assert_eq!(item.place, "line 17, hard negative");
        assert_eq!(item.answer, "no answer");
    }
}
