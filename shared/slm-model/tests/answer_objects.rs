//! JSON answers from end to end: what the renderer trains on is what the grammar allows, and an
//! answerer gives objects that fit the schema.

use std::{fs, path::Path};

use futures::executor::block_on;
use slm_model::{Answerer, Constraint, JsonGrammar, TokenSet, testing};
use slm_task::{Example, Failure, Prediction, Recipe, Renderer, example};

/// The recipe of the gallery, and its rows for training.
fn extract() -> (Recipe, Vec<Example>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static/recipes/extract");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let mut recipe = Recipe::parse(&read("recipe.toml"), "recipe.toml").unwrap();
    let schema = recipe.schema_file().unwrap().to_owned();
    recipe.embed_schema(&read(&schema), &schema).unwrap();
    let rows = example::read_jsonl(read("train.jsonl").as_bytes(), "train.jsonl", &recipe);
    (recipe, rows.unwrap())
}

#[test]
fn every_training_answer_is_allowed() {
    let (recipe, rows) = extract();
    let base = testing::tiny_base(3);
    let schema = recipe.answer_schema().unwrap();
    let grammar = JsonGrammar::new(&base, schema.document()).unwrap();
    let renderer = Renderer::new(&recipe, base.tokenizer(), &[]).unwrap();
    for row in &rows {
        let mut constraint = grammar.constrain();
        for token in renderer.answer(row) {
            let mut allowed = TokenSet::new(base.config().vocab);
            constraint.allow(&mut allowed).unwrap();
            assert!(allowed.contains(token), "line {}: token {token}", row.line);
            constraint.commit(token).unwrap();
        }
    }
}

#[test]
fn an_answerer_writes_objects_of_the_schema() {
    let (mut recipe, rows) = extract();
    recipe.instruction = "Write.".into();
    recipe.scoring.max_tokens = 400;
    let schema = recipe.answer_schema().unwrap();
    let base = testing::tiny_base(3);
    let texts: Vec<&str> = rows[..6].iter().map(|row| row.prompt.as_str()).collect();
    let mut answerer = Answerer::new(base.clone(), None, &recipe, Vec::new()).unwrap();
    let mut written = 0;
    for answered in block_on(answerer.answer(&texts)).unwrap() {
        match &answered.prediction {
            Prediction::Object(found) => {
                written += 1;
                assert_eq!(schema.violations(&found.object), [], "{}", found.object);
                assert!(found.forced > 0 && found.forced < found.tokens);
                assert!(found.outside.is_some_and(|outside| outside > 0.0));
                let confidence = answered.prediction.confidence().unwrap();
                assert!((0.0..=1.0).contains(&confidence));
            }
            // Random weights may never close a text.
            other => assert_eq!(*other, Prediction::Failed(Failure::Unended { limit: 400 })),
        }
    }
    assert!(written > 0);
    let losses = block_on(answerer.losses(&rows[..3])).unwrap();
    assert!(
        losses
            .iter()
            .all(|loss| loss.is_some_and(|loss| loss > 0.0))
    );

    // Random weights write no JSON by themselves.
    answerer.set_free(true);
    let free = block_on(answerer.answer(&texts[..1])).unwrap().remove(0);
    assert!(free.prediction.is_failure(), "{:?}", free.prediction);

    recipe.scoring.max_tokens = 4;
    let mut short = Answerer::new(base, None, &recipe, Vec::new()).unwrap();
    let answered = block_on(short.answer(&texts[..1])).unwrap().remove(0);
    let expected = Prediction::Failed(Failure::Unended { limit: 4 });
    assert_eq!(answered.prediction, expected);
}

#[test]
fn a_schema_that_was_not_read_is_an_error_before_any_answer() {
    let (mut recipe, _) = extract();
    recipe.schema = Some("schema.json".into());
    let error = Answerer::new(testing::tiny_base(3), None, &recipe, Vec::new())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("not read from schema.json"),
        "{error}"
    );
}
