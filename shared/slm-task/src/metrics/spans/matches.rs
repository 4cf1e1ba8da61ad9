//! How many entities of each type were found, and the scores that follow, with seqeval 1.2.2's
//! formulas and order of summation. It must not know when two entities match.

use super::super::{
    sums::{nan_mean, nan_weighted_mean},
    tally::share,
};

/// Entities of one type. `found` and `right` differ only where one entity may match several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeMatches {
    /// Gold entities.
    pub support: u64,
    /// Gold entities that a predicted one matches.
    pub found: u64,
    /// Predicted entities.
    pub predicted: u64,
    /// Predicted entities that match a gold one.
    pub right: u64,
}

/// Precision, recall and their F-scores; undefined ratios count 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntityScores {
    /// right / predicted.
    pub precision: f64,
    /// found / support.
    pub recall: f64,
    /// 2 P R / (P + R).
    pub f1: f64,
    /// 5 P R / (4 P + R): recall counts twice as much as precision.
    pub f2: f64,
    /// Gold entities.
    pub support: u64,
}

impl TypeMatches {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.support += other.support;
        self.found += other.found;
        self.predicted += other.predicted;
        self.right += other.right;
    }

    /// Scores from these counts alone.
    pub fn scores(&self) -> EntityScores {
        let precision = share(self.right, self.predicted);
        let recall = share(self.found, self.support);
        EntityScores {
            precision,
            recall,
            f1: f_score(precision, recall, 1.0),
            f2: f_score(precision, recall, 4.0),
            support: self.support,
        }
    }

    fn occurs(&self) -> bool {
        self.support + self.predicted > 0
    }
}

/// Matches of every type. Averages run over the types that occur, gold or predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    types: Vec<TypeMatches>,
    /// Type indices by name: the order in which seqeval adds up.
    order: Vec<usize>,
}

impl Matches {
    /// Nothing yet, over types of these names.
    pub fn new<S: AsRef<str>>(labels: &[S]) -> Self {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by_key(|label| labels[*label].as_ref());
        Self {
            types: vec![TypeMatches::default(); labels.len()],
            order,
        }
    }

    /// Counts the entities of one row, each a type's index and a place (its boundaries, in any unit,
    /// that tell entities of the row apart), equal ones once. A predicted and a gold entity of one
    /// type match if `matching` says so of their places, gold first.
    pub(super) fn add<P: Ord + Copy>(
        &mut self,
        gold: &[(usize, P)],
        predicted: &[(usize, P)],
        matching: impl Fn(P, P) -> bool,
    ) {
        let (gold, predicted) = (set(gold), set(predicted));
        for (label, place) in &gold {
            let found = predicted
                .iter()
                .any(|(other, theirs)| other == label && matching(*place, *theirs));
            self.types[*label].support += 1;
            self.types[*label].found += u64::from(found);
        }
        for (label, place) in &predicted {
            let right = gold
                .iter()
                .any(|(other, theirs)| other == label && matching(*theirs, *place));
            self.types[*label].predicted += 1;
            self.types[*label].right += u64::from(right);
        }
    }

    /// Adds the counts of `other`, which is over the same types.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.types.iter_mut().zip(&other.types) {
            ours.add(theirs);
        }
    }

    /// Counts of each type, in the order of the labels.
    pub fn types(&self) -> &[TypeMatches] {
        &self.types
    }

    /// All types' counts together.
    pub fn total(&self) -> TypeMatches {
        let mut total = TypeMatches::default();
        for one in &self.types {
            total.add(one);
        }
        total
    }

    /// Scores of all types' counts together.
    pub fn micro_average(&self) -> EntityScores {
        self.total().scores()
    }

    /// Unweighted means over the types that occur; NaN when none does, as seqeval has it.
    pub fn macro_average(&self) -> EntityScores {
        self.averaged(|values, _| nan_mean(values))
    }

    /// Means over the types that occur, weighted by support; 0 without gold entities.
    pub fn weighted_average(&self) -> EntityScores {
        self.averaged(|values, weights| {
            if weights.iter().all(|w| *w == 0.0) {
                0.0
            } else {
                nan_weighted_mean(values, weights)
            }
        })
    }

    fn averaged(&self, mean: impl Fn(&[f64], &[f64]) -> f64) -> EntityScores {
        let occurring = self.order.iter().map(|label| &self.types[*label]);
        let scores: Vec<EntityScores> = occurring
            .filter(|t| t.occurs())
            .map(TypeMatches::scores)
            .collect();
        let weights: Vec<f64> = scores.iter().map(|s| s.support as f64).collect();
        let of = |pick: fn(&EntityScores) -> f64| {
            mean(&scores.iter().map(pick).collect::<Vec<_>>(), &weights)
        };
        EntityScores {
            precision: of(|s| s.precision),
            recall: of(|s| s.recall),
            f1: of(|s| s.f1),
            f2: of(|s| s.f2),
            support: scores.iter().map(|s| s.support).sum(),
        }
    }
}

fn set<P: Ord + Copy>(entities: &[(usize, P)]) -> Vec<(usize, P)> {
    let mut set = entities.to_vec();
    set.sort_unstable();
    set.dedup();
    set
}

/// seqeval's F-score from precision and recall, its operations in its order.
fn f_score(precision: f64, recall: f64, beta_squared: f64) -> f64 {
    let denominator = beta_squared * precision + recall;
    if denominator == 0.0 {
        0.0
    } else {
        (1.0 + beta_squared) * precision * recall / denominator
    }
}
