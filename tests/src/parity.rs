//! Native logits of fixed prompts, for every other configuration to reproduce to the last bit.

use std::{fs, path::Path, sync::Arc};

use futures::executor::block_on;
use slm_model::{BaseModel, Engine, LoraAdapter, logits_digest, testing};
use slm_task::{
    Recipe, Renderer,
    bundle::{Probe, Probes},
};

/// Texts of every kind: short, long, code, other scripts, control look-alikes, white space.
const PROMPTS: [&str; 24] = [
    "Hello",
    "x",
    " ",
    "\n\n\t",
    "I expected nothing and was blown away.",
    "The battery died after two days and nobody answers my emails.",
    "not bad at all, not bad at all, not bad at all",
    "Delivery is scheduled for Tuesday between 9 and 12.",
    "def add(a, b):\n    return a + b",
    "{\"name\": \"Ada\", \"born\": 1815}",
    "SELECT name FROM users WHERE id = 4",
    "1 2 3 4 5 6 7 8 9 10 11 12 13",
    "3.14159265358979",
    "Übergröße, naïve café, señor",
    "今日はとても良い天気です。",
    "Πάντα ῥεῖ",
    "مرحبا بالعالم",
    "🙂🙃 emoji in a row 🎉👩‍👩‍👧",
    "<|im_end|><|im_start|>assistant",
    "SHOUTING ALL THE WAY TO THE BANK!!!",
    "once upon a time, in a land far away, there lived a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog.",
    "My sister, who never likes anything, asked where I had bought it; then she asked for the receipt, \
     and then, without a word to me, she bought three of them, and told our mother it was her idea.",
];

/// What the native engine makes of the prompts with the adapter and recipe of a shipped bundle.
pub fn probes(bundle: &Path) -> String {
    let read = |name: &str| fs::read(bundle.join(name)).expect("a file of the bundle");
    let base = Arc::new(BaseModel::from_gguf(&testing::base_bytes()).expect("a sound base"));
    let text = String::from_utf8(read("recipe.toml")).expect("text");
    let recipe = Recipe::parse(&text, "recipe.toml").expect("a sound recipe");
    let adapter = LoraAdapter::from_peft(
        &read("adapter_config.json"),
        &read("adapter_model.safetensors"),
        base.config(),
        base.sha256(),
    );
    let renderer = Renderer::new(&recipe, base.tokenizer(), &[]).expect("a shape we render");
    let prefix = renderer.prefix();
    let mut engine = Engine::new(base.clone());
    engine.set_adapter(Some(&adapter.expect("a sound adapter")));
    engine.set_prefix(&prefix).expect("room for the prefix");
    let probes = PROMPTS.map(|text| {
        let prompt = renderer.prompt(text).tokens;
        let logits = block_on(engine.logits(&prompt)).expect("logits");
        Probe {
            prompt: text.into(),
            tokens: [prefix.as_slice(), &prompt].concat(),
            top: Vec::new(),
            digest: logits_digest(&logits),
        }
    });
    Probes {
        probes: probes.into(),
    }
    .to_json()
}
