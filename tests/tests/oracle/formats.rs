//! Every block type that the kernels compute on, in a whole model, against the llama that the tests
//! wrote on values that candle dequantized.

use std::sync::Arc;

use futures::executor::block_on;
use slm_model::{BaseModel, Engine, gguf::GgmlType, testing::Tiny, train::TrainModel};

use super::{distance, llama::Oracle, no_adapter};

const TOKENS: [u32; 17] = [
    1, 50, 51, 12, 200, 33, 77, 140, 9, 254, 61, 62, 180, 45, 90, 17, 2,
];

/// Training computes on the same values in f32. Serving rounds activations to eight bits: its
/// logits are off by up to 0.045 of their spread.
fn check(linears: GgmlType, untied: bool) {
    let model = Tiny {
        linears,
        untied,
        ..Tiny::default()
    };
    let bytes = model.gguf(5);
    let base = Arc::new(BaseModel::from_gguf(&bytes).unwrap());
    assert_eq!(base.config().tied, !untied);
    let none = no_adapter(&base);
    let judge = Oracle::new(&bytes, base.config(), &none).unwrap();
    let want = judge.logits(&TOKENS).unwrap().flatten_all().unwrap();
    let want: Vec<f32> = want.to_vec1().unwrap();
    let zeros = vec![0.0; base.config().vocab];

    let trained = TrainModel::new(&base).logits(&none, &TOKENS).unwrap();
    for (row, (got, want)) in trained
        .chunks(zeros.len())
        .zip(want.chunks(zeros.len()))
        .enumerate()
    {
        let (off, spread) = (distance(got, want), distance(want, &zeros));
        assert!(
            off < 1e-5 * spread,
            "{linears}, row {row}: {off} of {spread}"
        );
    }
    let want = &want[want.len() - zeros.len()..];
    let served = block_on(Engine::new(base).logits(&TOKENS)).unwrap();
    let (off, spread) = (distance(&served, want), distance(want, &zeros));
    println!("{linears}: serving is off by {off} of {spread}");
    assert!(off < 0.07 * spread, "{linears}: {off} of {spread}");
}

#[test]
fn logits_of_every_format_equal_those_of_dequantized_values() {
    use GgmlType::*;
    for linears in [F16, F32, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0] {
        check(linears, false);
    }
}

#[test]
fn an_output_matrix_of_its_own_makes_the_logits() {
    for linears in [GgmlType::F16, GgmlType::Q4_1, GgmlType::Q8_0] {
        check(linears, true);
    }
}
