//! What a command works on: a run, a bundle, or a base model alone.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use slm_model::{BaseModel, LoraAdapter};
use slm_task::{
    Recipe,
    bundle::{Manifest, Predictions},
    routing::Dials,
};

use crate::{
    base_model, dials,
    exit::bad_input,
    files,
    recipe_file::RecipeFile,
    rows::{self, DataFile, Rows},
    run::{self, Run},
};

/// A model ready to answer, and what is known of its recipe and data.
pub struct Subject {
    /// The base model.
    pub base: Arc<BaseModel>,
    /// The adapter and the sha256 of its weights; none for a base.
    pub adapter: Option<(Arc<LoraAdapter>, String)>,
    /// The recipe.
    pub recipe: Recipe,
    /// sha256 of its text.
    pub recipe_sha256: String,
    /// The rows that a report is about unless others are named.
    pub test: Option<PathBuf>,
    /// The rows that shots and the majority class come from.
    pub train: Option<Rows>,
    /// What was set on the dev rows after training; nothing for a base.
    pub dials: Dials,
    /// The run, when it is one.
    pub run: Option<Run>,
    /// The files that were read for it: no output may take their place.
    pub files: Vec<PathBuf>,
}

impl Subject {
    /// Opens a run folder, a bundle folder, or `base` (or a GGUF file, or a model's name). A base
    /// needs a recipe; a bundle may be given one for its training rows.
    ///
    /// # Errors
    /// Bad input: no such thing, no recipe, an adapter that is damaged or for another base.
    pub fn open(name: &str, recipe: Option<&str>, base: Option<&str>) -> Result<Self> {
        let path = Path::new(name);
        if path.join("manifest.json").is_file() {
            return Self::bundle(path, recipe, base);
        }
        let run = Path::new(run::FOLDER).join(name);
        if path.join("config.json").is_file() || run.join("config.json").is_file() {
            return Self::run(path, recipe, base);
        }
        if path.is_dir() {
            return Err(bad_input(format!(
                "{name}: neither a run (config.json) nor a bundle (manifest.json)."
            )));
        }
        if let Some(base) = base {
            return Err(bad_input(format!(
                "--base {base}: {name} is a base model itself, no run and no bundle. Name one of the two."
            )));
        }
        Self::base(name, recipe)
    }

    fn run(path: &Path, recipe: Option<&str>, base: Option<&str>) -> Result<Self> {
        let run = Run::open(path)?;
        if !run
            .adapter_folder()
            .join("adapter_model.safetensors")
            .is_file()
        {
            return Err(bad_input(format!(
                "{}: the run has no adapter yet. Go on with `slm train {} --out {} --resume`.",
                run.folder.display(),
                run.config.recipe,
                run.folder.display()
            )));
        }
        let base = load_base_for(&run.config.base.sha256, base, Some(&run.config.base.path))?;
        let adapter = run::load_adapter(&run.adapter_folder(), &base)?;
        let mut files = vec![run.path("config.json"), run.path("recipe.toml")];
        files.push(run.config.train.path.clone());
        let (recipe, recipe_sha256) = match recipe {
            Some(name) => {
                let file = RecipeFile::load(name, &[])?;
                let sha256 = file.sha256();
                files.extend(file.files);
                (file.recipe, sha256)
            }
            None => (run.recipe()?, run.config.recipe_sha256.clone()),
        };
        let own = recipe_sha256 == run.config.recipe_sha256;
        let dials = match own {
            true => dials::of_run(&run, &base, &recipe, &adapter)?,
            false => Dials::default(),
        };
        Ok(Self {
            base,
            dials,
            adapter: Some(adapter),
            train: Some(unchanged(&run.config.train, &recipe)?),
            test: run.config.test.as_ref().map(|file| file.path.clone()),
            recipe,
            recipe_sha256,
            run: Some(run),
            files,
        })
    }

    fn bundle(path: &Path, recipe: Option<&str>, base: Option<&str>) -> Result<Self> {
        let manifest = open_bundle(path)?;
        let base = load_base_for(&manifest.base_sha256, base, None)?;
        let adapter = run::load_adapter(path, &base)?;
        let text = files::read_text(&path.join("recipe.toml"))?;
        let own = Recipe::parse(&text, &path.join("recipe.toml").display().to_string())?;
        // Training rows do not ship: they come from the recipe of the same id, where it is known.
        let source = match recipe {
            Some(name) => Some(RecipeFile::load(name, &[])?),
            None => RecipeFile::load(&own.id, &[]).ok(),
        };
        let mut files: Vec<_> = manifest.files.iter().map(|f| path.join(&f.path)).collect();
        files.push(path.join("manifest.json"));
        files.extend(source.iter().flat_map(|file| file.files.clone()));
        let train = source
            .map(|file| file.data(&file.recipe.data.train))
            .filter(|path| path.is_file())
            .map(|path| rows::load(&path, &own))
            .transpose()?;
        files.extend(train.iter().map(|rows| rows.file.path.clone()));
        let predictions = path.join("predictions.json");
        let predictions = Predictions::parse(
            &files::read_text(&predictions)?,
            &predictions.display().to_string(),
        )?;
        Ok(Self {
            base,
            dials: predictions.dials,
            adapter: Some(adapter),
            recipe_sha256: files::sha256(text.as_bytes()),
            recipe: own,
            test: Some(path.join("test.jsonl")),
            train,
            run: None,
            files,
        })
    }

    fn base(name: &str, recipe: Option<&str>) -> Result<Self> {
        let Some(recipe) = recipe else {
            return Err(bad_input(format!(
                "{name}: no run or bundle there, so it counts as a base model; add --recipe."
            )));
        };
        let file = RecipeFile::load(recipe, &[])?;
        let base = load_base(Some(name).filter(|&name| name != "base"))?.0;
        let train = file.data(&file.recipe.data.train);
        let mut files = file.files.clone();
        files.push(train.clone());
        Ok(Self {
            base,
            dials: Dials::default(),
            adapter: None,
            recipe_sha256: file.sha256(),
            test: Some(file.data(&file.recipe.data.test)),
            train: train
                .is_file()
                .then(|| rows::load(&train, &file.recipe))
                .transpose()?,
            recipe: file.recipe,
            run: None,
            files,
        })
    }
}

/// Reads a bundle's manifest and checks every file against it.
///
/// # Errors
/// Bad input for a folder without a manifest, and a file that has changed since.
pub fn open_bundle(path: &Path) -> Result<Manifest> {
    let manifest = path.join("manifest.json");
    if !manifest.is_file() {
        return Err(bad_input(format!(
            "{}: no manifest.json there, so it is no bundle.",
            path.display()
        )));
    }
    let shown = manifest.display().to_string();
    let manifest = Manifest::parse(&files::read_text(&manifest)?, &shown)?;
    for entry in &manifest.files {
        if files::sha256(&files::read(&path.join(&entry.path))?) != entry.sha256 {
            return Err(bad_input(format!(
                "{}: changed since the bundle was made (its sha256 is not the manifest's).",
                path.join(&entry.path).display()
            )));
        }
    }
    Ok(manifest)
}

/// Reads the rows that a run remembers.
///
/// # Errors
/// Bad input when the file has changed since.
pub fn unchanged(file: &DataFile, recipe: &Recipe) -> Result<Rows> {
    let rows = rows::load(&file.path, recipe)?;
    if rows.file.sha256 != file.sha256 {
        return Err(bad_input(format!(
            "{}: changed since the run was started. Put the old file back, or start a new run.",
            file.path.display()
        )));
    }
    Ok(rows)
}

/// Loads a base model by path or name, or the default one. Also gives its path.
///
/// # Errors
/// When it is not there or not a llama in GGUF.
pub fn load_base(name: Option<&str>) -> Result<(Arc<BaseModel>, std::path::PathBuf)> {
    let path = base_model::resolve(name)?;
    let bytes = files::read(&path)?;
    Ok((Arc::new(BaseModel::from_gguf(&bytes)?), path))
}

/// Loads the base model with a given sha256: the one named, or else the one remembered, or else
/// the default.
fn load_base_for(
    sha256: &str,
    named: Option<&str>,
    remembered: Option<&Path>,
) -> Result<Arc<BaseModel>> {
    let remembered = remembered.filter(|path| path.is_file());
    let name = named
        .map(str::to_string)
        .or_else(|| remembered.map(|path| path.display().to_string()));
    let (base, path) = load_base(name.as_deref())?;
    if base.sha256() != sha256 {
        return Err(bad_input(format!(
            "{}: another base model (sha256 {}); the adapter belongs to {sha256}. Name that one with --base.",
            path.display(),
            base.sha256()
        )));
    }
    Ok(base)
}
