//! Scores of JSON objects.

use super::{Scorer, foreign};
use crate::{
    error::TaskError,
    example::{Example, Target},
    metrics::{
        self,
        structured::{Counts, Field},
    },
    prediction::Prediction,
    recipe::Recipe,
    report::{self, Figures, System},
    schema::Schema,
};

/// The headline, the metric that selects checkpoints first.
const METRICS: [&str; 4] = ["exact_object", "field_f1", "field_accuracy", "valid_json"];

/// How the figures are counted.
const CONVENTION: &str = "fields by the schema's own rules, absent on both sides is right";

/// Rows and predictions as counts.
pub(super) struct Structured<'a> {
    systems: &'a [System],
    schema: Schema,
    /// `[system][row]`
    rows: Vec<Vec<Counts>>,
    /// Counts over all rows, one a system.
    whole: Vec<Counts>,
}

impl<'a> Structured<'a> {
    pub(super) fn new(
        recipe: &Recipe,
        rows: &[Example],
        systems: &'a [System],
    ) -> Result<Self, TaskError> {
        let mut scorer = Self {
            systems,
            schema: recipe.answer_schema()?,
            rows: Vec::new(),
            whole: Vec::new(),
        };
        let fields = scorer.schema.fields();
        for system in systems {
            let mut whole = Counts::new(fields.len());
            let mut each = Vec::with_capacity(rows.len());
            let answers = rows.iter().zip(&system.predictions);
            for (row, (example, prediction)) in answers.enumerate() {
                let counts = count(fields, row, example, prediction)?;
                whole.merge(&counts);
                each.push(counts);
            }
            scorer.rows.push(each);
            scorer.whole.push(whole);
        }
        Ok(scorer)
    }

    fn total(&self, system: usize, rows: &[usize]) -> Counts {
        let mut total = Counts::new(self.schema.fields().len());
        for &row in rows {
            total.merge(&self.rows[system][row]);
        }
        total
    }
}

/// The counts of one row.
fn count(
    fields: &[Field],
    row: usize,
    example: &Example,
    prediction: &Prediction,
) -> Result<Counts, TaskError> {
    let Target::Object(gold) = &example.target else {
        return Err(foreign(row, "target"));
    };
    let predicted = match prediction {
        Prediction::Object(found) => Some(&found.object),
        Prediction::Failed(_) => None,
        Prediction::Label(_) | Prediction::Labels(_) | Prediction::Spans(_) => {
            return Err(foreign(row, "prediction"));
        }
    };
    let mut counts = Counts::new(fields.len());
    counts.add(fields, gold, predicted);
    Ok(counts)
}

impl Scorer for Structured<'_> {
    fn metrics(&self) -> Vec<&'static str> {
        METRICS.to_vec()
    }

    fn values(&self, system: usize, rows: &[usize]) -> Vec<f64> {
        let total = self.total(system, rows);
        vec![
            total.exact_rate(),
            total.micro_average().f1,
            accuracy(&total),
            total.valid_rate(),
        ]
    }

    fn on_slice(&self, system: usize, rows: &[usize]) -> Option<f64> {
        Some(self.total(system, rows).exact_rate())
    }

    fn is_right(&self, system: usize, row: usize) -> bool {
        self.rows[system][row].exact_rate() == 1.0
    }

    fn figures(&self, system: usize) -> Result<Figures, TaskError> {
        let counts = &self.whole[system];
        let predictions = &self.systems[system].predictions;
        let valid = predictions.iter().filter(|p| is_valid(&self.schema, p));
        let field = self.schema.fields().iter().zip(counts.per_field());
        let present = counts.present().iter().zip(counts.accuracies());
        let fields =
            field.zip(present).map(
                |((field, scores), (tally, accuracy))| report::FieldMetrics {
                    path: field.path().to_owned(),
                    precision: scores.precision,
                    recall: scores.recall,
                    f1: scores.f1,
                    accuracy,
                    support: tally.support,
                    predicted: tally.predicted,
                },
            );
        Ok(Figures::Structured(report::Structured {
            convention: CONVENTION.to_owned(),
            valid_json: counts.valid_rate(),
            valid_schema: valid.count() as f64 / counts.rows().max(1) as f64,
            exact_object: counts.exact_rate(),
            field_accuracy: accuracy(counts),
            fields: fields.collect(),
            micro: metrics::average(counts.micro_average()),
            macro_average: metrics::average(counts.macro_average()),
            outside: outside(predictions),
        }))
    }
}

/// Without fields every answer has all of them right.
fn accuracy(counts: &Counts) -> f64 {
    match counts.mean_accuracy() {
        mean if mean.is_nan() => 1.0,
        mean => mean,
    }
}

/// Whether an answer parsed and fits the schema.
pub(crate) fn is_valid(schema: &Schema, prediction: &Prediction) -> bool {
    matches!(prediction, Prediction::Object(found) if schema.violations(&found.object).is_empty())
}

/// Mean probability that the grammar took away, over the answers written under one.
pub(crate) fn outside(predictions: &[Prediction]) -> Option<f64> {
    metrics::mean(
        predictions
            .iter()
            .filter_map(|prediction| match prediction {
                Prediction::Object(found) => found.outside,
                _ => None,
            }),
    )
}
