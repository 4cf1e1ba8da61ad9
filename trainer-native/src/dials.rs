//! What is set on the dev rows once an adapter is final (a routing threshold, a bias for recall):
//! kept in the run, bound to the adapter, the recipe, the rows and the numerics that it was set with.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use slm_model::{BaseModel, LoraAdapter};
use slm_task::{
    Example, Prediction, Recipe, Shape,
    recall::{self, RecallDial, StopBias},
    routing::Dials,
};

use crate::{files, predictor::Predictor, run::Run, subject};

/// Name of the file in a run folder.
pub const FILE: &str = "dials.json";

/// `dials.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// sha256 of the adapter's weights.
    adapter: String,
    /// sha256 of the recipe, every key written out.
    recipe: String,
    /// sha256 of the dev rows' file.
    dev: String,
    /// Version of the `serve` numerics.
    numerics: u32,
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
    let twist = &recipe.twist;
    let has_floor = twist.recall_floor > 0.0 || !twist.label_floors.is_empty();
    let wants_recall = recipe.shape == Shape::Spans && has_floor;
    if !recipe.routing.is_on() && !wants_recall {
        return Ok(Dials::default());
    }
    let path = run.path(FILE);
    let recipe_sha256 = files::sha256(recipe.to_toml().as_bytes());
    if path.is_file() {
        let kept: Kept = files::read_json(&path)?;
        let same = kept.adapter == adapter.1
            && kept.recipe == recipe_sha256
            && kept.dev == run.config.dev.sha256
            && kept.numerics == slm_model::NUMERICS;
        if same {
            return Ok(kept.dials);
        }
    }
    let dev = subject::unchanged(&run.config.dev, recipe)?.examples;
    let mut predictor = Predictor::new(base.clone(), Some(&adapter.0), recipe, Vec::new())?;
    let dials = match wants_recall {
        true => {
            eprintln!("setting the recall dial on {} dev rows", dev.len());
            Dials {
                recall: Some(recall(&mut predictor, recipe, &dev)?),
                ..Dials::default()
            }
        }
        false => {
            eprintln!("setting the routing threshold on {} dev rows", dev.len());
            Dials::set(recipe, &dev, &predictor.predict_rows(&dev)?)?
        }
    };
    let kept = Kept {
        adapter: adapter.1.clone(),
        recipe: recipe_sha256,
        dev: run.config.dev.sha256.clone(),
        numerics: slm_model::NUMERICS,
        dials,
    };
    files::write_json(&path, &kept)?;
    Ok(kept.dials)
}

/// The recall dial. Each row is decoded once, with the lowest bias; that tells what every higher one
/// gives.
fn recall(predictor: &mut Predictor, recipe: &Recipe, dev: &[Example]) -> Result<RecallDial> {
    predictor.set_stop_bias(StopBias::of(recall::BIASES[0]));
    let answered = predictor.predict_rows(dev)?;
    let at = |bias: &StopBias| answered.iter().map(|row| at_bias(row, bias)).collect();
    Ok(RecallDial::choose(recipe, dev, at)?)
}

fn at_bias(answer: &Prediction, bias: &StopBias) -> Prediction {
    match answer {
        Prediction::Spans(found) => Prediction::Spans(found.stopped_at(bias)),
        failed => failed.clone(),
    }
}
