//! The engine against itself: alone or together, cached or not, prefix or none, the bits are equal.

use std::sync::Arc;

use futures::executor::block_on;
use slm_model::{BaseModel, Engine, LoraAdapter, testing};
use slm_task::recipe::Projection;

fn model() -> Arc<BaseModel> {
    let bytes = testing::tiny_gguf_with_toy_vocab(7);
    Arc::new(BaseModel::from_gguf(&bytes).expect("a sound tiny model"))
}

/// An adapter whose B is not zero, so that it changes the logits.
fn adapter(model: &BaseModel) -> LoraAdapter {
    let targets = [Projection::QProj, Projection::VProj, Projection::DownProj];
    let mut adapter = LoraAdapter::random(model.config(), 4, &targets, 0..2, 3).unwrap();
    for (index, tensor) in adapter.tensors_mut().enumerate() {
        for (i, value) in tensor.iter_mut().enumerate() {
            *value += ((i * 31 + index * 17) % 23) as f32 / 230.0 - 0.05;
        }
    }
    adapter
}

fn tokens(n: usize, seed: u32) -> Vec<u32> {
    (0..n as u32)
        .map(|i| (i * 37 + seed * 11 + 5) % 200 + 3)
        .collect()
}

fn bits(scores: &[Vec<f64>]) -> Vec<Vec<u64>> {
    scores
        .iter()
        .map(|row| row.iter().map(|x| x.to_bits()).collect())
        .collect()
}

fn answers() -> Vec<Vec<u32>> {
    vec![
        vec![40, 2],
        vec![40, 41, 2],
        vec![50, 2],
        vec![40, 41, 60, 2],
    ]
}

fn log_softmax(logits: &[f32], token: u32) -> f64 {
    let total: f64 = logits.iter().map(|&x| f64::from(x).exp()).sum();
    f64::from(logits[token as usize]) - total.ln()
}

#[test]
fn rows_score_the_same_alone_and_together() {
    let model = model();
    let adapter = adapter(&model);
    let prompts: Vec<Vec<u32>> = (1..40).map(|i| tokens(i, i as u32)).collect();
    for adapter in [None, Some(&adapter)] {
        let mut engine = Engine::new(model.clone());
        engine.set_adapter(adapter);
        engine.set_prefix(&tokens(9, 99)).unwrap();
        let together = block_on(engine.score(&prompts, &answers())).unwrap();
        for (prompt, want) in prompts.iter().zip(&together) {
            let alone = block_on(engine.score(std::slice::from_ref(prompt), &answers())).unwrap();
            assert_eq!(bits(&alone), bits(std::slice::from_ref(want)));
        }
    }
}

#[test]
fn scores_are_the_sum_of_the_steps() {
    let mut engine = Engine::new(model());
    engine.set_prefix(&tokens(5, 1)).unwrap();
    let prompt = tokens(7, 2);
    let scores = block_on(engine.score(std::slice::from_ref(&prompt), &answers())).unwrap();
    for (answer, score) in answers().iter().zip(&scores[0]) {
        let mut logits = block_on(engine.logits(&prompt)).unwrap();
        let mut sum = 0.0;
        for &token in answer {
            sum += log_softmax(&logits, token);
            logits = block_on(engine.extend(&[token])).unwrap();
        }
        assert!((sum - score).abs() < 1e-5, "{sum} against {score}");
    }
}

#[test]
fn cached_decoding_equals_full_recomputation() {
    let mut engine = Engine::new(model());
    let all = tokens(21, 4);
    let whole = block_on(engine.logits(&all)).unwrap();
    for cut in [1, 8, 20] {
        engine.set_prefix(&all[..cut]).unwrap();
        assert_eq!(
            block_on(engine.logits(&all[cut..])).unwrap(),
            whole,
            "prefix of {cut}"
        );
        engine.set_prefix(&[]).unwrap();
    }
    engine.rewind();
    let mut last = None;
    for token in &all {
        last = Some(block_on(engine.extend(&[*token])).unwrap());
    }
    assert_eq!(last, Some(whole));
}

#[test]
fn an_adapter_changes_logits_and_goes_away_again() {
    let model = model();
    let adapter = adapter(&model);
    let mut engine = Engine::new(model);
    let prompt = tokens(12, 5);
    let plain = block_on(engine.logits(&prompt)).unwrap();
    engine.set_adapter(Some(&adapter));
    assert_ne!(block_on(engine.logits(&prompt)).unwrap(), plain);
    engine.set_adapter(None);
    assert_eq!(block_on(engine.logits(&prompt)).unwrap(), plain);
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let mut engine = Engine::new(model());
    let context = engine.model().config().context;
    let check = |result: Result<(), slm_model::ModelError>, word: &str| {
        let error = result.expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
    };
    check(
        block_on(engine.logits(&tokens(context + 1, 1))).map(drop),
        "context",
    );
    check(
        block_on(engine.score(&[vec![]], &answers())).map(drop),
        "empty prompt",
    );
    check(
        block_on(engine.score(&[vec![1]], &[vec![u32::MAX]])).map(drop),
        "vocabulary",
    );
    check(engine.set_prefix(&tokens(context, 1)), "context");
}

#[test]
fn an_engine_that_rested_gives_the_same_bits() {
    let model = model();
    let mut engine = Engine::new(model.clone());
    engine.set_adapter(Some(&adapter(&model)));
    engine.set_prefix(&tokens(20, 1)).unwrap();
    let prompt = tokens(9, 2);
    let before = block_on(engine.logits(&prompt)).unwrap();
    engine.rest();
    assert_eq!(block_on(engine.logits(&prompt)).unwrap(), before);
}
