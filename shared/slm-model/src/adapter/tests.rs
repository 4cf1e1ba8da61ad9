use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use slm_task::recipe::Projection::*;

use super::*;
use crate::{
    Gguf,
    testing::{self, Tiny},
};

const BASE: &str = "00ff";
const SETTINGS: &str = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "bias": "none"}"#;

fn config() -> Config {
    let file = testing::tiny_gguf_with_toy_vocab(0);
    Config::from_gguf(&Gguf::parse(&file).unwrap()).unwrap()
}

/// A tensor to write: name, type, shape, bytes.
type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

fn stored(key: &str, shape: [usize; 2], value: impl Fn(usize) -> f32) -> Stored {
    let bytes = (0..shape[0] * shape[1]).flat_map(|at| value(at).to_le_bytes());
    let key = format!("base_model.model.model.layers.{key}.weight");
    (key, Dtype::F32, shape.to_vec(), bytes.collect())
}

/// Rank 2 on the query projection of layer 1; `B` counts up.
fn query() -> Vec<Stored> {
    vec![
        stored("1.self_attn.q_proj.lora_A", [2, 64], |at| at as f32 / 8.0),
        stored("1.self_attn.q_proj.lora_B", [64, 2], |at| at as f32),
    ]
}

fn file(tensors: &[Stored]) -> Vec<u8> {
    let views = tensors.iter().map(|(key, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (key.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

fn read(settings: &str, tensors: &[Stored]) -> Result<LoraAdapter, ModelError> {
    LoraAdapter::from_peft(settings.as_bytes(), &file(tensors), &config(), BASE)
}

fn refused(settings: &str, tensors: &[Stored], expected: &[&str]) {
    let error = read(settings, tensors).unwrap_err().to_string();
    for part in expected {
        assert!(error.contains(part), "{part:?} not in {error:?}");
    }
}

#[test]
fn query_rows_come_in_the_order_of_the_gguf() {
    let adapter = read(SETTINGS, &query()).unwrap();
    assert_eq!((adapter.rank, adapter.first_layer()), (2, 1));
    let pair = adapter.get(1, QProj).unwrap();
    assert_eq!(
        pair.a,
        (0..128).map(|at| at as f32 / 8.0).collect::<Vec<_>>()
    );
    // Heads are 16 wide: row 0 stays, row 8 comes next to it, then row 1, row 9, …
    assert_eq!(pair.b[..8], [0.0, 1.0, 16.0, 17.0, 2.0, 3.0, 18.0, 19.0]);
    assert_eq!(pair.b[32..36], [32.0, 33.0, 48.0, 49.0]);
}

#[test]
fn only_rotated_projections_are_reordered() {
    for (key, projection, input, output, moved) in [
        ("self_attn.q_proj", QProj, 64, 64, true),
        ("self_attn.k_proj", KProj, 64, 32, true),
        ("self_attn.v_proj", VProj, 64, 32, false),
        ("self_attn.o_proj", OProj, 64, 64, false),
        ("mlp.gate_proj", GateProj, 64, 128, false),
        ("mlp.up_proj", UpProj, 64, 128, false),
        ("mlp.down_proj", DownProj, 128, 64, false),
    ] {
        let tensors = [
            stored(&format!("0.{key}.lora_A"), [2, input], |at| at as f32),
            stored(&format!("0.{key}.lora_B"), [output, 2], |at| at as f32),
        ];
        let adapter = read(SETTINGS, &tensors).unwrap();
        let pair = adapter.get(0, projection).unwrap();
        let counts_up = |values: &[f32]| values.iter().enumerate().all(|(at, &v)| v == at as f32);
        assert!(counts_up(&pair.a), "{key}");
        assert_eq!(counts_up(&pair.b), !moved, "{key}");
    }
}

#[test]
fn files_come_back_as_they_were() {
    let deeper = Tiny {
        layers: 4,
        ..Tiny::default()
    };
    let config = Config::from_gguf(&Gguf::parse(&deeper.gguf(0)).unwrap()).unwrap();
    let targets = [QProj, KProj, VProj, OProj, GateProj, UpProj, DownProj];
    for layers in [vec![0, 1, 2, 3], vec![2, 3], vec![0, 3]] {
        let mut adapter = LoraAdapter::random(&config, 4, &targets, layers.clone(), 9).unwrap();
        for (at, pair) in adapter
            .layers
            .iter_mut()
            .flat_map(|l| l.values_mut())
            .enumerate()
        {
            let stored = |x: f32| f16::from_f32(x).to_f32();
            pair.a.iter_mut().for_each(|value| *value = stored(*value));
            let count = pair.b.len();
            pair.b = (0..count).map(|i| stored((i + at) as f32 / 16.0)).collect();
        }
        let (settings, weights) = adapter.to_peft(&config, "tiny", BASE).unwrap();
        let named = match layers.len() {
            4 => serde_json::Value::Null,
            _ => layers.into(),
        };
        let written: serde_json::Value = serde_json::from_slice(&settings).unwrap();
        assert_eq!(written["layers_to_transform"], named);
        let again = LoraAdapter::from_peft(&settings, &weights, &config, BASE).unwrap();
        assert_eq!(again, adapter);
        assert_eq!(
            again.to_peft(&config, "tiny", BASE).unwrap(),
            (settings, weights)
        );
    }
}

#[test]
fn scale_goes_into_b() {
    let check = |settings: &str, scale: f32| {
        let adapter = read(settings, &query()).unwrap();
        let pair = adapter.get(1, QProj).unwrap();
        assert_eq!(pair.a[1], 1.0 / 8.0);
        assert_eq!(pair.b[1], scale);
    };
    check(r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 8}"#, 4.0);
    let scale = 8.0 / 2.0_f64.sqrt();
    let settings = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 8, "use_rslora": true}"#;
    check(settings, scale as f32);
}

#[test]
fn half_precisions_are_read() {
    for dtype in [Dtype::F16, Dtype::BF16] {
        let mut tensors = query();
        for tensor in &mut tensors {
            let values = tensor
                .3
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b));
            tensor.3 = values
                .flat_map(|value| match dtype {
                    Dtype::F16 => f16::from_f32(value).to_le_bytes(),
                    _ => bf16::from_f32(value).to_le_bytes(),
                })
                .collect();
            tensor.1 = dtype;
        }
        assert_eq!(read(SETTINGS, &tensors), read(SETTINGS, &query()));
    }
}

#[test]
fn another_base_is_named_with_both_hashes() {
    let with = |hash: &str| SETTINGS.replace('}', &format!(r#", "base_model_sha256": "{hash}"}}"#));
    assert!(read(&with(BASE), &query()).is_ok());
    refused(
        &with("beef"),
        &query(),
        &["sha256 beef", "sha256 00ff", "train it again"],
    );
}

#[test]
fn other_variants_are_refused() {
    let check = |field: &str, expected: &str| {
        let settings = SETTINGS.replace('}', &format!(", {field}}}"));
        refused(
            &settings,
            &query(),
            &["adapter_config.json", expected, "plain LoRA"],
        );
    };
    check(r#""use_dora": true"#, "use_dora");
    check(r#""bias": "all""#, "bias: found \"all\"");
    check(r#""modules_to_save": ["lm_head"]"#, "modules_to_save");
    check(r#""rank_pattern": {"q_proj": 4}"#, "rank_pattern");
    check(r#""fan_in_fan_out": true"#, "fan_in_fan_out");
    check(r#""init_lora_weights": "pissa""#, "pissa");
    check(r#""some_new_variant": {"x": 1}"#, "some_new_variant");
    check(r#""lora_alpha": "big""#, "a number");
    check(r#""r": 0"#, "a positive integer");
    check(r#""r": 1.5"#, "a positive integer");
    check(r#""peft_type": "IA3""#, "peft_type");
    refused("", &query(), &["adapter_config.json", "a JSON object"]);
}

#[test]
fn settings_as_peft_writes_them_are_accepted() {
    let settings = r#"{
        "alora_invocation_tokens": null, "alpha_pattern": {}, "arrow_config": null,
        "auto_mapping": null, "base_model_name_or_path": "x", "bias": "none",
        "corda_config": null, "ensure_weight_tying": false, "eva_config": null,
        "exclude_modules": null, "fan_in_fan_out": false, "inference_mode": true,
        "init_lora_weights": true, "layer_replication": null, "layers_pattern": null,
        "layers_to_transform": [1], "loftq_config": {}, "lora_alpha": 2, "lora_bias": false,
        "lora_dropout": 0.05, "megatron_config": null, "megatron_core": "megatron.core",
        "modules_to_save": null, "peft_type": "LORA", "peft_version": "0.21.2",
        "qalora_group_size": 16, "r": 2, "rank_pattern": {}, "revision": null,
        "target_modules": ["q_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
        "trainable_token_indices": null, "use_bdlora": null, "use_dora": false,
        "use_qalora": false, "use_rslora": false
    }"#;
    assert_eq!(read(settings, &query()), read(SETTINGS, &query()));
}

#[test]
fn wrong_tensors_are_refused() {
    let with = |tensor: Stored| [query(), vec![tensor]].concat();
    let a = |key: &str| stored(key, [2, 64], |_| 0.0);
    let nan = stored("1.self_attn.q_proj.lora_B", [64, 2], |at| {
        if at == 5 { f32::NAN } else { 0.0 }
    });
    refused(
        SETTINGS,
        &[query()[0].clone(), nan],
        &["q_proj.lora_B", "NaN at [2, 1]", "finite"],
    );
    refused(
        SETTINGS,
        &query()[..1],
        &["q_proj.lora_B", "no such tensor", "both"],
    );
    refused(
        SETTINGS,
        &query()[1..],
        &["q_proj.lora_A", "no such tensor", "both"],
    );
    refused(SETTINGS, &[], &["no tensor"]);
    refused(
        SETTINGS,
        &with(a("2.mlp.up_proj.lora_A")),
        &["layers.2", "layers 0 to 1"],
    );
    refused(
        SETTINGS,
        &with(a("x.mlp.up_proj.lora_A")),
        &["names that begin with"],
    );
    refused(
        SETTINGS,
        &with(a("0.mlp.side_proj.lora_A")),
        &["side_proj", "of a llama"],
    );
    refused(SETTINGS, &with(a("01.mlp.up_proj.lora_A")), &["layers.01"]);
    let dora = a("1.self_attn.q_proj.lora_magnitude_vector");
    refused(SETTINGS, &with(dora), &["magnitude", "DoRA"]);
    let narrow = stored("1.mlp.up_proj.lora_A", [2, 32], |_| 0.0);
    refused(SETTINGS, &with(narrow), &["shape [2, 32]", "shape [2, 64]"]);
    let rank_3 = SETTINGS.replace("\"r\": 2", "\"r\": 3");
    refused(&rank_3, &query(), &["shape [2, 64]", "shape [3, 64]"]);
    let mut integers = query();
    integers[0].1 = Dtype::I32;
    refused(SETTINGS, &integers, &["I32", "F16, BF16 or F32"]);
}

#[test]
fn every_truncation_is_refused() {
    let whole = file(&query());
    for length in 0..whole.len() {
        let result = LoraAdapter::from_peft(SETTINGS.as_bytes(), &whole[..length], &config(), BASE);
        assert!(
            result.unwrap_err().to_string().contains("truncated"),
            "{length}"
        );
    }
}

#[test]
fn a_diverged_adapter_is_not_written() {
    let config = config();
    for bad in [f32::NAN, f32::INFINITY, 70_000.0] {
        let mut adapter = LoraAdapter::random(&config, 2, &[VProj], 0..1, 0).unwrap();
        adapter.layers[0].get_mut(&VProj).unwrap().b[3] = bad;
        let error = adapter.to_peft(&config, "tiny", BASE).unwrap_err();
        assert!(error.to_string().contains("diverged"), "{error}");
    }
}

#[test]
fn a_fresh_adapter_changes_nothing_yet() {
    let config = config();
    let adapter = LoraAdapter::random(&config, 8, &[QProj, DownProj], 1..2, 1).unwrap();
    assert_eq!(adapter.first_layer(), 1);
    assert_eq!(adapter.parameters(), 8 * (64 + 64) + 8 * (128 + 64));
    let down = adapter.get(1, DownProj).unwrap();
    let bound = 1.0 / 128.0_f32.sqrt();
    assert!(down.b.iter().all(|&value| value == 0.0));
    assert!(down.a.iter().all(|value| value.abs() <= bound));
    assert!(down.a.iter().any(|value| value.abs() > 0.9 * bound));
    let again = LoraAdapter::random(&config, 8, &[QProj, DownProj], 1..2, 1).unwrap();
    assert_eq!(again, adapter);
    let refused = |rank, targets: &[_], layers| {
        LoraAdapter::random(&config, rank, targets, layers, 0).unwrap_err()
    };
    refused(0, &[QProj], 0..2);
    refused(8, &[], 0..2);
    refused(8, &[QProj], 0..3);
    refused(8, &[QProj], 1..1);
}
