//! A GPU, what was enqueued on it, and reading results back.

use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::oneshot;
use wgpu::util::DeviceExt;

use crate::KernelError;

/// A GPU with its kernels compiled.
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
    pub(super) matvec: wgpu::ComputePipeline,
    /// The first error that came outside of any call.
    failure: Arc<Mutex<Option<String>>>,
}

/// The result of enqueued work, still on the device.
pub struct Pending {
    buffer: wgpu::Buffer,
}

fn failed(doing: &'static str, reason: impl ToString) -> KernelError {
    KernelError::Gpu {
        doing,
        reason: reason.to_string(),
    }
}

impl Device {
    /// Asks the system, or the browser, for its fastest GPU.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub async fn request() -> Result<Self, KernelError> {
        let instance = wgpu::Instance::default();
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|error| failed("looking for a GPU", error))?;
        let description = wgpu::DeviceDescriptor {
            label: Some("slm-kernels"),
            required_limits: adapter.limits(),
            ..Default::default()
        };
        let device = adapter.request_device(&description).await;
        let (device, queue) = device.map_err(|error| failed("opening the GPU", error))?;
        let failure = Arc::new(Mutex::new(None));
        let seen = failure.clone();
        // Without a handler such an error would end the program.
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.get_or_insert(error.to_string());
        }));
        let matvec = pipeline(&device, wgpu::include_wgsl!("q4_1_matvec.wgsl"), "matvec");
        let device = Self {
            device,
            queue,
            info: adapter.get_info(),
            matvec,
            failure,
        };
        device.check("compiling the kernels")?;
        Ok(device)
    }

    /// What the system calls the GPU; a browser may say nothing.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Whether the "GPU" is a program on the CPU.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// Fails with the first error that the device reported since it was opened.
    pub(super) fn check(&self, doing: &'static str) -> Result<(), KernelError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure
            .as_ref()
            .map_or(Ok(()), |reason| Err(failed(doing, reason)))
    }

    /// Copies words to the device.
    pub(super) fn upload(&self, words: &[u32], usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let contents = bytemuck::cast_slice(words);
        self.device
            .create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: None,
                contents,
                usage,
            })
    }

    /// Enqueues one kernel: `inputs` are bindings 0, 1, …, the `len` floats of its result the last.
    pub(super) fn enqueue(
        &self,
        pipeline: &wgpu::ComputePipeline,
        inputs: &[&wgpu::Buffer],
        len: usize,
        workgroups: u32,
    ) -> Pending {
        let size = (len * size_of::<f32>()) as u64;
        let create = |usage| {
            let description = wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            };
            self.device.create_buffer(&description)
        };
        let result = create(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        let buffer = create(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let entries: Vec<_> = (0..)
            .zip(inputs.iter().copied().chain([&result]))
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let bindings = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, &bindings, &[]);
            pass.dispatch_workgroups(workgroups, 1, 1);
        }
        encoder.copy_buffer_to_buffer(&result, 0, &buffer, 0, size);
        self.queue.submit([encoder.finish()]);
        Pending { buffer }
    }

    /// Waits for a result and copies it from the device.
    ///
    /// A native program waits in its own thread; a browser's event loop goes on meanwhile.
    ///
    /// # Errors
    /// The device failed or was lost, now or in earlier work.
    pub async fn read(&self, pending: Pending) -> Result<Vec<f32>, KernelError> {
        const DOING: &str = "reading a result from the GPU";
        let (sender, receiver) = oneshot::channel();
        pending.buffer.map_async(wgpu::MapMode::Read, .., |mapped| {
            // Nobody may be waiting any more.
            let _ = sender.send(mapped);
        });
        // In a browser this does nothing: it finishes work by itself.
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| failed(DOING, error))?;
        let mapped = receiver
            .await
            .map_err(|_| failed(DOING, "the device was lost"))?;
        self.check(DOING)?;
        mapped.map_err(|error| failed(DOING, error))?;
        let view = pending
            .buffer
            .get_mapped_range(..)
            .map_err(|error| failed(DOING, error))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }
}

fn pipeline(
    device: &wgpu::Device,
    shader: wgpu::ShaderModuleDescriptor<'_>,
    entry_point: &str,
) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: shader.label,
        layout: None,
        module: &device.create_shader_module(shader),
        entry_point: Some(entry_point),
        compilation_options: Default::default(),
        cache: None,
    })
}
