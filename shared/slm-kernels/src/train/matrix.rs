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
}
