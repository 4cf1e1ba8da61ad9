//! Precision traded for recall of spans: nats on the decision to stop a list, chosen on the dev rows
//! for a floor of recall and kept with the bundle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::TaskError,
    example::Example,
    metrics::spans::{EntityScores, Matches, TypeMatches},
    prediction::Prediction,
    recipe::Recipe,
    score,
};

/// The biases that are tried, in nats; the lowest gives the longest lists.
pub const BIASES: [f64; 7] = [-6.0, -4.0, -3.0, -2.0, -1.0, -0.5, 0.0];

/// Nats that are added to the logit of stopping: the lower, the more spans.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StopBias {
    /// Where the list stops.
    pub all: f64,
    /// Lower ones for some labels: what the list would go on with is kept if it has such a label and
    /// its bias would have gone on, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, f64>,
}

impl StopBias {
    /// One bias, whatever the label.
    pub fn of(all: f64) -> Self {
        Self {
            all,
            labels: BTreeMap::new(),
        }
    }

    /// The bias that the list is written with.
    pub fn lowest(&self) -> f64 {
        self.labels.values().copied().fold(self.all, f64::min)
    }
}

/// A chosen bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecallDial {
    /// The bias in force.
    pub bias: StopBias,
    /// The recipe's floor.
    pub floor: f64,
    /// Dev rows that it was chosen on.
    pub dev_rows: usize,
    /// Whether the floor was reached on them, labels aside.
    pub reached: bool,
    /// On the dev rows, each bias tried for all labels alike, ascending.
    pub curve: Vec<RecallPoint>,
    /// The labels that have a floor of their own and occur in the dev rows, in the recipe's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelFloor>,
    /// On the dev rows, the bias in force.
    pub in_force: RecallPoint,
}

/// Scores of exact spans at one bias, micro averages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RecallPoint {
    /// The bias for all labels.
    pub bias: f64,
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F2.
    pub f2: f64,
}

/// A label that has a floor of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelFloor {
    /// The label.
    pub label: String,
    /// The recipe's floor for it.
    pub floor: f64,
    /// Its spans in the dev rows.
    pub spans: u64,
    /// Its bias: that of all labels where that reaches the floor.
    pub bias: f64,
    /// Its recall at that bias.
    pub recall: f64,
    /// Whether that is the floor.
    pub reached: bool,
}

impl RecallDial {
    /// For all labels, the bias with the best F2 among those whose recall reaches the recipe's floor,
    /// or, where none does, with the best F2 of all; of equals the one nearest to 0. Then, for each
    /// label whose own floor that misses, the highest bias that reaches it, or, where none does, the
    /// one with the highest recall. `answer` gives the predictions for the dev rows at a bias.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for a number of predictions that is not that of the rows, and for rows
    /// or predictions of another shape.
    pub fn choose(
        recipe: &Recipe,
        dev: &[Example],
        answer: impl Fn(&StopBias) -> Vec<Prediction>,
    ) -> Result<Self, TaskError> {
        let matches = |bias: &StopBias| matches(recipe, dev, &answer(bias));
        let mut curve = Vec::with_capacity(BIASES.len());
        for bias in BIASES {
            let scores = matches(&StopBias::of(bias))?.micro_average();
            curve.push(RecallPoint::new(bias, &scores));
        }
        let floor = recipe.twist.recall_floor;
        let reaching = curve.iter().filter(|point| point.recall >= floor);
        let reached = reaching.clone().next().is_some();
        let best = match reached {
            true => best(reaching),
            false => best(curve.iter()),
        };
        let mut bias = StopBias::of(best.map_or(0.0, |point| point.bias));
        let mut labels = Vec::new();
        for (index, label) in recipe.labels.iter().enumerate() {
            if let Some(&floor) = recipe.twist.label_floors.get(label) {
                let at = |nats: f64| {
                    let mut bias = StopBias::of(bias.all);
                    bias.labels.insert(label.clone(), nats);
                    Ok(LabelFloor::new(
                        label,
                        floor,
                        nats,
                        &matches(&bias)?.types()[index],
                    ))
                };
                let chosen = LabelFloor::choose(bias.all, at)?;
                labels.extend((chosen.spans > 0).then_some(chosen));
            }
        }
        let lower = labels.iter().filter(|label| label.bias < bias.all);
        bias.labels = lower
            .map(|label| (label.label.clone(), label.bias))
            .collect();
        let in_force = RecallPoint::new(bias.all, &matches(&bias)?.micro_average());
        Ok(Self {
            bias,
            floor,
            dev_rows: dev.len(),
            reached,
            curve,
            labels,
            in_force,
        })
    }
}

impl LabelFloor {
    fn new(label: &str, floor: f64, bias: f64, counts: &TypeMatches) -> Self {
        let recall = counts.scores().recall;
        Self {
            label: label.into(),
            floor,
            spans: counts.support,
            bias,
            recall,
            reached: recall >= floor,
        }
    }

    /// The highest bias up to that of all labels that reaches the floor, or the one with the highest
    /// recall.
    fn choose(all: f64, at: impl Fn(f64) -> Result<Self, TaskError>) -> Result<Self, TaskError> {
        let mut chosen = at(all)?;
        for nats in BIASES.into_iter().rev().filter(|nats| *nats < all) {
            if chosen.reached || chosen.spans == 0 {
                break;
            }
            let next = at(nats)?;
            if next.recall > chosen.recall {
                chosen = next;
            }
        }
        Ok(chosen)
    }
}

impl RecallPoint {
    fn new(bias: f64, scores: &EntityScores) -> Self {
        Self {
            bias,
            precision: scores.precision,
            recall: scores.recall,
            f2: scores.f2,
        }
    }
}

/// The best F2, of equals the bias nearest to 0. Of equals `max_by` takes the last, and the curve
/// ascends to 0.
fn best<'a>(points: impl Iterator<Item = &'a RecallPoint>) -> Option<&'a RecallPoint> {
    points.max_by(|a, b| a.f2.total_cmp(&b.f2))
}

fn matches(
    recipe: &Recipe,
    rows: &[Example],
    predictions: &[Prediction],
) -> Result<Matches, TaskError> {
    if rows.len() != predictions.len() {
        let (answers, rows) = (predictions.len(), rows.len());
        return Err(TaskError::Mismatch(format!(
            "{answers} answers for {rows} rows"
        )));
    }
    let mut total = Matches::new(&recipe.labels);
    for (row, (example, prediction)) in rows.iter().zip(predictions).enumerate() {
        let counts = score::spans::count(&recipe.labels, row, example, prediction)?;
        total.merge(&counts.exact);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Failure, Shape, SpansPrediction, Target, example::Span, prediction::FoundSpan, test_data,
    };

    /// Thirty letters: the first four are `positive`, the next two `negative`, the others nothing.
    fn row() -> Example {
        let span = |place: usize| Span {
            start: place,
            end: place + 1,
            label: label(place).into(),
        };
        Example {
            prompt: "x".repeat(30),
            target: Target::Spans((0..6).map(span).collect()),
            slice: None,
            line: 1,
        }
    }

    fn label(place: usize) -> &'static str {
        match place {
            4 | 5 => "negative",
            _ => "positive",
        }
    }

    /// A list of all letters with their odds of stopping: the first four, the wrong ones, which have
    /// the same, then the last two that are wanted.
    fn list(odds: [f64; 6], wrong: f64) -> SpansPrediction {
        let span = |place: usize| FoundSpan {
            start: place,
            end: place + 1,
            label: label(place).into(),
            probability: None,
            stop_log_odds: Some(odds.get(place).copied().unwrap_or(wrong)),
        };
        SpansPrediction {
            spans: (0..4).chain(6..30).chain([4, 5]).map(span).collect(),
            ..SpansPrediction::default()
        }
    }

    fn recipe(floor: f64, labels: &[(&str, f64)]) -> Recipe {
        let mut recipe = test_data::recipe();
        recipe.shape = Shape::Spans;
        recipe.twist.recall_floor = floor;
        let labels = labels.iter().map(|&(label, floor)| (label.into(), floor));
        recipe.twist.label_floors = labels.collect();
        recipe
    }

    fn dial(recipe: &Recipe, odds: [f64; 6], wrong: f64) -> RecallDial {
        let list = list(odds, wrong);
        let answer = |bias: &StopBias| vec![Prediction::Spans(list.stopped_at(bias))];
        RecallDial::choose(recipe, &[row()], answer).unwrap()
    }

    #[test]
    fn the_best_f2_that_reaches_the_floor() {
        let check = |floor: f64, odds: [f64; 6], wrong: f64, bias: f64, reached: bool| {
            let dial = dial(&recipe(floor, &[]), odds, wrong);
            assert_eq!((dial.bias.all, dial.reached), (bias, reached), "{odds:?}");
            assert_eq!(dial.curve.len(), BIASES.len());
            assert!(dial.curve.contains(&dial.in_force));
        };
        // All wanted letters come after the wrong ones, which the floor is worth, or not.
        check(0.9, [-1.0, -1.0, -1.0, -1.0, 0.9, 0.9], 0.9, -1.0, true);
        check(0.6, [-1.0, -1.0, -1.0, -1.0, 0.9, 0.9], 0.9, 0.0, true);
        // Of equals the least bias.
        check(1.0, [-1.0; 6], -1.0, 0.0, true);
        check(0.9, [-1.0, -1.0, -1.0, -1.0, 5.0, 5.0], 4.5, -6.0, true);
        // Without a chance the best F2, not the longest list.
        check(0.9, [-1.0, -1.0, -1.0, -1.0, 9.0, 9.0], 5.0, 0.0, false);
    }

    /// The last wanted letters come late, and with less bias than they need come all wrong ones.
    const LATE: [f64; 6] = [-1.0, -1.0, -1.0, -1.0, 1.5, 3.5];
    const WRONG: f64 = 1.2;

    #[test]
    fn a_label_goes_on_where_the_others_stop() {
        let check = |labels: &[(&str, f64)], expected: &[(&str, f64, f64, bool)]| {
            let dial = dial(&recipe(0.6, labels), LATE, WRONG);
            let found: Vec<_> = (dial.labels.iter())
                .map(|label| {
                    (
                        label.label.as_str(),
                        label.bias,
                        label.recall,
                        label.reached,
                    )
                })
                .collect();
            assert_eq!(found, expected);
            assert_eq!(dial.bias.all, 0.0);
            let lower: Vec<_> = (expected.iter())
                .filter(|label| label.1 < 0.0)
                .map(|label| (label.0.to_string(), label.1))
                .collect();
            assert_eq!(dial.bias.labels.into_iter().collect::<Vec<_>>(), lower);
        };
        check(&[("negative", 0.5)], &[("negative", -2.0, 0.5, true)]);
        check(&[("negative", 1.0)], &[("negative", -4.0, 1.0, true)]);
        check(&[("positive", 1.0)], &[("positive", 0.0, 1.0, true)]);
        // No dev row has it.
        check(&[("neutral", 1.0)], &[]);
    }

    #[test]
    fn what_is_in_force_counts_the_labels() {
        let dial = dial(&recipe(0.6, &[("negative", 1.0)]), LATE, WRONG);
        assert_eq!((dial.in_force.precision, dial.in_force.recall), (1.0, 1.0));
        assert_eq!(dial.curve.last().unwrap().recall, 4.0 / 6.0);
        assert_eq!(dial.bias.lowest(), -4.0);
    }

    #[test]
    fn a_row_without_an_answer_costs_recall() {
        let list = list([-1.0; 6], 9.0);
        let answer = |bias: &StopBias| {
            let failed = Prediction::Failed(Failure::Unended { limit: 9 });
            vec![Prediction::Spans(list.stopped_at(bias)), failed]
        };
        let recipe = recipe(0.9, &[]);
        let dial = RecallDial::choose(&recipe, &[row(), row()], answer).unwrap();
        let found = (dial.in_force.precision, dial.in_force.recall);
        assert_eq!(found, (1.0, 4.0 / 12.0));
        assert!(RecallDial::choose(&recipe, &[row()], answer).is_err());
    }
}
