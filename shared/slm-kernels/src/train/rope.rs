//! Rotary positions (Su et al. 2021) on interleaved pairs, as GGUF's permuted Q and K want them.
//!
//! A rotation's gradient is the rotation back, so forward and backward differ in one sign.

use crate::serve::RopeTable;

/// Rotates `x: [n, heads * head_dim]` in place; token `t` stands at `positions[t]`.
pub fn forward(x: &mut [f32], positions: &[u32], heads: usize, table: &RopeTable) {
    rotate(x, positions, heads, table, 1.0);
}

/// Turns the gradient of the rotated rows into that of the rows, in place.
pub fn backward(dx: &mut [f32], positions: &[u32], heads: usize, table: &RopeTable) {
    rotate(dx, positions, heads, table, -1.0);
}

fn rotate(x: &mut [f32], positions: &[u32], heads: usize, table: &RopeTable, sign: f32) {
    let width = x.len() / positions.len().max(1);
    for (row, &position) in x.chunks_exact_mut(width).zip(positions) {
        let rotations = table.rotations(position);
        for head in row.chunks_exact_mut(width / heads) {
            for (pair, &(c, s)) in head.chunks_exact_mut(2).zip(rotations) {
                let (a, b, s) = (pair[0], pair[1], sign * s);
                pair[0] = a * c - b * s;
                pair[1] = a * s + b * c;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::testing::noise;

    #[test]
    fn backward_turns_back_what_forward_turned() {
        let (table, positions) = (RopeTable::new(8, 1e4, 40), [0, 7, 39]);
        let x = noise(3 * 16, 1);
        let mut turned = x.clone();
        forward(&mut turned, &positions, 2, &table);
        assert_eq!(turned[..16], x[..16], "position 0 is not rotated");
        assert!(
            turned[16..]
                .iter()
                .zip(&x[16..])
                .any(|(a, b)| (a - b).abs() > 0.1)
        );
        backward(&mut turned, &positions, 2, &table);
        assert!(turned.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
