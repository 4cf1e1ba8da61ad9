//! `cargo xtask arm`: the kernels' tests on AArch64, in an emulator where this machine is another. What
//! NEON computes must be the bits of every other machine.

use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, Tests, say};
use crate::{setup, workspace};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64";
/// Debian's packages of both, and of the C library that is linked.
const PACKAGES: [&str; 3] = [
    "gcc-aarch64-linux-gnu",
    "libc6-dev-arm64-cross",
    "qemu-user",
];
/// Where Debian keeps libraries of the other machine.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// [`tests`] where this machine can run them.
pub fn tests_if_possible() -> Result<Tests> {
    let has = |program| shell::find_program(&[program]).is_some();
    if has("rustup") && (has("apt-get") || (has(LINKER) && has(EMULATOR))) {
        return tests();
    }
    say("skipped: these need rustup, and the linker and emulator of `cargo xtask arm`");
    Ok(Tests::default())
}

/// Installs what is missing and runs the tests.
pub fn tests() -> Result<Tests> {
    if std::env::consts::ARCH == "aarch64" {
        say("this machine is AArch64: its other tests are those of NEON");
        return Ok(Tests::default());
    }
    if !workspace::std_is_installed(TARGET) {
        let rustup = shell::find_program(&["rustup"])
            .with_context(|| format!("no standard library for {TARGET}: install rustup"))?;
        shell::run(Command::new(rustup).args(["target", "add", TARGET]))?;
    }
    let is_there = |program| shell::find_program(&[program]).is_some();
    if !is_there(LINKER) || !is_there(EMULATOR) {
        setup::apt_install(&PACKAGES)?;
    }
    let variable = |name| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
    shell::run_tests(
        workspace::cargo("test")
            .args(["--package", "slm-kernels", "--target", TARGET, "--lib"])
            .env(variable("LINKER"), LINKER)
            .env(variable("RUNNER"), format!("{EMULATOR} -L {LIBRARIES}")),
    )
}
