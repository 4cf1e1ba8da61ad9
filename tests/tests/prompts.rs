//! Every built-in recipe with the real tokenizer: what is asked at inference is, token for token,
//! how the training sequence begins, and only the answer is supervised.

use std::{fs, path::Path};

use slm_model::{Gguf, GgufTokenizer, testing};
use slm_task::{Control, Recipe, Renderer, TaskError, Tokenizer, example};

#[test]
fn inference_prompts_are_prefixes_of_training_sequences() {
    let base = testing::base_bytes();
    let base = Gguf::parse(&base).expect("the base model is sound");
    let tokenizer = GgufTokenizer::from_gguf(&base).expect("a sound tokenizer");
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/recipes");
    let mut proven = Vec::new();
    for folder in fs::read_dir(recipes).expect("the built-in recipes") {
        let folder = folder.expect("a folder").path();
        if !folder.join("recipe.toml").is_file() {
            continue;
        }
        match check(&folder, &tokenizer) {
            Ok(recipe) => proven.push(recipe),
            Err(error) => panic!("{}: {error}", folder.display()),
        }
    }
    for id in ["sentiment", "intent", "aspects", "pii", "extract"] {
        assert!(proven.iter().any(|proven| proven == id), "{proven:?}");
    }
}

/// Checks each row of a recipe; gives the recipe's id.
fn check(folder: &Path, tokenizer: &GgufTokenizer) -> Result<String, TaskError> {
    let text = fs::read_to_string(folder.join("recipe.toml")).expect("text");
    let mut recipe = Recipe::parse(&text, "recipe.toml")?;
    if let Some(schema) = recipe.schema_file().map(str::to_owned) {
        let text = fs::read_to_string(folder.join(&schema)).expect("the recipe's schema");
        recipe.embed_schema(&text, &schema)?;
    }
    let renderer = Renderer::new(&recipe, tokenizer, &[])?;
    let prefix = renderer.prefix();
    let end = tokenizer.control(Control::TurnEnd);
    for file in [&recipe.data.train, &recipe.data.dev, &recipe.data.test] {
        let bytes = fs::read(folder.join(file)).expect("the recipe's rows");
        let rows = example::read_jsonl(&bytes, file, &recipe)?;
        assert!(!rows.is_empty(), "{}: {file} has no rows", recipe.id);
        for row in rows {
            let place = format!("{}: {file}:{}", recipe.id, row.line);
            let asked = [prefix.as_slice(), &renderer.prompt(&row.prompt).tokens].concat();
            let sequence = renderer.training(&row)?;
            assert!(sequence.tokens.starts_with(&asked), "{place}");
            assert_eq!(sequence.prompt, asked.len(), "{place}");
            let (prompt, answer) = sequence.mask.split_at(asked.len());
            assert!(!prompt.contains(&true), "{place}: the prompt is supervised");
            assert!(!answer.contains(&false), "{place}: the answer is not");
            assert!(answer.len() >= 2, "{place}: no answer");
            assert_eq!(sequence.tokens.last(), Some(&end), "{place}");
            assert_eq!(sequence.tokens.len(), sequence.mask.len(), "{place}");
        }
    }
    Ok(recipe.id)
}
