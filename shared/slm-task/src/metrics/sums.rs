//! Sums in numpy's order. Addition of floats depends on its order, so equality with numpy to the
//! last bit needs the same tree.

/// Sums as `numpy.sum` does over a contiguous array of float64: up to 128 numbers in eight
/// interleaved accumulators, more by halving at a multiple of eight.
pub(super) fn pairwise_sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 128;
    let n = values.len();
    if n < LANES {
        return values.iter().fold(0.0, |sum, v| sum + v);
    }
    if n > BLOCK {
        let half = n / 2;
        let (left, right) = values.split_at(half - half % LANES);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[..LANES]);
    let mut chunks = values[LANES..].chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    chunks.remainder().iter().fold(sum, |sum, v| sum + v)
}

/// The mean of the values that are numbers, as `numpy.nanmean`: NaN is summed as 0, in its place.
/// NaN when there is none.
pub(super) fn nan_mean(values: &[f64]) -> f64 {
    let count = values.iter().filter(|v| !v.is_nan()).count();
    if count == 0 {
        return f64::NAN;
    }
    let zeroed: Vec<f64> = values
        .iter()
        .map(|v| if v.is_nan() { 0.0 } else { *v })
        .collect();
    pairwise_sum(&zeroed) / count as f64
}

/// The weighted mean of the values that are numbers, as scikit-learn's `_nanaverage`: NaN is
/// removed before summing; the plain mean when all weights are 0; NaN when no value is left.
pub(super) fn nan_weighted_mean(values: &[f64], weights: &[f64]) -> f64 {
    let (kept, weights): (Vec<f64>, Vec<f64>) = values
        .iter()
        .zip(weights)
        .filter(|(v, _)| !v.is_nan())
        .unzip();
    if kept.is_empty() {
        return f64::NAN;
    }
    let total = pairwise_sum(&weights);
    if total == 0.0 {
        return pairwise_sum(&kept) / kept.len() as f64;
    }
    let products: Vec<f64> = kept.iter().zip(&weights).map(|(v, w)| v * w).collect();
    pairwise_sum(&products) / total
}
