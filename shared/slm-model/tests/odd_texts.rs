//! Odd texts and labels with the real vocabulary: emoji alone through every built-in recipe, and
//! labels that no tokens write.

use std::{fs, path::Path};

use futures::executor::block_on;
use slm_model::{Answerer, testing};
use slm_task::{Prediction, Recipe, Shape, Tokenizer as _};

/// The recipes of the gallery, with their schemas.
fn recipes() -> Vec<Recipe> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static/recipes");
    let mut recipes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(folder.join("recipe.toml")) else {
            continue;
        };
        let mut recipe = Recipe::parse(&text, "recipe.toml").unwrap();
        if let Ok(schema) = fs::read_to_string(folder.join("schema.json")) {
            recipe.embed_schema(&schema, "schema.json").unwrap();
        }
        recipes.push(recipe);
    }
    recipes
}

#[test]
fn emoji_alone_are_answered_in_every_shape() {
    let base = testing::tiny_base(3);
    let texts = ["🦀", "👩‍👩‍👧🇿🇦🎉", "…"];
    let mut shapes = Vec::new();
    for mut recipe in recipes() {
        recipe.scoring.max_tokens = 24;
        let mut answerer = Answerer::new(base.clone(), None, &recipe, Vec::new()).unwrap();
        let answered = block_on(answerer.answer(&texts)).unwrap();
        assert_eq!(answered.len(), texts.len());
        for (text, answered) in texts.iter().zip(answered) {
            match answered.prediction {
                Prediction::Label(found) => assert!(recipe.labels.contains(&found.label)),
                Prediction::Labels(found) => {
                    assert!(
                        found
                            .labels
                            .iter()
                            .all(|label| recipe.labels.contains(label))
                    );
                }
                Prediction::Spans(found) => {
                    for span in found.spans {
                        assert!(
                            text.get(span.start..span.end)
                                .is_some_and(|t| !t.is_empty())
                        );
                    }
                }
                Prediction::Object(found) => assert!(found.object.is_object()),
                // Cut at the limit: a counted outcome.
                Prediction::Failed(_) => assert!(recipe.shape == Shape::Structured),
            }
        }
        shapes.push(recipe.shape);
    }
    for shape in [
        Shape::SingleLabel,
        Shape::MultiLabel,
        Shape::Structured,
        Shape::Spans,
    ] {
        assert!(shapes.contains(&shape), "{shape}");
    }
}

#[test]
fn labels_that_the_vocabulary_cannot_write_are_refused() {
    let base = testing::tiny_base(3);
    // It has no token for the first byte of either, which leaves two labels of the same tokens.
    let labels = ["x\u{40000}", "x\u{80000}"];
    assert_eq!(
        base.tokenizer().encode(labels[0]),
        base.tokenizer().encode(labels[1])
    );
    for shape in [Shape::SingleLabel, Shape::MultiLabel] {
        let mut recipe = recipes().into_iter().find(|r| r.shape == shape).unwrap();
        recipe.labels = labels.map(String::from).to_vec();
        let error = Answerer::new(base.clone(), None, &recipe, Vec::new())
            .err()
            .unwrap();
        let text = error.to_string();
        assert!(text.starts_with("recipe.toml: labels: found"), "{text}");
        assert!(text.contains("vocabulary"), "{text}");
    }
}
