//! The built page: where it is, and copying it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

use super::folder;
use crate::exit::bad_input;
use crate::files;

/// What every built page has.
pub(super) const PARTS: [&str; 15] = [
    "index.html",
    "page.js",
    "page_bg.wasm",
    "boot.js",
    "engine.js",
    "threads.js",
    "worker-build.js",
    "worker.js",
    "worker_bg.wasm",
    "worker-relaxed.js",
    "worker-relaxed_bg.wasm",
    "worker-threads.js",
    "worker-threads_bg.wasm",
    "worker-relaxed-threads.js",
    "worker-relaxed-threads_bg.wasm",
];

/// The folder that was named, or the one where `cargo xtask app` puts the page: beside the folder
/// of this program (`target/release/slm`, `target/app`), or `target/app` here or further up.
///
/// # Errors
/// Bad input, with the command that builds it.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = named {
        return match missing(folder) {
            None => Ok(folder.to_path_buf()),
            Some(part) => Err(bad_input(format!(
                "{}: no built page there ({part} is missing). Build it with `cargo xtask app`.",
                folder.display()
            ))),
        };
    }
    let candidates = candidates();
    let found = candidates
        .into_iter()
        .find(|folder| missing(folder).is_none());
    found.ok_or_else(|| {
        bad_input(
            "the built page was not found. Build it with `cargo xtask app`, or name its folder with --app.",
        )
    })
}

fn candidates() -> Vec<PathBuf> {
    let program = env::current_exe().ok();
    let target = program
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::parent);
    let beside = target.map(|target| target.join("app"));
    let here = env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(|folder| folder.join("target/app"));
    beside.into_iter().chain(above).collect()
}

fn missing(folder: &Path) -> Option<&'static str> {
    PARTS.into_iter().find(|part| !folder.join(part).is_file())
}

/// Copies every file of the page.
///
/// # Errors
/// What the disk says, with the file's name.
pub(super) fn copy(app: &Path, to: &Path) -> Result<()> {
    for relative in folder::files_below(app)? {
        let place = to.join(&relative);
        if let Some(parent) = place.parent() {
            files::create_folder(parent)?;
        }
        let from = app.join(&relative);
        let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        super::write(&place, &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("index.html"), "").unwrap();
        let text = find(Some(folder.path())).unwrap_err().to_string();
        assert!(text.contains("page.js is missing"), "{text}");
        assert!(text.contains("cargo xtask app"), "{text}");
    }
}
