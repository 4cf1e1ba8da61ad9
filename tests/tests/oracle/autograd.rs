//! Our hand-written backward against candle's autograd.

use candle_core::{D, Tensor};
use slm_model::{
    BaseModel, LoraAdapter, PROJECTIONS,
    testing::Tiny,
    train::{Batch, Gradients, Row, TrainModel},
};

use super::llama::Oracle;

const PREFIX: [u32; 5] = [9, 41, 77, 120, 33];
const ROWS: [(&[u32], f32); 3] = [
    (&[50, 51, 52, 60, 2], 1.0),
    (&[70, 12, 2], 2.0),
    (&[80, 13, 14, 15, 16, 17, 18, 2], 0.5),
];

fn filled(base: &BaseModel, layers: &[usize]) -> LoraAdapter {
    let layers = layers.iter().copied();
    let mut adapter = LoraAdapter::random(base.config(), 3, &PROJECTIONS, layers, 3).unwrap();
    for (index, tensor) in adapter.tensors_mut().enumerate() {
        for (i, value) in tensor.iter_mut().enumerate() {
            *value += ((i * 29 + index * 13) % 31) as f32 / 310.0 - 0.05;
        }
    }
    adapter
}

/// Σ weight · −log p over the last two tokens of each row, row by row without sharing anything.
fn candle_loss(oracle: &Oracle) -> candle_core::Result<Tensor> {
    let mut total = Tensor::new(0.0f32, &candle_core::Device::Cpu)?;
    for (row, weight) in ROWS {
        let tokens: Vec<u32> = PREFIX.iter().chain(row).copied().collect();
        let log_p = candle_nn::ops::log_softmax(&oracle.logits(&tokens)?, D::Minus1)?;
        for (target, &token) in tokens.iter().enumerate().skip(tokens.len() - 2) {
            let p = log_p.get(target - 1)?.get(token as usize)?;
            total = (total - (p * f64::from(weight))?)?;
        }
    }
    Ok(total)
}

#[test]
fn loss_and_gradients_equal_candles_autograd() {
    agree(Tiny::default(), &[0, 1]);
}

#[test]
fn gradients_of_layers_with_a_gap_equal_candles_autograd() {
    let deeper = Tiny {
        layers: 4,
        ..Tiny::default()
    };
    agree(deeper, &[0, 3]);
}

fn agree(model: Tiny, layers: &[usize]) {
    let bytes = model.gguf(7);
    let base = BaseModel::from_gguf(&bytes).unwrap();
    let adapter = filled(&base, layers);
    let masks: Vec<Vec<bool>> = ROWS
        .iter()
        .map(|(row, _)| (0..row.len()).map(|i| i + 2 >= row.len()).collect())
        .collect();
    let rows: Vec<Row<'_>> = (ROWS.iter().zip(&masks))
        .map(|(&(tokens, weight), mask)| Row {
            tokens,
            mask,
            weight,
        })
        .collect();
    let mut gradients = Gradients::zeros(&adapter, base.config().layers);
    let batch = Batch {
        prefix: &PREFIX,
        rows: &rows,
    };
    let loss = TrainModel::new(&base)
        .forward_backward(&adapter, &batch, &mut gradients)
        .unwrap();

    let oracle = Oracle::new(&bytes, base.config(), &adapter).unwrap();
    let judge = candle_loss(&oracle).unwrap();
    let want = f64::from(judge.to_scalar::<f32>().unwrap());
    assert!(
        (loss.sum - want).abs() < 1e-4 * want,
        "{} against {want}",
        loss.sum
    );

    let store = judge.backward().unwrap();
    let mut tensors = gradients.tensors();
    for ((layer, projection), (a, b)) in &oracle.variables {
        for (name, variable) in [("A", a), ("B", b)] {
            let want = store
                .get(variable)
                .expect("a gradient")
                .flatten_all()
                .unwrap();
            let want: Vec<f32> = want.to_vec1().unwrap();
            let got = tensors.next().expect("as many tensors");
            let scale = want.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let worst = got
                .iter()
                .zip(&want)
                .fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
            assert!(
                scale > 0.0 && worst < 1e-3 * scale,
                "layer {layer} {projection:?} {name}: {worst} of {scale}"
            );
        }
    }
    assert!(tensors.next().is_none());
}
