//! Rows and answers that are longer than the recipe allows, counted with the base model's own
//! tokenizer.

use anyhow::{Context, Result};
use slm_model::JsonGrammar;
use slm_task::{Recipe, Renderer, Shape, TaskError, Tokenizer};

use super::findings::{Code, Finding};
use crate::{base_model, rows::Rows, subject::load_base};

/// Rows with more tokens than `sft.max_tokens`, and answers with more than `scoring.max_tokens`.
/// Where no base model is named and the default one is not on this machine, the only finding says
/// that lengths were not checked.
///
/// # Errors
/// A base model that is named and is not there or not a model; rows that cannot be rendered; a schema
/// that decoding cannot be held to.
pub fn too_long(
    splits: &[(&str, &Rows)],
    recipe: &Recipe,
    base: Option<&str>,
) -> Result<Vec<Finding>> {
    if recipe.shape == Shape::Structured {
        // Refuses a schema that answers could not be held to, in a part or as a whole.
        let schema = recipe.answer_schema()?;
        JsonGrammar::check(schema.document())?;
        JsonGrammar::check(&schema.with_everything())
            .context("with every optional field required, so that each can be answered at all")?;
    }
    if base.is_none() && base_model::resolve(None).is_err() {
        return Ok(vec![Finding {
            code: Code::LengthsUnchecked,
            places: Vec::new(),
            message: "the base model is not on this machine; get it with `slm model pull`"
                .to_string(),
        }]);
    }
    let (base, _) = load_base(base)?;
    let renderer = Renderer::new(recipe, base.tokenizer(), &[])?;
    renderer.check_labels()?;
    let mut found = Vec::new();
    for (name, rows) in splits {
        for row in &rows.examples {
            match renderer.training(row) {
                Ok(_) => {}
                Err(TaskError::TooLong { tokens, limit, .. }) => {
                    let place = format!("{name}:{}", row.line);
                    found.push(Finding {
                        code: Code::TooLong,
                        message: format!("{place} has {tokens} tokens; the limit is {limit}"),
                        places: vec![place],
                    });
                }
                Err(error) => return Err(error.in_file(name).into()),
            }
        }
    }
    found.extend(unfinished(splits, recipe, base.tokenizer())?);
    Ok(found)
}

/// Right answers that cannot be written to their end, a finding for each split that has some: where
/// answers are written token by token, they are cut at `scoring.max_tokens`.
///
/// # Errors
/// A recipe whose shape cannot be rendered.
pub fn unfinished<T: Tokenizer>(
    splits: &[(&str, &Rows)],
    recipe: &Recipe,
    tokenizer: &T,
) -> Result<Vec<Finding>> {
    let limit = recipe.scoring.max_tokens;
    match recipe.shape {
        Shape::SingleLabel | Shape::MultiLabel => return Ok(Vec::new()),
        Shape::Spans | Shape::Structured | Shape::Grounded | Shape::ToolCall => {}
    }
    let renderer = Renderer::new(recipe, tokenizer, &[])?;
    let mut found = Vec::new();
    for (name, rows) in splits {
        let lengths = rows.examples.iter();
        let lengths =
            lengths.map(|row| (renderer.answer(row).len(), format!("{name}:{}", row.line)));
        let over: Vec<(usize, String)> = lengths.filter(|(tokens, _)| *tokens > limit).collect();
        let Some((most, place)) = over.iter().rev().max_by_key(|(tokens, _)| *tokens) else {
            continue;
        };
        found.push(Finding {
            code: Code::AnswerTooLong,
            message: format!(
                "{name}: {} of {} right answers have more tokens than scoring.max_tokens = {limit}, so \
                 that no model can write them to the end; the longest, {place}, has {most}. Raise \
                 scoring.max_tokens to {most}",
                over.len(),
                rows.examples.len()
            ),
            places: over.into_iter().map(|(_, place)| place).collect(),
        });
    }
    Ok(found)
}
