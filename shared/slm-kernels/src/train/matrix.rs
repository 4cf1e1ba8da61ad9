//! Matrix products over strided f32 views, by the `gemm` crate.

/// A borrowed matrix with strides in elements.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A mutable matrix with a row stride in elements; columns are adjacent.
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

/// Elements a strided matrix spans, so that a bounds check once covers every access.
fn extent(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> usize {
    if rows == 0 || cols == 0 {
        0
    } else {
        (rows - 1) * row_stride + (cols - 1) * col_stride + 1
    }
}

impl<'a> View<'a> {
    /// A contiguous row-major `[rows, cols]` matrix.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `[rows, cols]` whose rows start `row_stride` apart.
    ///
    /// # Panics
    /// When `data` is too short: a caller's bug.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(
            data.len() >= extent(rows, cols, row_stride, 1),
            "matrix view past its data"
        );
        Self {
            data,
            rows,
            cols,
            row_stride,
            col_stride: 1,
        }
    }

    /// The transpose, without moving anything.
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

impl<'a> ViewMut<'a> {
    /// A contiguous row-major `[rows, cols]` matrix.
    pub fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `[rows, cols]` whose rows start `row_stride` apart.
    ///
    /// # Panics
    /// When `data` is too short: a caller's bug.
    pub fn strided(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(
            data.len() >= extent(rows, cols, row_stride, 1),
            "matrix view past its data"
        );
        Self {
            data,
            rows,
            cols,
            row_stride,
        }
    }

    /// The same matrix for a shorter time.
    pub fn reborrow(&mut self) -> ViewMut<'_> {
        ViewMut {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
        }
    }
}

/// Work (multiply-adds) below which a product stays on one thread.
const SERIAL_WORK: usize = 1 << 18;

/// `out = keep * out + scale * a b`, with `a: [m, k]`, `b: [k, n]`, `out: [m, n]`; `keep` is 0 or 1.
///
/// # Panics
/// When the shapes do not fit: a caller's bug.
pub fn multiply(out: ViewMut<'_>, keep: bool, scale: f32, a: View<'_>, b: View<'_>) {
    assert_eq!(
        (a.rows, b.cols, a.cols),
        (out.rows, out.cols, b.rows),
        "matrix product shapes"
    );
    if out.rows == 0 || out.cols == 0 {
        return;
    }
    let parallelism = parallelism(a.rows * a.cols * b.cols);
    // SAFETY: every view was checked against its slice when it was made, and `out` is borrowed
    // mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            out.rows,
            out.cols,
            a.cols,
            out.data.as_mut_ptr(),
            1,
            out.row_stride as isize,
            keep,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0f32,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Whether a row of `a bᵀ`, with `a: [m, k]` and `b: [n, k]`, has the same bits whatever other rows
/// `a` has, as long as it has `rows` or more.
///
/// An element is a sum over `k` in one order, except that `gemm` sums single rows and outputs of up
/// to 16 × 16 elements in an order of their own, and cuts a `k` above 512 elsewhere where both sides
/// of the output are at most 64.
pub fn rows_stand_alone(rows: usize, k: usize, n: usize) -> bool {
    rows > 1 && n > 1 && rows * n > 16 * 16 && (rows > 64 || n > 64 || k <= 512)
}

#[cfg(feature = "threads")]
fn parallelism(work: usize) -> gemm::Parallelism {
    if work < SERIAL_WORK {
        gemm::Parallelism::None
    } else {
        gemm::Parallelism::Rayon(0)
    }
}

#[cfg(not(feature = "threads"))]
fn parallelism(work: usize) -> gemm::Parallelism {
    let _ = work < SERIAL_WORK;
    gemm::Parallelism::None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain f64 product.
    fn oracle(a: &[f32], b: &[f32], m: usize, k: usize, n: usize) -> Vec<f64> {
        let mut out = vec![0.0; m * n];
        for i in 0..m {
            for j in 0..n {
                for l in 0..k {
                    out[i * n + j] += f64::from(a[i * k + l]) * f64::from(b[l * n + j]);
                }
            }
        }
        out
    }

    #[test]
    fn products_agree_with_f64() {
        for (m, k, n) in [
            (1, 1, 1),
            (3, 5, 7),
            (17, 64, 33),
            (40, 576, 19),
            (130, 96, 200),
        ] {
            let a: Vec<f32> = (0..m * k)
                .map(|i| ((i * 7 % 13) as f32 - 6.0) / 7.0)
                .collect();
            let b: Vec<f32> = (0..k * n)
                .map(|i| ((i * 5 % 11) as f32 - 5.0) / 3.0)
                .collect();
            let want = oracle(&a, &b, m, k, n);
            let mut got = vec![1.0; m * n];
            multiply(
                ViewMut::new(&mut got, m, n),
                true,
                2.0,
                View::new(&a, m, k),
                View::new(&b, k, n),
            );
            let transposed: Vec<f32> = (0..k * n).map(|i| b[i % k * n + i / k]).collect();
            let mut again = vec![0.0; m * n];
            let b_t = View::new(&transposed, n, k).t();
            multiply(
                ViewMut::new(&mut again, m, n),
                false,
                1.0,
                View::new(&a, m, k),
                b_t,
            );
            for i in 0..m * n {
                let bound = 1e-4 * (1.0 + want[i].abs());
                assert!((f64::from(got[i]) - 1.0 - 2.0 * want[i]).abs() < 2.0 * bound);
                assert!((f64::from(again[i]) - want[i]).abs() < bound);
            }
        }
    }

    /// The sizes are those of models: narrow and wide, above and below where `gemm` cuts sums.
    #[test]
    fn rows_have_the_same_bits_in_every_company() {
        let noise = crate::train::testing::noise;
        for (k, n) in [(64, 32), (128, 64), (576, 192), (576, 96), (1536, 576)] {
            let least = (2..).find(|&rows| rows_stand_alone(rows, k, n)).unwrap();
            let many = least + 301;
            let (a, b) = (noise(many * k, 1), noise(n * k, 2));
            let product = |from: usize, rows: usize| {
                let mut out = vec![0.0; rows * n];
                let a = View::new(&a[from * k..], rows, k);
                let b = View::new(&b, n, k).t();
                multiply(ViewMut::new(&mut out, rows, n), false, 1.0, a, b);
                out
            };
            let together = product(0, many);
            for rows in [
                least,
                least + 1,
                least + 6,
                least + 13,
                least + 30,
                least + 80,
            ] {
                for from in [0, 1, 17, many - rows] {
                    let same = product(from, rows) == together[from * n..][..rows * n];
                    assert!(same, "{rows} rows from {from}, k {k}, n {n}");
                }
            }
        }
        assert!(!rows_stand_alone(1, 576, 192));
        assert!(!rows_stand_alone(8, 64, 32));
        assert!(!rows_stand_alone(40, 576, 64));
    }
}
