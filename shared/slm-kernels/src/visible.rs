//! Which cached positions a query attends to.

use std::ops::Range;

/// The cache slots that one query sees, as half-open ranges in ascending sequence order.
///
/// Rows that share a prefix keep its keys once: a query then sees the prefix's range, the range of
/// its own row, and, where answers branch, the ranges of its own branch. The order of the ranges is
/// the order in which attention adds its terms, so it is part of the numerics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visible {
    ranges: Vec<Range<usize>>,
}

impl Visible {
    /// Nothing is visible yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next range in sequence order; it joins the last one where they touch.
    pub fn push(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// Nothing is visible any more.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// The ranges of slots, in sequence order.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// How many slots are visible.
    pub fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// Whether no slot is visible.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl FromIterator<Range<usize>> for Visible {
    fn from_iter<I: IntoIterator<Item = Range<usize>>>(ranges: I) -> Self {
        let mut visible = Self::new();
        for range in ranges {
            visible.push(range);
        }
        visible
    }
}

impl From<Range<usize>> for Visible {
    fn from(range: Range<usize>) -> Self {
        Self::from_iter([range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_ranges_join_and_empty_ones_vanish() {
        let visible = Visible::from_iter([0..4, 4..6, 9..9, 9..11]);
        assert_eq!(visible.ranges(), [0..6, 9..11]);
        assert_eq!(visible.len(), 8);
    }
}
