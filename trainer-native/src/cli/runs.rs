//! `slm runs`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    checkpoint::{self, Progress},
    clock, eval, files,
    run::{self, Run},
    terminal,
};

/// List, show and compare runs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One line a run
    #[command(after_help = "Example: slm runs list")]
    List {
        /// Folder of runs
        #[arg(long, value_name = "FOLDER", default_value = run::FOLDER)]
        folder: PathBuf,
        /// Write the list as JSON; - for standard output
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Everything about one run
    #[command(after_help = "Example: slm runs show runs/mine")]
    Show {
        /// Run folder
        run: PathBuf,
    },
    /// What differs between two runs: settings and scores
    #[command(after_help = "Example: slm runs diff runs/mine runs/other")]
    Diff {
        /// One run
        a: PathBuf,
        /// Another
        b: PathBuf,
    },
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Bad input when there is no such run.
    pub fn run(self) -> Result<()> {
        match self {
            Self::List { folder, json } => list(&folder, json.as_deref()),
            Self::Show { run } => show(&Run::open(&run)?),
            Self::Diff { a, b } => diff(&Run::open(&a)?, &Run::open(&b)?),
        }
    }
}

fn list(folder: &Path, json: Option<&Path>) -> Result<()> {
    let runs = run::list(folder);
    if let Some(path) = json {
        let rows: Vec<Value> = runs
            .iter()
            .map(|run| json!({"run": run.folder, "config": run.config, "scores": scores(run)}))
            .collect();
        return files::write_json(path, &rows);
    }
    let mut text = String::new();
    if runs.is_empty() {
        let _ = writeln!(text, "no runs in {}", folder.display());
    }
    for run in &runs {
        let test = eval::read_report(run).ok().and_then(|report| {
            let first = report.body.headline.into_iter().next()?;
            Some(format!("  test {} {:.3}", first.name, first.value))
        });
        let _ = writeln!(
            text,
            "{:32} {:12} {}{}",
            run.folder.display().to_string(),
            run.config.recipe,
            state(run),
            test.unwrap_or_default()
        );
    }
    terminal::print(&text)
}

fn progress(run: &Run) -> Option<Progress> {
    let (progress, _) = checkpoint::load(&run.path("checkpoint.bin")).ok()?;
    Some(progress)
}

/// How far a run is, in words.
fn state(run: &Run) -> String {
    let Some(progress) = progress(run) else {
        return "not begun".to_string();
    };
    let mut text = match &progress.ended {
        Some(_) => format!("{} steps", progress.step),
        None => format!("stopped at {} of {}", progress.step, progress.total_steps),
    };
    if let Some((step, best)) = progress.best {
        text.push_str(&format!("  best dev score {:.3} (step {step})", best.score));
    }
    text
}

fn show(run: &Run) -> Result<()> {
    let mut text = String::new();
    let config = &run.config;
    let _ = writeln!(text, "{}: {}", run.folder.display(), state(run));
    let _ = writeln!(
        text,
        "recipe    {} ({})",
        config.recipe,
        short(&config.recipe_sha256)
    );
    let _ = writeln!(
        text,
        "base      {} ({})",
        config.base.name,
        short(&config.base.sha256)
    );
    for (name, file) in [
        ("train", Some(&config.train)),
        ("dev", Some(&config.dev)),
        ("test", config.test.as_ref()),
    ] {
        if let Some(file) = file {
            let path = file.path.display();
            let _ = writeln!(
                text,
                "{name:9} {} rows of {path} ({})",
                file.rows,
                short(&file.sha256)
            );
        }
    }
    let _ = writeln!(text, "started   {} on {}", config.started, config.machine);
    let _ = writeln!(text, "command   {}", config.command);
    if let Some(progress) = progress(run) {
        let ended = progress.ended.as_deref().unwrap_or("not ended");
        let _ = writeln!(
            text,
            "time      {} ({ended})",
            clock::duration(progress.seconds)
        );
    }
    match eval::read_report(run) {
        Ok(report) => {
            let _ = write!(text, "\n{}", slm_task::report::text::report(&report));
        }
        Err(error) => {
            let _ = writeln!(text, "\n{error}");
        }
    }
    terminal::print(&text)
}

fn diff(a: &Run, b: &Run) -> Result<()> {
    let mut text = String::new();
    let _ = writeln!(text, "{:28} {:>24} {:>24}", "", name(a), name(b));
    let rows = both(&settings(a)?, &settings(b)?);
    for (key, left, right) in rows.iter().filter(|(_, left, right)| left != right) {
        let _ = writeln!(text, "{key:28} {left:>24} {right:>24}");
    }
    let _ = writeln!(text);
    for (key, left, right) in both(&scores(a), &scores(b)) {
        let change = match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => format!("  {:+.4}", right - left),
            _ => String::new(),
        };
        let _ = writeln!(text, "{key:28} {left:>24} {right:>24}{change}");
    }
    terminal::print(&text)
}

fn name(run: &Run) -> String {
    let name = run.folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The keys of two maps with the values of each; `-` where one has none.
fn both(
    a: &BTreeMap<String, String>,
    b: &BTreeMap<String, String>,
) -> Vec<(String, String, String)> {
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let value = |map: &BTreeMap<String, String>, key: &String| {
        map.get(key).cloned().unwrap_or_else(|| "-".to_string())
    };
    keys.into_iter()
        .map(|key| (key.clone(), value(a, key), value(b, key)))
        .collect()
}

/// What a run was started with: the recipe's keys by dotted path, and the hashes of its inputs.
fn settings(run: &Run) -> Result<BTreeMap<String, String>> {
    let mut flat = BTreeMap::new();
    flatten("", &serde_json::to_value(run.recipe()?)?, &mut flat);
    let config = &run.config;
    for (key, sha256) in [
        ("base", &config.base.sha256),
        ("rows of train", &config.train.sha256),
        ("rows of dev", &config.dev.sha256),
    ] {
        flat.insert(key.to_string(), short(sha256).to_string());
    }
    flat.insert("threads".to_string(), config.threads.to_string());
    flat.insert("version".to_string(), config.version.clone());
    Ok(flat)
}

fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{key}"), value, flat);
            }
        }
        Value::String(text) => {
            let short: String = text.chars().take(24).collect();
            flat.insert(path.to_string(), short);
        }
        other => {
            flat.insert(path.to_string(), other.to_string());
        }
    }
}

/// What a run reached, on dev and on test.
fn scores(run: &Run) -> BTreeMap<String, String> {
    let mut scores = BTreeMap::new();
    let mut put = |key: String, value: f64| {
        scores.insert(key, format!("{value:.4}"));
    };
    if let Some((_, best)) = progress(run).and_then(|progress| progress.best) {
        put("dev score".into(), best.score);
        put("dev accuracy".into(), best.accuracy);
        put("dev loss".into(), best.loss);
    }
    if let Ok(report) = eval::read_report(run) {
        for metric in &report.body.headline {
            put(format!("test {}", metric.name), metric.value);
        }
    }
    scores
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
