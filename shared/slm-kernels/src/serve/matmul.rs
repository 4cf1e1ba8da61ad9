//! The product of quantized activations with a weight matrix.

use std::marker::PhantomData;
use std::ops::Range;

use super::blocks::each_dot;
use super::lanes::Lanes;
use super::level::{Kernel, Level};
use super::matrix::{Matrix, Storage, TILE_ROWS, Tile, TileBlocks, row_codes};
use super::parallel;
use super::quantize::{QuantizedBlock, QuantizedRows};

/// `out[i, j] = Σ_k x[i, k] * w[j, k]`: `x` is `[n, cols]`, `out` is `[n, rows]`.
///
/// # Panics
/// When the lengths do not fit.
pub fn matmul(w: &Matrix, x: &QuantizedRows, out: &mut [f32]) {
    matmul_each([w], x, [out]);
}

/// [`matmul`] for several matrices at once, whose products are shared out among threads together.
///
/// # Panics
/// When the lengths do not fit.
pub fn matmul_each<const N: usize>(ws: [&Matrix; N], x: &QuantizedRows, outs: [&mut [f32]; N]) {
    matmul_each_at(Level::best(), ws, x, outs);
}

#[cfg(test)]
pub(super) fn matmul_at(level: Level, w: &Matrix, x: &QuantizedRows, out: &mut [f32]) {
    matmul_each_at(level, [w], x, [out]);
}

fn matmul_each_at<const N: usize>(
    level: Level,
    ws: [&Matrix; N],
    x: &QuantizedRows,
    outs: [&mut [f32]; N],
) {
    let mut outs = outs.into_iter();
    let products = ws.map(|w| Product::new(w, x, outs.next().expect("an output for each matrix")));
    let units: usize = products.iter().map(Product::units).sum();
    let cost: usize = products.iter().map(Product::cost).sum();
    parallel::ranges(units, cost / units.max(1), |range| {
        let mut first = 0;
        for product in &products {
            let end = first + product.units();
            let (from, to) = (range.start.max(first), range.end.min(end));
            if from < to {
                product.compute(level, from - first..to - first);
            }
            first = end;
        }
    });
}

/// One matrix times all activations. Its units are tiles, or rows where the weights are floats.
struct Product<'a> {
    w: &'a Matrix,
    x: &'a QuantizedRows,
    out: Output<'a>,
}

impl<'a> Product<'a> {
    fn new(w: &'a Matrix, x: &'a QuantizedRows, out: &'a mut [f32]) -> Self {
        assert_eq!(
            w.cols(),
            x.cols(),
            "columns of the weights and of the activations"
        );
        assert_eq!(out.len(), x.rows() * w.rows(), "length of a product");
        let out = Output::new(out, w.rows());
        Self { w, x, out }
    }

    fn units(&self) -> usize {
        match &self.w.storage {
            Storage::Tiles(_) => self.w.tile_count(),
            Storage::Halves(_) | Storage::Floats(_) => self.w.rows(),
        }
    }

    /// Operations of all units, roughly.
    fn cost(&self) -> usize {
        let products = self.x.rows() * self.w.cols() * self.w.rows();
        match &self.w.storage {
            Storage::Tiles(_) => products / 32,
            Storage::Halves(_) | Storage::Floats(_) => products / 4,
        }
    }

    /// The outputs of some units. Each unit is computed by one thread only.
    fn compute(&self, level: Level, units: Range<usize>) {
        let Self { w, x, out } = self;
        match &w.storage {
            Storage::Tiles(lines) => {
                for index in units {
                    multiply_tile(level, w.tile(lines, index), x, index * TILE_ROWS, out);
                }
            }
            Storage::Halves(_) | Storage::Floats(_) => level.run(MultiplyRows {
                w,
                x,
                rows: units,
                out,
            }),
        }
    }
}

/// The product, shared among threads that write different rows of the matrix, that is, different
/// columns of the product.
struct Output<'a> {
    start: *mut f32,
    len: usize,
    rows: usize,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: `write` is the only access, and its callers write disjoint places.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    fn new(out: &'a mut [f32], rows: usize) -> Self {
        Self {
            start: out.as_mut_ptr(),
            len: out.len(),
            rows,
            borrow: PhantomData,
        }
    }

    /// Writes outputs `first..` of token `token`, as many of `values` as there are rows.
    ///
    /// # Safety
    /// No other thread writes the same outputs.
    #[inline(always)]
    unsafe fn write(&self, token: usize, first: usize, values: &[f32]) {
        let count = values.len().min(self.rows - first);
        let at = token * self.rows + first;
        assert!(at + count <= self.len);
        // SAFETY: in bounds by the assertion; unaliased by the contract.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start.add(at), count) }
    }
}

/// Tokens that share one pass over a tile: as many as keep all sums in registers.
const GROUP: usize = 4;

/// All tokens times one tile, whose first row is `first`.
fn multiply_tile(level: Level, tile: Tile<'_>, x: &QuantizedRows, first: usize, out: &Output<'_>) {
    if x.rows() < GROUP {
        for token in 0..x.rows() {
            multiply_group::<1>(level, tile, x, token, first, out);
        }
        return;
    }
    for token in (0..x.rows()).step_by(GROUP) {
        // The last group may overlap the one before: the same products once more.
        let token = token.min(x.rows() - GROUP);
        multiply_group::<GROUP>(level, tile, x, token, first, out);
    }
}

/// `T` tokens from `token` on times one tile. Called for a tile by one thread only.
fn multiply_group<const T: usize>(
    level: Level,
    tile: Tile<'_>,
    x: &QuantizedRows,
    token: usize,
    first: usize,
    out: &Output<'_>,
) {
    let products: [_; T] = level.tile_product(tile, x.blocks(token..token + T));
    for (i, product) in products.iter().enumerate() {
        // SAFETY: the outputs of a tile's rows are written by the one thread that has the tile.
        unsafe { out.write(token + i, first, product) };
    }
}

/// The reference that every other level must equal bit for bit: `T` tokens times 16 rows.
pub(super) fn tile_product<const T: usize, const LINES: usize, const MINIMUM: bool>(
    blocks: TileBlocks<'_, LINES, MINIMUM>,
    x: &[QuantizedBlock],
) -> [[f32; TILE_ROWS]; T] {
    let offset = i32::from(blocks.offset());
    let mut products = [[0.0; TILE_ROWS]; T];
    for (index, block) in blocks.iter().enumerate() {
        for row in 0..TILE_ROWS {
            let codes = row_codes(block.codes, row).map(|code| i32::from(code) - offset);
            for (token, products) in products.iter_mut().enumerate() {
                let x = &x[token * blocks.len() + index];
                let sum: i32 = codes
                    .iter()
                    .zip(&x.quants)
                    .map(|(c, &q)| c * i32::from(q))
                    .sum();
                products[row] += sum as f32 * (block.scales[row] * x.scale);
                if let Some(minima) = block.minima {
                    products[row] += minima[row] * x.sum;
                }
            }
        }
    }
    products
}

/// Float weights: plain dot products of the unquantized activations with some of the rows.
struct MultiplyRows<'a> {
    w: &'a Matrix,
    x: &'a QuantizedRows,
    rows: Range<usize>,
    out: &'a Output<'a>,
}

impl Kernel for MultiplyRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { w, x, rows, out } = self;
        let mut widened = vec![0.0; w.cols()];
        for row in rows {
            let weights = match &w.storage {
                Storage::Floats(values) => &values[row * w.cols()..][..w.cols()],
                _ => {
                    w.dequantize_row(row, &mut widened);
                    &widened[..]
                }
            };
            each_dot::<L>(
                (1, x.rows()),
                |_| weights,
                |token| x.row(token),
                |_, token, product| {
                    // SAFETY: each row is worked on by one thread.
                    unsafe { out.write(token, row, &[product]) };
                },
            );
        }
    }
}
