//! Lists of spans, decoded under the grammar that holds them to the text.

use slm_task::{FoundSpan, Prediction, SpansPrediction, recipe::SpanOrder};

use super::{Answered, Answerer};
use crate::{
    constraint::spans::{self, FoundSpans, SpanGrammar},
    decode::Decoded,
    error::ModelError,
};

impl Answerer {
    /// Lists the spans of each input. Of a list that the limit cuts the whole spans count.
    pub(super) async fn spans(
        &mut self,
        prompts: &[Vec<u32>],
        inputs: &[&str],
        grammar: &SpanGrammar,
        limit: usize,
    ) -> Result<Vec<Answered>, ModelError> {
        let mut answered = Vec::with_capacity(prompts.len());
        for (prompt, input) in prompts.iter().zip(inputs) {
            let decoding = self.engine.decode_spans(
                prompt,
                grammar,
                input,
                self.stop_bias.lowest() as f32,
                limit,
            );
            let (found, answer) = decoding.await?;
            let found = self.prediction(input, found, &answer);
            let tokens = prompt.len() + answer.tokens.len();
            // With one bias for all labels the decoder stopped where that wants it.
            let kept = match self.stop_bias.labels.is_empty() {
                true => found,
                false => found.stopped_at(&self.stop_bias),
            };
            answered.push(Answered::open(Prediction::Spans(kept), tokens));
        }
        self.engine.rewind();
        Ok(answered)
    }

    fn prediction(&self, input: &str, found: FoundSpans, answer: &Decoded) -> SpansPrediction {
        let finite = |odds: f64| Some(odds).filter(|odds| odds.is_finite());
        let span = |span: spans::FoundSpan| FoundSpan {
            start: span.place.start,
            end: span.place.end,
            label: self.recipe.labels[span.label].clone(),
            probability: Some(span.probability),
            stop_log_odds: finite(span.stop_log_odds),
        };
        let mut spans: Vec<FoundSpan> = Vec::new();
        for found in found.spans.into_iter().map(span) {
            match self.recipe.twist.span_order {
                SpanOrder::Text => spans.push(found),
                SpanOrder::Free => place_everywhere(input, found, &mut spans),
            }
        }
        SpansPrediction {
            spans,
            stop_log_odds: found.stop_log_odds.and_then(finite),
            outside: Some(answer.mean_removed()),
            cut: !answer.ended,
        }
    }
}

/// Adds a span that was written once for its text wherever the text stands as words of its own. What
/// overlaps a span that was written earlier is left out.
fn place_everywhere(input: &str, found: FoundSpan, spans: &mut Vec<FoundSpan>) {
    let Some(text) = input.get(found.start..found.end) else {
        return;
    };
    let apart = |beside: Option<char>| beside.is_none_or(|c| !c.is_alphanumeric());
    let places = input
        .match_indices(text)
        .map(|(at, text)| (at, at + text.len()));
    let places = places.filter(|&(start, end)| {
        let is_own =
            apart(input[..start].chars().next_back()) && apart(input[end..].chars().next());
        start == found.start || is_own
    });
    for (start, end) in places {
        if spans
            .iter()
            .all(|other| end <= other.start || other.end <= start)
        {
            spans.push(FoundSpan {
                start,
                end,
                ..found.clone()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_stands_alone() {
        let check = |input: &str, first: (usize, usize), expected: &[(usize, usize)]| {
            let found = FoundSpan {
                start: first.0,
                end: first.1,
                label: "a".into(),
                probability: None,
                stop_log_odds: None,
            };
            let mut spans = vec![FoundSpan {
                start: 0,
                end: 2,
                ..found.clone()
            }];
            place_everywhere(input, found, &mut spans);
            let places: Vec<_> = spans[1..]
                .iter()
                .map(|span| (span.start, span.end))
                .collect();
            assert_eq!(places, expected, "{input}");
        };
        check("xx Ann, Annual, (Ann)", (3, 6), &[(3, 6), (17, 20)]);
        check("xx Annual, Ann", (3, 6), &[(3, 6), (11, 14)]);
        check("Ann Ann", (4, 7), &[(4, 7)]);
        check("xx é éé é", (3, 5), &[(3, 5), (11, 13)]);
    }
}
