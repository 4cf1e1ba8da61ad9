//! Decoding allocates nothing once its buffers are there. One test: the count is the process's.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use futures::executor::block_on;
use slm_model::{BaseModel, Engine, LoraAdapter, testing};
use slm_task::recipe::Projection;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STEPS: u32 = 40;

#[test]
fn decoding_allocates_nothing() {
    slm_kernels::threads::set_count(2).expect("a second thread");
    let bytes = testing::tiny_gguf_with_toy_vocab(7);
    let model = Arc::new(BaseModel::from_gguf(&bytes).expect("a sound tiny model"));
    let targets = [Projection::QProj, Projection::DownProj];
    let adapter = LoraAdapter::random(model.config(), 4, &targets, 0..2, 3).expect("an adapter");
    let mut engine = Engine::new(model);
    engine.set_adapter(Some(&adapter));
    let decode = |engine: &mut Engine| {
        engine.rewind();
        let before = ALLOCATIONS.load(Relaxed);
        for token in 0..STEPS {
            block_on(engine.extend(&[token + 3])).expect("logits");
        }
        ALLOCATIONS.load(Relaxed) - before
    };
    assert!(decode(&mut engine) > 0, "the counter counts");
    assert_eq!(decode(&mut engine), 0);
}
