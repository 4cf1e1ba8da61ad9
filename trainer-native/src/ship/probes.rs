//! Probes: a few inputs with the exact logits that follow them, so that every runtime can prove
//! itself before it is trusted.

use std::sync::Arc;

use anyhow::Result;
use slm_model::{BaseModel, Engine, LoraAdapter, logits_digest};
use slm_task::bundle::{Probe, Probes};
use slm_task::{Example, Recipe, Renderer};

/// Inputs of a bundle.
const PROBES: usize = 4;
/// Logits of a probe.
const TOP: usize = 8;
/// The shortest sensible input, always among them.
const NEARLY_EMPTY: &str = ".";

/// Makes the probes of an adapter.
///
/// # Errors
/// When the engine fails on an input.
pub(super) fn make(
    base: &Arc<BaseModel>,
    adapter: &LoraAdapter,
    recipe: &Recipe,
    rows: &[Example],
) -> Result<Probes> {
    let renderer = Renderer::new(recipe, base.tokenizer(), &[])?;
    let prefix = renderer.prefix();
    let mut engine = Engine::new(base.clone());
    engine.set_adapter(Some(adapter));
    engine.set_prefix(&prefix)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut probes = Vec::new();
    for text in inputs(recipe, rows) {
        let prompt = renderer.prompt(text).tokens;
        let logits = runtime.block_on(engine.logits(&prompt))?;
        probes.push(Probe {
            prompt: text.to_string(),
            tokens: [prefix.as_slice(), &prompt].concat(),
            top: top(&logits),
            digest: logits_digest(&logits),
        });
    }
    Ok(Probes { probes })
}

/// The recipe's examples, test rows where these are too few, and one that is nearly empty.
fn inputs<'a>(recipe: &'a Recipe, rows: &'a [Example]) -> Vec<&'a str> {
    let examples = recipe.examples.iter().map(String::as_str);
    let prompts = rows.iter().map(|row| row.prompt.as_str());
    let mut inputs: Vec<&str> = examples.chain(prompts).take(PROBES - 1).collect();
    inputs.push(NEARLY_EMPTY);
    inputs
}

/// The largest logits, largest first, the smaller id first among equals.
fn top(logits: &[f32]) -> Vec<(u32, u32)> {
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    let logit = |id: &u32| logits[*id as usize];
    order.sort_by(|a, b| logit(b).total_cmp(&logit(a)).then(a.cmp(b)));
    order.truncate(TOP);
    order
        .into_iter()
        .map(|id| (id, logit(&id).to_bits()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first() {
        let logits = [0.5, -1.0, 2.0, 0.5, f32::MIN, 0.1, 0.2, 0.3, 0.4, 1.5];
        let ids: Vec<u32> = top(&logits).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [2, 9, 0, 3, 8, 7, 6, 5]);
        assert_eq!(top(&[1.0, 2.0]), [(1, 2f32.to_bits()), (0, 1f32.to_bits())]);
    }
}
