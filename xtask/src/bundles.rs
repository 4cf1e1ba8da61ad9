//! `cargo xtask bundles`: trains every built-in recipe on its own data, measures it, and keeps what
//! ships of it in `static/bundles`, so that a gallery needs no training. And: what is kept there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::say;
use crate::slm::Slm;
use crate::{app, dist, setup, workspace};

/// The largest adapter that is committed, in bytes.
const MOST: u64 = 3_000_000;

/// Adapter weights in a bundle.
const WEIGHTS: &str = "adapter_model.safetensors";

/// The command line of `cargo xtask bundles`.
#[derive(clap::Args)]
pub struct Options {
    /// Recipes to train; all built-in ones when none is named
    recipes: Vec<String>,
}

/// The command. What was trained already is gone on with, not done again.
pub fn run(options: &Options) -> Result<()> {
    setup::for_app()?;
    let app = app::build(&app::Options::default())?;
    let slm = Slm::release()?;
    setup::model(&slm)?;
    let recipes = match options.recipes.is_empty() {
        true => names("recipes")?,
        false => options.recipes.clone(),
    };
    let galleries = workspace::target_dir()?.join("bundles");
    for recipe in &recipes {
        // Relative, since reports hold the command that made them.
        let run = format!("runs/bundle-{recipe}");
        slm.run(["train", recipe, "--out", &run, "--resume"])
            .with_context(|| format!("training stopped; {run} keeps what was done"))?;
        slm.run(["eval", &run])?;
        let gallery = galleries.join(recipe);
        slm.run([
            "ship".as_ref(),
            "--runs".as_ref(),
            run.as_ref(),
            "--app".as_ref(),
            app.as_os_str(),
            "--to".as_ref(),
            gallery.as_os_str(),
        ])?;
        keep(recipe, &gallery.join("bundles").join(recipe))?;
    }
    Ok(())
}

/// Puts a shipped bundle in the place of the one kept before.
fn keep(recipe: &str, shipped: &Path) -> Result<()> {
    let size = fs::metadata(shipped.join(WEIGHTS))?.len();
    if size > MOST {
        bail!(
            "{recipe}: the adapter has {size} bytes; at most {MOST} are kept. Give it a lower rank or fewer layers."
        );
    }
    let mut plan = dist::Plan::new();
    dist::add(&mut plan, shipped, &[])?;
    let kept = folder("bundles").join(recipe);
    let bits = match fs::read(kept.join(WEIGHTS)) {
        Err(_) => "new",
        Ok(before) if before == fs::read(shipped.join(WEIGHTS))? => "the same bits as before",
        Ok(_) => "other bits than before",
    };
    let changes = dist::sync(&plan, &kept)?;
    say(format!(
        "bundles: {} ({changes} files changed; adapter of {size} bytes, {bits})",
        kept.display()
    ));
    Ok(())
}

/// The bundles that are kept, by folder.
pub fn kept() -> Result<Vec<PathBuf>> {
    let folder = folder("bundles");
    Ok(names("bundles")?
        .iter()
        .map(|name| folder.join(name))
        .collect())
}

fn folder(name: &str) -> PathBuf {
    workspace::root().join("static").join(name)
}

/// The folders in a folder of `static/`, sorted; none where it is not there.
fn names(name: &str) -> Result<Vec<String>> {
    let folder = folder(name);
    let mut names = Vec::new();
    let entries = folder.is_dir().then(|| fs::read_dir(&folder)).transpose()?;
    for entry in entries.into_iter().flatten() {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
