//! What a fine-tune has to beat without any training: the majority class, and the base model with
//! a few worked examples.

use std::collections::VecDeque;

use crate::{
    example::{Example, Target},
    prediction::{LabelPrediction, Prediction},
    recipe::Recipe,
    rng::SplitMix64,
};

/// The commonest label of the training rows; the first in recipe order on a tie or without rows,
/// and empty for a recipe without labels.
pub fn majority(train: &[Example], recipe: &Recipe) -> String {
    let mut best: Option<(&String, usize)> = None;
    for label in &recipe.labels {
        let count = train.iter().filter(|e| has_label(e, label)).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((label, count));
        }
    }
    best.map(|(label, _)| label.clone()).unwrap_or_default()
}

/// What the majority-class system says to every row: a label without probabilities.
pub fn majority_prediction(label: &str) -> Prediction {
    Prediction::Label(LabelPrediction {
        label: label.to_string(),
        probabilities: Vec::new(),
        outside: 0.0,
    })
}

/// `k` worked examples for the few-shot baseline: one a label in turn, in recipe order, then
/// shuffled, so that no label is favoured by its number or its place. Only rows up to the median
/// length are taken, which keeps the prompt short. Fewer than `k` when the rows run out.
pub fn shots(train: &[Example], recipe: &Recipe, k: usize, seed: u64) -> Vec<Example> {
    let mut rng = SplitMix64::new(seed);
    let longest = median_length(train);
    let mut order: Vec<usize> = (0..train.len())
        .filter(|&i| train[i].prompt.len() <= longest)
        .collect();
    rng.shuffle(&mut order);
    let mut queues: Vec<VecDeque<usize>> = recipe
        .labels
        .iter()
        .map(|label| {
            let rows = order.iter().copied();
            rows.filter(|&i| has_label(&train[i], label)).collect()
        })
        .collect();
    let mut chosen = Vec::new();
    while chosen.len() < k && queues.iter().any(|q| !q.is_empty()) {
        for queue in &mut queues {
            if chosen.len() < k {
                chosen.extend(queue.pop_front());
            }
        }
    }
    rng.shuffle(&mut chosen);
    chosen.into_iter().map(|i| train[i].clone()).collect()
}

fn has_label(example: &Example, label: &str) -> bool {
    match &example.target {
        Target::Label(gold) => gold == label,
    }
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
            assert!(four.iter().any(|e| has_label(e, label)), "{label}");
        }
        assert_eq!(four, shots(&train, &recipe(), 4, 0));
        assert_ne!(four, shots(&train, &recipe(), 4, 1));
        assert_eq!(shots(&train[..2], &recipe(), 4, 0).len(), 2);
        assert!(shots(&[], &recipe(), 4, 0).is_empty());
    }
}
