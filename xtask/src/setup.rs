//! `cargo xtask setup`: what the other commands need, found or installed, with a word on each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{self, say};
use crate::slm::Slm;
use crate::{wasm_opt, workspace};

/// The command line of `cargo xtask setup`.
#[derive(clap::Args)]
pub struct Options {
    /// Also what the tests need: clippy, rustfmt, a browser with its driver, a software GPU
    #[arg(long)]
    tests: bool,
}

/// The command: tools first, then the base model, which needs the `slm` command built.
pub fn run(options: &Options) -> Result<()> {
    for_app()?;
    if options.tests {
        for_tests()?;
    }
    model(&Slm::release()?)
}

/// What building the page needs.
pub fn for_app() -> Result<()> {
    wasm_target()?;
    wasm_opt::install()
}

/// What `cargo xtask test` needs beyond that.
pub fn for_tests() -> Result<()> {
    component("clippy", "rust-web-clippy")?;
    component("rustfmt", "rustfmt-web")?;
    Browser::install().map(drop)
}

/// The base model, in its cache folder.
pub fn model(slm: &Slm) -> Result<()> {
    if slm.succeeds(["model", "verify"]) {
        say("base model: is there, whole");
        return Ok(());
    }
    pip()?;
    slm.run(["model", "pull"])
}

/// The standard library for WASM, and its source: builds with threads compile it with atomics. From
/// rustup, or from packages of the system where there is no rustup.
fn wasm_target() -> Result<()> {
    let target = workspace::WASM;
    let rustup = shell::find_program(&["rustup"]);
    match &rustup {
        _ if workspace::std_is_installed(target) => say(format!("{target}: is there")),
        Some(rustup) => shell::run(Command::new(rustup).args(["target", "add", target]))?,
        None => say(format!(
            "{target}: its standard library is compiled from source"
        )),
    }
    match &rustup {
        _ if workspace::std_source_is_installed() => say("rust-src: is there"),
        Some(rustup) => shell::run(Command::new(rustup).args(["component", "add", "rust-src"]))?,
        None => bail!(
            "no source of the standard library, and no rustup to get it with: \
             install rustup, or on Debian the packages of docs/building.md (rustc-web and rust-web-src)"
        ),
    }
    Ok(())
}

fn component(name: &str, debian: &str) -> Result<()> {
    let program = if name == "rustfmt" { "fmt" } else { name };
    if shell::succeeds(workspace::cargo(program).arg("--version")) {
        say(format!("{name}: is there"));
        return Ok(());
    }
    let rustup = shell::find_program(&["rustup"]).with_context(|| {
        format!("cargo {program} is missing: install {name} with rustup, or {debian} on Debian")
    })?;
    shell::run(Command::new(rustup).args(["component", "add", name]))
}

/// The base model comes in a Python wheel, so pip must be there.
fn pip() -> Result<()> {
    let python = shell::find_program(&["python3", "python"]);
    let works =
        |python: &PathBuf| shell::succeeds(Command::new(python).args(["-m", "pip", "--version"]));
    if python.as_ref().is_some_and(works) {
        return Ok(());
    }
    apt_install(&["python3-pip"])
        .context("python3 with pip is missing: the base model is pulled by it")
}

/// The browser that the end-to-end tests drive, and the program that drives it.
pub struct Browser {
    /// Chromium or Chrome.
    pub chromium: PathBuf,
    /// chromedriver of the same version.
    pub driver: PathBuf,
}

impl Browser {
    /// Finds both; `CHROMIUM` and `CHROMEDRIVER` name them where they are in no usual place.
    pub fn find() -> Option<Self> {
        let chromium = named("CHROMIUM").or_else(|| {
            shell::find_program(&[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "/Applications/Chromium.app/Contents/MacOS/Chromium",
                "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            ])
        })?;
        let driver = named("CHROMEDRIVER").or_else(|| shell::find_program(&["chromedriver"]))?;
        Some(Self { chromium, driver })
    }

    /// Finds or installs both, and on Linux the software GPU of the native WGSL tests.
    pub fn install() -> Result<Self> {
        let mut missing = Vec::new();
        if Self::find().is_none() {
            missing.extend(["chromium", "chromium-driver"]);
        }
        if cfg!(target_os = "linux") && !has_software_gpu() {
            missing.push("mesa-vulkan-drivers");
        }
        if !missing.is_empty() {
            apt_install(&missing)?;
        }
        let browser = Self::find().context("chromium or chromedriver is still missing")?;
        say(format!(
            "browser: {} driven by {}",
            browser.chromium.display(),
            browser.driver.display()
        ));
        Ok(browser)
    }
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

/// Whether a Vulkan driver that runs on the CPU (lavapipe) is installed.
fn has_software_gpu() -> bool {
    std::fs::read_dir("/usr/share/vulkan/icd.d").is_ok_and(|files| {
        files
            .flatten()
            .any(|file| file.file_name().to_string_lossy().starts_with("lvp_icd"))
    })
}

/// Runs `install` unless what is `wanted` was installed into `folder` before; says whether it was.
pub fn install_once(
    folder: &Path,
    wanted: &str,
    install: impl FnOnce() -> Result<()>,
) -> Result<bool> {
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(true);
    }
    install()?;
    // Written last: an interrupted installation is done again.
    fs::write(stamp, wanted)?;
    Ok(false)
}

/// Installs Debian packages where that is possible, and says exactly what to do where it is not.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    let Some(apt) = shell::find_program(&["apt-get"]) else {
        bail!(
            "missing: {list} (Debian's names); {}",
            other_system(packages)
        );
    };
    if !is_root() {
        bail!("missing: {list}; run `sudo apt-get install {list}`, then this command again");
    }
    let apt_get = || {
        let mut command = Command::new(&apt);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("--quiet");
        command
    };
    shell::run(apt_get().arg("update"))?;
    shell::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

fn other_system(packages: &[&str]) -> &'static str {
    if cfg!(target_os = "macos") && packages.contains(&"chromium") {
        "run `brew install --cask chromium` and `brew install chromedriver`, then this command again"
    } else if cfg!(target_os = "macos") {
        "run `brew install python`, then this command again"
    } else {
        "install the same with your system's package manager, then run this command again"
    }
}

fn is_root() -> bool {
    shell::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
