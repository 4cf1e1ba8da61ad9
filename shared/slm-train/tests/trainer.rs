//! The trainer on a two-layer model: gates, accumulation, exact resume.

use slm_model::{
    BaseModel, LoraAdapter,
    testing::{Tiny, tiny_gguf_with_toy_vocab},
    train::{Batch, Row, TrainModel},
};
use slm_task::{Example, Recipe, Renderer, Target};
use slm_train::{Data, TrainError, Trainer, balance, trunk::Room};

const RECIPE: &str = r#"
id = "tiny"
title = "Tiny"
shape = "single-label"
summary = "Good or bad?"
instruction = "Say good or bad."
labels = ["good", "bad"]
[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
[lora]
rank = 4
alpha = 8.0
[sft]
epochs = 3.0
batch = 4
lr = 0.01
micro_tokens = 160
[twist]
balance = "sqrt"
"#;

fn recipe(changes: &[(&str, &str)]) -> Recipe {
    let mut recipe = Recipe::parse(RECIPE, "recipe.toml").unwrap();
    for (key, value) in changes {
        recipe.set(key, value).unwrap();
    }
    recipe
}

fn base() -> BaseModel {
    BaseModel::from_gguf(&tiny_gguf_with_toy_vocab(1)).unwrap()
}

fn examples() -> Vec<Example> {
    let texts = [
        "the sun",
        "rain",
        "a long walk home",
        "noise",
        "tea",
        "mud and more mud",
    ];
    (0..18)
        .map(|i| Example {
            prompt: format!("{} {i}", texts[i % texts.len()]),
            target: Target::Label(if i % 3 == 0 { "good" } else { "bad" }.to_string()),
            slice: None,
            line: i + 1,
        })
        .collect()
}

fn data(base: &BaseModel, recipe: &Recipe) -> Data {
    let renderer = Renderer::new(recipe, base.tokenizer(), &[]).unwrap();
    let examples = examples();
    let classes: Vec<String> = examples.iter().map(|row| row.target.in_words()).collect();
    Data {
        prefix: renderer.prefix(),
        rows: examples
            .iter()
            .map(|example| renderer.training(example).unwrap())
            .collect(),
        weights: balance::weights(&classes, recipe.twist.balance),
    }
}

fn trainer(recipe: &Recipe) -> Trainer {
    let base = base();
    Trainer::new(&base, recipe, data(&base, recipe)).unwrap()
}

#[test]
fn resuming_anywhere_continues_to_the_bit() {
    let (base, recipe) = (base(), recipe(&[]));
    let mut whole = trainer(&recipe);
    let mut states = vec![whole.state()];
    while !whole.finished() {
        whole.step().unwrap();
        states.push(whole.state());
    }
    assert_eq!(whole.steps(), 15);
    for at in [0, 1, 4, 5, 6, 14, 15] {
        let data = data(&base, &recipe);
        let mut resumed = Trainer::resume(&base, &recipe, data, &states[at]).unwrap();
        assert_eq!(resumed.steps(), at);
        while !resumed.finished() {
            resumed.step().unwrap();
            assert!(resumed.state() == states[resumed.steps()], "from {at}");
        }
    }
}

/// Room for half of the rows in memory, for a quarter beside it.
fn some_room(trainer: &Trainer) -> Room {
    let bytes = trainer.trunk_bytes().unwrap();
    Room {
        memory: bytes / 2,
        spilled: bytes / 4,
        spill: Some(Box::new(std::io::Cursor::new(Vec::new()))),
    }
}

/// Frozen layers whose outputs are kept change no bit of any step, nor does a resume, after which
/// they are made again.
#[test]
fn a_trunk_that_is_kept_changes_no_bit() {
    let (base, recipe) = (base(), recipe(&[("lora.first_layer", "-1")]));
    let mut without = trainer(&recipe);
    let mut with = trainer(&recipe);
    with.keep_trunk(some_room(&with));
    let mut states = Vec::new();
    while !without.finished() {
        assert_eq!(with.step().unwrap(), without.step().unwrap());
        assert!(with.state() == without.state(), "{}", with.steps());
        states.push(with.state());
    }
    assert_eq!(states.len(), 15);
    assert_eq!(with.take_trunk_problem(), None);
    let data = data(&base, &recipe);
    let mut resumed = Trainer::resume(&base, &recipe, data, &states[6]).unwrap();
    resumed.keep_trunk(some_room(&resumed));
    while !resumed.finished() {
        resumed.step().unwrap();
        assert!(resumed.state() == states[resumed.steps() - 1]);
    }
}

#[test]
fn a_trunk_is_kept_where_that_is_of_use() {
    let check = |changes: &[(&str, &str)], expected: bool| {
        let trainer = trainer(&recipe(changes));
        assert_eq!(trainer.trunk_bytes().is_some(), expected, "{changes:?}");
    };
    check(&[("lora.first_layer", "-1")], true);
    check(&[("lora.layers", "1")], true);
    check(&[("lora.first_layer", "0")], false);
    check(&[("lora.layers", "0,1")], false);
    check(&[("lora.first_layer", "-1"), ("sft.epochs", "1")], false);

    // In one epoch only rows that repeat; 64 values of four bytes a token.
    let (base, recipe) = (
        base(),
        recipe(&[("lora.first_layer", "-1"), ("sft.epochs", "1")]),
    );
    let mut twice = data(&base, &recipe);
    let tokens: usize = twice.rows.iter().map(|row| row.tokens.len()).sum();
    let tokens = tokens - (twice.rows.len() - 1) * twice.prefix.len();
    twice.rows.push(twice.rows[3].clone());
    twice.weights.push(1.0);
    let trainer = Trainer::new(&base, &recipe, twice).unwrap();
    assert_eq!(trainer.trunk_bytes(), Some(tokens as u64 * 64 * 4));
}

#[test]
fn the_number_of_steps_is_part_of_the_state() {
    let (base, recipe) = (base(), recipe(&[]));
    let mut short = trainer(&recipe);
    short.set_total_steps(3);
    short.step().unwrap();
    let data = data(&base, &recipe);
    let resumed = Trainer::resume(&base, &recipe, data, &short.state()).unwrap();
    assert_eq!(resumed.total_steps(), 3);
}

#[test]
fn a_state_of_another_training_is_refused() {
    let base = base();
    let then = recipe(&[]);
    let state = trainer(&then).state();
    let check = |recipe: &Recipe, data: Data| {
        let error = Trainer::resume(&base, recipe, data, &state).err().unwrap();
        assert!(matches!(error, TrainError::State(_)), "{error}");
    };
    check(&recipe(&[("sft.lr", "0.02")]), data(&base, &then));
    check(&recipe(&[("lora.rank", "2")]), data(&base, &then));
    let mut fewer = data(&base, &then);
    fewer.rows.pop();
    fewer.weights.pop();
    check(&then, fewer);
    let mut other = data(&base, &then);
    other.weights[3] *= 2.0;
    check(&then, other);
}

#[test]
fn at_step_0_the_loss_is_the_bases() {
    let (base, recipe) = (base(), recipe(&[]));
    let data = data(&base, &recipe);
    let rows: Vec<usize> = (0..data.rows.len()).collect();
    let loss = trainer(&recipe).probe(&rows).unwrap().loss;

    let nothing = LoraAdapter {
        rank: 1,
        layers: vec![Default::default(); base.config().layers],
    };
    let model = TrainModel::new(&base);
    let (mut sum, mut weight) = (0.0, 0.0);
    for (row, &row_weight) in data.rows.iter().zip(&data.weights) {
        let row = Row {
            tokens: &row.tokens,
            mask: &row.mask,
            weight: row_weight,
        };
        let batch = Batch {
            prefix: &[],
            rows: &[row],
        };
        let loss = model.loss(&nothing, &batch).unwrap();
        sum += loss.sum;
        weight += loss.weight;
    }
    assert!(
        (loss - sum / weight).abs() < 1e-5,
        "{loss} {}",
        sum / weight
    );
}

#[test]
fn every_b_receives_a_gradient() {
    for changes in [
        vec![],
        vec![
            ("lora.targets", "v_proj,down_proj"),
            ("lora.first_layer", "-1"),
        ],
    ] {
        let mut trainer = trainer(&recipe(&changes));
        let rows = trainer.batch(0);
        trainer.check_gradients(&rows).unwrap();
    }
}

#[test]
fn any_layers_can_be_adapted() {
    let deeper = Tiny {
        layers: 4,
        ..Tiny::default()
    };
    let base = BaseModel::from_gguf(&deeper.gguf(1)).unwrap();
    let start = |layers: &str| {
        let recipe = recipe(&[("lora.layers", layers), ("lora.first_layer", "2")]);
        Trainer::new(&base, &recipe, data(&base, &recipe))
    };
    let check = |layers: &str, expected: &[usize]| {
        let mut trainer = start(layers).unwrap();
        let adapted = trainer.adapter().layers.iter().enumerate();
        let adapted = adapted.filter(|(_, pairs)| !pairs.is_empty());
        let adapted: Vec<usize> = adapted.map(|(layer, _)| layer).collect();
        assert_eq!(adapted, expected);
        let rows = trainer.batch(0);
        let before = trainer.check_gradients(&rows).unwrap();
        trainer.step().unwrap();
        assert!(trainer.probe(&rows).unwrap().loss < before.loss);
    };
    check("[]", &[2, 3]);
    check("0,3", &[0, 3]);
    check("2,0", &[0, 2]);
    let error = start("1,4").err().unwrap().to_string();
    assert!(
        error.contains("lora.layers is [1, 4]; expected layers 0 to 3"),
        "{error}"
    );
}

#[test]
fn a_part_without_gradient_is_a_gate() {
    let (base, recipe) = (base(), recipe(&[]));
    let mut silent = data(&base, &recipe);
    silent.weights.fill(0.0);
    silent.weights[0] = f32::MIN_POSITIVE / 2.0;
    let mut trainer = Trainer::new(&base, &recipe, silent).unwrap();
    let error = trainer.check_gradients(&[1, 2]).unwrap_err();
    assert!(matches!(error, TrainError::Gate(_)), "{error}");
}

#[test]
fn how_a_batch_is_cut_does_not_matter() {
    let after_a_step = |micro_tokens: &str| -> Vec<f32> {
        let mut trainer = trainer(&recipe(&[
            ("sft.micro_tokens", micro_tokens),
            ("sft.clip", "0"),
        ]));
        trainer.step().unwrap();
        // Gradients, not parameters: Adam turns the smallest of them into whole steps.
        let first_moments = &trainer.state();
        let n = trainer.adapter().parameters();
        let from = first_moments.len() - 8 * n;
        first_moments[from..from + 4 * n]
            .chunks_exact(4)
            .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
            .collect()
    };
    let (together, alone) = (after_a_step("4096"), after_a_step("1"));
    let scale = together.iter().fold(0f32, |most, x| most.max(x.abs()));
    assert!(scale > 0.0);
    for (a, b) in together.iter().zip(&alone) {
        assert!((a - b).abs() < 1e-4 * scale, "{a} {b} of {scale}");
    }
}

#[test]
fn alpha_scales_the_steps_of_b() {
    let largest_b = |alpha: &str| {
        let mut trainer = trainer(&recipe(&[("lora.alpha", alpha), ("sft.clip", "0")]));
        trainer.step().unwrap();
        let b = trainer.adapter().tensors().skip(1).step_by(2).flatten();
        b.fold(0f32, |most, x| most.max(x.abs()))
    };
    let ratio = largest_b("12") / largest_b("4");
    assert!((ratio - 3.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn training_learns() {
    let mut trainer = trainer(&recipe(&[("sft.epochs", "30"), ("twist.balance", "none")]));
    let rows: Vec<usize> = (0..18).collect();
    let before = trainer.probe(&rows).unwrap().loss;
    while !trainer.finished() {
        trainer.step().unwrap();
    }
    let after = trainer.probe(&rows).unwrap().loss;
    assert!(after < 0.2 * before, "{before} {after}");
}

#[test]
fn a_loss_that_is_not_finite_is_an_error() {
    let mut trainer = trainer(&recipe(&[("sft.lr", "1e30"), ("sft.warmup", "0")]));
    let error = (0..15).find_map(|_| trainer.step().err()).unwrap();
    let TrainError::NotFinite { .. } = &error else {
        panic!("{error}");
    };
    assert!(error.to_string().contains("Lower `sft.lr`"), "{error}");
}

#[test]
fn rows_that_would_teach_nothing_are_refused() {
    let (base, recipe) = (base(), recipe(&[]));
    let check = |change: fn(&mut Data), expected: &str| {
        let mut data = data(&base, &recipe);
        change(&mut data);
        let error = Trainer::new(&base, &recipe, data)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|data| data.rows.clear(), "no training rows");
    check(|data| data.weights.truncate(5), "5 weights for 18 rows");
    check(
        |data| data.rows[2].mask.fill(false),
        "row 2 (from 0): it supervises no token",
    );
    check(
        |data| {
            data.rows[1].tokens.pop();
            data.rows[1].mask.pop();
        },
        "does not end with a supervised end of turn",
    );
    check(
        |data| data.rows[3].tokens[0] += 1,
        "does not begin with the recipe's prefix",
    );
    check(
        |data| data.rows[0].mask[0] = true,
        "supervises a token of the prefix",
    );
    check(|data| data.weights[4] = f32::NAN, "its weight is NaN");
    check(|data| data.rows[0].tokens = vec![1; 9000], "mask entries");
}

#[test]
fn the_rank_fits_the_smallest_matrix() {
    let base = BaseModel::from_gguf(&Tiny::default().gguf(1)).unwrap();
    let check = |targets: &str, rank: &str, most: Option<usize>| {
        let recipe = recipe(&[("lora.targets", targets), ("lora.rank", rank)]);
        let error = Trainer::new(&base, &recipe, data(&base, &recipe)).err();
        let words = most.map(|most| format!("lora.rank is {rank}; expected 1 to {most}, the"));
        let error = error.map(|error| error.to_string());
        let starts = error.as_deref().zip(words.as_deref());
        assert_eq!(
            error.is_some(),
            most.is_some(),
            "{targets} {rank}: {error:?}"
        );
        assert!(
            starts.is_none_or(|(error, words)| error.starts_with(words)),
            "{error:?}"
        );
    };
    check("q_proj,v_proj", "32", None);
    check("q_proj,v_proj", "33", Some(32));
    check("q_proj,down_proj", "33", None);
    check("q_proj,down_proj", "65", Some(64));
    check("up_proj", "4096", Some(64));
}
