//! What an answer may look like, token by token: the contract between decoding and a grammar.
//!
//! A constraint knows texts and tokens. It must not know the model, nor what an answer means.

pub mod spans;
pub mod vocabulary;

use crate::error::ModelError;

/// What may be written next, given what was written so far.
///
/// Every answer ends with the end-of-turn token, which is allowed like any other token where the
/// answer may end. Nothing is asked of a constraint after that.
pub trait Constraint {
    /// Puts the tokens that may come next into `allowed`, which is empty.
    ///
    /// One token alone is *forced*: it is written without asking the model, and a run of them costs
    /// one forward pass together with what follows.
    ///
    /// # Errors
    /// [`ModelError::Constraint`] when the constraint gives up.
    fn allow(&mut self, allowed: &mut TokenSet) -> Result<(), ModelError>;

    /// A token with nats to add to its logit before the next choice. Probabilities are reported
    /// without it.
    fn bias(&self) -> Option<(u32, f32)> {
        None
    }

    /// Takes note of the token that was written.
    ///
    /// # Errors
    /// [`ModelError::Constraint`] for a token that was not allowed.
    fn commit(&mut self, token: u32) -> Result<(), ModelError>;
}

/// A set of tokens of one vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// Token `t` is bit `t % 32` of word `t / 32`.
    words: Vec<u32>,
}

impl TokenSet {
    /// The empty set over a vocabulary of `vocab` tokens.
    pub fn new(vocab: usize) -> Self {
        Self {
            words: vec![0; vocab.div_ceil(32)],
        }
    }

    /// Takes every token out.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Puts a token in; one beyond the vocabulary is left out.
    pub fn insert(&mut self, token: u32) {
        if let Some(word) = self.words.get_mut(token as usize / 32) {
            *word |= 1 << (token % 32);
        }
    }

    /// Whether a token is in.
    pub fn contains(&self, token: u32) -> bool {
        (self.words.get(token as usize / 32)).is_some_and(|word| word >> (token % 32) & 1 == 1)
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether no token is in.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The one token of a set of one.
    pub fn only(&self) -> Option<u32> {
        let mut tokens = self.iter();
        tokens.next().filter(|_| tokens.next().is_none())
    }

    /// The tokens, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.words).flat_map(|(index, &word)| {
            // Taking the lowest bit away each time visits no empty place.
            std::iter::successors(Some(word), |&left| Some(left & left.wrapping_sub(1)))
                .take_while(|&left| left != 0)
                .map(move |left| index * 32 + left.trailing_zeros())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let check = |tokens: &[u32], only: Option<u32>| {
            let mut set = TokenSet::new(70);
            tokens.iter().for_each(|&token| set.insert(token));
            assert_eq!(set.iter().collect::<Vec<_>>(), tokens);
            assert_eq!((set.len(), set.only()), (tokens.len(), only));
            assert_eq!(set.is_empty(), tokens.is_empty());
            assert!((0..99).all(|token| set.contains(token) == tokens.contains(&token)));
            set.clear();
            assert!(set.is_empty());
        };
        check(&[], None);
        check(&[69], Some(69));
        check(&[0, 31, 32, 63, 64], None);
        let mut beyond = TokenSet::new(32);
        beyond.insert(32);
        assert!(beyond.is_empty());
    }
}
