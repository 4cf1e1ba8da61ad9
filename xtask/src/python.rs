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
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    let make = |python: PathBuf| {
        let mut command = Command::new(python);
        command.args(["-m", "venv"]).arg(folder);
        command
    };
    let system = || shell::find_program(&["python3", "python"]).context("python3 is missing");
    if !shell::succeeds(&mut make(system()?)) {
        setup::apt_install(&["python3-venv"])?;
        shell::run(&mut make(system()?))?;
    }
    let quiet = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    shell::run(
        Command::new(&python)
            .args(quiet)
            .arg("--requirement")
            .arg(requirements),
    )?;
    // Written last: an interrupted installation is done again.
    fs::write(installed, wanted)?;
    Ok(python)
}
