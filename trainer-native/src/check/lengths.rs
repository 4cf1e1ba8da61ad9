//! Rows that training would drop for their length, counted with the base model's own tokenizer.

use anyhow::Result;
use slm_task::{Recipe, Renderer, TaskError};

use super::findings::{Code, Finding};
use crate::{base_model, rows::Rows, subject::load_base};

/// Rows with more tokens than `sft.max_tokens`. Where no base model is named and the default one is
/// not on this machine, the only finding says that lengths were not checked.
///
/// # Errors
/// A base model that is named and is not there or not a model; rows that cannot be rendered.
pub fn too_long(
    splits: &[(&str, &Rows)],
    recipe: &Recipe,
    base: Option<&str>,
) -> Result<Vec<Finding>> {
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
    Ok(found)
}
