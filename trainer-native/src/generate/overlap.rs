//! How much of a text has been said before, measured in runs of five words.

use std::collections::BTreeSet;

const WORDS: usize = 5;

/// Words of a text in lower case, without punctuation, so that typing does not hide a repetition.
fn words(text: &str) -> Vec<String> {
    text.replace(['\'', '’'], "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Every run of five words; the whole text where it is shorter.
pub(crate) fn grams(text: &str) -> BTreeSet<String> {
    let words = words(text);
    let size = WORDS.min(words.len().max(1));
    words.windows(size).map(|run| run.join(" ")).collect()
}

/// The runs of words of many texts.
#[derive(Debug, Default)]
pub struct Grams(BTreeSet<String>);

impl Grams {
    /// Remembers a text.
    pub fn add(&mut self, text: &str) {
        self.0.append(&mut grams(text));
    }

    /// Share of the text's own runs that are remembered, in `[0, 1]`; 1 for a text without words.
    pub fn share_of(&self, text: &str) -> f64 {
        let own = grams(text);
        if own.is_empty() {
            return 1.0;
        }
        own.intersection(&self.0).count() as f64 / own.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_runs_whatever_the_typing() {
        let mut seen = Grams::default();
        seen.add("The tea isn't hot, and the cup is small.");
        for (text, share) in [
            ("the TEA isnt hot and the cup is small!!", 1.0),
            ("the tea isn't hot and nobody cares", 1.0 / 3.0),
            ("tea", 0.0),
            ("🙂", 1.0),
        ] {
            assert_eq!(seen.share_of(text), share, "{text}");
        }
    }
}
