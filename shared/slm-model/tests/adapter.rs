//! Adapters against PEFT: one that PEFT saved changes the base here as it does there.

use std::path::PathBuf;

use safetensors::SafeTensors;
use serde::Deserialize;
use slm_model::{BaseModel, LoraAdapter, testing, train::TrainModel};

fn golden(file: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/adapter");
    std::fs::read(folder.join(file)).unwrap()
}

/// A prompt of `tests/goldens/adapter/logits.json`.
#[derive(Deserialize)]
struct Case {
    tokens: Vec<u32>,
    /// Largest difference between the base's and the adapted model's logits.
    moved: f32,
    ids: Vec<usize>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
struct Cases {
    prompts: Vec<Case>,
}

#[test]
fn an_adapter_of_pefts_gives_its_logits() {
    let base = BaseModel::from_gguf(&testing::base_bytes()).unwrap();
    let config = base.config();
    let settings = golden("adapter_config.json");
    let weights = golden("adapter_model.safetensors");
    let adapter = LoraAdapter::from_peft(&settings, &weights, config, base.sha256()).unwrap();
    let model = TrainModel::new(&base);
    let cases: Cases = serde_json::from_slice(&golden("logits.json")).unwrap();
    for case in cases.prompts {
        let logits = model.logits(&adapter, &case.tokens).unwrap();
        let last = &logits[logits.len() - config.vocab..];
        let worst = (case.ids.iter().zip(&case.logits))
            .map(|(&id, want)| (last[id] - want).abs())
            .fold(0.0, f32::max);
        println!("moved {}, worst difference {worst}", case.moved);
        assert!(worst < 5e-4 && worst < case.moved / 100.0, "{worst}");
    }
}

/// What is written names and shapes every tensor as PEFT does; alpha / rank, here 4, is in `B`.
#[test]
fn what_peft_saved_is_written_back() {
    let base = BaseModel::from_gguf(&testing::base_bytes()).unwrap();
    let settings = golden("adapter_config.json");
    let theirs = golden("adapter_model.safetensors");
    let adapter = LoraAdapter::from_peft(&settings, &theirs, base.config(), base.sha256()).unwrap();
    let (_, ours) = adapter
        .to_peft(base.config(), "base", base.sha256())
        .unwrap();
    let (ours, theirs) = (
        SafeTensors::deserialize(&ours).unwrap(),
        SafeTensors::deserialize(&theirs).unwrap(),
    );
    assert_eq!(ours.len(), theirs.len());
    for (name, tensor) in theirs.iter() {
        let our = ours.tensor(name).unwrap();
        assert_eq!((our.dtype(), our.shape()), (tensor.dtype(), tensor.shape()));
        let scale = if name.contains("lora_B") { 4.0 } else { 1.0 };
        let values = |bytes: &[u8]| -> Vec<f32> {
            let halves = bytes.as_chunks::<2>().0;
            halves
                .iter()
                .map(|&b| half::f16::from_le_bytes(b).to_f32())
                .collect()
        };
        let scaled: Vec<f32> = values(tensor.data()).iter().map(|x| x * scale).collect();
        assert_eq!(values(our.data()), scaled, "{name}");
    }
}
