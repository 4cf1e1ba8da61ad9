//! The exponential, in `f32` multiplications and additions alone.

use super::lanes::{Lanes, largest, sum_f64};
use super::level::{Kernel, Level};

/// 1.5 * 2^23: adding it rounds a number below 2^22 in magnitude to an integer, ties to even, and
/// leaves that integer in the low bits.
pub(super) const ROUND: f32 = 12_582_912.0;
/// The bits of [`ROUND`].
pub(super) const ROUND_BITS: u32 = 0x4b40_0000;

/// Above this the result is infinity.
const HIGHEST: f32 = 88.0;
/// Below this the result is zero.
const LOWEST: f32 = -87.0;
const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
/// ln 2 in two parts: the high one has 15 bits after the point, so that its product with an exponent
/// is exact.
const LN_2_HIGH: f32 = f32::from_bits(0x3f31_7200);
const LN_2_LOW: f32 = f32::from_bits(0x35bf_be8e);
/// Minimax coefficients of (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, lowest power first.
const COEFFICIENTS: [f32; 5] = [
    f32::from_bits(0x3eff_fffe),
    f32::from_bits(0x3e2a_aa49),
    f32::from_bits(0x3d2a_ac79),
    f32::from_bits(0x3c09_1cf1),
    f32::from_bits(0x3ab5_121a),
];

/// e^x within one unit in the last place on [-87, 88]; 0 below, infinity above, NaN for NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let rounded = x * LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut p = COEFFICIENTS[4];
    p = p * r + COEFFICIENTS[3];
    p = p * r + COEFFICIENTS[2];
    p = p * r + COEFFICIENTS[1];
    p = p * r + COEFFICIENTS[0];
    let fraction = (p * (r * r) + r) + 1.0;
    let exponent = rounded.to_bits().wrapping_sub(ROUND_BITS).wrapping_add(127);
    let y = fraction * f32::from_bits(exponent << 23);
    let y = if x < LOWEST { 0.0 } else { y };
    if x > HIGHEST { f32::INFINITY } else { y }
}

/// ln Σ e^x over all of `x`: the normalizer of log-probabilities. Minus infinity when `x` is empty.
pub fn log_sum_exp(x: &[f32]) -> f64 {
    log_sum_exp_at(Level::best(), x)
}

pub(super) fn log_sum_exp_at(level: Level, x: &[f32]) -> f64 {
    let (largest, sum) = level.run(ShiftedSum(x));
    f64::from(largest) + libm::log(sum)
}

/// The largest value and Σ e^(x - largest), summed in 16 lanes of `f64`.
struct ShiftedSum<'a>(&'a [f32]);

impl Kernel for ShiftedSum<'_> {
    type Output = (f32, f64);

    #[inline(always)]
    fn run<L: Lanes>(self) -> (f32, f64) {
        let x = self.0;
        let largest = largest(x);
        (largest, sum_f64(x, |x| f64::from(exp(x - largest))))
    }
}
