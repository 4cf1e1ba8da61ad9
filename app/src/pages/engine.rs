//! The state of the model: loading with its progress, ready with its figures, or why not.

use leptos::prelude::*;

use super::{
    context::AppContext,
    parts::{Figure, ProblemView, ProgressBar},
};
use crate::{
    protocol::{EngineInfo, Kept, Phase, Progress},
    state::{format, session::Engine, transfer},
};

#[component]
pub(super) fn EngineStatus() -> impl IntoView {
    let context = expect_context::<AppContext>();
    let engine = Memo::new(move |_| context.session.with(|session| session.engine.clone()));
    let progress = Memo::new(move |_| match engine.get() {
        Engine::Loading(progress) => Some(progress),
        _ => None,
    });
    let settled = Memo::new(move |_| match engine.get() {
        Engine::Loading(_) => None,
        settled => Some(settled),
    });
    view! {
        <div class="engine">
            {move || match settled.get() {
                None => view! { <Loading progress/> }.into_any(),
                Some(Engine::Ready(info)) => view! { <Ready info/> }.into_any(),
                Some(Engine::Failed(problem)) => view! {
                    <ProblemView problem on_retry=move || context.retry()/>
                }.into_any(),
                Some(_) => ().into_any(),
            }}
            <Notes/>
        </div>
    }
}

#[component]
fn Notes() -> impl IntoView {
    let context = expect_context::<AppContext>();
    let notes = Memo::new(move |_| context.session.with(|session| session.notes.clone()));
    view! {
        <div role="status">
            {move || notes.get().into_iter().map(|note| view! { <p class="note">{note}</p> }).collect_view()}
        </div>
    }
}

#[component]
fn Loading(progress: Memo<Option<Progress>>) -> impl IntoView {
    let part = move |get: fn(&Progress) -> f64| {
        Signal::derive(move || progress.get().as_ref().map_or(0.0, get))
    };
    // Read aloud when the phase changes, not with every byte.
    let phase = Memo::new(move |_| progress.get().map(|progress| progress.phase));
    view! {
        <div class="loading">
            <p class="loading-phase" role="status">{move || phase.get().map(phase_text)}</p>
            <ProgressBar
                label="Loading the model"
                done=part(|progress| progress.done as f64)
                total=part(|progress| progress.total as f64)
            />
            <p class="quiet tabular">{move || progress.get().map(progress_text)}</p>
        </div>
    }
}

fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Looking => "Looking for the model in this browser…",
        Phase::Waiting => "Another tab is downloading the model; waiting for it…",
        Phase::Downloading => "Downloading the model. This is done once.",
        Phase::Reconnecting => "The connection broke; trying again…",
        Phase::Reading => "Reading the model from this browser…",
        Phase::Building => "Building the model…",
        Phase::Probing => "Comparing this browser's numbers with the trainer's…",
    }
}

/// The line under the bar.
fn progress_text(progress: Progress) -> String {
    let Progress {
        phase,
        done,
        total,
        resumed,
        rate,
    } = progress;
    match phase {
        Phase::Looking | Phase::Waiting | Phase::Building => String::new(),
        Phase::Probing => format!("Probe {} of {total}", done + 1),
        Phase::Reading | Phase::Downloading | Phase::Reconnecting => {
            let mut text = format!("{} of {}", format::bytes(done), format::bytes(total));
            if phase == Phase::Downloading && rate > 0.0 {
                text += &format!(" · {}/s", format::bytes(rate as u64));
                if let Some(left) = transfer::seconds_left(done as f64, total as f64, rate) {
                    text += &format!(" · {} left", format::seconds(left));
                }
            }
            if resumed > 0 && phase != Phase::Reading {
                text += &format!(" · continued from {}", format::bytes(resumed));
            }
            text
        }
    }
}

#[component]
fn Ready(info: EngineInfo) -> impl IntoView {
    let context = expect_context::<AppContext>();
    let speed = Memo::new(move |_| context.session.with(|session| session.speed));
    let kept = match info.kept {
        Kept::Stored => "in this browser, also for use offline",
        Kept::MemoryOnly => "in memory only",
    };
    let fixed = |text: String| Signal::derive(move || text.clone());
    let rate = move |get: fn(crate::protocol::Speed) -> f64| {
        Signal::derive(move || match speed.get() {
            Some(speed) => format!("{} tokens/s", format::rate(get(speed))),
            None => "not measured yet".to_owned(),
        })
    };
    view! {
        <details class="ready">
            <summary><span class="dot" aria-hidden="true"></span>"Model ready, on this device"</summary>
            <dl class="figures">
                <Figure name="Base model" value=fixed(info.base)/>
                <Figure name="Engine" value=fixed(info.backend)/>
                <Figure name="Numerics" value=fixed(format!("v{}", info.numerics))/>
                <Figure name="Threads" value=fixed(info.threads.to_string())/>
                <Figure name="Memory" value=fixed(format::bytes(info.memory))/>
                <Figure name="Context" value=fixed(format::count(info.context, "token"))/>
                <Figure name="Probes" value=fixed(format!("{} of {} equal, bit for bit", info.probes, info.probes))/>
                <Figure name="Kept" value=fixed(kept.to_owned())/>
                <Figure name="Ready after" value=fixed(format::milliseconds(info.milliseconds))/>
                <Figure name="Prefill" value=rate(|speed| speed.prefill)/>
                <Figure name="Decode" value=rate(|speed| speed.decode)/>
            </dl>
            <button type="button" class="button" on:click=move |_| context.measure()>"Measure speed"</button>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_well() {
        let check = |phase, done, total, resumed, rate, expected: &str| {
            let progress = Progress {
                phase,
                done,
                total,
                resumed,
                rate,
            };
            assert_eq!(progress_text(progress), expected);
        };
        check(
            Phase::Downloading,
            48_362_432,
            98_362_432,
            0,
            5e6,
            "48.4 MB of 98.4 MB · 5.0 MB/s · 10 s left",
        );
        check(
            Phase::Downloading,
            48_362_432,
            98_362_432,
            30_000_000,
            0.0,
            "48.4 MB of 98.4 MB · continued from 30.0 MB",
        );
        check(Phase::Probing, 1, 4, 0, 0.0, "Probe 2 of 4");
        check(Phase::Looking, 0, 0, 0, 0.0, "");
    }
}
