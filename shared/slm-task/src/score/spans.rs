//! Scores of labelled spans.

use super::{Scorer, foreign};
use crate::{
    error::TaskError,
    example::{self, Example, Target},
    metrics::{
        self,
        spans::{Counts, Leak, Matches, Span, TypeMatches},
    },
    prediction::Prediction,
    recipe::Recipe,
    report::{self, Figures, System},
};

/// The headline, the metric that selects checkpoints first: micro averages over exact spans.
const METRICS: [&str; 4] = ["span_f2", "span_f1", "precision", "recall"];

/// Names whose way of counting [`Matches`] over words follow. seqeval's two conventions agree on
/// tags that are made from spans.
const CONVENTION: &str = "seqeval-1.2.2, default and strict";

/// Rows and predictions as counts.
pub(super) struct Spans<'a> {
    labels: &'a [String],
    systems: &'a [System],
    /// `[system][row]`, over exact spans of all labels.
    exact: Vec<Vec<TypeMatches>>,
    /// Whether the set of spans is the gold one, `[system][row]`.
    right: Vec<Vec<bool>>,
    /// Counts over all rows, one a system.
    whole: Vec<Counts>,
}

impl<'a> Spans<'a> {
    pub(super) fn new(
        recipe: &'a Recipe,
        rows: &[Example],
        systems: &'a [System],
    ) -> Result<Self, TaskError> {
        let mut scorer = Self {
            labels: &recipe.labels,
            systems,
            exact: Vec::new(),
            right: Vec::new(),
            whole: Vec::new(),
        };
        for system in systems {
            let mut whole = Counts::new(&recipe.labels);
            let (mut exact, mut right) = (Vec::new(), Vec::new());
            let answers = rows.iter().zip(&system.predictions);
            for (row, (example, prediction)) in answers.enumerate() {
                let counts = count(&recipe.labels, row, example, prediction)?;
                let found = counts.exact.total();
                right.push(
                    !prediction.is_failure()
                        && found.right == found.predicted
                        && found.found == found.support
                        && !is_cut(prediction),
                );
                exact.push(found);
                whole.merge(&counts);
            }
            scorer.exact.push(exact);
            scorer.right.push(right);
            scorer.whole.push(whole);
        }
        Ok(scorer)
    }

    fn total(&self, system: usize, rows: &[usize]) -> TypeMatches {
        let mut total = TypeMatches::default();
        for &row in rows {
            total.add(&self.exact[system][row]);
        }
        total
    }
}

impl Scorer for Spans<'_> {
    fn metrics(&self) -> Vec<&'static str> {
        METRICS.to_vec()
    }

    fn values(&self, system: usize, rows: &[usize]) -> Vec<f64> {
        let scores = self.total(system, rows).scores();
        vec![scores.f2, scores.f1, scores.precision, scores.recall]
    }

    fn on_slice(&self, system: usize, rows: &[usize]) -> Option<f64> {
        let total = self.total(system, rows);
        // Without a wanted span there is no recall, and F2 would be 0 for one wrong span as for many.
        (total.support > 0).then(|| total.scores().f2)
    }

    fn is_right(&self, system: usize, row: usize) -> bool {
        self.right[system][row]
    }

    fn figures(&self, system: usize) -> Result<Figures, TaskError> {
        let predictions = &self.systems[system].predictions;
        Ok(Figures::Spans(figures(
            self.labels,
            &self.whole[system],
            predictions,
        )))
    }
}

/// The counts of one row.
///
/// # Errors
/// [`TaskError::Mismatch`] for another shape, a label that the recipe lacks, and bounds that are not
/// in the text.
pub(crate) fn count(
    labels: &[String],
    row: usize,
    example: &Example,
    prediction: &Prediction,
) -> Result<Counts, TaskError> {
    let index = |label: &str, start: usize, end: usize, what: &str| {
        let label = crate::metrics::index(labels, label, row, what)?;
        Ok::<_, TaskError>(Span { start, end, label })
    };
    let Target::Spans(gold) = &example.target else {
        return Err(foreign(row, "target"));
    };
    let gold = (gold.iter())
        .map(|span: &example::Span| index(&span.label, span.start, span.end, "gold"))
        .collect::<Result<Vec<_>, _>>()?;
    let predicted = match prediction {
        Prediction::Failed(_) => None,
        Prediction::Label(_) | Prediction::Labels(_) | Prediction::Object(_) => {
            return Err(foreign(row, "prediction"));
        }
        Prediction::Spans(p) => Some(
            (p.spans.iter())
                .map(|span| index(&span.label, span.start, span.end, "predicted"))
                .collect::<Result<Vec<_>, _>>()?,
        ),
    };
    let mut counts = Counts::new(labels);
    counts.add_row(row as u64, &example.prompt, &gold, predicted.as_deref())?;
    Ok(counts)
}

fn is_cut(prediction: &Prediction) -> bool {
    matches!(prediction, Prediction::Spans(found) if found.cut)
}

fn figures(labels: &[String], counts: &Counts, predictions: &[Prediction]) -> report::Spans {
    let outside = metrics::mean(
        predictions
            .iter()
            .filter_map(|prediction| match prediction {
                Prediction::Spans(p) => p.outside,
                _ => None,
            }),
    );
    let leak = |leak: &Leak| report::LeakMetrics {
        characters: leak.characters,
        leaked: leak.leaked,
        share: leak.share(),
    };
    report::Spans {
        convention: CONVENTION.to_string(),
        entities: view(labels, &counts.entities),
        exact: view(labels, &counts.exact),
        overlap: view(labels, &counts.overlap),
        leak: leak(&counts.leak),
        leaks: counts.leaks.iter().map(leak).collect(),
        outside,
        cut: predictions.iter().filter(|answer| is_cut(answer)).count() as u64,
    }
}

fn view(labels: &[String], matches: &Matches) -> report::SpanView {
    let one = |(label, matches): (&String, &TypeMatches)| {
        let scores = matches.scores();
        report::SpanMetrics {
            label: label.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            f2: scores.f2,
            support: matches.support,
            predicted: matches.predicted,
        }
    };
    let average = matches.micro_average();
    let macro_average = matches.macro_average();
    // Without a span, gold or found, there is nothing to average.
    let defined = |value: f64| if value.is_nan() { 0.0 } else { value };
    report::SpanView {
        per_type: labels.iter().zip(matches.types()).map(one).collect(),
        micro: report::SpanAverage {
            precision: average.precision,
            recall: average.recall,
            f1: average.f1,
            f2: average.f2,
        },
        macro_average: report::SpanAverage {
            precision: defined(macro_average.precision),
            recall: defined(macro_average.recall),
            f1: defined(macro_average.f1),
            f2: defined(macro_average.f2),
        },
    }
}
