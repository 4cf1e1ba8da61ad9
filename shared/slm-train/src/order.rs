//! Which rows make up which optimizer step, and how a step is cut into micro-batches.
//!
//! The order is a pure function of the seed and the epoch, so a resumed run needs no more than its
//! step number to continue with the very next batch.

use slm_task::rng::SplitMix64;

/// Batches within which rows are grouped by length: wide enough that a batch is of one length,
/// narrow enough that the order stays random.
const WINDOW: usize = 8;

/// Batches of one epoch: row indices, every row once. Rows are shuffled, sorted by length within
/// windows of a few batches, cut into batches, and the batches shuffled again. The last batch may
/// be smaller.
pub fn epoch(lengths: &[usize], batch: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut rng = SplitMix64::new(mix(seed, epoch));
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    rng.shuffle(&mut rows);
    for window in rows.chunks_mut(batch.saturating_mul(WINDOW)) {
        window.sort_by_key(|&row| lengths[row]);
    }
    let mut batches: Vec<Vec<usize>> = rows.chunks(batch).map(<[usize]>::to_vec).collect();
    rng.shuffle(&mut batches);
    batches
}

/// Cuts a batch into micro-batches of at most `limit` tokens. The prefix of `prefix` tokens is
/// computed once in each; `lengths` are without it. A row that is over the limit alone stands
/// alone.
pub fn micro_batches(
    batch: &[usize],
    lengths: &[usize],
    prefix: usize,
    limit: usize,
) -> Vec<Vec<usize>> {
    let mut cut: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for &row in batch {
        match cut.last_mut() {
            Some(open) if tokens + lengths[row] <= limit => open.push(row),
            _ => {
                cut.push(vec![row]);
                tokens = prefix;
            }
        }
        tokens += lengths[row];
    }
    cut
}

/// A seed of its own for each epoch.
fn mix(seed: u64, epoch: usize) -> u64 {
    seed.wrapping_add((epoch as u64 + 1).wrapping_mul(0xD134_2543_DE82_EF95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_holds_every_row_once() {
        let lengths: Vec<usize> = (0..103).map(|i| 5 + i * 7 % 40).collect();
        let batches = epoch(&lengths, 16, 3, 0);
        assert_eq!(batches.len(), 7);
        let mut rows: Vec<usize> = batches.concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..103).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_follows_from_seed_and_epoch() {
        let lengths = vec![9; 50];
        assert_eq!(epoch(&lengths, 4, 1, 2), epoch(&lengths, 4, 1, 2));
        assert_ne!(epoch(&lengths, 4, 1, 2), epoch(&lengths, 4, 1, 3));
        assert_ne!(epoch(&lengths, 4, 1, 2), epoch(&lengths, 4, 2, 2));
    }

    #[test]
    fn micro_batches_keep_to_the_limit() {
        let check = |lengths: &[usize], expected: &[&[usize]]| {
            let rows: Vec<usize> = (0..lengths.len()).collect();
            assert_eq!(micro_batches(&rows, lengths, 10, 30), expected);
        };
        check(&[], &[]);
        check(&[10, 10, 1], &[&[0, 1], &[2]]);
        check(&[100, 5, 5], &[&[0], &[1, 2]]);
        check(&[20, 20], &[&[0], &[1]]);
    }
}
