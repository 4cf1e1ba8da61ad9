//! Packages of npm, for tools and for the engines that ours is measured beside.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// npm, where node is there as well.
pub fn find() -> Option<PathBuf> {
    shell::find_program(&["node"]).and_then(|_| shell::find_program(&["npm"]))
}

/// Installs packages into a folder, or what its `package.json` names where none is given.
pub fn install(npm: &Path, folder: &Path, packages: &[&str]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let quiet = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    shell::run(
        Command::new(npm)
            .arg("install")
            .args(quiet)
            .arg("--prefix")
            .arg(folder)
            .args(packages),
    )
}
