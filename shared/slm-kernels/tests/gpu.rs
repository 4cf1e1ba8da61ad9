//! The WGSL kernels on a real device against the `serve` kernels.
//!
//! Without a GPU the tests say so and pass; with `SLM_TEST_GPU=required` they fail. A software GPU
//! will do: Debian's `mesa-vulkan-drivers` has one.

use futures::executor::block_on;
use slm_kernels::KernelError;
use slm_kernels::gpu::{Device, DeviceMatrix};
use slm_kernels::serve::{BlockFormat, Matrix, QuantizedRows, matmul};

/// The device, or nothing where none is required.
fn device() -> Option<Device> {
    match block_on(Device::request()) {
        Ok(device) => {
            println!(
                "on {}{}",
                device.name(),
                if device.is_software() {
                    " (software)"
                } else {
                    ""
                }
            );
            Some(device)
        }
        Err(error) => {
            let required = std::env::var("SLM_TEST_GPU").is_ok_and(|value| value == "required");
            assert!(!required, "SLM_TEST_GPU=required, but: {error}");
            println!("not tested: {error}");
            None
        }
    }
}

/// Q4_1 blocks with scales near `scale` and minima near `-8 * scale`, and any codes.
fn q4_1_blocks(count: usize, scale: f32) -> Vec<u8> {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let block = |_| {
        let scale = scale * (0.5 + f32::from(random()) / 256.0);
        let halves = [scale, -8.0 * scale].map(|x| half::f16::from_f32(x).to_le_bytes());
        let codes: [u8; 16] = std::array::from_fn(|_| random());
        [halves.as_flattened(), &codes].concat()
    };
    (0..count).flat_map(block).collect()
}

#[test]
fn matvec_agrees_with_the_serve_kernels() {
    let Some(device) = device() else { return };
    for (rows, cols) in [(1, 32), (5, 96), (576, 576), (1536, 576), (576, 1536)] {
        let bytes = q4_1_blocks(rows * cols / 32, 0.01);
        let w = Matrix::from_gguf(BlockFormat::Q4_1, &bytes, rows, cols).expect("a matrix");
        let on_device = DeviceMatrix::from_gguf_q4_1(&device, &bytes, rows, cols).expect("a copy");
        let values: Vec<f32> = (0..cols).map(|i| (i as f32 * 0.7).sin()).collect();
        let mut x = QuantizedRows::new();
        x.quantize(&values, cols);

        let found = block_on(device.matvec(&on_device, &x)).expect("a product");
        let mut expected = vec![0.0; rows];
        matmul(&w, &x, &mut expected);
        let weights = w.dequantize();
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let terms = weights[row * cols..].iter().zip(&values);
            let magnitude: f32 = terms.map(|(w, x)| (w * x).abs()).sum();
            let error = (found - expected).abs();
            assert!(
                error <= 1e-5 * magnitude,
                "[{rows}, {cols}] row {row}: found {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn results_may_be_read_in_any_order() {
    let Some(device) = device() else { return };
    let bytes = q4_1_blocks(4 * 2, 0.01);
    let w = DeviceMatrix::from_gguf_q4_1(&device, &bytes, 4, 64).expect("a copy");
    let enqueue = |value: f32| {
        let mut x = QuantizedRows::new();
        x.quantize(&[value; 64], 64);
        device.enqueue_matvec(&w, &x)
    };
    let (first, second) = (enqueue(1.0), enqueue(2.0));
    let second = block_on(device.read(second)).expect("the second product");
    let first = block_on(device.read(first)).expect("the first product");
    let doubled: Vec<f32> = first.iter().map(|x| 2.0 * x).collect();
    assert_eq!(second, doubled);
}

#[test]
fn wrong_sizes_are_refused() {
    let Some(device) = device() else { return };
    let error = DeviceMatrix::from_gguf_q4_1(&device, &[0; 19], 1, 32)
        .err()
        .expect("an error");
    assert!(
        matches!(
            error,
            KernelError::ByteCount {
                expected: 20,
                found: 19,
                ..
            }
        ),
        "{error}"
    );
}
