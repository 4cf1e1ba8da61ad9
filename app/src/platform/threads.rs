//! The threads of a module whose memory is shared: workers that run one program on one memory.
//! `threads.js` starts them.

use slm_kernels::threads;
use wasm_bindgen::prelude::wasm_bindgen;

/// Helps the kernels to compute, and does not come back. `threads.js` calls it in a worker of its own
/// that has joined the memory.
#[wasm_bindgen(js_name = helpToCompute)]
pub fn help_to_compute() {
    threads::help();
}

/// To be called when a thread panics: one that waits for it would wait for ever.
pub fn give_up() {
    threads::give_up();
}

/// How many threads compute.
pub fn count() -> usize {
    threads::count()
}
