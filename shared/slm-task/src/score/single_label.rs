//! Scores of one label a row.

use super::{ClassCounts, Scorer, foreign};
use crate::{
    error::TaskError,
    example::{Example, Target},
    metrics::{self, Counts, Metric},
    recipe::Recipe,
    report::{Figures, System},
};

/// A class is rare when it has at most this share of the commonest class's training rows.
const RARE: f64 = 0.1;

/// Rows and predictions as label indices.
pub(super) struct SingleLabel<'a> {
    labels: &'a [String],
    systems: &'a [System],
    gold: Vec<usize>,
    gold_labels: Vec<&'a str>,
    /// `[system][row]`
    predicted: Vec<Vec<Option<usize>>>,
    /// Counts over all rows, one a system.
    whole: Vec<Counts>,
    /// Indices of the rare classes.
    rare: Vec<usize>,
}

impl<'a> SingleLabel<'a> {
    pub(super) fn new(
        recipe: &'a Recipe,
        rows: &'a [Example],
        systems: &'a [System],
        train: Option<&ClassCounts>,
    ) -> Result<Self, TaskError> {
        let labels = &recipe.labels;
        let gold_label = |(row, example): (usize, &'a Example)| match &example.target {
            Target::Label(label) => Ok(label.as_str()),
            Target::Labels(_) | Target::Spans(_) | Target::Object(_) => Err(foreign(row, "target")),
        };
        let gold_labels: Vec<&str> = rows
            .iter()
            .enumerate()
            .map(gold_label)
            .collect::<Result<_, _>>()?;
        let gold = metrics::gold_indices(labels, &gold_labels)?;
        let predicted = systems
            .iter()
            .map(|s| metrics::predicted_indices(labels, &s.predictions))
            .collect::<Result<Vec<_>, _>>()?;
        let whole = predicted
            .iter()
            .map(|predicted| Counts::of_rows(labels.len(), &gold, predicted))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            labels,
            systems,
            rare: rare(labels, train),
            gold,
            gold_labels,
            predicted,
            whole,
        })
    }

    fn count(&self, system: usize, rows: &[usize]) -> Counts {
        let mut counts = Counts::new(self.labels.len());
        for &row in rows {
            counts.add(self.gold[row], self.predicted[system][row]);
        }
        counts
    }
}

impl Scorer for SingleLabel<'_> {
    fn metrics(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = Metric::SINGLE_LABEL.iter().map(|m| m.name()).collect();
        if !self.rare.is_empty() {
            names.push("rare_recall");
        }
        names
    }

    fn values(&self, system: usize, rows: &[usize]) -> Vec<f64> {
        let counts = self.count(system, rows);
        let value = |metric: &Metric| match metric {
            Metric::MacroF1 => {
                metrics::macro_f1_of_resample(&self.whole[system].tallies(), &counts.tallies())
            }
            Metric::Accuracy | Metric::Mcc => metric.of(&counts),
        };
        let mut values: Vec<f64> = Metric::SINGLE_LABEL.iter().map(value).collect();
        if !self.rare.is_empty() {
            values.push(counts.mean_recall(&self.rare));
        }
        values
    }

    fn on_slice(&self, system: usize, rows: &[usize]) -> Option<f64> {
        Some(self.count(system, rows).macro_f1_of_seen())
    }

    fn is_right(&self, system: usize, row: usize) -> bool {
        self.predicted[system][row] == Some(self.gold[row])
    }

    fn figures(&self, system: usize) -> Result<Figures, TaskError> {
        let predictions = &self.systems[system].predictions;
        metrics::classification(self.labels, &self.gold_labels, predictions)
            .map(Figures::SingleLabel)
    }
}

/// Labels with few training rows beside the commonest one's; none when training is not known, and
/// none without a row, which no training could have taught.
fn rare(labels: &[String], train: Option<&ClassCounts>) -> Vec<usize> {
    let rows = |label: &String| train.and_then(|train| train.get(label)).copied();
    let most = labels.iter().filter_map(rows).max().unwrap_or(0);
    let is_rare = |label: &String| rows(label).is_some_and(|n| n as f64 <= RARE * most as f64);
    (0..labels.len())
        .filter(|&label| is_rare(&labels[label]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        prediction::{LabelPrediction, Prediction},
        stats::Bootstrap,
        test_data,
    };

    fn says(label: &str) -> Prediction {
        Prediction::Label(LabelPrediction {
            label: label.into(),
            probabilities: Vec::new(),
            outside: 0.0,
        })
    }

    #[test]
    fn a_label_that_a_resample_misses_does_not_lower_macro_f1() {
        let check = |labels: [&str; 2], rows: &[&str], expected: f64| {
            let mut recipe = test_data::recipe();
            recipe.labels = labels.map(String::from).to_vec();
            let rows = test_data::examples(rows);
            let systems = [System {
                name: "tuned".into(),
                predictions: rows.iter().map(|r| says(&r.target.in_words())).collect(),
            }];
            let scorer = SingleLabel::new(&recipe, &rows, &systems, None).unwrap();
            let values = |system: usize, drawn: &[usize]| scorer.values(system, drawn);
            let bootstrap = Bootstrap::new(rows.len(), 1, 500, 0, values);
            let [low, high] = bootstrap.interval(0, 0);
            assert!(low <= expected && expected <= high, "{low} {high}");
            if expected == 1.0 {
                assert_eq!(low, 1.0, "a third of the resamples miss `b`");
            }
        };
        check(["a", "b"], &["a", "a", "a", "a", "b"], 1.0);
        // A label that no row has counts 0 in every resample, as it does on the rows themselves.
        check(["a", "c"], &["a", "a", "a", "a", "a"], 0.5);
    }

    #[test]
    fn rare_classes_have_a_tenth_of_the_commonest() {
        let labels: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let train: ClassCounts = [("a", 100), ("b", 11), ("c", 10)]
            .map(|(label, rows)| (label.to_string(), rows))
            .into();
        assert_eq!(rare(&labels, Some(&train)), [2]);
        assert_eq!(rare(&labels, None), [0usize; 0]);
    }
}
