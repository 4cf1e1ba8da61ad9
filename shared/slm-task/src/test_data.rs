//! Small recipes and rows for the tests of this crate.

use crate::{
    example::{Example, Target},
    recipe::Recipe,
};

pub(crate) const RECIPE: &str = r#"id = "sentiment"
title = "Sentiment"
summary = "How a sentence feels."
shape = "single-label"
instruction = "Say how the text feels."
labels = ["negative", "neutral", "positive"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;

pub(crate) fn recipe() -> Recipe {
    Recipe::parse(RECIPE, "recipe.toml").unwrap()
}

/// One row a label, all prompts different and equally long.
pub(crate) fn examples(labels: &[&str]) -> Vec<Example> {
    labels
        .iter()
        .enumerate()
        .map(|(i, label)| Example {
            prompt: format!("text {i:04}"),
            target: Target::Label(label.to_string()),
            slice: None,
            line: i + 1,
        })
        .collect()
}
