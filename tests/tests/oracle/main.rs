//! Independent judges of the llama: candle's autograd and its quantized llama, and transformers.

mod autograd;
mod formats;
mod llama;

use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use slm_model::{BaseModel, Engine, LoraAdapter, testing, train::TrainModel};

/// The real base, read once.
static BASE: LazyLock<Arc<BaseModel>> = LazyLock::new(|| {
    Arc::new(BaseModel::from_gguf(&testing::base_bytes()).expect("the default base is sound"))
});

/// One fixed prompt of `goldens/logits.json`.
#[derive(serde::Deserialize)]
struct Golden {
    tokens: Vec<u32>,
    top: Vec<(usize, f32)>,
    spread: Vec<(usize, f32)>,
}

fn goldens() -> Vec<Golden> {
    #[derive(serde::Deserialize)]
    struct File {
        prompts: Vec<Golden>,
    }
    let file: File =
        serde_json::from_str(include_str!("../../goldens/logits.json")).expect("a sound golden");
    assert_eq!(file.prompts.len(), 24);
    file.prompts
}

fn no_adapter(base: &BaseModel) -> LoraAdapter {
    LoraAdapter {
        rank: 1,
        layers: vec![Default::default(); base.config().layers],
    }
}

fn argmax(logits: &[f32]) -> usize {
    (0..logits.len())
        .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
        .expect("logits")
}

/// Training logits are those of transformers on the same dequantized weights.
#[test]
fn training_logits_equal_transformers() {
    let model = TrainModel::new(&BASE);
    let config = BASE.config();
    for golden in goldens() {
        let logits = model.logits(&no_adapter(&BASE), &golden.tokens).unwrap();
        let last = &logits[logits.len() - config.vocab..];
        for &(token, want) in golden.top.iter().chain(&golden.spread) {
            assert!(
                (last[token] - want).abs() < 5e-4,
                "token {token}: {} against {want}",
                last[token]
            );
        }
        assert_eq!(argmax(last), golden.top[0].0);
    }
}

/// Serving quantizes activations: its logits move (by 0.32 in the median prompt, by 1.37 in the
/// worst), and the best token stays wherever its margin is larger than this.
const SERVE_TOLERANCE: f32 = 1.5;

#[test]
fn serving_logits_approach_transformers() {
    let mut engine = Engine::new(BASE.clone());
    for golden in goldens() {
        let logits = block_on(engine.logits(&golden.tokens)).unwrap();
        for &(token, want) in golden.top.iter().chain(&golden.spread) {
            let got = logits[token];
            assert!(
                (got - want).abs() < SERVE_TOLERANCE,
                "token {token}: {got} against {want}"
            );
        }
        if golden.top[0].1 - golden.top[1].1 > SERVE_TOLERANCE {
            assert_eq!(argmax(&logits), golden.top[0].0);
        }
    }
}

/// Root mean square of the difference.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}

/// candle's quantized llama quantizes activations too, in its own way: its best token is ours
/// wherever it leads by more than this. (The two differ on two prompts, with leads below 0.06.)
const CANDLE_MARGIN: f32 = 0.5;

/// Root mean square of the difference from candle's logits: below the first on every prompt (0.1 to
/// 0.5, and 1.14 on one that moves both far from the exact logits), below the second on most.
const CANDLE_WORST: f64 = 1.3;
const CANDLE_USUAL: f64 = 0.25;

/// Prompt by prompt close to candle's; and in the mean as close to the exact logits as candle's are.
#[test]
fn serving_is_as_exact_as_candles_quantized_llama() {
    use candle_core::{Device, Tensor, quantized::gguf_file};
    use candle_transformers::models::quantized_llama::ModelWeights;

    let bytes = testing::base_bytes();
    let mut reader = std::io::Cursor::new(&bytes);
    let content = gguf_file::Content::read(&mut reader).unwrap();
    let mut judge = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
    let mut engine = Engine::new(BASE.clone());
    let exact = TrainModel::new(&BASE);
    let (mut ours, mut candles) = (0.0, 0.0);
    let (mut decided, mut usual) = (0, 0);
    for (prompt, golden) in goldens().iter().enumerate() {
        let input = Tensor::new(golden.tokens.as_slice(), &Device::Cpu).unwrap();
        judge.clear_kv_cache();
        let theirs = judge.forward(&input.unsqueeze(0).unwrap(), 0).unwrap();
        let theirs: Vec<f32> = theirs.squeeze(0).unwrap().to_vec1().unwrap();
        let got = block_on(engine.logits(&golden.tokens)).unwrap();
        if lead(&theirs) > CANDLE_MARGIN {
            assert_eq!(argmax(&got), argmax(&theirs), "prompt {prompt}");
            decided += 1;
        }
        let apart = distance(&got, &theirs);
        assert!(apart < CANDLE_WORST, "prompt {prompt}: {apart}");
        usual += usize::from(apart < CANDLE_USUAL);
        let all = exact.logits(&no_adapter(&BASE), &golden.tokens).unwrap();
        let want = &all[all.len() - got.len()..];
        ours += distance(&got, want);
        candles += distance(&theirs, want);
    }
    println!(
        "mean distance from exact logits: ours {}, candle's {}",
        ours / 24.0,
        candles / 24.0
    );
    assert!(ours < 1.1 * candles, "ours {ours}, candle's {candles}");
    assert!(
        decided >= 12,
        "only {decided} prompts have a clear best token"
    );
    assert!(usual >= 15, "only {usual} prompts are as close as usual");
}

/// By how much the best logit leads.
fn lead(logits: &[f32]) -> f32 {
    let best = argmax(logits);
    let others = logits
        .iter()
        .enumerate()
        .filter(|&(token, _)| token != best);
    logits[best] - others.fold(f32::NEG_INFINITY, |most, (_, &logit)| most.max(logit))
}
