//! Block types that the kernels do not compute on, turned into `f32` by candle (native only).

use super::GgmlType;
use crate::error::ModelError;

/// The `n` values in `bytes`, which are whole blocks of `ggml_type`. Needs the `candle` feature.
///
/// # Errors
/// [`ModelError::Unsupported`] for types that candle does not know and in builds without candle;
/// [`ModelError::Input`] when `bytes` are not `n` values.
pub fn dequantize_with_candle(
    ggml_type: GgmlType,
    bytes: &[u8],
    n: usize,
) -> Result<Vec<f32>, ModelError> {
    if ggml_type.bytes_of(n) != Some(bytes.len()) {
        return Err(ModelError::Input(format!(
            "{} bytes are not {n} values of {ggml_type}",
            bytes.len()
        )));
    }
    imp(ggml_type, bytes, n)
}

#[cfg(feature = "candle")]
fn imp(ggml_type: GgmlType, bytes: &[u8], n: usize) -> Result<Vec<f32>, ModelError> {
    use candle_core::{
        Device,
        quantized::{QStorage, QTensor},
    };
    let dtype = candle_type(ggml_type)?;
    let failed = |error: candle_core::Error| {
        ModelError::Input(format!("dequantizing {n} values of {ggml_type}: {error}"))
    };
    // candle reads the blocks in place and insists on their alignment, which a file's bytes need
    // not have.
    let mut aligned = vec![0_u64; bytes.len().div_ceil(8)];
    let copy = &mut bytemuck::cast_slice_mut(&mut aligned)[..bytes.len()];
    copy.copy_from_slice(bytes);
    let storage = QStorage::from_data((&*copy).into(), &Device::Cpu, dtype).map_err(failed)?;
    QTensor::new(storage, n)
        .and_then(|tensor| tensor.dequantize(&Device::Cpu))
        .and_then(|tensor| tensor.to_vec1())
        .map_err(failed)
}

#[cfg(feature = "candle")]
fn candle_type(ggml_type: GgmlType) -> Result<candle_core::quantized::GgmlDType, ModelError> {
    use candle_core::quantized::GgmlDType as Dtype;
    Ok(match ggml_type {
        GgmlType::F32 => Dtype::F32,
        GgmlType::F16 => Dtype::F16,
        GgmlType::Bf16 => Dtype::BF16,
        GgmlType::Q4_0 => Dtype::Q4_0,
        GgmlType::Q4_1 => Dtype::Q4_1,
        GgmlType::Q5_0 => Dtype::Q5_0,
        GgmlType::Q5_1 => Dtype::Q5_1,
        GgmlType::Q8_0 => Dtype::Q8_0,
        GgmlType::Q2_K => Dtype::Q2K,
        GgmlType::Q3_K => Dtype::Q3K,
        GgmlType::Q4_K => Dtype::Q4K,
        GgmlType::Q5_K => Dtype::Q5K,
        GgmlType::Q6_K => Dtype::Q6K,
        other => return Err(unknown(other, "no dequantizer for it is at hand")),
    })
}

#[cfg(not(feature = "candle"))]
fn imp(ggml_type: GgmlType, _bytes: &[u8], _n: usize) -> Result<Vec<f32>, ModelError> {
    Err(unknown(
        ggml_type,
        "this build reads F32, F16, Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 only",
    ))
}

fn unknown(ggml_type: GgmlType, reason: &str) -> ModelError {
    ModelError::unsupported(
        format!("tensor type {ggml_type}"),
        reason,
        "Use a Q4_1 or Q8_0 conversion of the model.",
    )
}
