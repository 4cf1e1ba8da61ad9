//! What a report says of JSON objects beyond its headline, and of decoding with and without a grammar.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Average;
use crate::{
    error::TaskError,
    example::{Example, Target},
    metrics::structured::Counts,
    prediction::Prediction,
    recipe::Recipe,
    score::structured::{is_valid, outside},
};

/// Metrics of JSON objects, field by field (see [`crate::metrics::structured`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Structured {
    /// How the numbers below are counted.
    pub convention: String,
    /// Share of the rows whose answer parsed as a JSON object.
    pub valid_json: f64,
    /// Share of the rows whose answer parsed and fits the schema.
    pub valid_schema: f64,
    /// Share of the rows where every field is right.
    pub exact_object: f64,
    /// Mean over the fields of their accuracy, among the rows that parsed.
    pub field_accuracy: f64,
    /// One entry a field, in the order of the schema.
    pub fields: Vec<FieldMetrics>,
    /// Over the values that are present, of all fields.
    pub micro: Average,
    /// Unweighted means over the fields.
    #[serde(rename = "macro")]
    pub macro_average: Average,
    /// Mean probability mass that the grammar took away; absent without one.
    pub outside: Option<f64>,
}

/// Scores of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldMetrics {
    /// Its path (`customer.name`, `items[].quantity`).
    pub path: String,
    /// Right / predicted, over the values that are present.
    pub precision: f64,
    /// Right / gold.
    pub recall: f64,
    /// 2 P R / (P + R).
    pub f1: f64,
    /// Share of the parsed rows where the field is right; absent on both sides is right.
    pub accuracy: f64,
    /// Gold values.
    pub support: u64,
    /// Predicted values.
    pub predicted: u64,
}

/// The subject's answers under its grammar against those that it writes freely to the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// Answers under the grammar.
    pub constrained: Written,
    /// Answers without it.
    pub free: Written,
    /// Rows whose answer is valid under the grammar only.
    pub gained: u64,
    /// Rows whose answer is valid only when it is free (a token limit, say).
    pub lost: u64,
    /// Rows that are valid both ways and whose objects differ in a field, by the schema's rules.
    pub changed: u64,
    /// Of the tokens under the grammar, the share that it forced.
    pub forced_share: f64,
    /// Mean probability that the grammar took away from a choice.
    pub masked: f64,
}

/// How one way of decoding does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Rows whose answer parsed.
    pub parsed: u64,
    /// Rows whose answer parsed and fits the schema.
    pub valid: u64,
    /// Rows where every field is right.
    pub exact: u64,
}

impl Decoding {
    /// Compares two ways of answering the same rows.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for lengths that differ, and rows of another shape.
    pub(super) fn compare(
        recipe: &Recipe,
        rows: &[Example],
        constrained: &[Prediction],
        free: &[Prediction],
    ) -> Result<Self, TaskError> {
        if free.len() != rows.len() {
            let (answers, rows) = (free.len(), rows.len());
            return Err(TaskError::Mismatch(format!(
                "{answers} free answers for {rows} rows"
            )));
        }
        let schema = recipe.answer_schema()?;
        let fields = schema.fields();
        let same = |gold: &Value, found: &Value| {
            let mut counts = Counts::new(fields.len());
            counts.add(fields, gold, Some(found));
            counts.exact_rate() == 1.0
        };
        let written = |answers: &[Prediction]| {
            let exact = rows.iter().zip(answers).filter(|(row, answer)| {
                matches!((&row.target, answer), (Target::Object(gold), Prediction::Object(found))
                    if same(gold, &found.object))
            });
            Written {
                parsed: answers.iter().filter(|answer| !answer.is_failure()).count() as u64,
                valid: answers
                    .iter()
                    .filter(|answer| is_valid(&schema, answer))
                    .count() as u64,
                exact: exact.count() as u64,
            }
        };
        let (mut gained, mut lost, mut changed) = (0, 0, 0);
        let (mut tokens, mut forced) = (0, 0);
        for (under, freely) in constrained.iter().zip(free) {
            let valid = (is_valid(&schema, under), is_valid(&schema, freely));
            gained += u64::from(valid == (true, false));
            lost += u64::from(valid == (false, true));
            let Prediction::Object(under) = under else {
                continue;
            };
            tokens += under.tokens;
            forced += under.forced;
            if let (Prediction::Object(freely), (true, true)) = (freely, valid) {
                changed += u64::from(!same(&under.object, &freely.object));
            }
        }
        Ok(Self {
            constrained: written(constrained),
            free: written(free),
            gained,
            lost,
            changed,
            forced_share: forced as f64 / tokens.max(1) as f64,
            masked: outside(constrained).unwrap_or(0.0),
        })
    }
}
