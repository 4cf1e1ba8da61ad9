//! The prompts of the benchmarks: the same for every engine, as tokens and as text.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use slm_model::BaseModel;
use slm_task::{Control, Recipe, Renderer, Tokenizer};

/// A text and its tokens.
#[derive(Serialize)]
pub struct Prompt {
    /// As engines that tokenize for themselves want it.
    pub text: String,
    /// As the others do.
    pub tokens: Vec<u32>,
}

/// What a recipe asks of one sentence.
#[derive(Serialize)]
pub struct Question {
    /// What every prompt of the recipe begins with.
    pub prefix: Prompt,
    /// The sentence and what follows it.
    pub prompt: Prompt,
    /// The answers. Their tokens end with the end of the turn, their text does not.
    pub labels: Vec<Prompt>,
}

/// Repeated as often as a prompt is long.
const TEXT: &str = "The parcel came two days late and the box was wet, but the kettle inside was dry \
    and has boiled water every morning since. I wrote to the shop about the box. They answered within \
    the hour, offered a refund, and asked whether the cord was long enough. It was not. ";

/// Sentences of several lengths and moods.
pub const SENTENCES: [&str; 12] = [
    "Works.",
    "I expected nothing and was blown away.",
    "The battery died after two days and nobody answers my emails.",
    "It is a chair. It has four legs and stands in the corner.",
    "Honestly the best purchase of the year, my mother wants one too.",
    "Delivery is scheduled for Tuesday between nine and twelve.",
    "Not bad at all, though the lid could close a little tighter than it does.",
    "Broke on the first wash.",
    "The manual says that the filter should be changed every three months, which we have not done yet.",
    "After the update the screen flickers, the sound cuts out, and the support line hangs up on me.",
    "Thank you to whoever packed this so carefully; even the ribbon arrived without a crease.",
    "Received.",
];

/// The first `n` tokens of a plain text.
///
/// # Errors
/// The text of these tokens has other tokens, so that engines would not do the same.
pub fn plain(base: &BaseModel, n: usize) -> Result<Prompt> {
    let mut tokens = base.tokenizer().encode(&TEXT.repeat(1 + n / 32));
    tokens.truncate(n);
    let text = base.tokenizer().decode(&tokens);
    ensure!(
        tokens.len() == n && base.tokenizer().encode(&text) == tokens,
        "{n} tokens of the text are not the tokens of their own text"
    );
    Ok(Prompt { text, tokens })
}

/// What the recipe in `file` asks of each of [`SENTENCES`].
///
/// # Errors
/// The recipe cannot be read, or has another shape.
pub fn questions(base: &BaseModel, file: &Path) -> Result<Vec<Question>> {
    let name = file.display().to_string();
    let recipe = Recipe::parse(&fs::read_to_string(file).context(name.clone())?, &name)?;
    let tokenizer = base.tokenizer();
    let renderer = Renderer::new(&recipe, tokenizer, &[])?;
    let prompt = |tokens: Vec<u32>| Prompt {
        text: tokenizer.decode(&tokens),
        tokens,
    };
    let end = tokenizer.control(Control::TurnEnd);
    let label = |tokens: Vec<u32>| {
        let written: Vec<u32> = tokens.iter().copied().filter(|&id| id != end).collect();
        Prompt {
            text: tokenizer.decode(&written),
            tokens,
        }
    };
    let question = |sentence: &&str| Question {
        prefix: prompt(renderer.prefix()),
        prompt: prompt(renderer.prompt(sentence).tokens),
        labels: renderer.answers().into_iter().map(label).collect(),
    };
    Ok(SENTENCES.iter().map(question).collect())
}
