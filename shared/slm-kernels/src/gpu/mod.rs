//! Kernels in WGSL and the device that they run on: native through Vulkan or Metal, in a browser
//! through WebGPU.
//!
//! Work is enqueued; reading a result back is the only thing to wait for. Shaders are plain files,
//! validated without a GPU. Results agree with [`serve`](crate::serve) within the tolerance that each
//! operation states, not bit for bit: that is why a GPU never decides a score by itself.

mod device;
mod matvec;

pub use device::{Device, Pending};
pub use matvec::DeviceMatrix;
