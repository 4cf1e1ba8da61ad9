//! Type a text, read the answer.

use leptos::prelude::*;
use slm_task::{Prediction, Recipe, Schema, Target, report::Body};
use slm_view::{PredictionView, objects, spans};

use super::{
    context::AppContext, engine::EngineStatus, recall::RecallPanel, routing::RoutingPanel,
};
use crate::{
    platform::page,
    protocol::{Answer, System},
    state::{format, session::Engine},
};

/// Id of the text area.
const TEXT: &str = "text";

#[component]
pub(super) fn TryTab(recipe: Recipe, body: Body) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let text = context.draft;
    let system = RwSignal::new(System::default());
    let stop_bias = RwSignal::new(body.recall.as_ref().map(|dial| dial.bias.all));
    ask_while_typing(context, text, system, stop_bias);
    view! {
        <div class="try">
            <div class="try-text">
                <label for=TEXT>"Your text"</label>
                <textarea
                    id=TEXT
                    rows="3"
                    spellcheck="false"
                    placeholder="Type a sentence…"
                    aria-describedby="instruction"
                    prop:value=text
                    on:input=move |event| text.set(event_target_value(&event))
                    on:keydown=move |event| {
                        let is_plain_enter = event.key() == "Enter" && !event.shift_key() && !event.is_composing();
                        if is_plain_enter {
                            event.prevent_default();
                            let text = text.get_untracked();
                            ask(context, &text, system.get_untracked(), stop_bias.get_untracked(), true);
                        }
                    }
                ></textarea>
                <p id="instruction" class="quiet">{recipe.instruction.clone()}</p>
            </div>
            <div class="try-more">
                <Examples examples=recipe.examples.clone() text/>
                <SystemSwitch system/>
            </div>
            <div class="try-result">
                <p class="label">"What the model thinks"</p>
                <Result recipe=recipe.clone()/>
                // Dials are set for the tuned model and say nothing of the base.
                <div hidden=move || system.get() == System::Base>
                    {body.routing.map(|report| view! { <RoutingPanel report/> })}
                    {body.recall.map(|dial| view! { <RecallPanel dial stop_bias/> })}
                </div>
                <EngineStatus/>
            </div>
        </div>
    }
}

/// Asks again whenever text, system, dial or readiness change.
fn ask_while_typing(
    context: AppContext,
    text: RwSignal<String>,
    system: RwSignal<System>,
    stop_bias: RwSignal<Option<f64>>,
) {
    let is_ready = Memo::new(move |_| {
        context
            .session
            .with(|session| matches!(session.engine, Engine::Ready(_)))
    });
    Effect::new(move |_| {
        let (text, system, stop_bias) = (text.get(), system.get(), stop_bias.get());
        if is_ready.get() {
            ask(context, &text, system, stop_bias, false);
        }
    });
}

fn ask(context: AppContext, text: &str, system: System, stop_bias: Option<f64>, now: bool) {
    let is_ready = context
        .session
        .with_untracked(|session| matches!(session.engine, Engine::Ready(_)));
    if text.trim().is_empty() {
        context.session.update(|session| session.clear_answer());
    } else if is_ready {
        context.ask(text.to_owned(), system, stop_bias, now);
    }
}

#[component]
fn Examples(examples: Vec<String>, text: RwSignal<String>) -> impl IntoView {
    let chips: Vec<_> = examples
        .into_iter()
        .map(|example| {
            let shown = example.clone();
            let pick = move |_| {
                text.set(example.clone());
                page::focus(TEXT);
            };
            view! { <li><button type="button" class="chip" on:click=pick>{shown}</button></li> }
        })
        .collect();
    (!chips.is_empty()).then(|| {
        view! {
            <p class="label" id="examples">"Or take one of these"</p>
            <ul class="chips" aria-labelledby="examples">{chips}</ul>
        }
    })
}

#[component]
fn SystemSwitch(system: RwSignal<System>) -> impl IntoView {
    let option = move |this: System, name: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="system"
                    prop:checked=move || system.get() == this
                    on:change=move |_| system.set(this)
                />
                <span>{name}</span>
            </label>
        }
    };
    view! {
        <fieldset class="switch">
            <legend>"Model"</legend>
            {option(System::Tuned, "Fine-tuned")}
            {option(System::Base, "Base, without adapter")}
        </fieldset>
    }
}

#[component]
fn Result(recipe: Recipe) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let session = context.session;
    let answer = Memo::new(move |_| session.with(|session| session.answer.clone()));
    let problem = Memo::new(move |_| session.with(|session| session.answer_problem.clone()));
    let is_stale = Memo::new(move |_| session.with(|session| session.awaited.is_some()));
    // A recipe whose schema does not read would not have loaded.
    let schema = recipe.answer_schema().ok();
    let labels = recipe.labels;
    let spoken = Memo::new(move |_| answer.get().map(|(_, answer)| spoken(&answer)));
    view! {
        <section class="result" aria-label="Answer" class:stale=is_stale aria-busy=move || is_stale.get().to_string()>
            <p class="spoken" role="status" aria-live="polite">{spoken}</p>
            {move || {
                let (labels, schema) = (labels.clone(), schema.clone());
                match (problem.get(), answer.get()) {
                    (Some(problem), _) => view! {
                        <div class="problem" role="alert">
                            <p class="problem-what">{problem.what}</p>
                            <p>{problem.advice}</p>
                        </div>
                    }.into_any(),
                    (None, Some((system, answer))) => view! { <AnswerView system answer labels schema/> }.into_any(),
                    (None, None) => view! {
                        <p class="empty">"The answer appears here while you type."</p>
                    }.into_any(),
                }
            }}
        </section>
    }
}

#[component]
fn AnswerView(
    system: System,
    answer: Answer,
    labels: Vec<String>,
    #[prop(optional_no_strip)] schema: Option<Schema>,
) -> impl IntoView {
    let title = match &answer.prediction {
        Prediction::Label(label) => label.label.clone(),
        Prediction::Labels(found) => Target::Labels(found.labels.clone()).in_words(),
        Prediction::Spans(found) => spans::in_words(found),
        Prediction::Object(_) => "The text as JSON".to_owned(),
        Prediction::Failed(_) => "No answer".to_owned(),
    };
    let who = match system {
        System::Tuned => "Fine-tuned model",
        System::Base => "Base model, without adapter",
    };
    let cost = cost(&answer);
    view! {
        <p class="label">{who}</p>
        <p class="verdict">{title}</p>
        <PredictionView prediction=answer.prediction labels text=answer.text schema/>
        <p class="quiet tabular cost">{cost}</p>
    }
}

/// `9 tokens in 120 ms · 75 tokens/s`; nothing for a text that was not computed.
fn cost(answer: &Answer) -> Option<String> {
    (answer.tokens > 0).then(|| {
        let rate = 1000.0 * answer.tokens as f64 / answer.milliseconds.max(0.1);
        format!(
            "{} in {} · {} tokens/s",
            format::count(answer.tokens, "token"),
            format::milliseconds(answer.milliseconds),
            format::rate(rate)
        )
    })
}

/// What a screen reader says when the answer changes.
fn spoken(answer: &Answer) -> String {
    match &answer.prediction {
        Prediction::Label(label) => {
            let confidence = label.probabilities.iter().copied().fold(0.0, f64::max);
            format!("{}, {}", label.label, format::percent(confidence))
        }
        Prediction::Labels(found) => Target::Labels(found.labels.clone()).in_words(),
        Prediction::Spans(found) => spans::in_words(found),
        Prediction::Object(found) => objects::in_words(&found.object),
        Prediction::Failed(_) => "No answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use slm_task::Failure;

    use super::*;

    #[test]
    fn cost_and_speech_follow_the_answer() {
        let mut answer = Answer {
            text: "Fine.".into(),
            prediction: Prediction::Label(slm_task::LabelPrediction {
                label: "positive".into(),
                probabilities: vec![0.1, 0.15, 0.75],
                outside: 0.0,
            }),
            tokens: 9,
            milliseconds: 120.0,
        };
        assert_eq!(cost(&answer).unwrap(), "9 tokens in 120 ms · 75 tokens/s");
        assert_eq!(spoken(&answer), "positive, 75.0 %");
        answer.tokens = 0;
        answer.prediction = Prediction::Failed(Failure::TooLong {
            tokens: 9000,
            limit: 2040,
        });
        assert_eq!(cost(&answer), None);
        assert_eq!(spoken(&answer), "No answer");
    }
}
