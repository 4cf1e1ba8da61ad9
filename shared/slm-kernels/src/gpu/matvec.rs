//! A quantized matrix on the device, times one vector.

use super::{Device, Pending};
use crate::KernelError;
use crate::serve::{BlockFormat, QuantizedRows};

/// Rows of one workgroup; the shader says so too.
const WORKGROUP_ROWS: usize = 4;

/// A Q4_1 weight matrix `[rows, cols]` on a device.
pub struct DeviceMatrix {
    rows: usize,
    cols: usize,
    shape: wgpu::Buffer,
    weights: wgpu::Buffer,
}

impl DeviceMatrix {
    /// Copies a matrix to the device as GGUF stores it.
    ///
    /// # Errors
    /// The columns do not divide into blocks of 32, or the bytes are not as many as the shape needs.
    pub fn from_gguf_q4_1(
        device: &Device,
        bytes: &[u8],
        rows: usize,
        cols: usize,
    ) -> Result<Self, KernelError> {
        BlockFormat::Q4_1.check_size(bytes.len(), rows, cols)?;
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(bytes);
        let blocks = cols / BlockFormat::Q4_1.values_per_block();
        let shape = [rows as u32, blocks as u32];
        let matrix = Self {
            rows,
            cols,
            shape: device.upload(&shape, wgpu::BufferUsages::UNIFORM),
            weights: device.upload(&words, wgpu::BufferUsages::STORAGE),
        };
        device.check("copying weights to the GPU")?;
        Ok(matrix)
    }
}

impl Device {
    /// Enqueues the product of `w` with one row of activations.
    ///
    /// # Panics
    /// When `x` is not one row of as many columns as `w`.
    pub fn enqueue_matvec(&self, w: &DeviceMatrix, x: &QuantizedRows) -> Pending {
        assert_eq!(
            (x.rows(), x.cols()),
            (1, w.cols),
            "shape of a vector on the GPU"
        );
        let activations = self.upload(&x.words(), wgpu::BufferUsages::STORAGE);
        let workgroups = w.rows.div_ceil(WORKGROUP_ROWS) as u32;
        self.enqueue(
            &self.matvec,
            &[&w.shape, &w.weights, &activations],
            w.rows,
            workgroups,
        )
    }

    /// The product of `w` with one row of activations, `[rows]`.
    ///
    /// It differs from [`serve::matmul`](crate::serve::matmul()) in the order of its additions and in
    /// what a GPU's rounding may do: by at most 1e-5 of the sum of the magnitudes of its terms.
    ///
    /// # Errors
    /// The device failed or was lost.
    ///
    /// # Panics
    /// When `x` is not one row of as many columns as `w`.
    pub async fn matvec(
        &self,
        w: &DeviceMatrix,
        x: &QuantizedRows,
    ) -> Result<Vec<f32>, KernelError> {
        self.read(self.enqueue_matvec(w, x)).await
    }
}
