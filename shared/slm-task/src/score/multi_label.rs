//! Scores of any number of labels a row.

use super::{Scorer, foreign};
use crate::{
    error::TaskError,
    example::{Example, Target},
    metrics::{self, ZeroDivision, multi_label::Counts},
    prediction::Prediction,
    recipe::Recipe,
    report::{Figures, System},
};

/// The headline, the metric that selects checkpoints first.
const METRICS: [&str; 3] = ["macro_f1", "micro_f1", "subset_accuracy"];

/// Rows and predictions as sets of label indices.
pub(super) struct MultiLabel<'a> {
    labels: &'a [String],
    gold: Vec<Vec<usize>>,
    /// `[system][row]`
    predicted: Vec<Vec<Option<Vec<usize>>>>,
    systems: &'a [System],
    /// Counts over all rows, one a system.
    whole: Vec<Counts>,
}

impl<'a> MultiLabel<'a> {
    pub(super) fn new(
        recipe: &'a Recipe,
        rows: &[Example],
        systems: &'a [System],
    ) -> Result<Self, TaskError> {
        let labels = &recipe.labels;
        let gold: Vec<Vec<usize>> = rows
            .iter()
            .enumerate()
            .map(|(row, example)| match &example.target {
                Target::Labels(gold) => indices(labels, gold, row, "gold"),
                Target::Label(_) | Target::Spans(_) | Target::Object(_) => {
                    Err(foreign(row, "target"))
                }
            })
            .collect::<Result<_, _>>()?;
        let predicted = systems
            .iter()
            .map(|system| predicted(labels, &system.predictions))
            .collect::<Result<Vec<_>, _>>()?;
        let whole = predicted
            .iter()
            .map(|sets| Counts::of_rows(labels.len(), &borrowed(&gold), &optional(sets)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            labels,
            gold,
            predicted,
            systems,
            whole,
        })
    }

    fn count(&self, system: usize, rows: &[usize]) -> Counts {
        let mut counts = Counts::new(self.labels.len());
        for &row in rows {
            let predicted = self.predicted[system][row].as_deref();
            // Every index was found in the recipe's labels.
            let _ = counts.add(&self.gold[row], predicted);
        }
        counts
    }
}

impl Scorer for MultiLabel<'_> {
    fn metrics(&self) -> Vec<&'static str> {
        METRICS.to_vec()
    }

    fn values(&self, system: usize, rows: &[usize]) -> Vec<f64> {
        let counts = self.count(system, rows);
        vec![
            metrics::macro_f1_of_resample(self.whole[system].labels(), counts.labels()),
            counts.micro_average(ZeroDivision::Zero).f1,
            counts.subset_accuracy(),
        ]
    }

    fn on_slice(&self, system: usize, rows: &[usize]) -> Option<f64> {
        let counts = self.count(system, rows);
        // Without a wanted label every F1 is 0, for one wrong label as for many.
        if counts.labels().iter().all(|label| label.support == 0) {
            return None;
        }
        // Every label that occurs has a defined F1, so NaN marks exactly the others.
        let scores = counts.per_label(ZeroDivision::Nan);
        let seen: Vec<f64> = scores
            .iter()
            .map(|s| s.f1)
            .filter(|f1| !f1.is_nan())
            .collect();
        Some(seen.iter().sum::<f64>() / seen.len() as f64)
    }

    fn is_right(&self, system: usize, row: usize) -> bool {
        self.predicted[system][row].as_ref() == Some(&self.gold[row])
    }

    fn figures(&self, system: usize) -> Result<Figures, TaskError> {
        let predictions = &self.systems[system].predictions;
        let figures = metrics::multi_label_figures(self.labels, &self.whole[system], predictions);
        Ok(Figures::MultiLabel(figures))
    }
}

fn predicted(
    labels: &[String],
    predictions: &[Prediction],
) -> Result<Vec<Option<Vec<usize>>>, TaskError> {
    let one = |(row, prediction): (usize, &Prediction)| match prediction {
        Prediction::Failed(_) => Ok(None),
        Prediction::Label(_) | Prediction::Spans(_) | Prediction::Object(_) => {
            Err(foreign(row, "prediction"))
        }
        Prediction::Labels(p) => {
            let valid = |p: &f64| (0.0..=1.0).contains(p);
            let n = p.probabilities.len();
            if n != 0 && n != labels.len() || !p.probabilities.iter().all(valid) {
                let row = row + 1;
                let message = format!(
                    "row {row}: {n} probabilities for {} labels, or one that is not between 0 and 1",
                    labels.len()
                );
                return Err(TaskError::Mismatch(message));
            }
            indices(labels, &p.labels, row, "predicted").map(Some)
        }
    };
    predictions.iter().enumerate().map(one).collect()
}

/// Indices of a row's labels.
fn indices(
    labels: &[String],
    set: &[String],
    row: usize,
    what: &str,
) -> Result<Vec<usize>, TaskError> {
    set.iter()
        .map(|label| metrics::index(labels, label, row, what))
        .collect()
}

fn borrowed(sets: &[Vec<usize>]) -> Vec<&[usize]> {
    sets.iter().map(Vec::as_slice).collect()
}

fn optional(sets: &[Option<Vec<usize>>]) -> Vec<Option<&[usize]>> {
    sets.iter().map(Option::as_deref).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{prediction::LabelsPrediction, shape::Shape, test_data};

    #[test]
    fn a_slice_is_scored_only_where_a_label_is_wanted() {
        let mut recipe = test_data::recipe();
        recipe.shape = Shape::MultiLabel;
        recipe.labels = ["a", "b"].map(String::from).to_vec();
        let set = |labels: &str| labels.chars().map(String::from).collect::<Vec<_>>();
        let rows = [("", ""), ("", "b"), ("a", "a"), ("a", "b"), ("b", "")];
        let examples: Vec<Example> = (test_data::examples(&[""; 5]).into_iter().zip(rows))
            .map(|(example, (gold, _))| Example {
                target: Target::Labels(set(gold)),
                ..example
            })
            .collect();
        let answer = |(_, predicted): (&str, &str)| {
            Prediction::Labels(LabelsPrediction {
                labels: set(predicted),
                probabilities: Vec::new(),
                outside: 0.0,
            })
        };
        let systems = [System {
            name: "tuned".into(),
            predictions: rows.map(answer).to_vec(),
        }];
        let scorer = MultiLabel::new(&recipe, &examples, &systems).unwrap();
        for (rows, score) in [
            (&[0][..], None),
            (&[0, 1], None),
            (&[0, 2], Some(1.0)),
            // `a` is right, `b` was not wanted.
            (&[1, 2], Some(0.5)),
            (&[4], Some(0.0)),
        ] {
            assert_eq!(scorer.on_slice(0, rows), score, "{rows:?}");
        }
    }
}
