//! From the text of a span back to its place in the input, by a fixed rule for repeats.

use std::ops::Range;

pub use slm_task::recipe::SpanOrder;

/// Finds the places of an answer's spans, one after the other.
pub struct Alignment<'a> {
    input: &'a str,
    order: SpanOrder,
    found: Vec<Range<usize>>,
}

impl<'a> Alignment<'a> {
    /// Nothing found in `input` yet.
    pub fn new(input: &'a str, order: SpanOrder) -> Self {
        Self {
            input,
            order,
            found: Vec::new(),
        }
    }

    /// Place in bytes of the answer's next span; `None` for a text that is empty or not to be found
    /// by the rule of the order.
    pub fn place(&mut self, text: &str) -> Option<Range<usize>> {
        let place = match self.order {
            SpanOrder::Text => self.occurrences(text, self.end()).next(),
            SpanOrder::Free => {
                let free = |place: &Range<usize>| {
                    let overlaps =
                        |other: &Range<usize>| place.start < other.end && other.start < place.end;
                    !self.found.iter().any(overlaps)
                };
                let mut places = self.occurrences(text, 0);
                places
                    .find(free)
                    .or_else(|| self.occurrences(text, 0).next())
            }
        };
        self.found.extend(place.clone());
        place
    }

    /// Where the last span found ends; 0 before any.
    pub(super) fn end(&self) -> usize {
        self.found.last().map_or(0, |place| place.end)
    }

    /// Places of a text from byte `from` on, overlapping ones too.
    fn occurrences<'b>(
        &'b self,
        text: &'b str,
        from: usize,
    ) -> impl Iterator<Item = Range<usize>> + 'b {
        let first = text.chars().next().map_or(0, char::len_utf8);
        let find = move |from: usize| {
            let at = from + self.input.get(from..)?.find(text)?;
            (first > 0).then_some(at..at + text.len())
        };
        std::iter::successors(find(from), move |place| find(place.start + first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_placed_by_the_rule_of_the_order() {
        let check = |input, order, texts: &[&str], expected: &[Option<Range<usize>>]| {
            let mut alignment = Alignment::new(input, order);
            let places: Vec<_> = texts.iter().map(|text| alignment.place(text)).collect();
            assert_eq!(places, expected, "{input:?} {order:?} {texts:?}");
        };
        use SpanOrder::{Free, Text};
        check(
            "ana ana",
            Text,
            &["ana", "ana", "ana"],
            &[Some(0..3), Some(4..7), None],
        );
        check(
            "ana ana",
            Text,
            &["na", "ana", "a"],
            &[Some(1..3), Some(4..7), None],
        );
        check("ana ana", Text, &["ana ana", "ana"], &[Some(0..7), None]);
        check(
            "ana ana",
            Free,
            &["ana", "ana", "ana"],
            &[Some(0..3), Some(4..7), Some(0..3)],
        );
        check(
            "ana ana",
            Free,
            &["a", "ana", "an"],
            &[Some(0..1), Some(4..7), Some(0..2)],
        );
        check(
            "éé",
            Free,
            &["é", "é", "x", ""],
            &[Some(0..2), Some(2..4), None, None],
        );
        check("", Text, &["a", ""], &[None, None]);
    }
}
