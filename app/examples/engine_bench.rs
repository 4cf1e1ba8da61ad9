//! A page for `cargo xtask bench browser`: our engine as a contestant, driven and timed by the script
//! of `bench/peers/ours.html`.

use std::sync::Arc;

use slm_app::platform::threads;
use slm_model::{BaseModel, Engine};
use wasm_bindgen::prelude::*;

/// The engine with a model.
#[wasm_bindgen]
pub struct Contestant {
    engine: Engine,
}

#[wasm_bindgen]
impl Contestant {
    /// Loads a GGUF file.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &[u8]) -> Result<Contestant, JsError> {
        Ok(Self {
            engine: Engine::new(Arc::new(BaseModel::from_gguf(model)?)),
        })
    }

    /// How many threads compute.
    pub fn threads(&self) -> usize {
        threads::count()
    }

    /// Forgets everything after the prefix, reads a prompt, and gives the token that follows.
    pub async fn prefill(&mut self, tokens: Vec<u32>) -> Result<u32, JsError> {
        self.engine.rewind();
        Ok(best(&self.engine.extend(&tokens).await?))
    }

    /// Writes `count` more tokens, the first of them after `token`.
    pub async fn decode(&mut self, mut token: u32, count: usize) -> Result<u32, JsError> {
        for _ in 0..count {
            token = best(&self.engine.extend(&[token]).await?);
        }
        Ok(token)
    }

    /// Sets what every prompt begins with.
    pub fn set_prefix(&mut self, tokens: &[u32]) -> Result<(), JsError> {
        Ok(self.engine.set_prefix(tokens)?)
    }

    /// The most probable of three answers after prefix and prompt.
    pub async fn classify(
        &mut self,
        prompt: Vec<u32>,
        a: Vec<u32>,
        b: Vec<u32>,
        c: Vec<u32>,
    ) -> Result<u32, JsError> {
        let scores = self.engine.score(&[prompt], &[a, b, c]).await?;
        let scores = scores.into_iter().flatten().map(|score| score as f32);
        Ok(best(&scores.collect::<Vec<f32>>()))
    }
}

/// The index of the largest value.
fn best(values: &[f32]) -> u32 {
    let best = (0..).zip(values).max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(index, _)| index)
}

fn main() {
    console_error_panic_hook::set_once();
}
