//! A confidence threshold in front of a single-label recipe: below it the fallback answers (a
//! person, most often). Chosen on the dev rows for a stated goal, kept with the bundle, reported
//! beside the headline, which is always before routing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::TaskError,
    example::{Example, Target},
    prediction::Prediction,
    recall::{RecallDial, StopBias},
    recipe::{Recipe, Routing},
};

/// Steps between the thresholds that are tried, 0 and 1 among them.
const STEPS: usize = 100;

/// What was set on the dev rows after training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Dials {
    /// The threshold of a recipe that routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Threshold>,
    /// The bias against stopping of a recipe with a floor for recall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<RecallDial>,
}

impl Dials {
    /// Nats to add to the logit of stopping a list of spans; 0 without a dial.
    pub fn stop_bias(&self) -> StopBias {
        let dial = self.recall.as_ref();
        dial.map(|dial| dial.bias.clone()).unwrap_or_default()
    }

    /// Sets the routing dial, if the recipe has it, from what the tuned model answered to the dev
    /// rows.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for rows or predictions of another shape or number.
    pub fn set(
        recipe: &Recipe,
        dev: &[Example],
        predictions: &[Prediction],
    ) -> Result<Self, TaskError> {
        let routing = recipe
            .routing
            .is_on()
            .then(|| Threshold::choose(recipe, dev, predictions))
            .transpose()?;
        let recall = None;
        Ok(Self { routing, recall })
    }
}

/// A chosen threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Answers less probable than this go to the fallback.
    pub value: f64,
    /// Dev rows that it was chosen on.
    pub dev_rows: usize,
    /// Whether the goal was reached on them.
    pub reached: bool,
}

/// What routing does to a system's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoutingReport {
    /// The label or name of what answers instead.
    pub fallback: String,
    /// The goal, in words.
    pub goal: String,
    /// The threshold in force.
    pub threshold: Threshold,
    /// At that threshold.
    pub at: RoutingPoint,
    /// At every threshold tried, ascending.
    pub curve: Vec<RoutingPoint>,
    /// Routed rows of each gold label, in recipe order: `(label, rows, routed)`.
    pub by_label: Vec<(String, usize, usize)>,
}

/// Shares at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RoutingPoint {
    /// The threshold.
    pub threshold: f64,
    /// Share of rows that the model answers itself.
    pub coverage: f64,
    /// Share of wrong answers among these; 0 when there are none.
    pub risk: f64,
    /// Mean cost a row, by the recipe's costs.
    pub cost: f64,
}

/// One row as routing sees it.
struct Routed<'a> {
    gold: &'a str,
    /// None for what goes to the fallback at any threshold: no answer, or the fallback's own label.
    confidence: Option<f64>,
    is_right: bool,
}

impl Threshold {
    /// The threshold that meets the recipe's goal on dev rows: the lowest whose answers are as
    /// accurate as wanted, or the one with the least cost (the lowest of equals).
    fn choose(
        recipe: &Recipe,
        dev: &[Example],
        predictions: &[Prediction],
    ) -> Result<Self, TaskError> {
        let rows = routed(recipe, dev, predictions)?;
        let curve = curve(&rows, &recipe.routing);
        let cheapest = |a: &RoutingPoint, b: &RoutingPoint| a.cost.total_cmp(&b.cost);
        let chosen = match recipe.routing.has_costs() {
            true => curve.iter().min_by(|a, b| cheapest(a, b)),
            false => curve.iter().find(|p| p.meets(&recipe.routing)),
        };
        // Where no answers are good enough, none are given.
        let last = curve.last();
        let point = chosen.or(last).copied().ok_or_else(|| {
            TaskError::Mismatch("no dev rows to set the routing threshold on".into())
        })?;
        Ok(Self {
            value: point.threshold,
            dev_rows: dev.len(),
            reached: chosen.is_some(),
        })
    }

    /// Whether an answer goes to the fallback instead.
    pub fn routes(&self, prediction: &Prediction, fallback: &str) -> bool {
        prediction.label().is_none_or(|label| label == fallback)
            || prediction.confidence().is_none_or(|c| c < self.value)
    }

    /// What routing does to answers.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for rows or predictions of another shape or number.
    pub fn report(
        &self,
        recipe: &Recipe,
        examples: &[Example],
        predictions: &[Prediction],
    ) -> Result<RoutingReport, TaskError> {
        let rows = routed(recipe, examples, predictions)?;
        let mut by_label: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for row in &rows {
            let (all, routed) = by_label.entry(row.gold).or_default();
            *all += 1;
            *routed += usize::from(!row.is_answered(self.value));
        }
        let counts = |label: &String| {
            let (all, routed) = by_label.get(label.as_str()).copied().unwrap_or_default();
            (label.clone(), all, routed)
        };
        Ok(RoutingReport {
            fallback: recipe.routing.fallback.clone(),
            goal: recipe.routing.goal(),
            threshold: self.clone(),
            at: point(&rows, &recipe.routing, self.value),
            curve: curve(&rows, &recipe.routing),
            by_label: recipe.labels.iter().map(counts).collect(),
        })
    }
}

impl RoutingPoint {
    fn meets(&self, routing: &Routing) -> bool {
        self.coverage > 0.0 && 1.0 - self.risk >= routing.accuracy
    }
}

impl Routed<'_> {
    fn is_answered(&self, threshold: f64) -> bool {
        self.confidence.is_some_and(|c| c >= threshold)
    }
}

fn routed<'a>(
    recipe: &Recipe,
    examples: &'a [Example],
    predictions: &[Prediction],
) -> Result<Vec<Routed<'a>>, TaskError> {
    if examples.len() != predictions.len() {
        let (rows, answers) = (examples.len(), predictions.len());
        return Err(TaskError::Mismatch(format!(
            "{answers} answers for {rows} rows"
        )));
    }
    let one = |(example, prediction): (&'a Example, &Prediction)| {
        let Target::Label(gold) = &example.target else {
            return Err(TaskError::Mismatch(
                "routing is for single-label rows".into(),
            ));
        };
        let own = prediction.label().filter(|l| *l != recipe.routing.fallback);
        Ok(Routed {
            gold,
            confidence: own.and_then(|_| prediction.confidence()),
            is_right: own == Some(gold.as_str()),
        })
    };
    examples.iter().zip(predictions).map(one).collect()
}

fn curve(rows: &[Routed<'_>], routing: &Routing) -> Vec<RoutingPoint> {
    if rows.is_empty() {
        return Vec::new();
    }
    let threshold = |step: usize| step as f64 / STEPS as f64;
    (0..=STEPS)
        .map(|step| point(rows, routing, threshold(step)))
        .collect()
}

fn point(rows: &[Routed<'_>], routing: &Routing, threshold: f64) -> RoutingPoint {
    let answered = rows.iter().filter(|row| row.is_answered(threshold));
    let (mut count, mut wrong) = (0usize, 0usize);
    for row in answered {
        count += 1;
        wrong += usize::from(!row.is_right);
    }
    let all = rows.len().max(1) as f64;
    let cost = routing.cost_wrong * wrong as f64 + routing.cost_human * (rows.len() - count) as f64;
    RoutingPoint {
        threshold,
        coverage: count as f64 / all,
        risk: wrong as f64 / count.max(1) as f64,
        cost: cost / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prediction::LabelPrediction, test_data};

    /// Rows as `(gold, answer, confidence)` over `negative`, `neutral` (the fallback), `positive`.
    fn rows(rows: &[(&str, &str, f64)]) -> (Vec<Example>, Vec<Prediction>) {
        let gold: Vec<&str> = rows.iter().map(|row| row.0).collect();
        let answer = |(_, label, confidence): &(&str, &str, f64)| {
            Prediction::Label(LabelPrediction {
                label: label.to_string(),
                probabilities: vec![*confidence, 0.0, 1.0 - confidence],
                outside: 0.0,
            })
        };
        (
            test_data::examples(&gold),
            rows.iter().map(answer).collect(),
        )
    }

    fn recipe(accuracy: f64, costs: [f64; 2]) -> Recipe {
        let mut recipe = test_data::recipe();
        recipe.routing = Routing {
            fallback: "neutral".into(),
            accuracy,
            cost_wrong: costs[0],
            cost_human: costs[1],
        };
        recipe
    }

    const ROWS: [(&str, &str, f64); 5] = [
        ("positive", "positive", 0.955),
        ("negative", "negative", 0.905),
        ("positive", "negative", 0.805),
        ("negative", "negative", 0.705),
        ("negative", "neutral", 0.99),
    ];

    #[test]
    fn the_lowest_threshold_that_meets_the_goal() {
        let check = |accuracy, costs, expected: f64, reached| {
            let recipe = recipe(accuracy, costs);
            let (examples, predictions) = rows(&ROWS);
            let dials = Dials::set(&recipe, &examples, &predictions).unwrap();
            let threshold = dials.routing.unwrap();
            assert_eq!((threshold.value, threshold.reached), (expected, reached));
        };
        check(0.7, [0.0, 0.0], 0.0, true);
        check(0.95, [0.0, 0.0], 0.81, true);
        // A wrong answer is cheap: answer everything; dear: only what is right.
        check(0.95, [1.0, 1.0], 0.0, true);
        check(0.95, [9.0, 1.0], 0.81, true);
        let (examples, predictions) = rows(&[("positive", "negative", 0.9)]);
        let dials = Dials::set(&recipe(0.9, [0.0, 0.0]), &examples, &predictions).unwrap();
        let threshold = dials.routing.unwrap();
        assert_eq!((threshold.value, threshold.reached), (1.0, false));
    }

    #[test]
    fn a_report_counts_what_is_routed() {
        let recipe = recipe(0.95, [5.0, 1.0]);
        let (examples, predictions) = rows(&ROWS);
        let threshold = Threshold {
            value: 0.9,
            dev_rows: 5,
            reached: true,
        };
        let report = threshold.report(&recipe, &examples, &predictions).unwrap();
        assert_eq!(report.at.coverage, 0.4);
        assert_eq!((report.at.risk, report.at.cost), (0.0, 0.6));
        assert_eq!(report.curve.len(), 101);
        assert_eq!(
            report.curve[0].coverage, 0.8,
            "the fallback's label is routed"
        );
        assert_eq!(report.curve[0].risk, 0.25);
        let routed: Vec<(usize, usize)> = report.by_label.iter().map(|l| (l.1, l.2)).collect();
        assert_eq!(routed, [(3, 2), (0, 0), (2, 1)]);
        let routes: Vec<bool> = predictions
            .iter()
            .map(|p| threshold.routes(p, "neutral"))
            .collect();
        assert_eq!(routes, [false, false, true, true, true]);
    }

    #[test]
    fn a_recipe_without_a_fallback_has_no_threshold() {
        let (examples, predictions) = rows(&ROWS);
        let dials = Dials::set(&test_data::recipe(), &examples, &predictions).unwrap();
        assert_eq!(dials, Dials::default());
    }
}
