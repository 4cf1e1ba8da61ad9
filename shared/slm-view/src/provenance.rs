//! What was measured with what: hashes, command, machine and time.

use leptos::prelude::*;
use slm_task::Report;

use crate::format;

/// One line: what it is, its value, and whether that is machine text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Set in a fixed-width face.
    pub code: bool,
}

/// All facts of a report. `body_sha256` is the hash of [`slm_task::report::Body::to_json`], where the caller
/// has computed it.
pub fn facts(report: &Report, body_sha256: Option<&str>) -> Vec<Fact> {
    let provenance = &report.body.provenance;
    let code = |name, value: &str| Fact {
        name,
        value: value.into(),
        code: true,
    };
    let text = |name, value: String| Fact {
        name,
        value,
        code: false,
    };
    let hashes = [
        ("Base model, sha256", Some(provenance.base.as_str())),
        ("Adapter, sha256", provenance.adapter.as_deref()),
        ("Data, sha256", Some(provenance.data.as_str())),
        ("Training data, sha256", provenance.train.as_deref()),
        ("Recipe, sha256", Some(provenance.recipe.as_str())),
        ("Report body, sha256", body_sha256),
    ];
    let mut facts: Vec<Fact> = hashes
        .into_iter()
        .filter_map(|(name, hash)| Some(code(name, hash.filter(|h| !h.is_empty())?)))
        .collect();
    facts.push(text(
        "Numerics",
        format!("serve, version {}", provenance.numerics),
    ));
    if let Some(subject) = report.body.systems.first() {
        facts.push(text("Metrics as", subject.figures.convention().to_string()));
    }
    if let Some(run) = &report.run {
        facts.extend(
            run.train_command
                .as_deref()
                .map(|command| code("Training command", command)),
        );
        facts.push(code("Command", &run.command));
        facts.push(text("Machine", run.machine.clone()));
        facts.push(text("Made", run.time.clone()));
        facts.push(text("Predictions took", format::duration(run.seconds)));
    }
    facts
}

/// The list of facts.
#[component]
pub fn ProvenanceList(
    /// From [`facts`].
    facts: Vec<Fact>,
) -> impl IntoView {
    let facts = facts.into_iter().map(|fact| {
        let value = if fact.code {
            view! { <code>{fact.value}</code> }.into_any()
        } else {
            fact.value.into_any()
        };
        view! {
            <div>
                <dt>{fact.name}</dt>
                <dd>{value}</dd>
            </div>
        }
    });
    let facts: Vec<_> = facts.collect();
    view! { <dl class="slm-facts">{facts}</dl> }
}
