//! Sharing rows out over threads. Each row is computed whole by one thread, so the number of threads
//! never shows in a result. Without the feature `threads` everything runs in the caller.

use std::ops::Range;

/// Work below this many operations is not worth a second thread.
#[cfg(feature = "threads")]
const WORTH_A_THREAD: usize = 200_000;

/// Calls `work(first_row, rows)` on pieces of `out`, whose rows are `width` long (the last one may be
/// shorter) and cost about `row_cost` operations each.
pub(super) fn row_chunks(
    out: &mut [f32],
    width: usize,
    row_cost: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    if out.is_empty() {
        return;
    }
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        let rows = out.len().div_ceil(width);
        let piece = piece_len(rows, row_cost);
        if piece < rows {
            let pieces = out.par_chunks_mut(piece * width).enumerate();
            return pieces.for_each(|(index, out)| work(index * piece, out));
        }
    }
    let _ = (width, row_cost);
    work(0, out);
}

/// Calls `work` on ranges that together are `0..count`; each item costs about `cost` operations.
pub(super) fn ranges(count: usize, cost: usize, work: impl Fn(Range<usize>) + Sync) {
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        let piece = piece_len(count, cost);
        if piece < count {
            let starts = (0..count.div_ceil(piece))
                .into_par_iter()
                .map(|index| index * piece);
            return starts.for_each(|start| work(start..count.min(start + piece)));
        }
    }
    let _ = cost;
    work(0..count);
}

/// How many of `count` items one job takes: a few jobs for each thread, each worth its start.
#[cfg(feature = "threads")]
fn piece_len(count: usize, cost: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return count.max(1);
    }
    let even = count.div_ceil(4 * threads);
    even.max(WORTH_A_THREAD / 2 / cost.max(1)).max(1)
}
