//! The systems that a report compares, and their predictions on the same rows, kept as they come
//! so that an interrupted evaluation does nothing twice.

use std::{fs::OpenOptions, io::Write, path::Path, sync::Arc, time::Instant};

use anyhow::Result;
use slm_model::{BaseModel, LoraAdapter};
use slm_task::{Example, Prediction, Recipe, baseline::Trivial, recall::StopBias};

use crate::{
    files,
    predictor::{CHUNK, Predictor},
    terminal::Bar,
};

/// A system to evaluate.
#[derive(Clone)]
pub struct System {
    /// `tuned`, `zero-shot`, `few-shot`, or a trivial system's name.
    pub name: &'static str,
    /// How it answers.
    pub kind: Kind,
}

/// How a system answers.
#[derive(Clone)]
pub enum Kind {
    /// Without a model.
    Trivial(Trivial),
    /// The model, with an adapter (and its sha256) or none, after worked examples or none.
    Model {
        /// The adapter and the sha256 of its weights.
        adapter: Option<(Arc<LoraAdapter>, String)>,
        /// Worked examples.
        shots: Vec<Example>,
        /// Nats on the decision to stop a list of spans.
        stop_bias: StopBias,
        /// Whether objects are written without their grammar.
        free: bool,
    },
}

impl System {
    /// The same model, writing without its grammar.
    pub fn without_grammar(&self) -> Option<Self> {
        match &self.kind {
            Kind::Trivial(_) => None,
            Kind::Model {
                adapter,
                shots,
                stop_bias,
                ..
            } => Some(Self {
                name: "free",
                kind: Kind::Model {
                    adapter: adapter.clone(),
                    shots: shots.clone(),
                    stop_bias: stop_bias.clone(),
                    free: true,
                },
            }),
        }
    }
}

/// What all systems of one evaluation share.
pub struct Setting<'a> {
    /// The base model.
    pub base: &'a Arc<BaseModel>,
    /// The recipe.
    pub recipe: &'a Recipe,
    /// sha256 of `recipe.toml`.
    pub recipe_sha256: &'a str,
    /// The rows to answer.
    pub rows: &'a [Example],
    /// sha256 of the rows' file.
    pub data_sha256: &'a str,
    /// Folder where finished predictions are kept.
    pub cache: &'a Path,
}

impl Setting<'_> {
    /// Predictions of one system on the rows, and the seconds they took in this sitting.
    ///
    /// # Errors
    /// When the engine or the disk fails.
    pub fn predictions(&self, system: &System) -> Result<(Vec<Prediction>, f64)> {
        let (adapter, shots, stop_bias, free) = match &system.kind {
            Kind::Trivial(system) => {
                let answers = self.rows.iter().map(|row| system.answer(row));
                return Ok((answers.collect(), 0.0));
            }
            Kind::Model {
                adapter,
                shots,
                stop_bias,
                free,
            } => (adapter, shots, stop_bias, *free),
        };
        let path = self.cache.join(format!(
            "{}.jsonl",
            self.key(adapter, shots, stop_bias, free)
        ));
        files::create_folder(self.cache)?;
        let mut done = kept(&path, self.rows.len())?;
        let mut bar = Bar::new(system.name, self.rows.len()).starting_at(done.len());
        if done.len() == self.rows.len() {
            return Ok((done, 0.0));
        }
        let started = Instant::now();
        let first = done.len();
        let adapter = adapter.as_ref().map(|(adapter, _)| &**adapter);
        let mut predictor = Predictor::new(self.base.clone(), adapter, self.recipe, shots.clone())?;
        predictor.set_stop_bias(stop_bias.clone());
        predictor.set_free(free);
        while done.len() < self.rows.len() {
            let chunk = &self.rows[done.len()..self.rows.len().min(done.len() + CHUNK)];
            let new = predictor.predict_rows(chunk)?;
            append(&path, &new)?;
            done.extend(new);
            let pace = (done.len() - first) as f64 / started.elapsed().as_secs_f64();
            bar.set(done.len(), &format!("{pace:.1} rows/s"));
        }
        bar.finish();
        Ok((done, started.elapsed().as_secs_f64()))
    }

    /// Names everything that the predictions follow from.
    fn key(
        &self,
        adapter: &Option<(Arc<LoraAdapter>, String)>,
        shots: &[Example],
        stop_bias: &StopBias,
        free: bool,
    ) -> String {
        let inputs = serde_json::json!({
            "numerics": slm_model::NUMERICS,
            "base": self.base.sha256(),
            "adapter": adapter.as_ref().map(|(_, sha256)| sha256),
            "recipe": self.recipe_sha256,
            "data": self.data_sha256,
            "lines": self.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
            "shots": shots,
            "stop_bias": stop_bias,
            "free": free,
        });
        files::sha256(inputs.to_string().as_bytes())[..16].to_string()
    }
}

/// Predictions kept from an earlier sitting. A torn last line, left by a crash, is cut off.
fn kept(path: &Path, most: usize) -> Result<Vec<Prediction>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let bytes = files::read(path)?;
    let mut found = Vec::new();
    let mut whole = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(prediction) if line.ends_with(b"\n") && found.len() < most => {
                found.push(prediction);
                whole += line.len();
            }
            _ => break,
        }
    }
    if whole < bytes.len() {
        files::write_atomic(path, &bytes[..whole])?;
    }
    Ok(found)
}

fn append(path: &Path, predictions: &[Prediction]) -> Result<()> {
    let mut text = String::new();
    for prediction in predictions {
        text.push_str(&serde_json::to_string(prediction)?);
        text.push('\n');
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| files::write_error(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_predictions_survive_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let prediction = Prediction::Failed(slm_task::Failure::Unparsable { answer: "?".into() });
        append(&path, &[prediction.clone(), prediction.clone()]).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"kind\":\"lab").unwrap();
        assert_eq!(kept(&path, 9).unwrap().len(), 2);
        append(&path, std::slice::from_ref(&prediction)).unwrap();
        assert_eq!(kept(&path, 9).unwrap(), vec![prediction; 3]);
    }
}
