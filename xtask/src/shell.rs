//! Running other programs: shown before they run, their failure an error that repeats the command.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Prints what is being done, set apart from what the programs themselves print.
pub fn say(text: impl AsRef<str>) {
    println!("xtask: {}", text.as_ref());
}

/// Runs `command` with this terminal as its own.
pub fn run(command: &mut Command) -> Result<()> {
    show(command);
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs `command` silently and gives its standard output.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something that is not UTF-8", line(command)))
}

/// Whether `command` runs and succeeds; nothing is shown.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What came of one or more runs of `cargo test`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Runs that failed, be it for a test or because something did not compile.
    pub failed_runs: u64,
}

impl Tests {
    /// Whether everything ran and passed.
    pub fn succeeded(&self) -> bool {
        self.failed == 0 && self.failed_runs == 0
    }

    /// The error of a command that ran tests and nothing else.
    pub fn or_error(self) -> Result<()> {
        if !self.succeeded() {
            bail!("{} passed, {} failed", self.passed, self.failed);
        }
        Ok(())
    }

    /// Adds the figures of one `test result: …` line; other lines count for nothing.
    fn count(&mut self, line: &str) {
        let Some(rest) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split([';', '.']) {
            match part.trim().split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse::<u64>().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        }
    }
}

impl AddAssign for Tests {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failed_runs += other.failed_runs;
    }
}

/// Runs `cargo test …`, passing its output through and counting its results.
pub fn run_tests(command: &mut Command) -> Result<Tests> {
    show(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let mut tests = Tests::default();
    if let Some(stdout) = child.stdout.take() {
        let mut own = std::io::stdout().lock();
        for bytes in BufReader::new(stdout).split(b'\n') {
            let bytes = bytes?;
            tests.count(&String::from_utf8_lossy(&bytes));
            own.write_all(&bytes)?;
            own.write_all(b"\n")?;
        }
    }
    tests.failed_runs = u64::from(!child.wait()?.success());
    Ok(tests)
}

/// The first of `names` that is a program: a path that exists, or a name found on `PATH`.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    names.iter().find_map(|name| {
        let direct = PathBuf::from(name);
        if direct.is_absolute() {
            return direct.is_file().then_some(direct);
        }
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    })
}

/// A duration as a person reads it: `4.2 s`, `3 min 07 s`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = duration.as_secs();
    format!("{} min {:02} s", whole / 60, whole % 60)
}

fn show(command: &Command) {
    say(format!("$ {}", line(command)));
    // The child writes to the same terminal: what we have said must stand before it.
    let _ = std::io::stdout().flush();
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words: Vec<_> = std::iter::once(program.file_name().unwrap_or(program.as_os_str()))
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    words.join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_results_are_added_up() {
        let check = |lines: &[&str], passed, failed| {
            let mut tests = Tests::default();
            lines.iter().for_each(|line| tests.count(line));
            assert_eq!((tests.passed, tests.failed), (passed, failed), "{lines:?}");
        };
        check(&["running 3 tests", "test a ... ok"], 0, 0);
        check(
            &[
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            ],
            3,
            0,
        );
        check(
            &[
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                "test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
            ],
            13,
            2,
        );
    }

    #[test]
    fn durations_read_well() {
        let check = |milliseconds, expected| {
            assert_eq!(human(Duration::from_millis(milliseconds)), expected);
        };
        check(4_240, "4.2 s");
        check(60_000, "1 min 00 s");
        check(187_900, "3 min 07 s");
    }
}
