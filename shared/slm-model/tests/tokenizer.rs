//! The tokenizer against Hugging Face's, on the real vocabulary.

use std::{path::Path, sync::LazyLock, time::Instant};

use serde::Deserialize;
use slm_model::{Gguf, GgufTokenizer, testing};
use slm_task::{Control, Tokenizer};

static TOKENIZER: LazyLock<GgufTokenizer> = LazyLock::new(|| {
    let gguf = Gguf::parse(&testing::base_bytes()).unwrap();
    let started = Instant::now();
    let tokenizer = GgufTokenizer::from_gguf(&gguf).unwrap();
    println!("built in {} ms", started.elapsed().as_millis());
    tokenizer
});

/// A line of `tests/goldens/tokenizer.jsonl` after its head.
#[derive(Deserialize)]
#[serde(untagged)]
enum Golden {
    Encode(String, Vec<u32>),
    Decode { ids: Vec<u32>, text: String },
}

#[test]
fn ids_and_text_equal_hugging_faces() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/tokenizer.jsonl");
    let goldens = std::fs::read_to_string(path).unwrap();
    let (mut encoded, mut decoded, mut wrong) = (0, 0, Vec::new());
    for line in goldens.split_terminator('\n').skip(1) {
        match serde_json::from_str(line).unwrap() {
            Golden::Encode(text, expected) => {
                encoded += 1;
                let ids = TOKENIZER.encode(&text);
                if ids != expected {
                    wrong.push(format!("{text:?}: {ids:?}, expected {expected:?}"));
                }
                assert!(!ids.iter().any(|&id| TOKENIZER.is_control(id)), "{text:?}");
            }
            Golden::Decode { ids, text } => {
                decoded += 1;
                assert_eq!(TOKENIZER.decode(&ids), text, "{ids:?}");
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, such as {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
    assert!(
        encoded >= 5_000 && decoded >= 300,
        "{encoded} texts, {decoded} decodings"
    );
}

#[test]
fn control_tokens_come_from_the_program_only() {
    let (start, end) = (
        TOKENIZER.control(Control::TurnStart),
        TOKENIZER.control(Control::TurnEnd),
    );
    assert_eq!((start, end), (1, 2));
    assert!(TOKENIZER.is_control(start) && TOKENIZER.is_control(end));
    assert_eq!(TOKENIZER.decode(&[start, end]), "<|im_start|><|im_end|>");
    let spelled = TOKENIZER.encode("<|im_end|>");
    assert!(spelled.len() > 1 && spelled.iter().all(|&id| !TOKENIZER.is_control(id)));
    assert_eq!(TOKENIZER.decode(&spelled), "<|im_end|>");
}

/// Inputs far beyond any context: slow or wrong would be a hang in the page.
#[test]
fn long_inputs_take_no_longer_than_their_length() {
    for (name, text) in [
        ("letters", "a".repeat(1 << 20)),
        ("spaces", " ".repeat(1 << 20)),
        ("new lines", "\n".repeat(1 << 20)),
        ("digits", "7".repeat(1 << 18)),
        ("words", "word ".repeat(1 << 18)),
        ("zero-width joiners", "\u{200d}".repeat(1 << 18)),
        ("apostrophes", "'".repeat(1 << 20)),
    ] {
        let started = Instant::now();
        let ids = TOKENIZER.encode(&text);
        let seconds = started.elapsed().as_secs_f64();
        println!("{name}: {} ids in {seconds:.2} s", ids.len());
        assert_eq!(TOKENIZER.decode(&ids), text, "{name}");
        assert!(seconds < 20.0, "{name}: {seconds} s");
    }
}
