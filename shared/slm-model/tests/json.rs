//! JSON answers: valid on any weights, compact, in the schema's order, and training's tokens allowed.

use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};
use slm_model::{BaseModel, Constraint, Engine, JsonGrammar, TokenSet, testing};
use slm_task::{Control, Tokenizer as _, rng::SplitMix64};

fn toy(seed: u64) -> Arc<BaseModel> {
    let bytes = testing::tiny_gguf_with_toy_vocab(seed);
    Arc::new(BaseModel::from_gguf(&bytes).unwrap())
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": { "type": "string", "maxLength": 8 },
            "kind": { "enum": ["good", "goodbye", "the \"bad\""] },
            "count": { "type": "integer", "minimum": 0, "maximum": 99 },
            "done": { "type": "boolean" },
            "items": {
                "type": "array",
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "properties": { "name": { "const": "the bad" }, "at": { "type": ["null", "boolean"] } },
                    "required": ["name"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["title", "count"],
        "additionalProperties": false
    })
}

/// Whether `answer` is a document of [`schema`], compact and in order.
fn assert_valid(answer: &str) {
    let value: Value = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{answer}: {e}"));
    let mut quoted = false;
    let mut before = ' ';
    for character in answer.chars() {
        assert!(quoted || !character.is_whitespace(), "{answer}");
        quoted ^= character == '"' && before != '\\';
        // A backslash that is itself escaped escapes nothing.
        before = if before == '\\' { ' ' } else { character };
    }
    let object = value.as_object().unwrap();
    let order = ["title", "kind", "count", "done", "items"];
    let places = object
        .keys()
        .map(|key| order.iter().position(|name| name == key).unwrap());
    assert!(places.is_sorted(), "{answer}");
    assert!(
        object["title"].as_str().unwrap().chars().count() <= 8,
        "{answer}"
    );
    assert!(object["count"].as_u64().unwrap() < 100, "{answer}");
    let one_of = |key: &str, allowed: &[Value]| {
        assert!(
            object.get(key).is_none_or(|value| allowed.contains(value)),
            "{answer}"
        );
    };
    one_of(
        "kind",
        &[json!("good"), json!("goodbye"), json!("the \"bad\"")],
    );
    one_of("done", &[json!(true), json!(false)]);
    let empty = Vec::new();
    let items = object
        .get("items")
        .map_or(&empty, |items| items.as_array().unwrap());
    assert!(items.len() <= 2, "{answer}");
    assert!(
        items.iter().all(|item| item["name"] == "the bad"),
        "{answer}"
    );
}

#[test]
fn answers_are_valid_on_any_weights() {
    let (mut ended, mut forced) = (0, 0);
    for seed in 0..12 {
        let model = toy(seed);
        let grammar = JsonGrammar::new(&model, &schema()).unwrap();
        let mut engine = Engine::new(model.clone());
        for text in ["the good", "bad", "0"] {
            let prompt = model.tokenizer().encode(text);
            let mut constraint = grammar.constrain();
            let decoding = engine.decode(&prompt, Some(&mut constraint), 250);
            let answer = block_on(decoding).unwrap();
            forced += answer.forced();
            if answer.ended {
                ended += 1;
                let tokens = &answer.tokens[..answer.tokens.len() - 1];
                assert_valid(&model.tokenizer().decode(tokens));
            }
        }
    }
    assert!(ended > 30, "{ended} of 36 answers came to an end");
    assert!(forced > 36 * 10, "{forced} forced tokens");
}

#[test]
fn any_allowed_tokens_make_a_valid_document() {
    let mut rng = SplitMix64::new(3);
    for model in [toy(0), testing::tiny_base(1)] {
        let end = model.tokenizer().control(Control::TurnEnd);
        let grammar = JsonGrammar::new(&model, &schema()).unwrap();
        for _ in 0..40 {
            let mut constraint = grammar.constrain();
            let mut tokens = Vec::new();
            while tokens.last() != Some(&end) {
                let mut allowed = TokenSet::new(model.config().vocab);
                constraint.allow(&mut allowed).unwrap();
                let allowed: Vec<u32> = allowed.iter().collect();
                let token = allowed[rng.below(allowed.len())];
                constraint.commit(token).unwrap();
                tokens.push(token);
                assert!(tokens.len() < 400);
            }
            assert_valid(&model.tokenizer().decode(&tokens[..tokens.len() - 1]));
            assert!(constraint.commit(end).is_err(), "the answer is over");
        }
    }
}

#[test]
fn answers_for_training_are_allowed_token_by_token() {
    let answers = [
        json!({"title": "", "count": 0}),
        json!({"title": "the good", "kind": "good", "count": 7, "done": true}),
        json!({"title": "a \"b\"\\\n", "kind": "the \"bad\"", "count": 99, "items": []}),
        json!({"title": "é🦀 ,\"", "kind": "goodbye", "count": 10, "done": false,
               "items": [{"name": "the bad", "at": null}, {"name": "the bad"}]}),
        json!({"title": "}:,{", "count": 12, "items": [{"name": "the bad", "at": true}]}),
    ];
    for model in [toy(0), testing::tiny_base(1)] {
        let end = model.tokenizer().control(Control::TurnEnd);
        let grammar = JsonGrammar::new(&model, &schema()).unwrap();
        for answer in &answers {
            let text = serde_json::to_string(answer).unwrap();
            let tokens = [model.tokenizer().encode(&text), vec![end]].concat();
            let mut constraint = grammar.constrain();
            for (at, &token) in tokens.iter().enumerate() {
                let mut allowed = TokenSet::new(model.config().vocab);
                constraint.allow(&mut allowed).unwrap();
                let shown = model.tokenizer().decode(&tokens[..at]);
                let wanted = model.tokenizer().decode(&[token]);
                let only = allowed
                    .only()
                    .map(|token| model.tokenizer().decode(&[token]));
                assert!(
                    allowed.contains(token),
                    "{wanted:?} after {shown}: forced {only:?}"
                );
                constraint.commit(token).unwrap();
            }
        }
    }
}

#[test]
fn schemas_that_cannot_be_compiled_are_refused_with_the_reason() {
    let model = toy(0);
    let check = |schema: Value, part: &str| {
        let error = JsonGrammar::new(&model, &schema).err().unwrap().to_string();
        assert!(
            error.contains(part) && error.contains("Simplify the schema"),
            "{error}"
        );
        assert!(error.len() < 400, "{error}");
    };
    check(json!(true), "`schema` (true is no object)");
    check(json!({"type": "text"}), "text");
    check(json!({"type": "string", "format": "colour"}), "colour");
    check(json!({"$ref": "https://example.org/schema"}), "example.org");
    check(
        json!({"type": "integer", "minimum": 2, "maximum": 1}),
        "minimum",
    );
    check(json!({"not": {"type": "string"}}), "not");
}
