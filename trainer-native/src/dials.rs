//! What is set on the dev rows once an adapter is final (a routing threshold): kept in the run,
//! bound to the adapter and the rows that it was set with.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use slm_model::{BaseModel, LoraAdapter};
use slm_task::{Recipe, routing::Dials};

use crate::{files, predictor::Predictor, run::Run, subject};

/// Name of the file in a run folder.
pub const FILE: &str = "dials.json";

/// `dials.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// sha256 of the adapter's weights.
    adapter: String,
    /// sha256 of the dev rows' file.
    dev: String,
    dials: Dials,
}

/// The dials of a run's adapter: as kept, or set now. Those of a recipe that has none cost nothing.
///
/// # Errors
/// When the dev rows changed since training, or the engine or the disk fails.
pub fn of_run(
    run: &Run,
    base: &Arc<BaseModel>,
    recipe: &Recipe,
    adapter: &(Arc<LoraAdapter>, String),
) -> Result<Dials> {
    if !recipe.routing.is_on() {
        return Ok(Dials::default());
    }
    let path = run.path(FILE);
    if path.is_file() {
        let kept: Kept = files::read_json(&path)?;
        if kept.adapter == adapter.1 && kept.dev == run.config.dev.sha256 {
            return Ok(kept.dials);
        }
    }
    let dev = subject::unchanged(&run.config.dev, recipe)?.examples;
    eprintln!("setting the routing threshold on {} dev rows", dev.len());
    let mut predictor = Predictor::new(base.clone(), Some(&adapter.0), recipe, Vec::new())?;
    let predictions = predictor.predict_rows(&dev)?;
    let kept = Kept {
        adapter: adapter.1.clone(),
        dev: run.config.dev.sha256.clone(),
        dials: Dials::set(recipe, &dev, &predictions)?,
    };
    files::write_json(&path, &kept)?;
    Ok(kept.dials)
}
