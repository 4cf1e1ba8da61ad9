//! Precision traded for recall of spans: nats on the decision to stop a list, chosen on the dev rows
//! for a floor of recall and kept with the bundle.

use serde::{Deserialize, Serialize};

use crate::{
    error::TaskError,
    example::Example,
    metrics::spans::{EntityScores, TypeMatches},
    prediction::Prediction,
    recipe::Recipe,
    score,
};

/// The biases that are tried, in nats; the lowest gives the longest lists.
pub const BIASES: [f64; 7] = [-6.0, -4.0, -3.0, -2.0, -1.0, -0.5, 0.0];

/// A chosen bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallDial {
    /// Nats that are added to the logit of stopping: the lower, the more spans.
    pub stop_bias: f64,
    /// The recipe's floor.
    pub floor: f64,
    /// Dev rows that it was chosen on.
    pub dev_rows: usize,
    /// Whether the floor was reached on them.
    pub reached: bool,
    /// On the dev rows, each bias tried, ascending.
    pub curve: Vec<RecallPoint>,
}

/// Scores of exact spans at one bias, micro averages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RecallPoint {
    /// The bias.
    pub bias: f64,
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F2.
    pub f2: f64,
}

impl RecallDial {
    /// The bias with the best F2 among those whose recall reaches the recipe's floor, or, where none
    /// does, with the highest recall; of equals the one nearest to 0. `answers` gives the predictions
    /// for the dev rows at each bias.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] without biases, for a number of predictions that is not that of the
    /// rows, and for rows or predictions of another shape.
    pub fn choose(
        recipe: &Recipe,
        dev: &[Example],
        answers: &[(f64, Vec<Prediction>)],
    ) -> Result<Self, TaskError> {
        let mut curve = Vec::with_capacity(answers.len());
        for (bias, predictions) in answers {
            let scores = scores(recipe, dev, predictions)?;
            curve.push(RecallPoint {
                bias: *bias,
                precision: scores.precision,
                recall: scores.recall,
                f2: scores.f2,
            });
        }
        curve.sort_by(|a, b| a.bias.total_cmp(&b.bias));
        let floor = recipe.twist.recall_floor;
        // Of equals `max_by` takes the last.
        let order = |a: &&RecallPoint, b: &&RecallPoint| b.bias.abs().total_cmp(&a.bias.abs());
        let best = (curve.iter())
            .filter(|point| point.recall >= floor)
            .max_by(|a, b| a.f2.total_cmp(&b.f2).then(order(a, b)));
        let most = || {
            let by_recall = |a: &&RecallPoint, b: &&RecallPoint| {
                a.recall.total_cmp(&b.recall).then(order(a, b))
            };
            curve.iter().max_by(by_recall)
        };
        let chosen = best
            .or_else(most)
            .ok_or_else(|| TaskError::Mismatch("no answers to set the recall dial with".into()))?;
        Ok(Self {
            stop_bias: chosen.bias,
            floor,
            dev_rows: dev.len(),
            reached: best.is_some(),
            curve,
        })
    }
}

fn scores(
    recipe: &Recipe,
    rows: &[Example],
    predictions: &[Prediction],
) -> Result<EntityScores, TaskError> {
    if rows.len() != predictions.len() {
        let (answers, rows) = (predictions.len(), rows.len());
        return Err(TaskError::Mismatch(format!(
            "{answers} answers for {rows} rows"
        )));
    }
    let mut total = TypeMatches::default();
    for (row, (example, prediction)) in rows.iter().zip(predictions).enumerate() {
        let counts = score::spans::count(&recipe.labels, row, example, prediction)?;
        total.add(&counts.exact.total());
    }
    Ok(total.scores())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shape, SpansPrediction, Target, example::Span, prediction::FoundSpan, test_data};

    /// Ten letters, of which the first five are wanted.
    fn row() -> Example {
        let span = |place: usize| Span {
            start: place,
            end: place + 1,
            label: "positive".into(),
        };
        Example {
            prompt: "abcdefghij".into(),
            target: Target::Spans((0..5).map(span).collect()),
            slice: None,
            line: 1,
        }
    }

    /// The first letters are found.
    fn answer(letters: usize) -> Vec<Prediction> {
        let span = |place: usize| FoundSpan {
            start: place,
            end: place + 1,
            label: "positive".into(),
            probability: None,
            stop_log_odds: None,
        };
        vec![Prediction::Spans(SpansPrediction {
            spans: (0..letters).map(span).collect(),
            ..SpansPrediction::default()
        })]
    }

    #[test]
    fn the_best_f2_that_reaches_the_floor() {
        let check = |floor: f64, letters: [usize; 3], bias: f64, reached: bool| {
            let mut recipe = test_data::recipe();
            recipe.shape = Shape::Spans;
            recipe.twist.recall_floor = floor;
            let answers: Vec<_> = [-2.0, -1.0, 0.0]
                .into_iter()
                .zip(letters.map(answer))
                .collect();
            let dial = RecallDial::choose(&recipe, &[row()], &answers).unwrap();
            assert_eq!(
                (dial.stop_bias, dial.reached),
                (bias, reached),
                "{letters:?}"
            );
            assert_eq!(dial.curve.len(), 3);
        };
        check(0.9, [10, 6, 4], -1.0, true);
        check(0.5, [10, 6, 5], 0.0, true);
        // Of equals the least bias, and without a chance the most that can be found.
        check(0.9, [5, 5, 5], 0.0, true);
        check(1.0, [4, 4, 1], -1.0, false);
        // A floor that is met exactly is met.
        check(0.8, [3, 4, 3], -1.0, true);
    }

    #[test]
    fn a_row_without_an_answer_costs_recall() {
        let mut recipe = test_data::recipe();
        recipe.shape = Shape::Spans;
        let failed = Prediction::Failed(crate::Failure::Unended { limit: 9 });
        let answers = [(0.0, vec![answer(5).remove(0), failed])];
        let dial = RecallDial::choose(&recipe, &[row(), row()], &answers).unwrap();
        assert_eq!((dial.curve[0].precision, dial.curve[0].recall), (1.0, 0.5));
        assert!(RecallDial::choose(&recipe, &[row()], &answers).is_err());
    }
}
