//! Where a bundle comes from: a run that was trained here, or a bundle that was made before.

use std::path::{Path, PathBuf};

use anyhow::Result;
use slm_task::bundle::Manifest;

use crate::{exit::bad_input, files, run::Run, subject};

/// A run or a bundle.
pub(super) enum Origin {
    Run(Box<Run>),
    Bundle(PathBuf, Manifest),
}

impl Origin {
    /// A bundle's folder, its files checked against the manifest.
    pub(super) fn bundle(folder: &Path) -> Result<Self> {
        Ok(Self::Bundle(
            folder.to_path_buf(),
            subject::open_bundle(folder)?,
        ))
    }

    /// The id of its recipe.
    pub(super) fn recipe(&self) -> &str {
        match self {
            Self::Run(run) => &run.config.recipe,
            Self::Bundle(_, manifest) => &manifest.recipe,
        }
    }

    /// The base that it was trained on.
    pub(super) fn base_sha256(&self) -> &str {
        match self {
            Self::Run(run) => &run.config.base.sha256,
            Self::Bundle(_, manifest) => &manifest.base_sha256,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Run(run) => &run.folder,
            Self::Bundle(folder, _) => folder,
        }
    }

    /// A file by the name that it has in a bundle.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = match self {
            Self::Bundle(folder, _) => folder.join(name),
            Self::Run(run) => match name {
                "adapter_config.json" | "adapter_model.safetensors" => {
                    run.adapter_folder().join(name)
                }
                "test.jsonl" => self.test_rows(run)?,
                name => run.path(name),
            },
        };
        files::read(&path)
    }

    fn test_rows(&self, run: &Run) -> Result<PathBuf> {
        match &run.config.test {
            Some(test) => Ok(test.path.clone()),
            None => Err(bad_input(format!(
                "{}: the recipe has no test rows, so there is nothing to show. Name a file in [data] test.",
                run.folder.display()
            ))),
        }
    }

    /// The complaint that what is here does not belong together.
    pub(super) fn refused(&self, reason: &str) -> anyhow::Error {
        let folder = self.folder().display();
        bad_input(match self {
            Self::Run(_) => {
                format!("{folder}: {reason}. Run `slm eval {folder}`, then ship again.")
            }
            Self::Bundle(..) => format!("{folder}: {reason}. Make the bundle again."),
        })
    }
}
