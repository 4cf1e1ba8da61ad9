//! Training passes against finite differences, against serving, and against themselves laid out
//! otherwise.

use std::{ops::Range, sync::Arc};

use futures::executor::block_on;
use slm_model::{
    BaseModel, Engine, LoraAdapter, PROJECTIONS, testing,
    train::{Batch, Gradients, Row, TrainModel},
};
use slm_task::recipe::Projection;

fn base() -> BaseModel {
    BaseModel::from_gguf(&testing::tiny_gguf_with_toy_vocab(7)).expect("a sound tiny model")
}

/// An adapter with values everywhere, B too.
fn filled(base: &BaseModel, targets: &[Projection], layers: Range<usize>) -> LoraAdapter {
    let mut adapter = LoraAdapter::random(base.config(), 3, targets, layers, 3).unwrap();
    for (index, tensor) in adapter.tensors_mut().enumerate() {
        for (i, value) in tensor.iter_mut().enumerate() {
            *value += ((i * 29 + index * 13) % 31) as f32 / 310.0 - 0.05;
        }
    }
    adapter
}

fn tokens(n: usize, seed: u32) -> Vec<u32> {
    (0..n as u32)
        .map(|i| (i * 41 + seed * 7 + 5) % 200 + 3)
        .collect()
}

/// Rows of several lengths whose last tokens are supervised.
struct Rows(Vec<(Vec<u32>, Vec<bool>, f32)>);

impl Rows {
    fn new() -> Self {
        let row = |n: usize, supervised: usize, weight| {
            (
                tokens(n, n as u32),
                (0..n).map(|i| i + supervised >= n).collect(),
                weight,
            )
        };
        Self(vec![row(6, 2, 1.0), row(3, 1, 2.0), row(9, 3, 0.5)])
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let row = |(tokens, mask, weight)| Row {
            tokens,
            mask,
            weight,
        };
        self.0
            .iter()
            .map(|(tokens, mask, weight)| row((tokens, mask, *weight)))
            .collect()
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let base = base();
    let model = TrainModel::new(&base);
    let mut adapter = filled(&base, &PROJECTIONS, 0..2);
    let (prefix, rows) = (tokens(5, 77), Rows::new());
    let rows = rows.rows();
    let batch = Batch {
        prefix: &prefix,
        rows: &rows,
    };
    let mut gradients = Gradients::zeros(&adapter, base.config().layers);
    model
        .forward_backward(&adapter, &batch, &mut gradients)
        .unwrap();
    let want: Vec<Vec<f32>> = gradients.tensors().map(<[f32]>::to_vec).collect();
    // Along a tensor's own gradient the loss rises by |g| a unit: one number a tensor, large enough
    // to stand out of the noise of f32 sums.
    for (index, gradient) in want.iter().enumerate() {
        let norm = gradient
            .iter()
            .map(|g| f64::from(*g).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!(norm > 0.0, "tensor {index} has no gradient");
        let step = 4e-3;
        let mut at = |sign: f64| {
            let tensor = adapter.tensors_mut().nth(index).unwrap();
            let saved = tensor.to_vec();
            for (value, g) in tensor.iter_mut().zip(gradient) {
                *value += (sign * step * f64::from(*g) / norm) as f32;
            }
            let loss = model.loss(&adapter, &batch).unwrap().sum;
            adapter
                .tensors_mut()
                .nth(index)
                .unwrap()
                .copy_from_slice(&saved);
            loss
        };
        let slope = (at(1.0) - at(-1.0)) / (2.0 * step);
        assert!(
            (slope - norm).abs() < 0.02 * norm + 2e-3,
            "tensor {index}: {slope} against {norm}"
        );
    }
}

#[test]
fn a_shared_prefix_changes_nothing() {
    let base = base();
    let model = TrainModel::new(&base);
    let adapter = filled(&base, &PROJECTIONS, 0..2);
    let (prefix, rows) = (tokens(5, 77), Rows::new());
    let rows = rows.rows();
    let run = |batches: &[Batch<'_>]| {
        let mut gradients = Gradients::zeros(&adapter, base.config().layers);
        let mut loss = 0.0;
        for batch in batches {
            loss += model
                .forward_backward(&adapter, batch, &mut gradients)
                .unwrap()
                .sum;
        }
        (loss, gradients)
    };
    let shared = run(&[Batch {
        prefix: &prefix,
        rows: &rows,
    }]);
    let whole: Vec<(Vec<u32>, Vec<bool>)> = rows.iter().map(|row| prefixed(&prefix, row)).collect();
    let alone: Vec<[Row<'_>; 1]> = (whole.iter().zip(&rows))
        .map(|((tokens, mask), row)| {
            [Row {
                tokens,
                mask,
                weight: row.weight,
            }]
        })
        .collect();
    let batches: Vec<Batch<'_>> = alone
        .iter()
        .map(|rows| Batch { prefix: &[], rows })
        .collect();
    let alone = run(&batches);
    assert!(
        (shared.0 - alone.0).abs() < 1e-4,
        "{} against {}",
        shared.0,
        alone.0
    );
    for (a, b) in shared.1.tensors().zip(alone.1.tensors()) {
        let scale = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(
            a.iter()
                .zip(b)
                .all(|(a, b)| (a - b).abs() <= 1e-3 * scale + 1e-6)
        );
    }
}

/// A row with the prefix as tokens of its own.
fn prefixed(prefix: &[u32], row: &Row<'_>) -> (Vec<u32>, Vec<bool>) {
    let mask = prefix.iter().map(|_| false).chain(row.mask.iter().copied());
    (
        prefix.iter().chain(row.tokens).copied().collect(),
        mask.collect(),
    )
}

#[test]
fn a_fresh_adapter_leaves_the_loss_and_every_b_learns() {
    let base = base();
    let model = TrainModel::new(&base);
    let fresh = LoraAdapter::random(base.config(), 3, &PROJECTIONS, 0..2, 5).unwrap();
    let none = LoraAdapter {
        rank: 3,
        layers: vec![Default::default(); 2],
    };
    let (prefix, rows) = (tokens(5, 77), Rows::new());
    let rows = rows.rows();
    let batch = Batch {
        prefix: &prefix,
        rows: &rows,
    };
    assert_eq!(
        model.loss(&fresh, &batch).unwrap(),
        model.loss(&none, &batch).unwrap()
    );
    let mut gradients = Gradients::zeros(&fresh, base.config().layers);
    model
        .forward_backward(&fresh, &batch, &mut gradients)
        .unwrap();
    for (index, tensor) in gradients.tensors().enumerate() {
        let zero = tensor.iter().all(|&x| x == 0.0);
        assert_eq!(
            zero,
            index % 2 == 0,
            "with B = 0 only A stays without a gradient: tensor {index}"
        );
    }
}

#[test]
fn layers_below_the_lowest_adapter_change_no_gradient_above() {
    let base = base();
    let model = TrainModel::new(&base);
    let both = filled(&base, &PROJECTIONS, 0..2);
    let mut top = both.clone();
    top.layers[0].clear();
    let mut zeroed = both.clone();
    zeroed.layers[0]
        .values_mut()
        .for_each(|pair| pair.b.fill(0.0));
    let (prefix, rows) = (tokens(5, 77), Rows::new());
    let rows = rows.rows();
    let batch = Batch {
        prefix: &prefix,
        rows: &rows,
    };
    let run = |adapter: &LoraAdapter| {
        let mut gradients = Gradients::zeros(adapter, base.config().layers);
        model
            .forward_backward(adapter, &batch, &mut gradients)
            .unwrap();
        gradients.tensors().map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    assert_eq!(run(&top), run(&zeroed)[14..]);
}

/// The trunk of a row has the same bits alone and among others, so that it may be kept.
#[test]
fn the_trunk_of_a_row_is_its_own() {
    let base = base();
    let model = TrainModel::new(&base);
    let adapter = filled(&base, &PROJECTIONS, 1..2);
    let (prefix, rows) = (tokens(9, 77), Rows::new());
    assert!(model.trunk_is_exact(prefix.len()) && !model.trunk_is_exact(8));
    let rows = rows.rows();
    let trunk = |rows: &[Row<'_>]| {
        let batch = Batch {
            prefix: &prefix,
            rows,
        };
        model.trunk(&adapter, &batch).unwrap()
    };
    let width = base.config().hidden;
    let own = |made: &[f32]| made[prefix.len() * width..].to_vec();
    let alone: Vec<f32> = rows.iter().flat_map(|&row| own(&trunk(&[row]))).collect();
    let together = trunk(&rows);
    assert_eq!(own(&together), alone);
    assert_eq!(trunk(&[]), together[..prefix.len() * width]);

    let mut gradients = Gradients::zeros(&adapter, base.config().layers);
    let batch = Batch {
        prefix: &prefix,
        rows: &rows,
    };
    let error = model
        .forward_backward_above(&adapter, &batch, alone, &mut gradients)
        .unwrap_err()
        .to_string();
    assert!(error.contains("a trunk of 1152 values"), "{error}");
}

#[test]
fn training_and_serving_agree_within_the_quantization_of_activations() {
    let base = Arc::new(base());
    let model = TrainModel::new(&base);
    let adapter = filled(&base, &PROJECTIONS, 0..2);
    let sequence = tokens(17, 3);
    let vocab = base.config().vocab;
    let logits = model.logits(&adapter, &sequence).unwrap();
    let last = &logits[16 * vocab..];
    let mut engine = Engine::new(base.clone());
    engine.set_adapter(Some(&adapter));
    let served = block_on(engine.logits(&sequence)).unwrap();
    let spread = last.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    for (a, b) in last.iter().zip(served.iter()) {
        assert!((a - b).abs() < 0.05 * spread, "{a} against {b}");
    }
}

#[test]
fn broken_batches_are_refused_in_words() {
    let base = base();
    let model = TrainModel::new(&base);
    let adapter = filled(&base, &PROJECTIONS, 1..2);
    let check = |prefix: &[u32], tokens: &[u32], mask: &[bool], word: &str| {
        let rows = [Row {
            tokens,
            mask,
            weight: 1.0,
        }];
        let error = model
            .loss(
                &adapter,
                &Batch {
                    prefix,
                    rows: &rows,
                },
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{error}");
    };
    check(&[], &[4, 5], &[false, false], "without a supervised token");
    check(&[], &[4, 5], &[true, false], "first token");
    check(&[], &[4, 5], &[true], "differ in length");
    check(&[3], &[4, u32::MAX], &[false, true], "vocabulary");
    let long = tokens(base.config().context + 1, 1);
    check(&[], &long, &vec![true; long.len()], "context");
}
