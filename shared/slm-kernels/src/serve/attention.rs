//! Softmax attention over cached keys and values (Vaswani et al., 2017), with grouped heads.

use std::cell::RefCell;

use super::blocks::{Rows, each_dot, each_weighted_sum};
use super::exp::exp;
use super::lanes::{Lanes, largest, sum};
use super::level::{Kernel, Level};
use super::parallel;
use crate::Visible;

/// Everything of an attention but the queries and the result.
#[derive(Clone, Copy)]
struct Cache<'a> {
    keys: &'a [f32],
    values: &'a [f32],
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

/// Attends from every query row to the cache slots it sees.
///
/// `q` and `out` are `[n, heads * head_dim]`, `keys` and `values` `[slots, kv_heads * head_dim]`;
/// query head `h` uses key head `h / (heads / kv_heads)`. Scores are scaled by `1 / sqrt(head_dim)`.
/// A query that sees nothing gives zeros.
///
/// # Panics
/// When the lengths do not fit or a visible slot is outside the cache.
#[allow(clippy::too_many_arguments)] // the shape of the operation
pub fn attention(
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    visible: &[Visible],
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    out: &mut [f32],
) {
    let shape = (heads, kv_heads, head_dim);
    attention_at(Level::best(), q, (keys, values), visible, shape, out);
}

pub(super) fn attention_at(
    level: Level,
    q: &[f32],
    (keys, values): (&[f32], &[f32]),
    visible: &[Visible],
    (heads, kv_heads, head_dim): (usize, usize, usize),
    out: &mut [f32],
) {
    let width = heads * head_dim;
    assert!(
        kv_heads > 0 && heads.is_multiple_of(kv_heads),
        "{heads} heads on {kv_heads} key heads"
    );
    assert!(
        q.len() == visible.len() * width && out.len() == q.len(),
        "queries of an attention"
    );
    assert_eq!(keys.len(), values.len(), "keys and values");
    let cache = Cache {
        keys,
        values,
        heads,
        kv_heads,
        head_dim,
    };
    let longest = visible.iter().map(Visible::len).max().unwrap_or(0);
    // A unit is one row's query heads on one key head.
    let unit = width / kv_heads;
    parallel::row_chunks(out, unit, 2 * longest * unit, |first, out| {
        level.run(Attend {
            cache,
            q: &q[first * unit..][..out.len()],
            first,
            visible,
            out,
        });
    });
}

/// Some units, from unit `first` on.
struct Attend<'a> {
    cache: Cache<'a>,
    q: &'a [f32],
    first: usize,
    visible: &'a [Visible],
    out: &'a mut [f32],
}

thread_local! {
    /// Scores of one unit, `[heads, visible slots]`: kept, since a pass asks for them often.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            cache,
            q,
            first,
            visible,
            out,
        } = self;
        let unit = cache.heads / cache.kv_heads * cache.head_dim;
        let mut scores = SCORES.take();
        let units = q.chunks_exact(unit).zip(out.chunks_exact_mut(unit));
        for (index, (q, out)) in (first..).zip(units) {
            let (row, kv_head) = (index / cache.kv_heads, index % cache.kv_heads);
            cache.attend::<L>(kv_head, q, &visible[row], &mut scores, out);
        }
        SCORES.set(scores);
    }
}

impl Cache<'_> {
    /// The query heads that share one key head; `q` and `out` are `[heads of the unit, head_dim]`.
    #[inline(always)]
    fn attend<L: Lanes>(
        self,
        kv_head: usize,
        q: &[f32],
        visible: &Visible,
        scores: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        out.fill(0.0);
        let (heads, slots, head_dim) = (q.len() / self.head_dim, visible.len(), self.head_dim);
        if slots == 0 {
            return;
        }
        // Out of memory is a panic here, which the caller of this thread learns of, and no sudden end.
        let missing = (heads * slots).saturating_sub(scores.len());
        scores.try_reserve(missing).expect("memory for the scores");
        scores.resize(heads * slots, 0.0);
        let scale = 1.0 / (head_dim as f32).sqrt();
        let mut seen = 0;
        for range in visible.ranges() {
            let keys = self.rows(self.keys, kv_head, range.start);
            each_dot::<L>(
                (heads, range.len()),
                |head| &q[head * head_dim..][..head_dim],
                |slot| keys.row(slot, head_dim),
                |head, slot, product| scores[head * slots + seen + slot] = product * scale,
            );
            seen += range.len();
        }
        for scores in scores.chunks_exact_mut(slots) {
            softmax_weights(scores);
        }
        let mut seen = 0;
        for range in visible.ranges() {
            each_weighted_sum::<L>(
                out,
                head_dim,
                |head| &scores[head * slots + seen..][..range.len()],
                self.rows(self.values, kv_head, range.start),
            );
            seen += range.len();
        }
        for (out, weights) in out
            .chunks_exact_mut(head_dim)
            .zip(scores.chunks_exact(slots))
        {
            let inverse = 1.0 / sum::<L>(weights);
            out.iter_mut().for_each(|out| *out *= inverse);
        }
    }

    /// Keys or values of one key head from slot `first` on.
    #[inline(always)]
    fn rows<'a>(self, of: &'a [f32], kv_head: usize, first: usize) -> Rows<'a> {
        let stride = self.kv_heads * self.head_dim;
        Rows {
            values: &of[first * stride + kv_head * self.head_dim..],
            stride,
        }
    }
}

/// Turns scores into `e^(score - largest)`.
#[inline(always)]
fn softmax_weights(scores: &mut [f32]) {
    let largest = largest(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
}
