//! Softmax attention over cached keys and values (Vaswani et al., 2017), with grouped heads.

use super::exp::exp;
use super::lanes::{LANES, Lanes, dot_each, largest, sum};
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
    parallel::row_chunks(out, width, 2 * longest * width, |first, out| {
        let q = &q[first * width..][..out.len()];
        level.run(AttendRows {
            cache,
            q,
            visible: &visible[first..],
            out,
        });
    });
}

struct AttendRows<'a> {
    cache: Cache<'a>,
    q: &'a [f32],
    visible: &'a [Visible],
    out: &'a mut [f32],
}

impl Kernel for AttendRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            cache,
            q,
            visible,
            out,
        } = self;
        let Cache {
            heads,
            kv_heads,
            head_dim,
            ..
        } = cache;
        let group = heads / kv_heads * head_dim;
        let (mut starts, mut scores) = (Vec::new(), Vec::new());
        let rows = q
            .chunks_exact(heads * head_dim)
            .zip(out.chunks_exact_mut(heads * head_dim));
        for ((q, out), visible) in rows.zip(visible) {
            starts.clear();
            starts.extend(visible.slots().map(|slot| slot * kv_heads * head_dim));
            scores.resize(starts.len() * (heads / kv_heads), 0.0);
            let groups = q.chunks_exact(group).zip(out.chunks_exact_mut(group));
            for (kv_head, (q, out)) in groups.enumerate() {
                cache.attend_group::<L>(kv_head * head_dim, q, &starts, &mut scores, out);
            }
        }
    }
}

impl Cache<'_> {
    /// The query heads that share one key head; `q` and `out` are `[heads of the group, head_dim]`.
    /// The key of the visible slot `t` begins at `starts[t] + offset`.
    #[inline(always)]
    fn attend_group<L: Lanes>(
        self,
        offset: usize,
        q: &[f32],
        starts: &[usize],
        scores: &mut [f32],
        out: &mut [f32],
    ) {
        if starts.is_empty() {
            return out.fill(0.0);
        }
        let Self {
            keys,
            values,
            head_dim,
            ..
        } = self;
        let scale = 1.0 / (head_dim as f32).sqrt();
        for (q, scores) in q
            .chunks_exact(head_dim)
            .zip(scores.chunks_exact_mut(starts.len()))
        {
            let key = |t: usize| &keys[starts[t] + offset..][..head_dim];
            dot_each::<L>(q, starts.len(), key, |t, product| {
                scores[t] = product * scale
            });
        }
        let heads = scores
            .chunks_exact_mut(starts.len())
            .zip(out.chunks_exact_mut(head_dim));
        for (weights, out) in heads {
            let inverse = softmax_weights::<L>(weights);
            let mix = Mix {
                values,
                starts,
                weights,
                inverse,
            };
            let (wide, rest) = out.as_chunks_mut::<{ 4 * LANES }>();
            let (narrow, single) = rest.as_chunks_mut::<LANES>();
            let mut at = offset;
            for out in wide {
                let [a, b, c, d] = mix.lanes::<L, 4>(at);
                let (out, _) = out.as_chunks_mut();
                a.store(&mut out[0]);
                b.store(&mut out[1]);
                c.store(&mut out[2]);
                d.store(&mut out[3]);
                at += 4 * LANES;
            }
            for out in narrow {
                let [sums] = mix.lanes::<L, 1>(at);
                sums.store(out);
                at += LANES;
            }
            for out in single {
                *out = mix.single(at);
                at += 1;
            }
        }
    }
}

/// Turns scores into `e^(score - largest)`; returns one over their sum.
#[inline(always)]
fn softmax_weights<L: Lanes>(scores: &mut [f32]) -> f32 {
    let largest = largest(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    1.0 / sum::<L>(scores)
}

/// The weighted mean of values.
#[derive(Clone, Copy)]
struct Mix<'a> {
    values: &'a [f32],
    starts: &'a [usize],
    weights: &'a [f32],
    inverse: f32,
}

impl Mix<'_> {
    /// `N` times 16 neighbouring dimensions, the first at `offset` from a slot's start.
    #[inline(always)]
    fn lanes<L: Lanes, const N: usize>(self, offset: usize) -> [L; N] {
        let mut sums = [L::zero(); N];
        for (&weight, start) in self.weights.iter().zip(self.starts) {
            let (value, _) = self.values[start + offset..][..N * LANES].as_chunks();
            for n in 0..N {
                sums[n] = sums[n].add(L::splat(weight).mul(L::load(&value[n])));
            }
        }
        for sum in &mut sums {
            *sum = sum.mul(L::splat(self.inverse));
        }
        sums
    }

    /// One dimension.
    #[inline(always)]
    fn single(self, offset: usize) -> f32 {
        let mut sum = 0.0;
        for (&weight, start) in self.weights.iter().zip(self.starts) {
            sum += weight * self.values[start + offset];
        }
        sum * self.inverse
    }
}
