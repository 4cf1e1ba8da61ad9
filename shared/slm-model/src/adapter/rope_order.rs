//! The two orders of query and key rows.
//!
//! Rotary embedding turns pairs of values of a head. Hugging Face pairs value `j` with
//! `j + head_dim / 2` (two halves); the GGUF of a llama has the rows of `attn_q` and `attn_k`
//! rearranged so that the pairs are neighbours, `2 j` and `2 j + 1`. `B` adds to those outputs, so
//! its rows follow. `A` reads the residual stream, and no other projection is rotated: they stay.

use slm_task::recipe::Projection;

/// Whether the projection's outputs are rotated.
pub(super) fn rotated(projection: Projection) -> bool {
    matches!(projection, Projection::QProj | Projection::KProj)
}

/// Rows of `b` (`[heads × head_dim, rank]`) from two halves to neighbours.
pub(super) fn to_neighbours(b: &[f32], head_dim: usize, rank: usize) -> Vec<f32> {
    reorder(b, head_dim, rank, |row| {
        row / 2 + (row % 2) * (head_dim / 2)
    })
}

/// Rows of `b` (`[heads × head_dim, rank]`) from neighbours to two halves.
pub(super) fn to_halves(b: &[f32], head_dim: usize, rank: usize) -> Vec<f32> {
    let half = head_dim / 2;
    reorder(b, head_dim, rank, |row| 2 * (row % half) + row / half)
}

/// Within each head, row `i` of the result is row `source(i)` of `b`.
fn reorder(b: &[f32], head_dim: usize, rank: usize, source: impl Fn(usize) -> usize) -> Vec<f32> {
    b.chunks_exact(head_dim * rank)
        .flat_map(|head| (0..head_dim).map(move |row| (head, row)))
        .flat_map(|(head, row)| &head[source(row) * rank..][..rank])
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_each_others_inverse() {
        // Two heads of width 4, rank 1: halves (a0 a1 | b0 b1) and neighbours (a0 b0 a1 b1).
        let halves = [0.0, 1.0, 10.0, 11.0, 100.0, 101.0, 110.0, 111.0];
        let neighbours = [0.0, 10.0, 1.0, 11.0, 100.0, 110.0, 101.0, 111.0];
        assert_eq!(to_neighbours(&halves, 4, 1), neighbours);
        assert_eq!(to_halves(&neighbours, 4, 1), halves);
    }

    #[test]
    fn rows_move_whole() {
        let halves: Vec<f32> = (0..4 * 3).map(|i| i as f32).collect();
        let neighbours = to_neighbours(&halves, 4, 3);
        assert_eq!(neighbours[3..6], halves[6..9]);
        assert_eq!(to_halves(&neighbours, 4, 3), halves);
    }
}
