//! Putting a folder together from others, without touching what is already right.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The files that a folder shall hold: relative path to where each comes from.
pub type Plan = BTreeMap<PathBuf, PathBuf>;

/// Adds every file below `folder`, at its relative path, but for those in the top folders `without`.
pub fn add(plan: &mut Plan, folder: &Path, without: &[&str]) -> Result<()> {
    for file in files_below(folder)? {
        let relative = file.strip_prefix(folder)?.to_path_buf();
        let top = relative.iter().next().unwrap_or_default();
        if without.iter().any(|name| top == *name) {
            continue;
        }
        plan.insert(relative, file);
    }
    Ok(())
}

/// Makes `to` hold the files of `plan` and no others; gives how many were written or removed.
pub fn sync(plan: &Plan, to: &Path) -> Result<usize> {
    let mut changes = 0;
    if to.is_dir() {
        for file in files_below(to)? {
            if !plan.contains_key(file.strip_prefix(to)?) {
                fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
                changes += 1;
            }
        }
    }
    for (relative, from) in plan {
        let target = to.join(relative);
        let bytes = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
        if fs::read(&target).is_ok_and(|there| there == bytes) {
            continue;
        }
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&target, bytes).with_context(|| format!("writing {}", target.display()))?;
        changes += 1;
    }
    Ok(changes)
}

/// Every file below `folder`, sorted by path.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_synchronized_once() -> Result<()> {
        let base = std::env::temp_dir().join(format!("xtask-dist-{}", std::process::id()));
        let (from, to) = (base.join("from"), base.join("to"));
        fs::create_dir_all(from.join("deep"))?;
        fs::create_dir_all(from.join("recipes"))?;
        fs::create_dir_all(&to)?;
        fs::write(from.join("index.html"), "page")?;
        fs::write(from.join("deep/a.css"), "style")?;
        fs::write(from.join("recipes/r.toml"), "not for the page")?;
        fs::write(to.join("stale.js"), "old")?;

        let mut plan = Plan::new();
        add(&mut plan, &from, &["recipes"])?;
        assert_eq!(sync(&plan, &to)?, 3, "two written, one removed");
        assert_eq!(
            files_below(&to)?,
            [to.join("deep/a.css"), to.join("index.html")]
        );
        assert_eq!(sync(&plan, &to)?, 0, "nothing is done twice");
        fs::remove_dir_all(&base)?;
        Ok(())
    }
}
