//! Finding a recipe by folder or id, and changing keys of it from the command line.

use std::path::{Path, PathBuf};

use anyhow::Result;
use slm_task::Recipe;

use crate::{exit::bad_input, files};

/// A recipe with where it came from.
#[derive(Debug, Clone)]
pub struct RecipeFile {
    /// The recipe, checked.
    pub recipe: Recipe,
    /// `recipe.toml` as it counts: with the changes asked for on the command line, and the schema in
    /// place of its file's name.
    pub text: String,
    /// The folder that data files are relative to.
    pub folder: PathBuf,
    /// The files that were read for it.
    pub files: Vec<PathBuf>,
}

impl RecipeFile {
    /// Finds a recipe by folder, by file or by id, applies `key=value` changes, and
    /// reads the schema that it names.
    ///
    /// # Errors
    /// Bad input: no such recipe, a change that is no `key=value`, or what [`Recipe::parse`] and
    /// [`Recipe::set`] say; a schema that is not there or is refused.
    pub fn load(name: &str, changes: &[String]) -> Result<Self> {
        let path = find(name)?;
        let mut text = files::read_text(&path)?;
        let mut recipe = Recipe::parse(&text, &path.display().to_string())?;
        for change in changes {
            let Some((key, value)) = change.split_once('=') else {
                return Err(bad_input(format!(
                    "--set {change}: expected key=value, such as sft.lr=0.0005."
                )));
            };
            recipe.set(key.trim(), value.trim())?;
        }
        let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
        let schema = recipe.schema_file().map(|name| folder.join(name));
        if let Some(schema) = &schema {
            recipe.embed_schema(&files::read_text(schema)?, &schema.display().to_string())?;
        }
        if !changes.is_empty() || schema.is_some() {
            text = recipe.to_toml();
        }
        Ok(Self {
            recipe,
            text,
            folder,
            files: [Some(path), schema].into_iter().flatten().collect(),
        })
    }

    /// sha256 of the text.
    pub fn sha256(&self) -> String {
        files::sha256(self.text.as_bytes())
    }

    /// A data file named in the recipe.
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Path of a recipe's `recipe.toml`.
fn find(name: &str) -> Result<PathBuf> {
    let given = Path::new(name);
    if given.is_file() {
        return Ok(given.to_path_buf());
    }
    if given.join("recipe.toml").is_file() {
        return Ok(given.join("recipe.toml"));
    }
    if given.is_dir() {
        return Err(bad_input(format!(
            "{name}: the folder has no recipe.toml. Name a recipe folder or a built-in recipe."
        )));
    }
    let Some(gallery) = gallery() else {
        return Err(bad_input(format!(
            "no recipe {name:?}: there is no such folder, and the built-in recipes were not found. \
             Run inside the project, or set SLM_RECIPES to the folder of recipes."
        )));
    };
    let path = gallery.join(name).join("recipe.toml");
    if !name.is_empty() && path.is_file() {
        return Ok(path);
    }
    let built_in = match ids(&gallery).as_slice() {
        [] => format!("a built-in recipe, of which {} has none", gallery.display()),
        ids => format!("one of: {}", ids.join(", ")),
    };
    Err(bad_input(format!(
        "no recipe {name:?}: expected a folder with recipe.toml, or {built_in}."
    )))
}

/// The folder of built-in recipes: `$SLM_RECIPES`, or `static/recipes` here or further up.
pub fn gallery() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("SLM_RECIPES") {
        return Some(PathBuf::from(folder));
    }
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|folder| folder.join("static/recipes"))
        .find(|folder| folder.is_dir())
}

fn ids(gallery: &Path) -> Vec<String> {
    let mut ids: Vec<String> = std::fs::read_dir(gallery)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("recipe.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    ids.sort();
    ids
}
