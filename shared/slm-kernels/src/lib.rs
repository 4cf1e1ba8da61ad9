//! Kernels: the operations that a llama is made of, on the CPU and on a GPU.
//!
//! Two numerics live side by side. [`serve`] works on weights as they are stored, with a frozen
//! order of operations, so that a native build and the page give the same bits; `docs/numerics.md`
//! states it. [`train`] is plain `f32` through a fast matrix product.
//!
//! This crate must not know what a model, a layer, a token or a file is: it sees shapes and numbers.
#![warn(missing_docs)]

pub mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod serve;
pub mod threads;
pub mod train;
pub mod visible;

pub use error::KernelError;
pub use visible::Visible;
