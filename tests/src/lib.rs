//! Tests of what no single crate can show: each file or folder in `tests/` is one target. The crate
//! itself holds the browser that they drive, which the benchmarks drive too.

pub mod chrome;
pub mod parity;

/// What `cargo xtask browser` and `cargo xtask bench browser` tell by environment variables.
///
/// # Panics
/// When it is not set.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run this by `cargo xtask browser` or `cargo xtask bench browser`"
        )
    })
}
