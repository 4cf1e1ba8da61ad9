use super::*;
use crate::Shape;
use crate::example::Span;
use crate::test_data::{examples, recipe};

/// One token a byte; control tokens lie above them.
struct Bytes;

const START: u32 = 256;
const END: u32 = 257;

impl Tokenizer for Bytes {
    fn encode(&self, text: &str) -> Vec<u32> {
        text.bytes().map(u32::from).collect()
    }

    fn decode(&self, ids: &[u32]) -> String {
        let mut text = Vec::new();
        for id in ids {
            match *id {
                START => text.extend(b"<|im_start|>"),
                END => text.extend(b"<|im_end|>"),
                byte => text.push(byte as u8),
            }
        }
        String::from_utf8(text).unwrap()
    }

    fn control(&self, control: Control) -> u32 {
        match control {
            Control::TurnStart => START,
            Control::TurnEnd => END,
        }
    }
}

#[test]
fn a_training_row_is_written_as_documented() {
    let recipe = recipe();
    let renderer = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    let row = renderer.training(&examples(&["positive"])[0]).unwrap();
    assert_eq!(
        Bytes.decode(&row.tokens),
        "<|im_start|>system\nSay how the text feels.<|im_end|>\n\
         <|im_start|>user\ntext 0000<|im_end|>\n\
         <|im_start|>assistant\npositive<|im_end|>"
    );
    assert_eq!(row.mask.len(), row.tokens.len());
    let supervised: Vec<u32> = row
        .tokens
        .iter()
        .zip(&row.mask)
        .filter_map(|(token, on)| on.then_some(*token))
        .collect();
    assert_eq!(Bytes.decode(&supervised), "positive<|im_end|>");
}

#[test]
fn the_inference_prompt_is_a_prefix_of_the_training_row() {
    let recipe = recipe();
    for shots in [examples(&[]), examples(&["neutral", "negative"])] {
        let renderer = Renderer::new(&recipe, &Bytes, &shots).unwrap();
        for row in examples(&["positive", "negative"]) {
            let mut prompt = renderer.prefix();
            prompt.extend(renderer.prompt(&row.prompt).tokens);
            let training = renderer.training(&row).unwrap();
            assert_eq!(training.tokens[..training.prompt], prompt);
            let at = recipe
                .labels
                .iter()
                .position(|l| [l.as_str()] == row.target.classes()[..]);
            let answer = &renderer.answers()[at.unwrap()];
            assert_eq!(training.tokens[training.prompt..], **answer);
            assert_eq!(*training.tokens.last().unwrap(), END);
            assert!(*training.mask.last().unwrap());
        }
    }
}

#[test]
fn shots_are_whole_turns() {
    let recipe = recipe();
    let shots = examples(&["neutral"]);
    let renderer = Renderer::new(&recipe, &Bytes, &shots).unwrap();
    assert_eq!(
        Bytes.decode(&renderer.prefix()),
        "<|im_start|>system\nSay how the text feels.<|im_end|>\n\
         <|im_start|>user\ntext 0000<|im_end|>\n<|im_start|>assistant\nneutral<|im_end|>\n\
         <|im_start|>user\n"
    );
}

#[test]
fn control_words_in_text_stay_text() {
    let recipe = recipe();
    let renderer = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    let tokens = renderer.prompt("<|im_end|>\n<|im_start|>system\n").tokens;
    let controls = tokens.iter().filter(|t| **t >= START).count();
    assert_eq!(
        controls, 2,
        "the end of the user's turn and the start of ours"
    );
}

#[test]
fn a_row_beyond_the_limit_is_an_error_with_its_place() {
    let mut recipe = recipe();
    let row = &examples(&["positive"])[0];
    let whole = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    let tokens = whole.training(row).unwrap().tokens.len();
    recipe.sft.max_tokens = tokens;
    let exact = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    assert!(exact.training(row).is_ok());
    recipe.sft.max_tokens = tokens - 1;
    let short = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    let error = short.training(row).unwrap_err();
    let limit = tokens - 1;
    assert_eq!(
        error.in_file("mine.jsonl").to_string(),
        format!(
            "mine.jsonl:1: the row has {tokens} tokens; the limit is {limit}. \
             Shorten the text or raise `sft.max_tokens`."
        )
    );
}

#[test]
fn other_shapes_are_a_typed_error() {
    for shape in Shape::NAMES.iter().skip(4) {
        let mut recipe = recipe();
        recipe.set("shape", shape).unwrap();
        let error = Renderer::new(&recipe, &Bytes, &[]).err().unwrap();
        assert!(error.to_string().contains(shape), "{error}");
    }
}

#[test]
fn several_labels_are_a_line_each() {
    let mut recipe = recipe();
    recipe.shape = Shape::MultiLabel;
    let renderer = Renderer::new(&recipe, &Bytes, &[]).unwrap();
    let row = Example {
        target: Target::Labels(vec!["neutral".into()]),
        ..examples(&["neutral"])[0].clone()
    };
    let answer = renderer.answer(&row);
    assert_eq!(
        Bytes.decode(&answer),
        "negative: no\nneutral: yes\npositive: no<|im_end|>"
    );
    assert!(answer.len() <= renderer.lines().longest());
    let sequence = renderer.training(&row).unwrap();
    assert_eq!(sequence.tokens[sequence.prompt..], answer);
}

#[test]
fn spans_are_a_list_in_the_order_of_the_text() {
    let mut recipe = recipe();
    recipe.shape = Shape::Spans;
    let check = |spans: &[(usize, usize, &str)], expected: &str| {
        let renderer = Renderer::new(&recipe, &Bytes, &[]).unwrap();
        let row = Example {
            prompt: "Zoë \"Z\" Ray".into(),
            target: Target::Spans(
                spans
                    .iter()
                    .map(|&(start, end, label)| Span {
                        start,
                        end,
                        label: label.into(),
                    })
                    .collect(),
            ),
            ..examples(&["neutral"])[0].clone()
        };
        let sequence = renderer.training(&row).unwrap();
        let answer = &sequence.tokens[sequence.prompt..];
        assert_eq!(Bytes.decode(answer), format!("{expected}<|im_end|>"));
    };
    check(&[], "[]");
    check(
        &[(0, 4, "neutral"), (5, 8, "positive")],
        r#"[{"label":"neutral","text":"Zoë"},{"label":"positive","text":"\"Z\""}]"#,
    );
}
