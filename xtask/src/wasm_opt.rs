//! wasm-opt, from the npm package `binaryen`: it makes the page smaller and is never required.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, say};
use crate::{npm, setup, workspace};

/// The version that the figures in the README were taken with.
const BINARYEN: &str = "binaryen@132.0.0";

/// What the page is compiled for; wasm-opt must know or it refuses the instructions.
const FEATURES: [&str; 8] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-multivalue",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// An installed wasm-opt.
pub struct WasmOpt {
    program: PathBuf,
}

impl WasmOpt {
    /// The program that [`install`] put into the target folder, if it did.
    pub fn find() -> Result<Option<Self>> {
        let program = folder()?.join("node_modules/.bin/wasm-opt");
        Ok(program.is_file().then_some(Self { program }))
    }

    /// Rewrites `file` in place, for speed. Results of float operations stay what they were:
    /// `--fast-math` is not given. `more` names what this module is compiled for
    /// beside the others; wasm-opt refuses instructions that nobody named.
    pub fn optimize(&self, file: &Path, more: &[&str]) -> Result<()> {
        let smaller = file.with_extension("opt");
        shell::run(
            Command::new(&self.program)
                .arg("-O3")
                .args(FEATURES)
                .args(more)
                .arg(file)
                .arg("-o")
                .arg(&smaller),
        )?;
        std::fs::rename(&smaller, file)?;
        Ok(())
    }
}

/// Names the version and the flags, for the stamp of what was built with them.
pub fn identity() -> String {
    format!("{BINARYEN} -O3 {}", FEATURES.join(" "))
}

/// Installs wasm-opt where node and npm are; says so and goes on where they are not.
pub fn install() -> Result<()> {
    let folder = folder()?;
    let install = || {
        let npm = npm::find().context("node and npm are not installed")?;
        npm::install(&npm, &folder, &[BINARYEN])
    };
    match setup::install_once(&folder, BINARYEN, install) {
        Ok(true) => say(format!("wasm-opt: {BINARYEN} is there")),
        Ok(false) => {}
        Err(error) => say(format!(
            "wasm-opt: skipped ({error:#}); the page works the same and is larger"
        )),
    }
    Ok(())
}

fn folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("tools"))
}
