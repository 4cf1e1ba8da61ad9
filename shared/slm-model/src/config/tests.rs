use super::*;
use crate::{
    gguf::{Array, GgmlType, Value, Writer},
    testing,
};

/// The toy model with its file changed by `change`.
fn changed(change: impl Fn(&mut Writer)) -> Result<Config, ModelError> {
    let file = testing::tiny_gguf_with_toy_vocab(0);
    let gguf = Gguf::parse(&file).unwrap();
    let mut writer = Writer::default();
    writer.metadata = gguf.metadata.clone();
    for tensor in &gguf.tensors {
        let bytes = file[tensor.range.clone()].to_vec();
        writer.tensor(&tensor.name, &tensor.dims, tensor.ggml_type, bytes);
    }
    change(&mut writer);
    Config::from_gguf(&Gguf::parse(&writer.finish()).unwrap())
}

fn refused(change: impl Fn(&mut Writer), expected: &[&str]) {
    let error = changed(change).unwrap_err().to_string();
    for part in expected {
        assert!(error.contains(part), "{part:?} not in {error:?}");
    }
}

fn set(key: &'static str, value: Value) -> impl Fn(&mut Writer) {
    move |writer| {
        writer.metadata.insert(key.into(), value.clone());
    }
}

#[test]
fn reads_the_sizes() {
    let config = changed(|_| ()).unwrap();
    let expected = Config {
        name: "tiny test model".into(),
        layers: 2,
        hidden: 64,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        ffn: 128,
        vocab: 269,
        context: 1024,
        rope_base: 10_000.0,
        rms_eps: 1e-5,
        bos: Some(1),
        eos: 2,
        tied: true,
    };
    assert_eq!(config, expected);
    assert_eq!(config.projection_dims(Projection::KProj), (64, 32));
    assert_eq!(config.projection_dims(Projection::DownProj), (128, 64));
}

#[test]
fn other_architectures_are_refused_with_the_reason() {
    let architecture = |name: &str| set("general.architecture", Value::String(name.into()));
    refused(
        architecture("qwen2"),
        &["architecture \"qwen2\"", "only \"llama\"", "Use a"],
    );
    refused(
        |writer| drop(writer.metadata.remove("general.architecture")),
        &["general.architecture", "no such key"],
    );
}

#[test]
fn features_that_are_not_computed_are_refused_by_name() {
    let scaling = Value::String("yarn".into());
    refused(
        set("llama.rope.scaling.type", scaling),
        &["yarn", "unscaled"],
    );
    refused(
        set("llama.rope.scale_linear", Value::F32(4.0)),
        &["rope.scale_linear"],
    );
    refused(set("llama.expert_count", Value::U32(8)), &["expert_count"]);
    refused(set("llama.logit_scale", Value::F32(0.5)), &["logit_scale"]);
    refused(
        set("llama.rope.dimension_count", Value::U32(8)),
        &["dimension_count 8", "16"],
    );
    let tensor = |name: &'static str| {
        move |writer: &mut Writer| writer.tensor(name, &[64], GgmlType::F32, vec![0; 256])
    };
    refused(
        tensor("blk.0.attn_q.bias"),
        &["blk.0.attn_q.bias", "with a bias"],
    );
    refused(
        tensor("rope_freqs.weight"),
        &["rope_freqs", "scaled rotary"],
    );
    refused(
        tensor("blk.7.attn_norm.weight"),
        &["blk.7", "no such tensor"],
    );
}

#[test]
fn contradicting_files_are_refused() {
    let layers = |n| set("llama.block_count", Value::U32(n));
    refused(
        layers(3),
        &["tensor blk.2.attn_norm.weight", "no such tensor"],
    );
    refused(layers(u32::MAX), &["tensor blk.2.attn_norm.weight"]);
    refused(layers(0), &["llama.block_count", "a positive number"]);
    refused(
        set("llama.feed_forward_length", Value::U32(256)),
        &["ffn_gate", "[64, 256]"],
    );
    refused(
        set("llama.attention.head_count_kv", Value::U32(3)),
        &["divisor of the 4 heads"],
    );
    refused(
        set("llama.attention.head_count", Value::U32(5)),
        &["divisor of the embedding"],
    );
    refused(
        set("tokenizer.ggml.eos_token_id", Value::U32(999)),
        &["eos", "below 269"],
    );
    let epsilon = "llama.attention.layer_norm_rms_epsilon";
    refused(set(epsilon, Value::F32(f32::NAN)), &["rms_epsilon", "NaN"]);
    refused(
        set(epsilon, Value::U32(1)),
        &["rms_epsilon", "floating-point"],
    );
    let tokens = Value::Array(Array::of_strings(["a"]));
    refused(set("tokenizer.ggml.tokens", tokens), &["token id below 1"]);
}
