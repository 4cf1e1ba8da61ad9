//! GGUF: the container of a model's metadata and tensors, read from bytes and written to bytes.
//!
//! Format: the GGUF specification of the ggml project, versions 2 and 3, little endian:
//!
//! ```text
//! "GGUF"  version: u32  tensors: u64  entries: u64
//! entries × (key: string  kind: u32  value)
//! tensors × (name: string  dims: u32  dim: u64 …  type: u32  offset: u64)
//! padding to `general.alignment`, then the tensors' bytes at their offsets
//! ```
//!
//! Knows the container only: what the keys mean is for [`crate::config`] and [`crate::tokenizer`],
//! and block layouts are for the kernels. Bytes come from anywhere, so every count and offset is
//! checked before it is used; nothing is allocated that the file is too short to fill.

mod dequantize;
mod read;
mod tensor;
mod value;
mod write;

use std::collections::BTreeMap;

pub use dequantize::dequantize_with_candle;
pub use tensor::{GgmlType, Tensor};
pub use value::{Array, Kind, Value};
pub use write::Writer;

use crate::error::ModelError;

/// First four bytes of every GGUF file.
const MAGIC: &[u8; 4] = b"GGUF";

/// Tensor data is aligned to this unless `general.alignment` says otherwise.
const DEFAULT_ALIGNMENT: usize = 32;

/// Metadata and tensor directory of a GGUF file. Tensor bytes stay where they are:
/// `file[tensor.range.clone()]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gguf {
    /// Format version, 2 or 3.
    pub version: u32,
    /// Key-value pairs.
    pub metadata: BTreeMap<String, Value>,
    /// Tensor directory in file order.
    pub tensors: Vec<Tensor>,
}

impl Gguf {
    /// Reads metadata and directory and checks that every tensor lies inside the file.
    ///
    /// # Errors
    /// [`ModelError::File`] for bytes that are no GGUF or a damaged one,
    /// [`ModelError::Unsupported`] for versions and types this program does not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        read::parse(bytes)
    }

    /// A tensor by name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The value of `key`, if the file has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// A non-negative integer of any width.
    ///
    /// # Errors
    /// The key is missing, is no integer, or does not fit `usize`.
    pub fn integer(&self, key: &str) -> Result<usize, ModelError> {
        let value = self.required(key)?;
        value
            .as_usize()
            .ok_or_else(|| wrong_kind(key, value, "a non-negative integer"))
    }

    /// A floating-point number of either width.
    ///
    /// # Errors
    /// The key is missing or no float.
    pub fn float(&self, key: &str) -> Result<f64, ModelError> {
        let value = self.required(key)?;
        value
            .as_f64()
            .ok_or_else(|| wrong_kind(key, value, "a floating-point number"))
    }

    /// Text.
    ///
    /// # Errors
    /// The key is missing or no string.
    pub fn string(&self, key: &str) -> Result<&str, ModelError> {
        let value = self.required(key)?;
        match value {
            Value::String(text) => Ok(text),
            _ => Err(wrong_kind(key, value, "a string")),
        }
    }

    /// A list of strings.
    ///
    /// # Errors
    /// The key is missing, no array of strings, or one of them is not UTF-8.
    pub fn strings(&self, key: &str) -> Result<Vec<&str>, ModelError> {
        match self.required(key)? {
            Value::Array(array) if array.kind() == Kind::String => array.strings().map_err(|at| {
                ModelError::damaged(format!("{key}[{at}]"), "bytes that are not UTF-8", "text")
            }),
            other => Err(wrong_kind(key, other, "an array of strings")),
        }
    }

    /// A list of 32-bit integers.
    ///
    /// # Errors
    /// The key is missing or no array of `i32` or `u32`.
    pub fn integers(&self, key: &str) -> Result<Vec<i32>, ModelError> {
        match self.required(key)? {
            Value::Array(array) if matches!(array.kind(), Kind::I32 | Kind::U32) => {
                Ok(array.integers())
            }
            other => Err(wrong_kind(key, other, "an array of 32-bit integers")),
        }
    }

    fn required(&self, key: &str) -> Result<&Value, ModelError> {
        self.get(key).ok_or_else(|| ModelError::File {
            place: key.into(),
            found: "no such key".into(),
            expected: "a value".into(),
            advice: "The file was converted without it: use another conversion of the model."
                .into(),
        })
    }
}

fn wrong_kind(key: &str, found: &Value, expected: &str) -> ModelError {
    ModelError::File {
        place: key.into(),
        found: found.to_string(),
        expected: expected.into(),
        advice: "The file was converted wrongly or is corrupted: use another copy.".into(),
    }
}

#[cfg(test)]
mod tests;
