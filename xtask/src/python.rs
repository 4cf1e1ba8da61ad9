//! Packages of PyPI in a virtual environment, for the trainers that ours is measured beside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{setup, shell};

/// Makes the environment `folder` with what a file of requirements names, and returns its Python.
pub fn install(requirements: &Path, folder: &Path) -> Result<PathBuf> {
    let programs = if cfg!(windows) { "Scripts" } else { "bin" };
    let python = folder.join(programs).join("python");
    let wanted = fs::read_to_string(requirements)?;
    setup::install_once(folder, &wanted, || {
        make_environment(folder)?;
        shell::run(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .arg("--disable-pip-version-check")
                .arg("--requirement")
                .arg(requirements),
        )
    })?;
    Ok(python)
}

/// Debian's Python has the module for it in a package of its own.
fn make_environment(folder: &Path) -> Result<()> {
    let python = shell::find_program(&["python3", "python"]).context("python3 is missing")?;
    let make = || {
        let mut command = Command::new(&python);
        command.args(["-m", "venv"]).arg(folder);
        command
    };
    if shell::succeeds(&mut make()) {
        return Ok(());
    }
    setup::apt_install(&["python3-venv"])?;
    shell::run(&mut make())
}
