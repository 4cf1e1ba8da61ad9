//! Seeded subsamples, so that a measurement on part of a file can be repeated.

use crate::rng::SplitMix64;

/// `k` of the indices `0..n`, sorted, chosen without replacement; all of them when `k` is 0 or at
/// least `n`.
pub fn subsample(n: usize, k: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..n).collect();
    if k == 0 || k >= n {
        return indices;
    }
    SplitMix64::new(seed).shuffle(&mut indices);
    indices.truncate(k);
    indices.sort_unstable();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_all_or_k_sorted_and_distinct() {
        assert_eq!(subsample(3, 0, 1), [0, 1, 2]);
        assert_eq!(subsample(3, 9, 1), [0, 1, 2]);
        assert_eq!(subsample(0, 4, 1), [0usize; 0]);
        let some = subsample(1000, 50, 1);
        assert_eq!(some.len(), 50);
        assert!(some.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(some, subsample(1000, 50, 1));
        assert_ne!(some, subsample(1000, 50, 2));
    }
}
