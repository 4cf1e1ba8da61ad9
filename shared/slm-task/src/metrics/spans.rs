//! Metrics of labelled spans of a text. Everything follows from counts that rows add to, so that a
//! resample of the rows is scored by merging their counts.
//!
//! Four views of the same rows:
//!
//! - *entities*: over words, as seqeval 1.2.2 counts them (type and both bounds equal, in words);
//! - *exact*: over characters, label and both bounds equal;
//! - *overlap*: over characters, the same label and at least one byte shared. Precision is the share
//!   of predicted spans that match, recall that of gold spans;
//! - *leak*: gold characters that no predicted span covers.
//!
//! Spans are sets: equal ones count once, and ones without a character not at all. A row without a
//! prediction is predicted to have no span: it costs recall only. How many such rows there are is
//! counted apart.

mod leak;
mod matches;
mod tags;
mod words;

pub use leak::Leak;
pub use matches::{EntityScores, Matches, TypeMatches};
pub use tags::{Convention, Entity, Tag, entities};
pub use words::{tags, words};

use crate::error::TaskError;

/// A labelled part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
    /// Index into the labels.
    pub label: usize,
}

/// Counts of gold against predicted spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Entities over words. Both of seqeval's conventions give these counts, as tags made from spans
    /// are well-formed.
    pub entities: Matches,
    /// Spans whose label and bounds are equal.
    pub exact: Matches,
    /// Spans of equal label that share a byte.
    pub overlap: Matches,
    /// Characters left readable, over all labels: one in spans of two labels counts once.
    pub leak: Leak,
    /// Characters left readable in gold spans of each label.
    pub leaks: Vec<Leak>,
    /// Rows.
    pub rows: u64,
    /// Rows without a prediction.
    pub failures: u64,
}

impl Counts {
    /// No rows yet, over these labels.
    pub fn new<S: AsRef<str>>(labels: &[S]) -> Self {
        let matches = Matches::new(labels);
        Self {
            entities: matches.clone(),
            exact: matches.clone(),
            overlap: matches,
            leak: Leak::default(),
            leaks: vec![Leak::default(); labels.len()],
            rows: 0,
            failures: 0,
        }
    }

    /// Counts one more row: a text, its gold spans, and the predicted ones, none for a row without a
    /// prediction. Bounds count bytes of `text`.
    ///
    /// # Errors
    /// [`TaskError::Mismatch`] for a label index that is not one of the labels, and for bounds beyond
    /// the text or inside a character; nothing is counted then.
    pub fn add(
        &mut self,
        text: &str,
        gold: &[Span],
        predicted: Option<&[Span]>,
    ) -> Result<(), TaskError> {
        self.add_row(self.rows, text, gold, predicted)
    }

    /// As [`Self::add`], for a row that is not the next of these counts: errors call it the `row`th,
    /// from 0.
    pub(crate) fn add_row(
        &mut self,
        row: u64,
        text: &str,
        gold: &[Span],
        predicted: Option<&[Span]>,
    ) -> Result<(), TaskError> {
        let gold = self.checked(row, text, gold, "gold")?;
        let found = self.checked(row, text, predicted.unwrap_or_default(), "predicted")?;
        let words = words(text);
        let (gold_tags, found_tags) = (tags(&words, &gold), tags(&words, &found));
        self.entities
            .add_tags(&gold_tags, &found_tags, Convention::Default);
        let (gold_places, found_places) = (places(&gold), places(&found));
        self.exact.add(&gold_places, &found_places, |a, b| a == b);
        self.overlap
            .add(&gold_places, &found_places, |a, b| a.0 < b.1 && b.0 < a.1);
        self.leak += leak::leak(text, &gold, &found, None);
        for (label, sum) in self.leaks.iter_mut().enumerate() {
            *sum += leak::leak(text, &gold, &found, Some(label));
        }
        self.rows += 1;
        self.failures += u64::from(predicted.is_none());
        Ok(())
    }

    /// The spans that hold a character, after checking all.
    fn checked(
        &self,
        row: u64,
        text: &str,
        spans: &[Span],
        what: &str,
    ) -> Result<Vec<Span>, TaskError> {
        let labels = self.leaks.len();
        for span in spans {
            let Span { start, end, label } = *span;
            if label >= labels || text.get(start..end).is_none() {
                return Err(TaskError::Mismatch(format!(
                    "row {}: {what} span {start}..{end} of label index {label}: the text has {} \
                     bytes, and there are {labels} labels",
                    row + 1,
                    text.len(),
                )));
            }
        }
        Ok(spans.iter().filter(|s| s.start < s.end).copied().collect())
    }

    /// Adds the rows of `other`, which is over the same labels.
    pub fn merge(&mut self, other: &Self) {
        self.entities.merge(&other.entities);
        self.exact.merge(&other.exact);
        self.overlap.merge(&other.overlap);
        self.leak += other.leak;
        for (ours, theirs) in self.leaks.iter_mut().zip(&other.leaks) {
            *ours += *theirs;
        }
        self.rows += other.rows;
        self.failures += other.failures;
    }
}

fn places(spans: &[Span]) -> Vec<(usize, (usize, usize))> {
    spans.iter().map(|s| (s.label, (s.start, s.end))).collect()
}
