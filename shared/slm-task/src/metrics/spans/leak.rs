//! Gold characters that no predicted span covers: what a redaction by the predictions would leave
//! readable. Labels of the predictions do not matter, as covered is covered.

use std::ops::AddAssign;

use super::{super::tally::share, Span};

/// Characters (Unicode code points) inside gold spans, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leak {
    /// In a gold span.
    pub characters: u64,
    /// Of these, in no predicted span.
    pub leaked: u64,
}

impl Leak {
    /// leaked / characters; 0 without gold characters.
    pub fn share(self) -> f64 {
        share(self.leaked, self.characters)
    }
}

impl AddAssign for Leak {
    fn add_assign(&mut self, other: Self) {
        self.characters += other.characters;
        self.leaked += other.leaked;
    }
}

/// The leak of one row: over the gold spans of all labels, or of one.
pub(super) fn leak(text: &str, gold: &[Span], predicted: &[Span], label: Option<usize>) -> Leak {
    let covers = |span: &Span, at: usize| span.start <= at && at < span.end;
    let wanted = |span: &Span| label.is_none_or(|label| span.label == label);
    let mut leak = Leak::default();
    for (at, _) in text.char_indices() {
        if gold.iter().any(|s| wanted(s) && covers(s, at)) {
            leak.characters += 1;
            leak.leaked += u64::from(!predicted.iter().any(|s| covers(s, at)));
        }
    }
    leak
}
