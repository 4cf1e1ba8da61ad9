//! `cargo xtask test`: everything that CI runs, job after job, with the time that each took; and
//! `cargo xtask unit`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::shell::{self, Tests, human, say};
use crate::slm::Slm;
use crate::{arm, browser, check, setup, workspace};

/// The command `test`: a job that fails does not keep the next from running, but for the setup.
pub fn run() -> Result<()> {
    let mut jobs = Jobs::default();
    jobs.run("setup", || {
        setup::for_app()?;
        setup::for_tests()?;
        Ok(Tests::default())
    });
    if jobs.failed.is_empty() {
        jobs.run("check", || check::run().map(|()| Tests::default()));
        jobs.run("unit", unit);
        jobs.run("arm", arm::tests_if_possible);
        jobs.run("browser", || browser::tests(&browser::Options::default()));
    }
    jobs.sum_up()
}

/// The command `unit`: every native test but the browser's. Some read the base model.
pub fn unit() -> Result<Tests> {
    let slm = Slm::with_tests()?;
    setup::model(&slm)?;
    let test = || workspace::cargo("test");
    let mut tests = shell::run_tests(test().args(workspace::NATIVE).arg("--no-fail-fast"))?;
    tests += shell::run_tests(test().args(["--package", "xtask"]))?;
    tests += shell::run_tests(&mut gpu())?;
    // What the page decides without a browser; apart, since it chooses leptos's other renderer.
    tests += shell::run_tests(test().args(["--package", "slm-app", "--lib"]))?;
    Ok(tests)
}

/// The WGSL kernels on this machine's GPU; where a Vulkan driver is installed (`setup` installs one
/// for the CPU on Debian), it must be found.
fn gpu() -> Command {
    let mut test = workspace::cargo("test");
    test.args([
        "--package",
        "slm-kernels",
        "--features",
        "threads,gpu",
        "--test",
        "gpu",
    ]);
    if std::fs::read_dir("/usr/share/vulkan/icd.d")
        .is_ok_and(|mut drivers| drivers.next().is_some())
    {
        test.env("SLM_TEST_GPU", "required");
    }
    test
}

/// The jobs run so far.
#[derive(Default)]
struct Jobs {
    times: Vec<(&'static str, Duration)>,
    failed: Vec<&'static str>,
    tests: Tests,
}

impl Jobs {
    fn run(&mut self, name: &'static str, job: impl FnOnce() -> Result<Tests>) {
        say(format!("== {name}"));
        let start = Instant::now();
        let outcome = job();
        self.times.push((name, start.elapsed()));
        match outcome {
            Ok(tests) => {
                self.tests += tests;
                if !tests.succeeded() {
                    self.failed.push(name);
                }
            }
            Err(error) => {
                say(format!("{name} failed: {error:#}"));
                self.failed.push(name);
            }
        }
    }

    /// Prints the times and, alone on the last line, the tests that passed and failed.
    fn sum_up(self) -> Result<()> {
        for (name, time) in &self.times {
            let outcome = if self.failed.contains(name) {
                "FAILED"
            } else {
                "ok"
            };
            say(format!("{name:<8} {outcome:<6} {:>12}", human(*time)));
        }
        let all = self.times.iter().map(|(_, time)| *time).sum();
        say(format!("in all {:>21}", human(all)));
        println!("{} passed, {} failed", self.tests.passed, self.tests.failed);
        if !self.failed.is_empty() {
            bail!("jobs that failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}
