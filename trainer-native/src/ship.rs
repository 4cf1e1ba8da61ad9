//! `slm ship`: a static folder that any web server hosts.
//!
//! ```text
//! index.html, page.js, …      the page, as `cargo xtask app` built it
//! gallery.json                what is here
//! base/<file>.gguf            the base model that every bundle belongs to
//! bundles/<id>/manifest.json  one trained recipe: adapter, test rows, report, probes
//! shipped.txt                 the files above, so that a later ship knows what is its own
//! ```
//!
//! Every URL is relative. The folder appears whole or not at all.

mod bundle;
mod folder;
mod origin;
mod page;
mod probes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use slm_model::gguf::Tensor;
use slm_model::{BaseModel, Gguf};
use slm_task::bundle::{self as format, BaseFile, Gallery, GalleryEntry};

use crate::exit::bad_input;
use crate::run::Run;
use crate::{files, run, subject};

use bundle::Bundle;
use folder::Target;
use origin::Origin;

/// What to ship, and where to.
#[derive(Debug, Clone, Default)]
pub struct ShipInput {
    /// Runs in display order, one a recipe: a folder, a name under `runs/`, or a recipe's id for
    /// its newest run.
    pub runs: Vec<String>,
    /// Folders of bundles that were made before; they come after the runs, and give way to a run of
    /// the same recipe.
    pub bundles: Vec<PathBuf>,
    /// The folder to make; one that an earlier ship made is replaced.
    pub to: PathBuf,
    /// The built page; looked for where `cargo xtask app` puts it when absent.
    pub app: Option<PathBuf>,
    /// The base model by path or name; the one that the runs remember when absent.
    pub base: Option<String>,
}

/// Makes the folder.
///
/// # Errors
/// Bad input: a folder that is not ship's own, no built page, a run without a report or with one
/// that does not belong to what the run holds, runs on different bases, a base that the page cannot
/// load; or what the disk says.
pub fn ship(input: ShipInput) -> Result<()> {
    let target = Target::new(&input.to)?;
    let app = page::find(input.app.as_deref())?;
    let origins = open(&input)?;
    let (base, base_path) = load_base(&origins, input.base.as_deref())?;
    let base_file = describe_base(&origins[0], &base, &base_path)?;
    // Everything that takes time or can be refused comes before the first byte is written.
    let mut bundles = Vec::new();
    for origin in &origins {
        eprintln!("{}: checking, and making probes", origin.recipe());
        bundles.push(Bundle::make(origin, &base, &base_file.licence)?);
    }
    target.fill(|folder| {
        page::copy(&app, folder)?;
        let place = folder.join(&base_file.path);
        folder::link_or_copy(&base_path, &place)?;
        for bundle in &bundles {
            bundle.write(&folder.join(bundle_path(bundle)))?;
        }
        let gallery = gallery(base_file.clone(), &bundles);
        write(&folder.join("gallery.json"), gallery.to_json().as_bytes())
    })?;
    eprintln!("shipped {} to {}", names(&bundles), input.to.display());
    eprintln!("look at it with `slm serve {}`", input.to.display());
    Ok(())
}

/// What is to ship, in display order.
fn open(input: &ShipInput) -> Result<Vec<Origin>> {
    if input.runs.is_empty() && input.bundles.is_empty() {
        return Err(bad_input("nothing to ship: name a run or a recipe."));
    }
    let mut origins = Vec::new();
    let mut seen = BTreeMap::new();
    for name in &input.runs {
        let run = open_run(name)?;
        if let Some(other) = seen.insert(run.config.recipe.clone(), name) {
            return Err(bad_input(format!(
                "{other} and {name} are both runs of {}; a gallery has one bundle a recipe. Leave one out.",
                run.config.recipe
            )));
        }
        origins.push(Origin::Run(Box::new(run)));
    }
    for folder in &input.bundles {
        let origin = Origin::bundle(folder)?;
        if !origins
            .iter()
            .any(|other| other.recipe() == origin.recipe())
        {
            origins.push(origin);
        }
    }
    Ok(origins)
}

/// A run by folder, by name, or the newest of a recipe.
fn open_run(name: &str) -> Result<Run> {
    let is_run = |folder: PathBuf| folder.join("config.json").is_file();
    let path = Path::new(name);
    if is_run(path.to_path_buf()) || is_run(Path::new(run::FOLDER).join(name)) {
        return Run::open(path);
    }
    match run::numbered(name).1 {
        Some(newest) => Run::open(&newest),
        None => Err(bad_input(format!(
            "{name}: no run of that name and no run of such a recipe. Train one with `slm train {name}`; \
             `slm runs list` shows the runs."
        ))),
    }
}

/// The base that all share, and where it is.
fn load_base(origins: &[Origin], named: Option<&str>) -> Result<(Arc<BaseModel>, PathBuf)> {
    let remembered = origins.iter().find_map(|origin| match origin {
        Origin::Run(run) => Some(&run.config.base.path).filter(|path| path.is_file()),
        Origin::Bundle(..) => None,
    });
    let remembered = remembered.map(|path| path.display().to_string());
    let (base, path) = subject::load_base(named.map(String::from).or(remembered).as_deref())?;
    for origin in origins {
        if origin.base_sha256() != base.sha256() {
            return Err(bad_input(format!(
                "{}: trained on another base model (sha256 {}) than {} (sha256 {}). \
                 A gallery has one base: ship these runs apart, or name the right file with --base.",
                origin.folder().display(),
                origin.base_sha256(),
                path.display(),
                base.sha256()
            )));
        }
    }
    Ok((base, path))
}

fn describe_base(origin: &Origin, base: &BaseModel, path: &Path) -> Result<BaseFile> {
    let bytes = files::read(path)?;
    let gguf = Gguf::parse(&bytes)?;
    check_block_types(&gguf, path)?;
    Ok(BaseFile {
        name: match origin {
            Origin::Run(run) => run.config.base.name.clone(),
            Origin::Bundle(..) => {
                let stem = path.file_stem().unwrap_or_default();
                stem.to_string_lossy().into_owned()
            }
        },
        path: format!("base/{}", url_name(path)),
        size: bytes.len() as u64,
        sha256: base.sha256().to_string(),
        licence: licence(gguf.string("general.license").ok()),
    })
}

/// The page has the kernels and no candle: it loads what they compute on as stored, and nothing else.
fn check_block_types(gguf: &Gguf, path: &Path) -> Result<()> {
    let is_matrix = |tensor: &&Tensor| tensor.dims.len() > 1;
    let mut matrices = gguf.tensors.iter().filter(is_matrix);
    match matrices.find(|tensor| !tensor.ggml_type.native()) {
        None => Ok(()),
        Some(tensor) => Err(bad_input(format!(
            "{}: {} is stored as {}, which the page cannot load; expected F32, F16, Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0. \
             Take a Q4_1 or Q8_0 conversion of the model as base, and train and evaluate on it again.",
            path.display(),
            tensor.name,
            tensor.ggml_type
        ))),
    }
}

/// A file's name as a relative URL: what would need escaping becomes `-`.
fn url_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    let name = name.trim_start_matches('.');
    if name.ends_with(".gguf") {
        name.into()
    } else {
        format!("{name}.gguf")
    }
}

/// A GGUF file's licence as SPDX writes it.
fn licence(stated: Option<&str>) -> String {
    match stated {
        Some("apache-2.0") => "Apache-2.0".into(),
        Some("mit") => "MIT".into(),
        Some(other) if !other.is_empty() => other.into(),
        _ => bundle::NO_LICENCE.into(),
    }
}

fn bundle_path(bundle: &Bundle) -> String {
    format!("bundles/{}/", bundle.recipe.id)
}

fn gallery(base: BaseFile, bundles: &[Bundle]) -> Gallery {
    let entry = |bundle: &Bundle| GalleryEntry {
        id: bundle.recipe.id.clone(),
        title: bundle.recipe.title.clone(),
        summary: bundle.recipe.summary.clone(),
        path: bundle_path(bundle),
        headline: bundle.headline.clone(),
        lift: bundle.lift.clone(),
    };
    Gallery {
        format: format::FORMAT,
        base,
        bundles: bundles.iter().map(entry).collect(),
    }
}

fn names(bundles: &[Bundle]) -> String {
    let names: Vec<&str> = bundles.iter().map(|b| b.recipe.id.as_str()).collect();
    names.join(", ")
}

/// Writes a file and the folders above it.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    fs::write(path, bytes).map_err(|error| files::write_error(path, error))
}

#[cfg(test)]
#[path = "ship_tests.rs"]
mod tests;
