//! The `slm` command, built once and called as a user would call it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{shell, workspace};

/// A built `slm`.
pub struct Slm {
    program: PathBuf,
}

impl Slm {
    /// Built for use: the release profile.
    pub fn release() -> Result<Self> {
        shell::run(workspace::cargo("build").args([
            "--release",
            "--package",
            "trainer-native",
            "--bin",
            "slm",
        ]))?;
        Self::at("release")
    }

    /// Built together with all tests, so that nothing is compiled a second time for them.
    pub fn with_tests() -> Result<Self> {
        shell::run(
            workspace::cargo("build")
                .args(workspace::NATIVE)
                .args(["--bins", "--tests"]),
        )?;
        Self::at("debug")
    }

    fn at(profile: &str) -> Result<Self> {
        let name = format!("slm{}", std::env::consts::EXE_SUFFIX);
        let program = workspace::target_dir()?.join(profile).join(name);
        Ok(Self { program })
    }

    /// Runs one of its commands in the root folder of the repository.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<()> {
        shell::run(self.command().args(arguments))
    }

    /// Whether one of its commands succeeds; nothing is shown.
    pub fn succeeds<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> bool {
        shell::succeeds(self.command().args(arguments))
    }

    /// The default base model's file.
    pub fn base_model(&self) -> Result<PathBuf> {
        let list = shell::capture(self.command().args(["model", "list", "--json", "-"]))?;
        let list: Value = serde_json::from_str(&list).context("the list of base models")?;
        let models = list.as_array().context("a list of base models")?;
        let default = models.iter().find(|model| model["default"] == true);
        let path = default.and_then(|model| model["path"].as_str());
        Ok(path.context("no default base model")?.into())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(workspace::root());
        command
    }

    /// Where the program is.
    pub fn path(&self) -> &Path {
        &self.program
    }
}
