//! Causal attention over one shared prefix and the rows that branch off it, forward and backward.
//!
//! Tokens lie as prefix, row 0, row 1, …; a row sees the whole prefix and its own past, never
//! another row. So the prefix is computed once a micro-batch, and its gradient collects every row's.
//! Probabilities are made again in the backward: they are cheaper to recompute than to keep.

use std::ops::Range;

use super::{View, ViewMut, multiply, vectorized};

/// Heads of one attention layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
}

/// How a micro-batch's tokens are cut: `[0, prefix)`, then rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    /// Tokens of the shared prefix.
    pub prefix: usize,
    /// Each row's tokens, in order, without gaps.
    pub rows: Vec<Range<usize>>,
}

impl Segments {
    /// The prefix as a segment of its own, then the rows.
    fn all(&self) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        let prefix = std::iter::once((0, 0..self.prefix));
        prefix.chain(self.rows.iter().map(|row| (self.prefix, row.clone())))
    }

    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        self.rows.last().map_or(self.prefix, |row| row.end)
    }
}

/// What one (segment, key head) pair hands back in the backward.
struct PartGradients {
    /// `[len, group * head_dim]`.
    dq: Vec<f32>,
    /// `[seen + len, head_dim]`, prefix first.
    dk: Vec<f32>,
    dv: Vec<f32>,
}

/// `out: [n, heads*head_dim]` from `q: [n, heads*head_dim]`, `k`, `v: [n, kv_heads*head_dim]`.
pub fn forward(
    s: AttentionShape,
    segments: &Segments,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    out: &mut [f32],
) {
    let parts: Vec<_> = parts(s, segments).collect();
    let results = map_parts(&parts, |part| {
        let (len, d) = (part.tokens.len(), s.head_dim);
        let mut mixed = vec![0.0; len * part.group * d];
        for head in 0..part.group {
            let p = probabilities(s, part, head, q, k);
            let at = ViewMut::strided(&mut mixed[head * d..], len, d, part.group * d);
            over_keys(
                s,
                part,
                v,
                |range, values, keep, out| {
                    multiply(
                        out,
                        keep,
                        1.0,
                        View::strided(&p[range.start..], len, range.len(), part.keys()),
                        values,
                    );
                },
                at,
            );
        }
        mixed
    });
    for (part, mixed) in parts.iter().zip(results) {
        scatter(
            &mixed,
            part.group * s.head_dim,
            part.tokens.clone(),
            part.query_column(s),
            s.heads * s.head_dim,
            out,
            false,
        );
    }
}

/// Adds the gradients of `dout` to `dq`, `dk`, `dv` (shapes as in [`forward`]).
#[allow(clippy::too_many_arguments)]
pub fn backward(
    s: AttentionShape,
    segments: &Segments,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    dout: &[f32],
    dq: &mut [f32],
    dk: &mut [f32],
    dv: &mut [f32],
) {
    let parts: Vec<_> = parts(s, segments).collect();
    let results = map_parts(&parts, |part| part_backward(s, part, q, k, v, dout));
    let (q_width, kv_width) = (s.heads * s.head_dim, s.kv_heads * s.head_dim);
    for (part, g) in parts.iter().zip(results) {
        scatter(
            &g.dq,
            part.group * s.head_dim,
            part.tokens.clone(),
            part.query_column(s),
            q_width,
            dq,
            true,
        );
        let column = part.kv_head * s.head_dim;
        let split = part.seen * s.head_dim;
        for (from, to) in [(&g.dk, &mut *dk), (&g.dv, &mut *dv)] {
            scatter(
                &from[..split],
                s.head_dim,
                0..part.seen,
                column,
                kv_width,
                to,
                true,
            );
            scatter(
                &from[split..],
                s.head_dim,
                part.tokens.clone(),
                column,
                kv_width,
                to,
                true,
            );
        }
    }
}

/// One segment under one key head.
struct Part {
    /// Prefix tokens it sees before its own.
    seen: usize,
    tokens: Range<usize>,
    kv_head: usize,
    /// Query heads a key head.
    group: usize,
}

impl Part {
    fn keys(&self) -> usize {
        self.seen + self.tokens.len()
    }

    fn query_column(&self, s: AttentionShape) -> usize {
        self.kv_head * self.group * s.head_dim
    }
}

fn parts(s: AttentionShape, segments: &Segments) -> impl Iterator<Item = Part> + '_ {
    segments
        .all()
        .filter(|(_, tokens)| !tokens.is_empty())
        .flat_map(move |(seen, tokens)| {
            (0..s.kv_heads).map(move |kv_head| Part {
                seen,
                tokens: tokens.clone(),
                kv_head,
                group: s.heads / s.kv_heads,
            })
        })
}

#[cfg(feature = "threads")]
fn map_parts<R: Send>(parts: &[Part], work: impl Fn(&Part) -> R + Send + Sync) -> Vec<R> {
    use rayon::prelude::*;
    parts.par_iter().map(work).collect()
}

#[cfg(not(feature = "threads"))]
fn map_parts<R>(parts: &[Part], work: impl Fn(&Part) -> R) -> Vec<R> {
    parts.iter().map(work).collect()
}

/// Rows of one head's queries: `[len, head_dim]`.
fn queries<'a>(s: AttentionShape, part: &Part, head: usize, q: &'a [f32]) -> View<'a> {
    let width = s.heads * s.head_dim;
    let column = part.query_column(s) + head * s.head_dim;
    View::strided(
        &q[part.tokens.start * width + column..],
        part.tokens.len(),
        s.head_dim,
        width,
    )
}

/// Calls `product(key range, [range, head_dim] rows of kv, keep, out)` for prefix and own keys.
fn over_keys<'a>(
    s: AttentionShape,
    part: &Part,
    kv: &'a [f32],
    product: impl Fn(Range<usize>, View<'a>, bool, ViewMut<'_>),
    mut out: ViewMut<'_>,
) {
    for (index, (range, rows)) in key_blocks(s, part, kv).into_iter().enumerate() {
        product(range, rows, index > 0, out.reborrow());
    }
}

/// Keys (or values) of a part as at most two blocks, each with its columns of the score matrix.
fn key_blocks<'a>(s: AttentionShape, part: &Part, kv: &'a [f32]) -> Vec<(Range<usize>, View<'a>)> {
    let width = s.kv_heads * s.head_dim;
    let column = part.kv_head * s.head_dim;
    let rows =
        |from: usize, n: usize| View::strided(&kv[from * width + column..], n, s.head_dim, width);
    let mut blocks = Vec::with_capacity(2);
    if part.seen > 0 {
        blocks.push((0..part.seen, rows(0, part.seen)));
    }
    blocks.push((
        part.seen..part.keys(),
        rows(part.tokens.start, part.tokens.len()),
    ));
    blocks
}

/// Causal softmax of one head: `[len, keys]`; masked entries are 0.
fn probabilities(s: AttentionShape, part: &Part, head: usize, q: &[f32], k: &[f32]) -> Vec<f32> {
    let (len, keys) = (part.tokens.len(), part.keys());
    let mut p = vec![0.0; len * keys];
    let scale = 1.0 / (s.head_dim as f32).sqrt();
    for (range, rows) in key_blocks(s, part, k) {
        let out = ViewMut::strided(&mut p[range.start..], len, range.len(), keys);
        multiply(out, false, scale, queries(s, part, head, q), rows.t());
    }
    vectorized(
        #[inline(always)]
        || {
            for (i, row) in p.chunks_exact_mut(keys).enumerate() {
                let (visible, hidden) = row.split_at_mut(part.seen + i + 1);
                hidden.fill(0.0);
                let max = visible.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                visible.iter_mut().for_each(|x| *x = super::exp(*x - max));
                let total: f32 = visible.iter().sum();
                visible.iter_mut().for_each(|x| *x /= total);
            }
        },
    );
    p
}

fn part_backward(
    s: AttentionShape,
    part: &Part,
    q: &[f32],
    k: &[f32],
    v: &[f32],
    dout: &[f32],
) -> PartGradients {
    let (len, keys, d) = (part.tokens.len(), part.keys(), s.head_dim);
    let mut g = PartGradients {
        dq: vec![0.0; len * part.group * d],
        dk: vec![0.0; keys * d],
        dv: vec![0.0; keys * d],
    };
    let scale = 1.0 / (d as f32).sqrt();
    for head in 0..part.group {
        let p = probabilities(s, part, head, q, k);
        let dy = queries(s, part, head, dout);
        multiply(
            ViewMut::new(&mut g.dv, keys, d),
            true,
            1.0,
            View::new(&p, len, keys).t(),
            dy,
        );
        let mut dp = vec![0.0; len * keys];
        for (range, values) in key_blocks(s, part, v) {
            multiply(
                ViewMut::strided(&mut dp[range.start..], len, range.len(), keys),
                false,
                1.0,
                dy,
                values.t(),
            );
        }
        softmax_backward(&p, &mut dp, keys);
        multiply(
            ViewMut::new(&mut g.dk, keys, d),
            true,
            scale,
            View::new(&dp, len, keys).t(),
            queries(s, part, head, q),
        );
        let at = ViewMut::strided(&mut g.dq[head * d..], len, d, part.group * d);
        over_keys(
            s,
            part,
            k,
            |range, rows, keep, out| {
                multiply(
                    out,
                    keep,
                    scale,
                    View::strided(&dp[range.start..], len, range.len(), keys),
                    rows,
                );
            },
            at,
        );
    }
    g
}

/// `dp ← p ∘ (dp − Σ p dp)`, row by row; masked entries stay 0 because p is.
fn softmax_backward(p: &[f32], dp: &mut [f32], keys: usize) {
    vectorized(
        #[inline(always)]
        || {
            for (p, dp) in p.chunks_exact(keys).zip(dp.chunks_exact_mut(keys)) {
                let along: f32 = p.iter().zip(&*dp).map(|(p, d)| p * d).sum();
                dp.iter_mut()
                    .zip(p)
                    .for_each(|(d, p)| *d = p * (*d - along));
            }
        },
    );
}

/// Copies (or adds) `from: [tokens, width]` into columns `column..` of `to: [n, to_width]`.
fn scatter(
    from: &[f32],
    width: usize,
    tokens: Range<usize>,
    column: usize,
    to_width: usize,
    to: &mut [f32],
    add: bool,
) {
    for (row, token) in from.chunks_exact(width).zip(tokens) {
        let to = &mut to[token * to_width + column..][..width];
        if add {
            to.iter_mut().zip(row).for_each(|(t, r)| *t += r);
        } else {
            to.copy_from_slice(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::{check_gradient, noise};

    const SHAPE: AttentionShape = AttentionShape {
        heads: 4,
        kv_heads: 2,
        head_dim: 6,
    };

    /// Plain f64 attention.
    fn oracle(segments: &Segments, q: &[f64], k: &[f64], v: &[f64]) -> Vec<f64> {
        let (s, d) = (SHAPE, SHAPE.head_dim);
        let mut out = vec![0.0; q.len()];
        for (seen, tokens) in segments.all() {
            for t in tokens.clone() {
                let visible: Vec<usize> = (0..seen).chain(tokens.start..=t).collect();
                for h in 0..s.heads {
                    let kv = h / (s.heads / s.kv_heads);
                    let query = &q[(t * s.heads + h) * d..][..d];
                    let row = |x: &[f64], j: usize, i: usize| x[(j * s.kv_heads + kv) * d + i];
                    let scores: Vec<f64> = visible
                        .iter()
                        .map(|&j| {
                            ((0..d).map(|i| query[i] * row(k, j, i)).sum::<f64>()
                                / (d as f64).sqrt())
                            .exp()
                        })
                        .collect();
                    let total: f64 = scores.iter().sum();
                    for i in 0..d {
                        out[(t * s.heads + h) * d + i] = visible
                            .iter()
                            .zip(&scores)
                            .map(|(&j, p)| p / total * row(v, j, i))
                            .sum();
                    }
                }
            }
        }
        out
    }

    fn widen(x: &[f32]) -> Vec<f64> {
        x.iter().map(|&v| v.into()).collect()
    }

    #[test]
    fn forward_and_backward_agree_with_f64() {
        for segments in [
            Segments {
                prefix: 3,
                rows: vec![3..8, 8..9, 9..13],
            },
            Segments {
                prefix: 0,
                rows: std::iter::once(0..5).collect(),
            },
            Segments {
                prefix: 4,
                rows: vec![],
            },
        ] {
            let n = segments.tokens();
            let (qw, kw) = (
                SHAPE.heads * SHAPE.head_dim,
                SHAPE.kv_heads * SHAPE.head_dim,
            );
            let (q, k, v, dy) = (
                noise(n * qw, 1),
                noise(n * kw, 2),
                noise(n * kw, 3),
                noise(n * qw, 4),
            );
            let (wq, wk, wv) = (widen(&q), widen(&k), widen(&v));
            let mut out = vec![0.0; n * qw];
            forward(SHAPE, &segments, &q, &k, &v, &mut out);
            for (got, want) in out.iter().zip(oracle(&segments, &wq, &wk, &wv)) {
                assert!((f64::from(*got) - want).abs() < 1e-5);
            }
            let (mut dq, mut dk, mut dv) =
                (vec![0.0; n * qw], vec![0.0; n * kw], vec![0.0; n * kw]);
            backward(SHAPE, &segments, &q, &k, &v, &dy, &mut dq, &mut dk, &mut dv);
            let weigh = |out: Vec<f64>| out.iter().zip(&dy).map(|(o, d)| o * f64::from(*d)).sum();
            check_gradient(&q, &dq, |q| weigh(oracle(&segments, q, &wk, &wv)));
            check_gradient(&k, &dk, |k| weigh(oracle(&segments, &wq, k, &wv)));
            check_gradient(&v, &dv, |v| weigh(oracle(&segments, &wq, &wk, v)));
        }
    }
}
