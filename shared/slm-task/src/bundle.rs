//! What ships: a folder whose `manifest.json` names every file with its hash and size. Pure data;
//! who reads and writes files is elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Place, TaskError, quoted},
    prediction::Prediction,
    report::System,
    routing::Dials,
};

/// Layout version of `gallery.json` and `manifest.json`.
pub const FORMAT: u32 = 1;

/// `gallery.json` at the root of a shipped folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    /// Layout version.
    pub format: u32,
    /// The base model that every bundle here belongs to.
    pub base: BaseFile,
    /// Bundle folders in display order, relative to `gallery.json`.
    pub bundles: Vec<GalleryEntry>,
}

/// The base model file of a gallery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseFile {
    /// For people (`SmolLM2-135M-Instruct Q4_1`).
    pub name: String,
    /// Relative URL.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// sha256 in hex.
    pub sha256: String,
    /// SPDX expression.
    pub licence: String,
}

/// A card of the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GalleryEntry {
    /// Recipe id.
    pub id: String,
    /// Recipe title.
    pub title: String,
    /// Recipe summary.
    pub summary: String,
    /// Folder with `manifest.json`, relative to `gallery.json`, ends with `/`.
    pub path: String,
    /// First headline metric of the subject, for the card.
    pub headline: crate::report::Headline,
    /// First lift, for the card.
    pub lift: Option<crate::report::Lift>,
}

/// `manifest.json` of one bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout version.
    pub format: u32,
    /// Version of the `serve` numerics that made report and probes.
    pub numerics: u32,
    /// Recipe id.
    pub recipe: String,
    /// sha256 of the base model file the adapter was trained on.
    pub base_sha256: String,
    /// Every other file of the bundle, sorted by path. Fixed names: `recipe.toml`,
    /// `adapter_config.json`, `adapter_model.safetensors`, `test.jsonl`, `predictions.json`,
    /// `report.json`, `probes.json`.
    pub files: Vec<FileEntry>,
    /// Licences of what is inside, SPDX, with what each covers.
    pub licences: Vec<String>,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative to the manifest.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// sha256 in hex.
    pub sha256: String,
}

/// `probes.json`: what every runtime must reproduce before it is trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probes {
    /// A few fixed inputs.
    pub probes: Vec<Probe>,
}

/// One input with the logits that follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The user's text.
    pub prompt: String,
    /// The whole prompt, rendered.
    pub tokens: Vec<u32>,
    /// The largest logits after the prompt, largest first: token id and the f32's bits, so that
    /// equality is exact.
    pub top: Vec<(u32, u32)>,
    /// sha256, in hex, over the little-endian bytes of every logit: equal only when all bits are.
    pub digest: String,
}

/// `predictions.json`: what every system answered to the rows of `test.jsonl`, in their order, and
/// what else a report's body follows from, so that the page can build it again from its own
/// predictions of the subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// The subject first, then the baselines.
    pub systems: Vec<System>,
    /// Training rows of each class, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_classes: Option<BTreeMap<String, usize>>,
    /// What was set on the dev rows after training.
    #[serde(default)]
    pub dials: Dials,
    /// The subject's answers without its grammar, where it was asked so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<Vec<Prediction>>,
    /// Warnings that were handed to the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Gallery {
    /// Reads `gallery.json`. `file` is the name that errors show.
    ///
    /// # Errors
    /// [`TaskError::Input`] for what is not JSON, of another layout, or names a file outside the
    /// gallery's folder or a hash that is none.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        let gallery: Self = crate::json::parse_versioned(text, file, "a gallery", FORMAT)?;
        check_path(&gallery.base.path, file, "base.path")?;
        check_hash(&gallery.base.sha256, file, "base.sha256")?;
        for entry in &gallery.bundles {
            let folder = entry.path.strip_suffix('/').unwrap_or("");
            check_path(folder, file, "bundles.path")?;
        }
        Ok(gallery)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }
}

impl Manifest {
    /// Reads `manifest.json`. `file` is the name that errors show.
    ///
    /// # Errors
    /// [`TaskError::Input`] for what is not JSON, of another layout, or names a file outside the
    /// bundle's folder, a file twice, or a hash that is none.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        let manifest: Self = crate::json::parse_versioned(text, file, "a manifest", FORMAT)?;
        check_hash(&manifest.base_sha256, file, "base_sha256")?;
        let mut seen = BTreeSet::new();
        for entry in &manifest.files {
            check_path(&entry.path, file, "files.path")?;
            check_hash(&entry.sha256, file, "files.sha256")?;
            if !seen.insert(&entry.path) {
                return Err(TaskError::input(
                    Place::file(file).field("files.path"),
                    format!("{} twice", quoted(&entry.path)),
                    "every file once",
                    "Make the bundle again with `slm ship`.",
                ));
            }
        }
        Ok(manifest)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }

    /// The entry of a file by its path.
    pub fn entry(&self, path: &str) -> Option<&FileEntry> {
        self.files.iter().find(|f| f.path == path)
    }
}

impl Predictions {
    /// Reads `predictions.json`. `file` is the name that errors show.
    ///
    /// # Errors
    /// [`TaskError::Input`] for what is not JSON or not predictions.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        crate::json::parse(text, file, "predictions")
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }
}

impl Probes {
    /// Reads `probes.json`. `file` is the name that errors show.
    ///
    /// # Errors
    /// [`TaskError::Input`] for what is not JSON or not probes.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        crate::json::parse(text, file, "probes")
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        crate::json::to_text(self)
    }
}

fn check_path(path: &str, file: &str, field: &str) -> Result<(), TaskError> {
    if crate::recipe::is_inside(path) {
        return Ok(());
    }
    Err(TaskError::input(
        Place::file(file).field(field),
        quoted(path),
        "a relative path inside the folder",
        "Make the folder again with `slm ship`.",
    ))
}

fn check_hash(hash: &str, file: &str, field: &str) -> Result<(), TaskError> {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if hash.len() == 64 && hash.chars().all(hex) {
        return Ok(());
    }
    Err(TaskError::input(
        Place::file(file).field(field),
        quoted(hash),
        "a sha256 of 64 lower-case hexadecimal digits",
        "Make the folder again with `slm ship`.",
    ))
}
