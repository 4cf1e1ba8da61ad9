//! The folder that ships: it appears whole or not at all, and nothing that ship did not write is
//! ever removed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exit::bad_input;
use crate::files;

/// Names every file that ship wrote, one a line, itself left out.
const LISTING: &str = "shipped.txt";

/// A place where a folder may be put.
#[derive(Debug)]
pub(super) struct Target {
    folder: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Target {
    /// Checks that the folder is absent, empty, or made by ship and by nobody else.
    ///
    /// # Errors
    /// Bad input, with what stands in the way.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let whole = std::path::absolute(folder).with_context(|| format!("cannot find {shown}"))?;
        // A link is followed, so that what it points to is replaced and not the link.
        let whole = if whole.is_dir() {
            fs::canonicalize(&whole)?
        } else {
            whole
        };
        let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(bad_input(format!(
                "{shown}: expected the name of a folder."
            )));
        };
        if whole.exists() {
            check_own(&whole)?;
        }
        Ok(Self {
            parent: parent.to_path_buf(),
            name: name.to_string_lossy().into_owned(),
            folder: whole,
        })
    }

    /// Lets `fill` write into a fresh folder beside the target, then puts it in the target's place.
    /// When anything fails, the target stays as it was.
    ///
    /// # Errors
    /// What `fill` says, or the disk.
    pub(super) fn fill(&self, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        files::create_folder(&self.parent)?;
        let staging = tempfile::Builder::new()
            .prefix(&format!(".{}.", self.name))
            .tempdir_in(&self.parent)
            .map_err(|error| files::write_error(&self.folder, error))?;
        let new = staging.path().join("new");
        files::create_folder(&new)?;
        fill(&new)?;
        write_listing(&new)?;
        self.swap(&new, &staging.path().join("old"))
    }

    fn swap(&self, new: &Path, old: &Path) -> Result<()> {
        let failed = |error| files::write_error(&self.folder, error);
        let replaces = self.folder.exists();
        if replaces {
            // Files may have come since the start.
            check_own(&self.folder)?;
            fs::rename(&self.folder, old).map_err(failed)?;
        }
        fs::rename(new, &self.folder).map_err(|error| {
            if replaces {
                let _ = fs::rename(old, &self.folder);
            }
            failed(error)
        })
    }
}

/// Every file of the folder must stand in its listing.
fn check_own(folder: &Path) -> Result<()> {
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(bad_input(format!("{shown}: is a file; expected a folder.")));
    }
    let found = files_below(folder)?;
    if found.is_empty() {
        return Ok(());
    }
    let Ok(listing) = fs::read_to_string(folder.join(LISTING)) else {
        return Err(bad_input(format!(
            "{shown}: the folder was not made by `slm ship` (no {LISTING}), so it is left alone. \
             Name another, or empty it."
        )));
    };
    let own: BTreeSet<&str> = listing.lines().chain([LISTING]).collect();
    let foreign = found.iter().find(|file| !own.contains(url(file).as_str()));
    match foreign {
        None => Ok(()),
        Some(file) => Err(bad_input(format!(
            "{shown}: {} was not made by `slm ship`, so the folder is left alone. \
             Move the file away, or name another folder.",
            file.display()
        ))),
    }
}

fn write_listing(folder: &Path) -> Result<()> {
    let mut text = String::new();
    for file in files_below(folder)? {
        text.push_str(&url(&file));
        text.push('\n');
    }
    super::write(&folder.join(LISTING), text.as_bytes())
}

/// A relative path with `/` on every system.
fn url(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Every file below a folder, relative to it, sorted. A link counts as a file.
///
/// # Errors
/// What the disk says, with the folder's name.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let here = folder.join(&relative);
        let failed = || format!("cannot read {}", here.display());
        for entry in fs::read_dir(&here).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let path = relative.join(entry.file_name());
            if entry.file_type().with_context(failed)?.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Puts a large file somewhere without a second copy of it where the disk can do that.
///
/// # Errors
/// What the disk says, with the file's name.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        files::create_folder(folder)?;
    }
    // A link to a link would still be a link to somewhere else.
    let from = fs::canonicalize(from).with_context(|| format!("cannot find {}", from.display()))?;
    if fs::hard_link(&from, to).is_ok() {
        return Ok(());
    }
    // Another disk, or one without links.
    let copied = fs::copy(&from, to).map_err(|error| files::write_error(to, error));
    copied.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
        for (name, text) in files {
            super::super::write(&folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    /// Names and contents of all files.
    fn content(folder: &Path) -> Vec<(String, String)> {
        let files = files_below(folder).unwrap();
        let read = |file: &PathBuf| fs::read_to_string(folder.join(file)).unwrap();
        files.iter().map(|file| (url(file), read(file))).collect()
    }

    #[test]
    fn a_folder_is_made_and_replaced() {
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("deep/dist");
        let ship = |files: &[(&str, &str)]| {
            Target::new(&to).and_then(|target| target.fill(|folder| put(folder, files)))
        };
        ship(&[("a/b.txt", "1"), ("c.txt", "2")]).unwrap();
        ship(&[("c.txt", "3")]).unwrap();
        let found = content(&to);
        let expected = [("c.txt", "3"), (LISTING, "c.txt\n")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_string(), b.to_string())));
        let left = fs::read_dir(home.path().join("deep")).unwrap().count();
        assert_eq!(left, 1, "nothing else is left");
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("dist");
        let target = Target::new(&to).unwrap();
        let fails = |folder: &Path| {
            put(folder, &[("half.txt", "")])?;
            anyhow::bail!("no space")
        };
        assert!(target.fill(fails).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        target
            .fill(|folder| put(folder, &[("a.txt", "1")]))
            .unwrap();
        let before = content(&to);
        assert!(target.fill(fails).is_err());
        assert_eq!(content(&to), before);
    }

    #[test]
    fn what_others_made_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let check = |name: &str, expected: &str| {
            let text = Target::new(&home.path().join(name))
                .unwrap_err()
                .to_string();
            assert!(text.contains(expected), "{text}");
        };
        put(home.path(), &[("file", ""), ("mine/letter.txt", "")]).unwrap();
        check("file", "is a file");
        check("mine", "was not made by `slm ship`");
        let to = home.path().join("dist");
        let target = Target::new(&to).unwrap();
        target.fill(|folder| put(folder, &[("a.txt", "")])).unwrap();
        put(&to, &[(".git/config", "")]).unwrap();
        check("dist", ".git/config was not made by `slm ship`");
        assert!(target.fill(|folder| put(folder, &[])).is_err());
        assert!(to.join("a.txt").is_file());
    }

    #[test]
    fn an_empty_folder_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let target = Target::new(home.path()).unwrap();
        assert_eq!(target.folder, fs::canonicalize(home.path()).unwrap());
    }
}
