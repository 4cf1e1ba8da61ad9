//! Sharing rows out over threads. Each row is computed whole by one thread, so the number of threads
//! never shows in a result.

use std::marker::PhantomData;
use std::ops::Range;

use crate::threads;

/// Work below this many operations is not worth a second thread.
const WORTH_A_THREAD: usize = 20_000;
/// Pieces for each thread: more of them even out what else the machine does.
const PIECES: usize = 4;

/// Calls `work(first_row, rows)` on pieces of `out`, whose rows are `width` long (the last one may be
/// shorter) and cost about `row_cost` operations each.
pub(super) fn row_chunks<T: Send>(
    out: &mut [T],
    width: usize,
    row_cost: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let rows = Rows::new(out, width);
    ranges(rows.count(), row_cost, |range| {
        // SAFETY: ranges are disjoint.
        work(range.start, unsafe { rows.get(range) });
    });
}

/// Calls `work(first_row, rows of a, rows of b)` on pieces of two outputs with as many rows.
pub(super) fn row_chunks_of_two<A: Send, B: Send>(
    (a, a_width): (&mut [A], usize),
    (b, b_width): (&mut [B], usize),
    row_cost: usize,
    work: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    let (a, b) = (Rows::new(a, a_width), Rows::new(b, b_width));
    assert_eq!(a.count(), b.count(), "rows of two outputs");
    ranges(a.count(), row_cost, |range| {
        // SAFETY: ranges are disjoint.
        let (a, b) = unsafe { (a.get(range.clone()), b.get(range.clone())) };
        work(range.start, a, b);
    });
}

/// Calls `work` on ranges that together are `0..count`; each item costs about `cost` operations.
pub(super) fn ranges(count: usize, cost: usize, work: impl Fn(Range<usize>) + Sync) {
    if count == 0 {
        return;
    }
    let piece = piece_len(count, cost);
    if piece >= count {
        return work(0..count);
    }
    threads::share(count.div_ceil(piece), &|index| {
        let start = index * piece;
        work(start..count.min(start + piece));
    });
}

/// How many of `count` items one piece takes: a few pieces for each thread, each worth its start.
fn piece_len(count: usize, cost: usize) -> usize {
    let threads = threads::count();
    if threads == 1 {
        return count;
    }
    let even = count.div_ceil(PIECES * threads);
    even.max(WORTH_A_THREAD / PIECES / cost.max(1)).max(1)
}

/// Rows of one slice, shared among threads that take different ones.
struct Rows<'a, T> {
    start: *mut T,
    len: usize,
    width: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: `get` is the only access, and its callers take disjoint rows.
unsafe impl<T: Send> Sync for Rows<'_, T> {}

impl<'a, T> Rows<'a, T> {
    fn new(slice: &'a mut [T], width: usize) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            width,
            borrow: PhantomData,
        }
    }

    fn count(&self) -> usize {
        self.len.div_ceil(self.width.max(1))
    }

    /// Rows of `range`, which is within `0..count`.
    ///
    /// # Safety
    /// Nobody else takes the same rows.
    #[allow(clippy::mut_from_ref)] // the contract
    unsafe fn get(&self, range: Range<usize>) -> &mut [T] {
        let (start, end) = (
            range.start * self.width,
            self.len.min(range.end * self.width),
        );
        assert!(start <= end);
        // SAFETY: in bounds by the assertion and the minimum; unaliased by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), end - start) }
    }
}
