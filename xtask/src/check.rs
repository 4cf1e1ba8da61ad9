//! `cargo xtask check`: what can be said of the code without running it.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell::{self, say};
use crate::workspace::Memory;
use crate::{directions, dist, workspace};

/// Above this a Rust file is named, so that somebody asks whether it still holds one idea.
const LONG_FILE: usize = 400;

/// Where the code may differ from one platform to another: the kernels' SIMD and the browser's APIs.
const PLATFORM_CODE: [&str; 2] = ["shared/slm-kernels/src/", "app/src/platform/"];

/// One check: an error is a fault found, or that the check could not be made.
type Check = fn() -> Result<()>;

/// The command: every check runs, and all that failed are named at the end.
pub fn run() -> Result<()> {
    let checks: [(&str, Check); 6] = [
        ("formatting", formatting),
        ("directions of dependencies", directions::check),
        ("platform code", platform_code),
        ("lints", lints),
        ("documentation", documentation),
        ("lengths of files", long_files),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        say(format!("check: {name}"));
        if let Err(error) = check() {
            say(format!("check: {name} failed: {error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("checks that failed: {}", failed.join(", "));
    }
    Ok(())
}

fn formatting() -> Result<()> {
    shell::run(workspace::cargo("fmt").args(["--all", "--check"]))
        .context("`cargo fmt --all` mends it")
}

fn lints() -> Result<()> {
    let deny = ["--", "-D", "warnings"];
    let clippy = || workspace::cargo("clippy");
    let native = || {
        let mut command = clippy();
        command.args(workspace::NATIVE);
        command
    };
    shell::run(native().arg("--all-targets").args(deny))?;
    // `--all-targets` leaves out what a plain `cargo test` does.
    shell::run(native().args(["--test", "browser"]).args(deny))?;
    shell::run(
        clippy()
            .args(["--package", "xtask", "--all-targets"])
            .args(deny),
    )?;
    for features in [&[][..], &["--features", "relaxed-simd"]] {
        let mut wasm = workspace::cargo_wasm("clippy", Memory::Own)?;
        shell::run(wasm.arg("--all-targets").args(features).args(deny))?;
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let deny = ("RUSTDOCFLAGS", "-D warnings");
    shell::run(
        workspace::cargo("doc")
            .args(workspace::NATIVE)
            .arg("--no-deps")
            .env(deny.0, deny.1),
    )?;
    shell::run(
        workspace::cargo_wasm("doc", Memory::Own)?
            .arg("--no-deps")
            .env(deny.0, deny.1),
    )
}

/// A warning, never a failure.
fn long_files() -> Result<()> {
    for (name, text) in rust_files()? {
        let lines = text.lines().count();
        if lines > LONG_FILE {
            say(format!("warning: {name} has {lines} lines"));
        }
    }
    Ok(())
}

/// Everywhere else one behaviour is what is tested and what runs.
fn platform_code() -> Result<()> {
    let strays: Vec<String> = rust_files()?
        .into_iter()
        .filter(|(name, text)| {
            let platform = PLATFORM_CODE.iter().any(|folder| name.starts_with(folder));
            !platform && text.contains(concat!("target_", "arch"))
        })
        .map(|(name, _)| name)
        .collect();
    if !strays.is_empty() {
        bail!(
            "conditional code for a platform in {}; it belongs in {}",
            strays.join(", "),
            PLATFORM_CODE.join(", ")
        );
    }
    Ok(())
}

/// Every Rust file of ours: path from the root, with `/`, and text.
fn rust_files() -> Result<Vec<(String, String)>> {
    let root = workspace::root();
    let mut files = Vec::new();
    for member in directions::member_folders()? {
        for file in dist::files_below(&member)? {
            if file.extension().is_some_and(|extension| extension == "rs") {
                let parts: Vec<_> = file
                    .strip_prefix(&root)?
                    .iter()
                    .map(|part| part.to_string_lossy())
                    .collect();
                files.push((parts.join("/"), fs::read_to_string(&file)?));
            }
        }
    }
    Ok(files)
}
