//! One run, or one bundle made before, as a bundle: its files in memory, checked against each other.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use slm_model::{BaseModel, LoraAdapter};
use slm_task::bundle::{self as format, FileEntry, Manifest, Predictions};
use slm_task::report::{self, Headline, Lift, ReportInput};
use slm_task::{Recipe, Report, example};

use super::{origin::Origin, probes};
use crate::exit::bad_input;
use crate::{eval, files};

/// What SPDX writes where no licence is stated.
pub(super) const NO_LICENCE: &str = "NOASSERTION";

/// A bundle, ready to be written.
pub(super) struct Bundle {
    /// Its recipe.
    pub(super) recipe: Recipe,
    /// First metric of the report.
    pub(super) headline: Headline,
    /// First lift of the report.
    pub(super) lift: Option<Lift>,
    /// Name and content of every file, the manifest apart; sorted by name.
    files: Vec<(&'static str, Vec<u8>)>,
    manifest: Manifest,
}

impl Bundle {
    /// Reads a run or a bundle, refuses what does not belong together, and makes its probes.
    pub(super) fn make(origin: &Origin, base: &Arc<BaseModel>, base_licence: &str) -> Result<Self> {
        let source = Source::read(origin)?;
        let report = source.check(origin, base)?;
        let config = origin.read("adapter_config.json")?;
        let adapter =
            LoraAdapter::from_peft(&config, &source.adapter, base.config(), base.sha256())?;
        let rows = example::read_jsonl(&source.rows, "test.jsonl", &source.recipe)?;
        let probes = probes::make(base, &adapter, &source.recipe, &rows)?;

        let mut files = vec![
            ("adapter_config.json", config),
            ("adapter_model.safetensors", source.adapter),
            ("predictions.json", source.predictions_json),
            ("probes.json", probes.to_json().into_bytes()),
            ("recipe.toml", source.recipe_toml),
            ("report.json", source.report_json),
            ("test.jsonl", source.rows),
        ];
        files.sort_by_key(|(name, _)| *name);
        let Some(headline) = report.body.headline.first().cloned() else {
            return Err(origin.refused("its report has no metric"));
        };
        Ok(Self {
            headline,
            lift: report.body.lift.first().cloned(),
            manifest: Manifest {
                format: format::FORMAT,
                numerics: slm_model::NUMERICS,
                recipe: source.recipe.id.clone(),
                base_sha256: base.sha256().to_string(),
                files: files
                    .iter()
                    .map(|(name, bytes)| entry(name, bytes))
                    .collect(),
                licences: licences(&source.recipe, base_licence),
            },
            recipe: source.recipe,
            files,
        })
    }

    /// Writes all files into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in &self.files {
            super::write(&folder.join(name), bytes)?;
        }
        let manifest = self.manifest.to_json();
        super::write(&folder.join("manifest.json"), manifest.as_bytes())
    }
}

/// The files of a run as they are.
struct Source {
    recipe: Recipe,
    recipe_toml: Vec<u8>,
    adapter: Vec<u8>,
    rows: Vec<u8>,
    predictions_json: Vec<u8>,
    report_json: Vec<u8>,
}

impl Source {
    fn read(origin: &Origin) -> Result<Self> {
        if let Origin::Run(run) = origin {
            if !run
                .adapter_folder()
                .join("adapter_model.safetensors")
                .is_file()
            {
                let (folder, recipe) = (run.folder.display(), &run.config.recipe);
                return Err(bad_input(format!(
                    "{folder}: the run has no adapter yet. Go on with `slm train {recipe} --out {folder} --resume`."
                )));
            }
            // Says what to do when there is none.
            eval::read_report(run)?;
        }
        let recipe_toml = origin.read("recipe.toml")?;
        Ok(Self {
            recipe: match origin {
                Origin::Run(run) => run.recipe()?,
                Origin::Bundle(folder, _) => Recipe::parse(
                    &String::from_utf8_lossy(&recipe_toml),
                    &folder.join("recipe.toml").display().to_string(),
                )?,
            },
            recipe_toml,
            adapter: origin.read("adapter_model.safetensors")?,
            rows: origin.read("test.jsonl")?,
            predictions_json: origin.read("predictions.json")?,
            report_json: origin.read("report.json")?,
        })
    }

    /// The report, when it is about these very files: the page builds it again from them and must
    /// come to the same bytes.
    fn check(&self, origin: &Origin, base: &BaseModel) -> Result<Report> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = |file: &str| origin.folder().join(file).display().to_string();
        let report = Report::parse(&text(&self.report_json), &name("report.json"))?;
        let provenance = &report.body.provenance;
        let same = [
            (
                "adapter",
                provenance.adapter.as_deref(),
                files::sha256(&self.adapter),
            ),
            (
                "file of test rows",
                Some(provenance.data.as_str()),
                files::sha256(&self.rows),
            ),
            (
                "recipe",
                Some(provenance.recipe.as_str()),
                files::sha256(&self.recipe_toml),
            ),
            (
                "base model",
                Some(provenance.base.as_str()),
                base.sha256().to_string(),
            ),
        ];
        for (what, reported, found) in same {
            if reported != Some(found.as_str()) {
                return Err(origin.refused(&format!("its report is about another {what}")));
            }
        }
        if provenance.numerics != slm_model::NUMERICS {
            return Err(origin.refused("its report was made with other numerics"));
        }
        let predictions = text(&self.predictions_json);
        let predictions = Predictions::parse(&predictions, &name("predictions.json"))?;
        let rows = example::read_jsonl(&self.rows, "test.jsonl", &self.recipe)?;
        let body = report::build(ReportInput {
            recipe: &self.recipe,
            rows: &rows,
            rows_in_file: rows.len(),
            systems: predictions.systems,
            train_classes: predictions.train_classes,
            dials: predictions.dials,
            free: predictions.free,
            provenance: provenance.clone(),
            warnings: predictions.warnings,
        })?;
        if body.to_json() != report.body.to_json() {
            return Err(origin.refused("its report does not follow from its predictions"));
        }
        Ok(report)
    }
}

fn entry(name: &str, bytes: &[u8]) -> FileEntry {
    FileEntry {
        path: name.into(),
        size: bytes.len() as u64,
        sha256: files::sha256(bytes),
    }
}

fn licences(recipe: &Recipe, base_licence: &str) -> Vec<String> {
    let data = recipe.data.licence.as_deref().unwrap_or(NO_LICENCE);
    vec![
        format!("{data}: recipe, test rows, and the adapter as trained on the recipe's data"),
        format!("{base_licence}: the base model that the adapter changes"),
    ]
}
