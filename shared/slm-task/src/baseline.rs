//! What a fine-tune has to beat without any training: answers that need no model, and the base
//! model with a few worked examples.

mod patterns;

use std::collections::{BTreeMap, VecDeque};

use crate::{
    example::{Example, Target},
    prediction::{
        LabelPrediction, LabelsPrediction, ObjectPrediction, Prediction, SpansPrediction,
    },
    recipe::Recipe,
    rng::SplitMix64,
    shape::Shape,
};
use patterns::Patterns;

/// A system that answers without a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Trivial {
    /// Name in reports (`majority`).
    pub name: &'static str,
    rule: Rule,
}

/// How a trivial system answers.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Always the same.
    Fixed(Prediction),
    /// What looks like personal data of known forms.
    Patterns(Patterns),
}

impl Trivial {
    /// The trivial systems of a recipe, as its shape has them: majority class; all-no and the
    /// commonest set; no span, and patterns; always `{}`. `train` are the rows that say what is common.
    pub fn systems(train: &[Example], recipe: &Recipe) -> Vec<Self> {
        match recipe.shape {
            Shape::SingleLabel => vec![Self::majority(&majority(train, recipe))],
            Shape::MultiLabel => {
                let mut systems = vec![Self::labels("all-no", Vec::new())];
                let common = majority_set(train);
                if !common.is_empty() {
                    systems.push(Self::labels("majority-set", common));
                }
                systems
            }
            Shape::Spans => {
                let none = Prediction::Spans(SpansPrediction::default());
                let mut systems = vec![Self::fixed("none", none)];
                systems.extend(Patterns::for_labels(&recipe.labels).map(|patterns| Self {
                    name: "patterns",
                    rule: Rule::Patterns(patterns),
                }));
                systems
            }
            Shape::Structured => {
                let nothing = ObjectPrediction::fixed(serde_json::json!({}));
                vec![Self::fixed("empty", Prediction::Object(nothing))]
            }
            Shape::Grounded | Shape::ToolCall => Vec::new(),
        }
    }

    /// The system that says one label to every row.
    pub fn majority(label: &str) -> Self {
        let answer = Prediction::Label(LabelPrediction {
            label: label.to_string(),
            probabilities: Vec::new(),
            outside: 0.0,
        });
        Self::fixed("majority", answer)
    }

    fn fixed(name: &'static str, answer: Prediction) -> Self {
        let rule = Rule::Fixed(answer);
        Self { name, rule }
    }

    fn labels(name: &'static str, labels: Vec<String>) -> Self {
        let answer = Prediction::Labels(LabelsPrediction {
            labels,
            probabilities: Vec::new(),
            outside: 0.0,
        });
        Self::fixed(name, answer)
    }

    /// What it says to a row.
    pub fn answer(&self, row: &Example) -> Prediction {
        match &self.rule {
            Rule::Fixed(answer) => answer.clone(),
            Rule::Patterns(patterns) => Prediction::Spans(patterns.find(&row.prompt)),
        }
    }
}

/// The commonest label of the training rows; the first in recipe order on a tie or without rows,
/// and empty for a recipe without labels.
pub fn majority(train: &[Example], recipe: &Recipe) -> String {
    let mut best: Option<(&String, usize)> = None;
    for label in &recipe.labels {
        let count = train.iter().filter(|e| has_class(e, label)).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((label, count));
        }
    }
    best.map(|(label, _)| label.clone()).unwrap_or_default()
}

/// The commonest set of labels; of equally common ones the first in alphabetical order.
fn majority_set(train: &[Example]) -> Vec<String> {
    let mut counts: BTreeMap<&[String], usize> = BTreeMap::new();
    for row in train {
        if let Target::Labels(labels) = &row.target {
            *counts.entry(labels).or_default() += 1;
        }
    }
    let most = counts.values().copied().max();
    let first = counts.into_iter().find(|(_, n)| Some(*n) == most);
    first.map(|(labels, _)| labels.to_vec()).unwrap_or_default()
}

/// `k` worked examples for the few-shot baseline: one a class in turn, in recipe order, rows
/// without any class last, then shuffled, so that no class is favoured by its number or its place.
/// Only rows up to the median length are taken, which keeps the prompt short. Fewer than `k` when
/// the rows run out.
pub fn shots(train: &[Example], recipe: &Recipe, k: usize, seed: u64) -> Vec<Example> {
    let mut rng = SplitMix64::new(seed);
    let longest = median_length(train);
    let mut order: Vec<usize> = (0..train.len())
        .filter(|&i| train[i].prompt.len() <= longest)
        .collect();
    rng.shuffle(&mut order);
    let queue = |wanted: &dyn Fn(&Example) -> bool| -> VecDeque<usize> {
        let rows = order.iter().copied();
        rows.filter(|&i| wanted(&train[i])).collect()
    };
    let classes = classes(train, recipe);
    let mut queues: Vec<VecDeque<usize>> = classes
        .iter()
        .map(|class| queue(&|row| has_class(row, class)))
        .collect();
    queues.push(queue(&|row| row.target.classes().is_empty()));
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < k && queues.iter().any(|q| !q.is_empty()) {
        for queue in &mut queues {
            queue.retain(|row| !chosen.contains(row));
            if chosen.len() < k {
                chosen.extend(queue.pop_front());
            }
        }
    }
    rng.shuffle(&mut chosen);
    chosen.into_iter().map(|i| train[i].clone()).collect()
}

/// The recipe's labels, or the classes of its rows where it has none.
fn classes(train: &[Example], recipe: &Recipe) -> Vec<String> {
    if !recipe.labels.is_empty() {
        return recipe.labels.clone();
    }
    crate::example::class_counts(train).into_keys().collect()
}

fn has_class(example: &Example, class: &str) -> bool {
    example.target.classes().contains(&class)
}

/// Bytes of the row in the middle when rows are sorted by length; 0 without rows.
fn median_length(rows: &[Example]) -> usize {
    let mut lengths: Vec<usize> = rows.iter().map(|e| e.prompt.len()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{examples, recipe};

    #[test]
    fn majority_counts_and_breaks_ties_by_recipe_order() {
        let check = |labels: &[&str], expected: &str| {
            assert_eq!(
                majority(&examples(labels), &recipe()),
                expected,
                "{labels:?}"
            );
        };
        check(&[], "negative");
        check(&["neutral", "positive"], "neutral");
        check(&["positive", "positive", "neutral"], "positive");
    }

    #[test]
    fn shots_cover_the_labels_and_repeat_with_the_seed() {
        let mut labels = vec!["negative"; 40];
        labels.extend(["neutral"; 5]);
        labels.extend(["positive"; 5]);
        let train = examples(&labels);
        let four = shots(&train, &recipe(), 4, 0);
        assert_eq!(four.len(), 4);
        for label in &recipe().labels {
            assert!(four.iter().any(|e| has_class(e, label)), "{label}");
        }
        assert_eq!(four, shots(&train, &recipe(), 4, 0));
        assert_ne!(four, shots(&train, &recipe(), 4, 1));
        assert_eq!(shots(&train[..2], &recipe(), 4, 0).len(), 2);
        assert!(shots(&[], &recipe(), 4, 0).is_empty());
    }

    #[test]
    fn trivial_answers_to_several_labels() {
        let recipe = Recipe {
            shape: Shape::MultiLabel,
            ..recipe()
        };
        let mut train = examples(&["negative"; 3]);
        for row in &mut train {
            row.target = Target::Labels(vec!["negative".into(), "positive".into()]);
        }
        train[0].target = Target::Labels(Vec::new());
        let systems = Trivial::systems(&train, &recipe);
        let names: Vec<_> = systems.iter().map(|s| s.name).collect();
        assert_eq!(names, ["all-no", "majority-set"]);
        let labels = |i: usize| match systems[i].answer(&train[0]) {
            Prediction::Labels(p) => p.labels,
            other => panic!("{other:?}"),
        };
        assert_eq!(labels(0), Vec::<String>::new());
        assert_eq!(labels(1), ["negative", "positive"]);
        // Each worked example is shown once, the row without a label among them.
        let shown = shots(&train, &recipe, 4, 0);
        assert_eq!(shown.len(), 3);
        // Where no label is the commonest answer, it is not counted twice.
        let none = Trivial::systems(&train[..1], &recipe);
        assert_eq!(none.len(), 1);
    }
}
