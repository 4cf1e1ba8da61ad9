//! The block formats of GGUF and what one block holds.
//!
//! Source of the layouts: the block structs of ggml, which GGUF stores byte for byte, little endian.

use half::f16;

use crate::KernelError;

/// Values in one quantized block.
pub(super) const BLOCK: usize = 32;

/// How a matrix is stored in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)]
pub enum BlockFormat {
    /// `f16` scale, 32 four-bit codes; value = scale * (code - 8).
    Q4_0,
    /// `f16` scale and minimum, 32 four-bit codes; value = scale * code + minimum.
    Q4_1,
    /// `f16` scale, 32 five-bit codes; value = scale * (code - 16).
    Q5_0,
    /// `f16` scale and minimum, 32 five-bit codes; value = scale * code + minimum.
    Q5_1,
    /// `f16` scale, 32 signed bytes; value = scale * byte.
    Q8_0,
    /// Half precision, no blocks.
    F16,
    /// Single precision, no blocks.
    F32,
}

impl BlockFormat {
    /// The name that GGUF tools print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::F16 => "F16",
            Self::F32 => "F32",
        }
    }

    /// Values in one block: 32, or 1 for the float formats.
    pub const fn values_per_block(self) -> usize {
        match self {
            Self::F16 | Self::F32 => 1,
            _ => BLOCK,
        }
    }

    /// Bytes of one block in the file.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    /// Checks that `found` bytes hold a matrix `[rows, cols]`.
    pub(crate) fn check_size(
        self,
        found: usize,
        rows: usize,
        cols: usize,
    ) -> Result<(), KernelError> {
        let (format, block) = (self.name(), self.values_per_block());
        if !cols.is_multiple_of(block) {
            return Err(KernelError::Columns {
                format,
                block,
                cols,
            });
        }
        let expected = rows * (cols / block) * self.block_bytes();
        if found != expected {
            return Err(KernelError::ByteCount {
                format,
                rows,
                cols,
                expected,
                found,
            });
        }
        Ok(())
    }

    /// What is subtracted from an unsigned code to get the integer that the scale multiplies.
    pub(super) const fn code_offset(self) -> u8 {
        match self {
            Self::Q4_0 => 8,
            Self::Q5_0 => 16,
            Self::Q8_0 => 128,
            _ => 0,
        }
    }

    /// Whether a block has a minimum beside its scale.
    pub(super) const fn has_minimum(self) -> bool {
        matches!(self, Self::Q4_1 | Self::Q5_1)
    }

    /// Whether two codes share a byte.
    pub(super) const fn is_nibbles(self) -> bool {
        matches!(self, Self::Q4_0 | Self::Q4_1)
    }
}

/// One block of 32 weights: value = scale * (code - offset) + minimum.
pub(super) struct Block {
    pub(super) codes: [u8; BLOCK],
    pub(super) scale: f32,
    pub(super) minimum: f32,
}

impl Block {
    /// Decodes one block of a quantized `format`; `bytes` is exactly one block long.
    pub(super) fn decode(format: BlockFormat, bytes: &[u8]) -> Self {
        let half_at = |at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32();
        let minimum_bytes = if format.has_minimum() { 2 } else { 0 };
        let minimum = if format.has_minimum() {
            half_at(2)
        } else {
            0.0
        };
        let body = &bytes[2 + minimum_bytes..];
        let codes = match format {
            BlockFormat::Q4_0 | BlockFormat::Q4_1 => nibble_codes(body, 0),
            BlockFormat::Q5_0 | BlockFormat::Q5_1 => {
                let fifth_bits = u32::from_le_bytes([body[0], body[1], body[2], body[3]]);
                nibble_codes(&body[4..], fifth_bits)
            }
            // A signed byte plus 128 is an unsigned code.
            BlockFormat::Q8_0 => std::array::from_fn(|i| body[i] ^ 0x80),
            BlockFormat::F16 | BlockFormat::F32 => unreachable!("float formats have no blocks"),
        };
        Self {
            codes,
            scale: half_at(0),
            minimum,
        }
    }
}

/// Codes 0..16 are the low nibbles and 16..32 the high ones; bit `i` of `fifth_bits` is the fifth
/// bit of code `i`.
fn nibble_codes(bytes: &[u8], fifth_bits: u32) -> [u8; BLOCK] {
    std::array::from_fn(|i| {
        let nibble = (bytes[i % 16] >> (4 * (i / 16))) & 0x0f;
        nibble | ((((fifth_bits >> i) & 1) as u8) << 4)
    })
}
