//! Prints the digest of the `serve` kernels on this machine. Built for WebAssembly it exports the
//! same number as `serve_digest`, for a test to compare:
//!
//! ```text
//! cargo run -p slm-kernels --example serve_digest
//! cargo build -p slm-kernels --example serve_digest --target wasm32-unknown-unknown
//! ```

/// The digest, for a WebAssembly host.
// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
pub extern "C" fn serve_digest() -> u64 {
    slm_kernels::serve::digest()
}

fn main() {
    println!("0x{:016x}", serve_digest());
}
