//! What can go wrong before a kernel runs.

use thiserror::Error;

/// Every error of this crate.
///
/// Shapes that only this workspace's own code can get wrong are asserted; these errors are for
/// bytes and devices, which come from outside.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The bytes of a matrix are not as many as its shape needs.
    #[error(
        "a {rows} x {cols} matrix in {format} needs {expected} bytes, found {found}: \
         the file is truncated or its directory is wrong; fetch it again"
    )]
    ByteCount {
        /// Name of the block format.
        format: &'static str,
        /// Output rows.
        rows: usize,
        /// Input columns.
        cols: usize,
        /// Bytes that the shape needs.
        expected: usize,
        /// Bytes that were given.
        found: usize,
    },
    /// The columns do not divide into blocks.
    #[error(
        "{format} stores {block} values in a block, but a row has {cols} columns: \
         use a file whose rows are a multiple of {block}"
    )]
    Columns {
        /// Name of the block format.
        format: &'static str,
        /// Values in a block.
        block: usize,
        /// Columns found.
        cols: usize,
    },
    /// Matrices that cannot be stacked.
    #[error("matrices cannot be stacked: {reason}")]
    Stack {
        /// What differs.
        reason: String,
    },
    /// A GPU is missing or failed.
    #[error("{doing}: {reason}; the CPU computes the same without it")]
    Gpu {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        reason: String,
    },
}
