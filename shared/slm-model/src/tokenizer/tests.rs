use super::*;
use crate::{
    gguf::{Array, Value, Writer},
    testing,
};
use slm_task::Tokenizer as _;

/// The toy vocabulary with one entry changed.
fn changed(key: &str, value: Value) -> Result<GgufTokenizer, ModelError> {
    let mut writer = Writer::default();
    writer.metadata = Gguf::parse(&testing::tiny_gguf_with_toy_vocab(0))
        .unwrap()
        .metadata;
    writer
        .metadata
        .insert(format!("tokenizer.ggml.{key}"), value);
    GgufTokenizer::from_gguf(&Gguf::parse(&writer.finish()).unwrap())
}

#[test]
fn toy_vocabulary_round_trips() {
    let tokenizer = changed("pre", Value::String("smollm".into())).unwrap();
    for text in [
        "",
        "the good, the bad",
        "naïve 🦀 2024\n\t",
        "<|im_end|>",
        "\0\u{7f}",
    ] {
        let ids = tokenizer.encode(text);
        assert_eq!(tokenizer.decode(&ids), text);
        assert!(ids.iter().all(|&id| !tokenizer.is_control(id)));
    }
    let good = tokenizer.encode("good");
    assert_eq!(good.len(), 1, "merged");
    assert_eq!(tokenizer.bytes(good[0]), b"good");
    assert_eq!(tokenizer.bytes(9_999), b"");
    assert_eq!(
        tokenizer.decode(&[1, good[0], 2]),
        "<|im_start|>good<|im_end|>"
    );
}

#[test]
fn word_rules_differ_where_they_should() {
    // " 1" is one word by GPT-2's rule; SmolLM2 sets every numeric character apart.
    let with_merge = |pre: &str| {
        let file = testing::tiny_gguf_with_toy_vocab(0);
        let mut writer = Writer::default();
        writer.metadata = Gguf::parse(&file).unwrap().metadata;
        let gguf = Gguf::parse(&file).unwrap();
        let mut tokens = gguf.strings("tokenizer.ggml.tokens").unwrap();
        let mut types = gguf.integers("tokenizer.ggml.token_type").unwrap();
        tokens.push("Ġ1");
        types.push(1);
        let mut set = |key: &str, value| {
            writer
                .metadata
                .insert(format!("tokenizer.ggml.{key}"), value);
        };
        set("pre", Value::String(pre.into()));
        set("tokens", Value::Array(Array::of_strings(tokens)));
        set("token_type", Value::Array(Array::of_integers(&types)));
        set("merges", Value::Array(Array::of_strings(["Ġ 1"])));
        let gguf = Gguf::parse(&writer.finish()).unwrap();
        GgufTokenizer::from_gguf(&gguf).unwrap().encode(" 1").len()
    };
    assert_eq!((with_merge("smollm"), with_merge("gpt-2")), (2, 1));
}

#[test]
fn other_vocabularies_are_refused_with_the_reason() {
    let check = |key: &str, value: Value, expected: &[&str]| {
        let error = changed(key, value).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{part:?} not in {error:?}");
        }
    };
    let text = |text: &str| Value::String(text.into());
    let texts = |texts: &[&str]| Value::Array(Array::of_strings(texts));
    check(
        "model",
        text("llama"),
        &["tokenizer model \"llama\"", "byte-level BPE", "Use a"],
    );
    check(
        "pre",
        text("llama-bpe"),
        &["word rule \"llama-bpe\"", "\"smollm\""],
    );
    check("pre", text("default"), &["word rule \"default\""]);
    check("add_space_prefix", Value::Bool(true), &["add_space_prefix"]);
    check(
        "merges",
        texts(&["th e"]),
        &["merges", "th", "known tokens"],
    );
    check(
        "merges",
        texts(&["the"]),
        &["merges[0]", "with a space between"],
    );
    check(
        "tokens",
        texts(&["a", "b"]),
        &["269 types", "each of the 2 tokens"],
    );
    let mut types = vec![1; 269];
    check(
        "token_type",
        Value::Array(Array::of_integers(&types)),
        &["<|im_start|>", "ChatML"],
    );
    types[268] = 4;
    check(
        "token_type",
        Value::Array(Array::of_integers(&types)),
        &["user-defined", "ĠĠ"],
    );
}

/// A merge that spells a control token would let text yield it: it is no known token.
#[test]
fn merges_cannot_reach_control_tokens() {
    let merges = Value::Array(Array::of_strings(["< |im_end|>"]));
    assert!(changed("merges", merges).is_err());
}
