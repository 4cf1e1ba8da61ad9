//! The `serve` numerics: weights as stored, activations quantized to eight bits, one fixed order of
//! operations.
//!
//! `docs/numerics.md` states every operation to the last rounding. A kernel here may be made faster
//! in any way that keeps the bits; a change of bits is a new version of that document and of
//! [`NUMERICS`]. `cfg(target_arch)` stays in the SIMD files, in `level`, which chooses among them, and in the
//! list of modules below.
//!
//! All tensors are dense `f32` slices, row-major; `n` counts rows (token positions).

mod activation;
mod attention;
mod blocks;
mod digest;
mod exp;
mod format;
mod lanes;
mod level;
mod lora;
mod matmul;
mod matrix;
#[cfg(target_arch = "aarch64")]
mod neon;
mod norm;
mod parallel;
mod quantize;
mod rope;
#[cfg(test)]
mod tests;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use activation::{add, swiglu};
pub use attention::attention;
pub use digest::{DIGEST, digest};
pub use exp::{exp, log_sum_exp};
pub use format::BlockFormat;
pub use level::{levels, use_level};
pub use lora::lora;
pub use matmul::{matmul, matmul_each};
pub use matrix::Matrix;
pub use norm::rms_norm;
pub use quantize::QuantizedRows;
pub use rope::{RopeTable, rope};

/// Version of the numerics that `docs/numerics.md` states.
pub const NUMERICS: u32 = 1;
