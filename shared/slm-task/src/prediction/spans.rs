//! Spans that a model found, and what another bias against stopping would have found.

use serde::{Deserialize, Serialize};

use crate::recall::StopBias;

/// A labelled part of the text, as a model or a rule found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundSpan {
    /// First byte.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
    /// Its label.
    pub label: String,
    /// Probability of writing it after what stands before it, the decision against stopping
    /// included. Absent for a system without probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Log-odds, in nats and without bias, of stopping instead of writing it. Absent where stopping
    /// was no choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_log_odds: Option<f64>,
}

/// The spans of one row, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpansPrediction {
    /// The spans; none overlaps another.
    pub spans: Vec<FoundSpan>,
    /// Log-odds, in nats and without bias, of stopping after the last span. Absent where nothing
    /// else was possible, and for a system without probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_log_odds: Option<f64>,
    /// Mean over the choices of the probability of what the grammar does not allow. Absent for a
    /// system without probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<f64>,
    /// Whether the limit of tokens came before the list ended. Its whole spans count all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl SpansPrediction {
    /// What would have been found with a higher bias than the list was written with: the bias decides
    /// nothing but where the list stops. Beyond that place, spans of labels with a bias of their own
    /// are kept where that one would have gone on.
    #[must_use]
    pub fn stopped_at(&self, bias: &StopBias) -> Self {
        let stops =
            |span: &FoundSpan, nats: f64| span.stop_log_odds.is_some_and(|odds| odds + nats > 0.0);
        let Some(place) = (self.spans.iter()).position(|span| stops(span, bias.all)) else {
            let ends = self.stop_log_odds.is_some_and(|odds| odds + bias.all > 0.0);
            return Self {
                cut: self.cut && !ends,
                ..self.clone()
            };
        };
        let (before, beyond) = self.spans.split_at(place);
        let is_kept = |span: &&FoundSpan| {
            let own = bias.labels.get(&span.label);
            own.is_some_and(|&nats| !stops(span, nats))
        };
        Self {
            spans: before
                .iter()
                .chain(beyond.iter().filter(is_kept))
                .cloned()
                .collect(),
            stop_log_odds: beyond[0].stop_log_odds,
            outside: self.outside,
            cut: false,
        }
    }

    /// Probability of the answer as a whole: of each span, and of stopping rather than going on
    /// after the last. `None` for a system without probabilities.
    pub fn probability(&self) -> Option<f64> {
        self.outside?;
        let stop = self
            .stop_log_odds
            .map_or(1.0, |odds| 1.0 / (1.0 + libm::exp(-odds)));
        let spans = self
            .spans
            .iter()
            .map(|span| span.probability.unwrap_or(1.0));
        Some(spans.fold(stop, |all, one| all * one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(odds: &[f64], last: Option<f64>) -> SpansPrediction {
        let span = |(place, &odds): (usize, &f64)| FoundSpan {
            start: place,
            end: place + 1,
            label: "a".into(),
            probability: Some(0.5),
            stop_log_odds: Some(odds),
        };
        SpansPrediction {
            spans: odds.iter().enumerate().map(span).collect(),
            stop_log_odds: last,
            outside: Some(0.0),
            cut: false,
        }
    }

    #[test]
    fn a_higher_bias_stops_earlier() {
        let check = |bias: f64, spans: usize, odds: f64| {
            let cut = found(&[-5.0, 1.5, -0.5], Some(2.0)).stopped_at(&StopBias::of(bias));
            assert_eq!((cut.spans.len(), cut.stop_log_odds), (spans, Some(odds)));
        };
        check(-2.0, 3, 2.0);
        check(-1.5, 3, 2.0);
        check(-1.0, 1, 1.5);
        check(9.0, 0, -5.0);
    }

    #[test]
    fn a_cut_list_is_whole_where_it_would_have_stopped() {
        let list = SpansPrediction {
            cut: true,
            ..found(&[-5.0, 1.5], Some(2.0))
        };
        let check = |bias: f64, cut: bool| {
            assert_eq!(list.stopped_at(&StopBias::of(bias)).cut, cut);
        };
        check(-3.0, true);
        check(-1.75, false);
        check(0.0, false);
    }

    #[test]
    fn a_label_with_a_bias_of_its_own_is_kept_beyond_the_stop() {
        let mut list = found(&[-5.0, 1.5, 0.5, 2.5], Some(2.0));
        list.spans[1].label = "b".into();
        list.spans[3].label = "b".into();
        let check = |nats: f64, starts: &[usize]| {
            let mut bias = StopBias::of(0.0);
            bias.labels.insert("b".into(), nats);
            let kept = list.stopped_at(&bias);
            let found: Vec<usize> = kept.spans.iter().map(|span| span.start).collect();
            assert_eq!(found, starts);
            assert_eq!(kept.stop_log_odds, Some(1.5));
        };
        check(-1.0, &[0]);
        check(-1.5, &[0, 1]);
        check(-9.0, &[0, 1, 3]);
    }

    #[test]
    fn the_whole_is_as_probable_as_its_parts_together() {
        let check = |prediction: SpansPrediction, expected: Option<f64>| {
            assert_eq!(prediction.probability(), expected);
        };
        check(found(&[], Some(0.0)), Some(0.5));
        check(found(&[-1.0, -1.0], None), Some(0.25));
        check(found(&[-1.0], Some(0.0)), Some(0.25));
        check(SpansPrediction::default(), None);
    }
}
