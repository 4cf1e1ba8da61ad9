//! Score the bundled test rows here and compare with what was shipped.

use leptos::prelude::*;

use super::{
    context::AppContext,
    engine::EngineStatus,
    parts::{Figure, ProgressBar},
};
use crate::{
    protocol::{Outcome, Scored},
    state::{
        format,
        session::{Engine, Evaluation},
        transfer,
    },
};

#[component]
pub(super) fn EvaluateTab(
    rows: usize,
    /// The selection metric, for people.
    metric: String,
) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let evaluation = Memo::new(move |_| context.session.with(|session| session.evaluation.clone()));
    let is_ready = Memo::new(move |_| {
        context
            .session
            .with(|session| matches!(session.engine, Engine::Ready(_)))
    });
    let is_active = Memo::new(move |_| evaluation.with(Evaluation::is_active));
    let explanation = format!(
        "Scores the {} that the report rests on, in this browser, builds the report again from these answers, and compares it with the shipped one, byte for byte.",
        format::count(rows, "test row")
    );
    view! {
        <div class="evaluate">
            <p class="lead">{explanation}</p>
            <div class="actions">
                {move || if is_active.get() {
                    view! { <button type="button" class="button" on:click=move |_| context.cancel()>"Cancel"</button> }.into_any()
                } else {
                    view! {
                        <button
                            type="button"
                            class="button primary"
                            disabled=move || !is_ready.get()
                            on:click=move |_| context.evaluate()
                        >"Run evaluation"</button>
                    }.into_any()
                }}
            </div>
            <Counts evaluation metric/>
            <Ending evaluation/>
            <EngineStatus/>
        </div>
    }
}

#[component]
fn Counts(evaluation: Memo<Evaluation>, metric: String) -> impl IntoView {
    let metric = StoredValue::new(metric);
    let scored = Memo::new(move |_| evaluation.with(Evaluation::scored));
    let is_shown =
        Memo::new(move |_| scored.get().is_some() || evaluation.with(Evaluation::is_active));
    let number =
        move |get: fn(Scored) -> f64| Signal::derive(move || scored.get().map_or(0.0, get));
    let text = move |get: fn(Scored) -> String| {
        Signal::derive(move || scored.get().map_or_else(|| "–".to_owned(), get))
    };
    let left = move || {
        let scored = scored.get()?;
        let seconds = transfer::seconds_left(scored.done as f64, scored.total as f64, scored.rate)?;
        (scored.done < scored.total && evaluation.with(Evaluation::is_active))
            .then(|| format!("about {} left", format::seconds(seconds)))
    };
    let figures = move || {
        view! {
            <ProgressBar
                label="Rows scored"
                done=number(|scored| scored.done as f64)
                total=number(|scored| scored.total as f64)
            />
            <dl class="figures large">
                <Figure name="Rows" value=text(|scored| format!("{}/{}", scored.done, scored.total))/>
                <Figure name=format!("{} so far", metric.get_value()) value=text(|scored| format::metric(scored.score))/>
                <Figure name="Right so far" value=text(|scored| format::metric(scored.right as f64 / scored.done as f64))/>
                <Figure name="Without answer" value=text(|scored| scored.failures.to_string())/>
                <Figure name="Rows a second" value=text(|scored| format::rate(scored.rate))/>
            </dl>
            <p class="quiet tabular">{left}</p>
        }
    };
    move || is_shown.get().then(figures)
}

#[component]
fn Ending(evaluation: Memo<Evaluation>) -> impl IntoView {
    let ending = Memo::new(move |_| match evaluation.get() {
        Evaluation::Done(_, outcome) => Some(ending(&outcome)),
        Evaluation::Cancelled(_) => Some(("plain", "Cancelled.".to_owned(), String::new())),
        Evaluation::Failed(problem) => Some(("different", problem.what, problem.advice)),
        _ => None,
    });
    view! {
        <div role="status">
            {move || ending.get().map(|(class, what, detail)| view! {
                <div class=format!("ending {class}")>
                    <p class="ending-what">{what}</p>
                    <p>{detail}</p>
                </div>
            })}
        </div>
    }
}

/// Class, verdict and detail.
fn ending(outcome: &Outcome) -> (&'static str, String, String) {
    let took = format!(
        "{} in {}; {} bytes, sha256 {}",
        format::count(outcome.rows, "row"),
        format::seconds(outcome.seconds),
        outcome.bytes,
        outcome.sha256
    );
    if outcome.equal {
        let what = "Equal to the shipped report, byte for byte.".to_owned();
        return ("equal", what, took + ".");
    }
    let parts = if outcome.differences.is_empty() {
        "only the layout of the file differs".to_owned()
    } else {
        format!("differing parts: {}", outcome.differences.join(", "))
    };
    (
        "different",
        "Not equal to the shipped report.".to_owned(),
        format!(
            "{} answered differently; {parts}. {took}. Please report this, with the name of your browser.",
            format::count(outcome.changed_rows, "row")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_said_plainly() {
        let mut outcome = Outcome {
            rows: 200,
            seconds: 61.0,
            equal: true,
            bytes: 1234,
            sha256: "ab".into(),
            differences: vec![],
            changed_rows: 0,
        };
        let (class, what, detail) = ending(&outcome);
        assert_eq!(class, "equal");
        assert_eq!(what, "Equal to the shipped report, byte for byte.");
        assert_eq!(detail, "200 rows in 1 min 1 s; 1234 bytes, sha256 ab.");

        outcome.equal = false;
        outcome.changed_rows = 1;
        outcome.differences = vec!["headline".into(), "lift".into()];
        let (class, _, detail) = ending(&outcome);
        assert_eq!(class, "different");
        assert!(detail.starts_with("1 row answered differently; differing parts: headline, lift."));
    }
}
