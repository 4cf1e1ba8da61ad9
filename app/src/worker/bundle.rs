//! A bundle from its folder: fetched, held to its manifest, parsed.

use futures::future::try_join_all;
use slm_task::{
    Example, Recipe, Report,
    bundle::{BaseFile, FileEntry, Predictions, Probes},
    example,
};

use crate::{error::AppError, platform::fetch, protocol::Opened, state::integrity};

/// Everything of a recipe but the base model.
pub(super) struct Bundle {
    /// sha256 of the manifest, which names that of every other file.
    pub(super) sha256: String,
    pub(super) recipe: Recipe,
    pub(super) rows: Vec<Example>,
    pub(super) predictions: Predictions,
    pub(super) report: Report,
    /// `report.json` as it came, to compare with.
    pub(super) report_file: Vec<u8>,
    pub(super) probes: Probes,
    pub(super) adapter_config: Vec<u8>,
    pub(super) adapter: Vec<u8>,
    /// The base model that the adapter was trained on, as the gallery serves it.
    pub(super) base: BaseFile,
}

/// Fetches and verifies every file of the bundle in the folder `path`.
///
/// # Errors
/// Network, a damaged or missing file, another base model or numerics, or content that its reader
/// refuses.
pub(super) async fn open(path: &str, base: &BaseFile) -> Result<(Bundle, Opened), AppError> {
    let manifest_path = format!("{path}manifest.json");
    let bytes = fetch::bytes(&manifest_path).await?;
    let manifest = integrity::manifest(&bytes, &base.sha256, slm_model::NUMERICS)?;
    let files = try_join_all(manifest.files.iter().map(|entry| verified(path, entry))).await?;
    let file = |name: &str| -> &[u8] {
        // The manifest lists every fixed name, or it was refused.
        let at = manifest.files.iter().position(|entry| entry.path == name);
        at.map_or(&[], |at| &files[at])
    };

    let text = |name: &str| integrity::text(file(name));
    let recipe = Recipe::parse(&text("recipe.toml"), "recipe.toml")?;
    let rows = example::read_jsonl(file("test.jsonl"), "test.jsonl", &recipe)?;
    let report = Report::parse(&text("report.json"), "report.json")?;
    let mut kept: Vec<String> = vec![manifest_path];
    kept.extend(
        manifest
            .files
            .iter()
            .map(|entry| format!("{path}{}", entry.path)),
    );
    let opened = Opened {
        recipe: recipe.clone(),
        report: report.clone(),
        files: kept,
        licences: manifest.licences.clone(),
        test_rows: rows.len(),
    };
    let bundle = Bundle {
        sha256: integrity::sha256(&bytes),
        predictions: Predictions::parse(&text("predictions.json"), "predictions.json")?,
        probes: Probes::parse(&text("probes.json"), "probes.json")?,
        adapter_config: file("adapter_config.json").to_vec(),
        adapter: file("adapter_model.safetensors").to_vec(),
        report_file: file("report.json").to_vec(),
        base: base.clone(),
        recipe,
        rows,
        report,
    };
    Ok((bundle, opened))
}

async fn verified(path: &str, entry: &FileEntry) -> Result<Vec<u8>, AppError> {
    let bytes = fetch::bytes(&format!("{path}{}", entry.path)).await?;
    integrity::verify(entry, &bytes)?;
    Ok(bytes)
}
