//! Rotary position embedding (Su et al., 2021) on interleaved pairs, as GGUF permutes llama weights.

use super::lanes::Lanes;
use super::level::{Kernel, Level};
use super::parallel;

/// Cosines and sines of every pair at every position.
pub struct RopeTable {
    head_dim: usize,
    /// `base^(-2i / head_dim)` of each pair.
    frequencies: Vec<f64>,
    /// `(cos, sin)`, `[positions, head_dim / 2]`.
    rotations: Vec<(f32, f32)>,
}

impl RopeTable {
    /// A table for positions `0..positions` of heads with `head_dim` dimensions.
    ///
    /// # Panics
    /// When `head_dim` is zero or odd.
    pub fn new(head_dim: usize, base: f64, positions: usize) -> Self {
        assert!(
            head_dim > 0 && head_dim.is_multiple_of(2),
            "head dimension {head_dim} is not even"
        );
        let frequencies = (0..head_dim / 2)
            .map(|pair| libm::pow(base, -((2 * pair) as f64) / head_dim as f64))
            .collect();
        let mut table = Self {
            head_dim,
            frequencies,
            rotations: Vec::new(),
        };
        table.grow(positions);
        table
    }

    /// Makes the table cover positions `0..positions`; it never shrinks.
    pub fn grow(&mut self, positions: usize) {
        for position in self.positions()..positions {
            let angles = self
                .frequencies
                .iter()
                .map(|frequency| position as f64 * frequency);
            self.rotations
                .extend(angles.map(|a| (libm::cos(a) as f32, libm::sin(a) as f32)));
        }
    }

    /// How many positions the table covers.
    pub fn positions(&self) -> usize {
        self.rotations.len() / self.frequencies.len()
    }

    /// `(cos, sin)` of each pair at `position`: `[head_dim / 2]`.
    ///
    /// # Panics
    /// When the table does not cover `position`.
    pub fn rotations(&self, position: u32) -> &[(f32, f32)] {
        let pairs = self.frequencies.len();
        &self.rotations[position as usize * pairs..][..pairs]
    }
}

/// Rotates `x`, `[n, heads * head_dim]`, in place; row `i` stands at `positions[i]`.
///
/// # Panics
/// When the lengths do not fit or a position is not in the table.
pub fn rope(x: &mut [f32], positions: &[u32], heads: usize, table: &RopeTable) {
    rope_at(Level::best(), x, positions, heads, table);
}

pub(super) fn rope_at(
    level: Level,
    x: &mut [f32],
    positions: &[u32],
    heads: usize,
    table: &RopeTable,
) {
    let width = heads * table.head_dim;
    assert_eq!(x.len(), positions.len() * width, "rows to rotate");
    parallel::row_chunks(x, width, 4 * width, |first, x| {
        level.run(RotateRows {
            x,
            positions: &positions[first..],
            width,
            table,
        });
    });
}

struct RotateRows<'a> {
    x: &'a mut [f32],
    positions: &'a [u32],
    width: usize,
    table: &'a RopeTable,
}

impl Kernel for RotateRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self {
            x,
            positions,
            width,
            table,
        } = self;
        let pairs = table.head_dim / 2;
        for (row, &position) in x.chunks_exact_mut(width).zip(positions) {
            let rotations = &table.rotations[position as usize * pairs..][..pairs];
            for head in row.chunks_exact_mut(table.head_dim) {
                for (pair, &(cos, sin)) in head.chunks_exact_mut(2).zip(rotations) {
                    let (a, b) = (pair[0], pair[1]);
                    pair[0] = a * cos - b * sin;
                    pair[1] = a * sin + b * cos;
                }
            }
        }
    }
}
