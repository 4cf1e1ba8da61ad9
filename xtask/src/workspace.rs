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

/// Cargo for the page: the target is chosen, and the target flags of `.cargo/config.toml` hold.
pub fn cargo_wasm(command: &str) -> Command {
    let mut cargo = cargo(command);
    // The variable would replace the flags of the configuration file, SIMD among them.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args(["--package", "slm-app", "--target", WASM]);
    if !std_is_installed(WASM) {
        // Debian's way: the standard library is compiled from its source package.
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Zbuild-std=std,panic_abort");
    }
    cargo
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
