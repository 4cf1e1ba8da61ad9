//! What may come next in a list of spans, given what was written.
//!
//! While a text is written, its possible beginnings in the input are kept; the vocabulary's tree of
//! bytes is walked along the input from each of them, so a step costs a few lookups a beginning.

use std::ops::Range;

use slm_task::prompt::SpanPart as Part;

use super::{FoundSpan, FoundSpans, SpanGrammar, SpanOrder, align::Alignment, source::Source};
use crate::{
    constraint::{Constraint, TokenSet},
    decode::Decoded,
    error::ModelError,
};

/// Holds an answer to a list of spans of one input.
pub struct SpanConstraint<'a> {
    grammar: &'a SpanGrammar,
    source: Source,
    input: &'a str,
    stop_bias: f32,
    alignment: Alignment<'a>,
    /// Label and escaped text of what may not be written again.
    taken: Vec<(usize, Vec<u8>)>,
    state: State,
    /// Tokens of the whole answer so far.
    written: usize,
    /// Label of the span that is being written.
    label: usize,
    /// Place among the tokens of the decision to write it.
    begin: usize,
    /// Place among the tokens of the decision to stop.
    stopped: Option<usize>,
    /// The span whose end is being written.
    closing: Option<Draft>,
    spans: Vec<Draft>,
}

/// Where in the answer the next token stands.
enum State {
    /// In a fixed part, or in several that begin alike, after `written` of its tokens.
    Fixed { parts: Vec<Part>, written: usize },
    /// In a label, one of those that begin alike, after `written` of its tokens.
    Label { labels: Vec<usize>, written: usize },
    /// In a text, which stands at each of `starts` and has `length` bytes so far.
    Text { starts: Vec<usize>, length: usize },
    /// After the end-of-turn token.
    Over,
}

/// A span with the tokens that it was written with.
struct Draft {
    label: usize,
    place: Range<usize>,
    /// From the decision against stopping to the end of the text.
    tokens: Range<usize>,
}

impl Constraint for SpanConstraint<'_> {
    fn allow(&mut self, allowed: &mut TokenSet) -> Result<(), ModelError> {
        let parts = &self.grammar.parts;
        match &self.state {
            State::Fixed {
                parts: open,
                written,
            } => {
                (open.iter()).for_each(|&part| allowed.insert(parts.fixed(part)[*written]));
            }
            State::Label { labels, written } => {
                for &label in labels {
                    let next = parts.labels()[label].get(*written);
                    allowed.insert(*next.unwrap_or(&parts.fixed(Part::Middle)[0]));
                }
            }
            State::Text { starts, length } => self.allow_text(starts, *length, allowed),
            State::Over => {}
        }
        Ok(())
    }

    fn bias(&self) -> Option<(u32, f32)> {
        self.stopping().map(|token| (token, self.stop_bias))
    }

    fn commit(&mut self, token: u32) -> Result<(), ModelError> {
        match self.stopping() {
            Some(stop) if stop == token => self.stopped = Some(self.written),
            Some(_) => self.begin = self.written,
            None => {}
        }
        let accepted = match std::mem::replace(&mut self.state, State::Over) {
            State::Fixed { parts, written } => self.commit_fixed(parts, written, token),
            State::Label { labels, written } => self.commit_label(labels, written, token),
            State::Text { starts, length } => self.commit_text(starts, length, token),
            State::Over => false,
        };
        if !accepted {
            return Err(ModelError::constraint(
                format!("token {token} after {} tokens", self.written),
                "one of the tokens that the list of spans allows there",
                "Write allowed tokens only.",
            ));
        }
        self.written += 1;
        Ok(())
    }
}

impl<'a> SpanConstraint<'a> {
    /// Before the first token, as [`SpanGrammar::constrain`] states.
    pub(super) fn new(grammar: &'a SpanGrammar, input: &'a str, stop_bias: f32) -> Self {
        let mut constraint = SpanConstraint {
            grammar,
            source: Source::new(input, grammar.model.vocabulary()),
            input,
            stop_bias,
            alignment: Alignment::new(input, grammar.order),
            taken: Vec::new(),
            state: State::Over,
            written: 0,
            label: 0,
            begin: 0,
            stopped: None,
            closing: None,
            spans: Vec::new(),
        };
        constraint.decide(Part::Open, Part::Empty);
        constraint
    }
}

impl SpanConstraint<'_> {
    /// The spans of the answer that was written under this constraint.
    pub fn found(&self, answer: &Decoded) -> FoundSpans {
        let choices = |tokens: Range<usize>| {
            let place = |at| answer.choices.partition_point(|choice| choice.at < at);
            &answer.choices[place(tokens.start)..place(tokens.end)]
        };
        let lead = |at: usize| choices(at..at + 1).first().map(|choice| choice.lead);
        let span = |draft: &Draft| {
            let tokens = choices(draft.tokens.clone()).iter();
            FoundSpan {
                label: draft.label,
                text: self.input[draft.place.clone()].to_owned(),
                place: draft.place.clone(),
                probability: libm::exp(tokens.map(|choice| choice.log_prob).sum()),
                stop_log_odds: lead(draft.tokens.start).map_or(f64::NEG_INFINITY, |lead| -lead),
            }
        };
        let last = self.spans.last().map_or(0, |draft| draft.tokens.end);
        // A span that the limit cut was begun instead of stopping.
        let begun = (!answer.ended && self.begin >= last).then_some(self.begin);
        FoundSpans {
            spans: self.spans.iter().map(span).collect(),
            stop_log_odds: match self.stopped {
                Some(at) => lead(at),
                None => begun.and_then(lead).map(|lead| -lead),
            },
        }
    }

    /// The token that stops, where the next one decides between that and another span.
    fn stopping(&self) -> Option<u32> {
        match &self.state {
            State::Fixed { parts, written } if parts.len() == 2 => {
                let next = |part: Part| self.grammar.parts.fixed(part)[*written];
                let (go, stop) = (next(parts[0]), next(parts[1]));
                (go != stop).then_some(stop)
            }
            _ => None,
        }
    }

    /// Goes on with a span, if one is left, or the end.
    fn decide(&mut self, go: Part, stop: Part) {
        let parts = match self.open_labels().is_empty() {
            true => vec![stop],
            false => vec![go, stop],
        };
        self.state = State::Fixed { parts, written: 0 };
    }

    /// Labels that some text is left for.
    fn open_labels(&self) -> Vec<usize> {
        (0..self.grammar.parts.labels().len())
            .filter(|&label| self.starts().any(|start| self.can_end(label, start, start)))
            .collect()
    }

    /// Where the next text may begin, whatever its label.
    fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        let from = match self.grammar.order {
            SpanOrder::Text => self.alignment.end(),
            SpanOrder::Free => 0,
        };
        self.source.starts_from(from).iter().copied()
    }

    /// Whether a text from `start` that came as far as `at` can still end somewhere.
    fn can_end(&self, label: usize, start: usize, at: usize) -> bool {
        let text = |end: usize| &self.source.from(start)[..end - start];
        let ends = &mut self.source.ends_from(at.max(start + 1));
        ends.any(|end| !self.is_taken(label, text(end)))
    }

    fn is_taken(&self, label: usize, text: &[u8]) -> bool {
        (self.taken.iter()).any(|(other, taken)| *other == label && taken == text)
    }

    fn allow_text(&self, starts: &[usize], length: usize, allowed: &mut TokenSet) {
        let vocabulary = self.grammar.model.vocabulary();
        for &start in starts {
            let at = start + length;
            for (token, bytes) in vocabulary.spelling(self.source.from(at)) {
                if !self.can_end(self.label, start, at + bytes) {
                    break;
                }
                allowed.insert(token);
            }
        }
        if self.text_is_whole(starts, length) {
            allowed.insert(self.grammar.parts.fixed(Part::Close)[0]);
        }
    }

    /// Whether a text may be what it is so far. The same bytes stand at every start.
    fn text_is_whole(&self, starts: &[usize], length: usize) -> bool {
        length > 0
            && self.source.is_end(starts[0] + length)
            && !self.is_taken(self.label, &self.source.from(starts[0])[..length])
    }

    fn commit_fixed(&mut self, mut parts: Vec<Part>, written: usize, token: u32) -> bool {
        let grammar = self.grammar;
        parts.retain(|&part| grammar.parts.fixed(part)[written] == token);
        let written = written + 1;
        match parts[..] {
            [] => return false,
            [part] if written == grammar.parts.fixed(part).len() => self.enter_after(part),
            _ => self.state = State::Fixed { parts, written },
        }
        true
    }

    fn enter_after(&mut self, part: Part) {
        match part {
            Part::Open | Part::Next => {
                let labels = self.open_labels();
                self.state = State::Label { labels, written: 0 };
            }
            Part::Middle => {
                let can_end = |&start: &usize| self.can_end(self.label, start, start);
                let starts = self.starts().filter(can_end).collect();
                self.state = State::Text { starts, length: 0 };
            }
            Part::Close => {
                self.spans.extend(self.closing.take());
                self.decide(Part::Next, Part::Stop);
            }
            Part::Empty | Part::Stop => self.state = State::Over,
        }
    }

    fn commit_label(&mut self, mut labels: Vec<usize>, written: usize, token: u32) -> bool {
        let grammar = self.grammar;
        let tokens = |label: usize| &grammar.parts.labels()[label];
        if token == grammar.parts.fixed(Part::Middle)[0]
            && let Some(&label) = labels.iter().find(|&&label| tokens(label).len() == written)
        {
            self.label = label;
            return self.commit_fixed(vec![Part::Middle], 0, token);
        }
        labels.retain(|&label| tokens(label).get(written) == Some(&token));
        let accepted = !labels.is_empty();
        let written = written + 1;
        self.state = State::Label { labels, written };
        accepted
    }

    fn commit_text(&mut self, mut starts: Vec<usize>, length: usize, token: u32) -> bool {
        if token == self.grammar.parts.fixed(Part::Close)[0] && self.text_is_whole(&starts, length)
        {
            return self.close_text(starts[0]..starts[0] + length, token);
        }
        let vocabulary = self.grammar.model.vocabulary();
        let rest = |start: usize| self.source.from(start + length);
        let spelled = |&start: &usize| {
            let mut tokens = vocabulary.spelling(rest(start));
            tokens.find(|&(spelled, _)| spelled == token)
        };
        let Some((_, bytes)) = starts.iter().find_map(spelled) else {
            return false;
        };
        let length = length + bytes;
        starts.retain(|start| {
            spelled(start).is_some() && self.can_end(self.label, *start, start + length)
        });
        let accepted = !starts.is_empty();
        self.state = State::Text { starts, length };
        accepted
    }

    /// Takes a whole text down as a span; `place` is one where it stands in the escaped input.
    fn close_text(&mut self, place: Range<usize>, token: u32) -> bool {
        let text = &self.input[self.source.byte(place.start)..self.source.byte(place.end)];
        let Some(aligned) = self.alignment.place(text) else {
            return false;
        };
        if self.grammar.order == SpanOrder::Free {
            let escaped = self.source.from(place.start)[..place.len()].to_vec();
            self.taken.push((self.label, escaped));
        }
        self.closing = Some(Draft {
            label: self.label,
            place: aligned,
            tokens: self.begin..self.written + 1,
        });
        self.commit_fixed(vec![Part::Close], 0, token)
    }
}
