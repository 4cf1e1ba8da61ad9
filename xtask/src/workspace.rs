//! Where things are, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The target that the page is built for.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Every native crate, in one selection for every native command: cargo unifies features over what
/// is selected, so one selection compiles each dependency once. The page is wasm32 only; xtask is
/// compiled by `cargo xtask` itself.
pub const NATIVE: [&str; 5] = ["--workspace", "--exclude", "slm-app", "--exclude", "xtask"];

/// The root folder of the repository.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// The cargo that runs this program.
pub fn cargo(command: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    cargo.current_dir(root()).arg(command);
    // Set by the `cargo run` around this program; they would make cargo rebuild build scripts.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    cargo
}

/// Whether a module's memory is its own or one that several threads share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// One thread.
    Own,
    /// As many as start the module on the same memory.
    Shared,
}

/// The most that a shared memory may grow to: a browser sets this much address space aside.
const SHARED_BYTES: usize = 1 << 30;

/// Cargo for the page: the target is chosen, and the target flags of `.cargo/config.toml` hold.
pub fn cargo_wasm(command: &str, memory: Memory) -> Result<Command> {
    let mut cargo = cargo(command);
    // The variable would replace the flags of the configuration file, SIMD among them.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args(["--package", "slm-app", "--target", WASM])
        .arg("--target-dir")
        .arg(wasm_target_dir(memory)?);
    // The standard library that comes with a compiler has no atomics, and Debian's has none for WASM:
    // it is compiled from its source.
    if memory == Memory::Shared || !std_is_installed(WASM) {
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Zbuild-std=std,panic_abort");
    }
    if memory == Memory::Shared {
        cargo.arg("--config").arg(shared_memory_flags());
    }
    Ok(cargo)
}

/// What the compiler and the linker are told for a shared memory, beside the flags of the configuration
/// file. wasm-bindgen asks for what is exported.
fn shared_memory_flags() -> String {
    let link = format!(
        "--shared-memory --import-memory --max-memory={SHARED_BYTES} --export=__wasm_init_tls \
         --export=__tls_size --export=__tls_align --export=__tls_base --export=__heap_base"
    );
    let flags = ["-Ctarget-feature=+atomics", &format!("-Clink-args={link}")].map(str::to_owned);
    format!("target.{WASM}.rustflags={flags:?}")
}

/// Where modules are compiled. Those of shared memory have a folder of their own: every library is
/// another.
pub fn wasm_target_dir(memory: Memory) -> Result<PathBuf> {
    let target = target_dir()?;
    Ok(match memory {
        Memory::Own => target,
        Memory::Shared => target.join("threads"),
    })
}

/// What `cargo metadata` says of this workspace, dependencies left out.
pub fn metadata() -> Result<Value> {
    let text = shell::capture(cargo("metadata").args([
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]))?;
    serde_json::from_str(&text).context("cargo metadata printed something that is not JSON")
}

/// Cargo's target folder, wherever the configuration puts it.
pub fn target_dir() -> Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target_directory")?;
    Ok(PathBuf::from(path))
}

/// The folder of the compiler's own libraries.
pub fn sysroot() -> Option<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = shell::capture(Command::new(rustc).args(["--print", "sysroot"])).ok()?;
    Some(PathBuf::from(text.trim()))
}

/// Whether the compiler has a standard library for `target`.
pub fn std_is_installed(target: &str) -> bool {
    sysroot().is_some_and(|root| {
        std::fs::read_dir(root.join("lib/rustlib").join(target).join("lib"))
            .is_ok_and(|mut files| files.next().is_some())
    })
}

/// Whether the compiler has the source of its standard library.
pub fn std_source_is_installed() -> bool {
    sysroot().is_some_and(|root| root.join("lib/rustlib/src/rust/library").is_dir())
}
