//! The tensor directory: names, shapes, block types and byte ranges.

use std::{fmt, ops::Range};

/// One entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Name (`blk.0.attn_q.weight`).
    pub name: String,
    /// Sizes, fastest first as the file has them: a linear layer is `[in, out]`, and its bytes are
    /// `out` rows of `in` values.
    pub dims: Vec<usize>,
    /// How values are stored.
    pub ggml_type: GgmlType,
    /// Where its bytes lie in the file.
    pub range: Range<usize>,
}

impl Tensor {
    /// Number of values.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }
}

/// Declares the types in one table: variant, number in the file, name, values a block, bytes a
/// block. Source: `ggml.h` and `ggml-common.h` of the ggml project.
macro_rules! ggml_types {
    ($($variant:ident = $number:literal, $name:literal, $values:literal, $bytes:literal;)*) => {
        /// How a tensor's values are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, non_camel_case_types)]
        pub enum GgmlType { $($variant = $number,)* }

        impl GgmlType {
            /// The type with this number in the file.
            pub fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// Name as ggml prints it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Values a block.
            pub fn block_values(self) -> usize {
                match self { $(Self::$variant => $values,)* }
            }

            /// Bytes a block.
            pub fn block_bytes(self) -> usize {
                match self { $(Self::$variant => $bytes,)* }
            }
        }
    };
}

ggml_types! {
    F32 = 0, "F32", 1, 4;
    F16 = 1, "F16", 1, 2;
    Q4_0 = 2, "Q4_0", 32, 18;
    Q4_1 = 3, "Q4_1", 32, 20;
    Q5_0 = 6, "Q5_0", 32, 22;
    Q5_1 = 7, "Q5_1", 32, 24;
    Q8_0 = 8, "Q8_0", 32, 34;
    Q8_1 = 9, "Q8_1", 32, 36;
    Q2_K = 10, "Q2_K", 256, 84;
    Q3_K = 11, "Q3_K", 256, 110;
    Q4_K = 12, "Q4_K", 256, 144;
    Q5_K = 13, "Q5_K", 256, 176;
    Q6_K = 14, "Q6_K", 256, 210;
    Q8_K = 15, "Q8_K", 256, 292;
    Iq2Xxs = 16, "IQ2_XXS", 256, 66;
    Iq2Xs = 17, "IQ2_XS", 256, 74;
    Iq3Xxs = 18, "IQ3_XXS", 256, 98;
    Iq1S = 19, "IQ1_S", 256, 50;
    Iq4Nl = 20, "IQ4_NL", 32, 18;
    Iq3S = 21, "IQ3_S", 256, 110;
    Iq2S = 22, "IQ2_S", 256, 82;
    Iq4Xs = 23, "IQ4_XS", 256, 136;
    I8 = 24, "I8", 1, 1;
    I16 = 25, "I16", 1, 2;
    I32 = 26, "I32", 1, 4;
    I64 = 27, "I64", 1, 8;
    F64 = 28, "F64", 1, 8;
    Iq1M = 29, "IQ1_M", 256, 56;
    Bf16 = 30, "BF16", 1, 2;
    Tq1_0 = 34, "TQ1_0", 256, 54;
    Tq2_0 = 35, "TQ2_0", 256, 66;
    Mxfp4 = 39, "MXFP4", 32, 17;
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl GgmlType {
    /// The kernels compute on this type as stored; others are dequantized first.
    pub fn native(self) -> bool {
        matches!(
            self,
            Self::F32 | Self::F16 | Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0
        )
    }

    /// Bytes of `elements` values; `None` if they are no whole number of blocks or too many.
    pub fn bytes_of(self, elements: usize) -> Option<usize> {
        elements
            .is_multiple_of(self.block_values())
            .then(|| (elements / self.block_values()).checked_mul(self.block_bytes()))?
    }
}
