//! `slm train`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use slm_model::BaseModel;
use slm_task::Recipe;

use crate::{
    clock,
    exit::bad_input,
    files,
    recipe_file::RecipeFile,
    rows::{self, Rows},
    run::{self, BaseFile, Run, RunConfig},
    subject::load_base,
    terminal,
    train::{
        self, Outcome, Session,
        dry_run::DryRun,
        prepare::{self, Prepared},
    },
};

/// Train a LoRA adapter on a recipe's data.
///
/// A run folder holds everything that one training makes. It can be stopped at any time, and goes
/// on with --resume to the very same adapter.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: slm train sentiment --out runs/mine --minutes 10
         slm train my-recipe --train rows.jsonl --set sft.lr=0.0005 --set lora.rank=16
         slm train sentiment --out runs/mine --resume"
)]
pub struct Args {
    /// Recipe: a folder with recipe.toml, or the id of a built-in one
    recipe: String,
    /// Training rows (JSONL) in place of the recipe's own
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Rows for checkpoint selection in place of the recipe's own
    #[arg(long, value_name = "FILE")]
    dev: Option<PathBuf>,
    /// Run folder [default: runs/<recipe>-<n>]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Change a key of the recipe; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Bound on the training time, the same as --set sft.minutes=N
    #[arg(long, value_name = "N")]
    minutes: Option<f32>,
    /// Memory for the outputs of the layers below the adapter, which are then computed once and not
    /// in every epoch; past it they go to a temporary file in the run folder, of up to 8 GiB. 0 keeps
    /// none. The adapter is the same
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    trunk_memory: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    device: Device,
    /// Base model: a GGUF file or a model's name [default: SmolLM2-135M-Instruct]
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// Show what training would see and cost, and stop
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Go on with the run in --out (or the recipe's newest); start it if there is none
    #[arg(long)]
    resume: bool,
    /// Write the outcome (or what a dry run shows) as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The fastest that this build has
    Auto,
    /// The processor
    Cpu,
    /// A GPU through WebGPU (not in this build)
    Wgpu,
    /// A GPU through CUDA (not in this build)
    Cuda,
}

impl Args {
    /// Trains, or describes what training would do.
    ///
    /// # Errors
    /// Bad input, a gate that is not met, or a failing disk.
    pub fn run(mut self) -> Result<()> {
        if let Device::Wgpu | Device::Cuda = self.device {
            return Err(bad_input(format!(
                "--device {}: training runs on the processor in this build. Use --device cpu.",
                if self.device == Device::Wgpu {
                    "wgpu"
                } else {
                    "cuda"
                }
            )));
        }
        if let Some(minutes) = self.minutes {
            self.set.push(format!("sft.minutes={minutes}"));
        }
        let recipe = RecipeFile::load(&self.recipe, &self.set)?;
        let mut resumed = self.existing(&recipe)?;
        let train = match (&resumed, &self.train) {
            (Some(run), None) => run.config.train.path.clone(),
            (_, named) => named
                .clone()
                .unwrap_or_else(|| recipe.data(&recipe.recipe.data.train)),
        };
        let dev = match (&resumed, &self.dev) {
            (Some(run), None) => run.config.dev.path.clone(),
            (_, named) => named
                .clone()
                .unwrap_or_else(|| recipe.data(&recipe.recipe.data.dev)),
        };
        let train = rows::load(&train, &recipe.recipe)?;
        let dev = rows::load(&dev, &recipe.recipe)?;
        let test = recipe.data(&recipe.recipe.data.test);
        let test = test.is_file().then(|| rows::load(&test, &recipe.recipe));
        let test = test.transpose()?;
        let base = match (&resumed, &self.base) {
            (Some(run), None) => Some(run.config.base.path.display().to_string()),
            (_, named) => named.clone(),
        };
        if let Some(json) = &self.json {
            let read = [Some(&train), Some(&dev), test.as_ref()];
            let rows = read.into_iter().flatten().map(|rows| &*rows.file.path);
            let read: Vec<&Path> = rows.chain(recipe.files.iter().map(|f| &**f)).collect();
            files::keep_inputs(json, &read)?;
        }
        let (base, base_path) = load_base(base.as_deref())?;
        if self.dry_run {
            let prepared = prepare::prepare(base, recipe.recipe.clone(), train, dev)?;
            return self.describe(&DryRun::of(&prepared, test.as_ref(), self.trunk_bytes())?);
        }
        let config = configuration(&recipe, &base, &base_path, &train, &dev, test.as_ref());
        if let Some(run) = &mut resumed {
            check_same(run, &config, &recipe)?;
            if run.config.recipe_sha256 != config.recipe_sha256 {
                eprintln!("taking over what changed in the recipe; training does not depend on it");
                run.take_over(&recipe.text, &config.command)?;
            }
        }
        let prepared = prepare::prepare(base, recipe.recipe.clone(), train, dev)?;
        for warning in prepared.warnings(test.as_ref())? {
            eprintln!("warning: {warning}");
        }
        self.train(resumed, config, &recipe, prepared)
    }

    fn describe(&self, found: &DryRun) -> Result<()> {
        if let Some(path) = &self.json {
            files::write_json(path, found)?;
        }
        match &self.json {
            Some(path) if path.as_os_str() == "-" => Ok(()),
            _ => terminal::print(&found.text()),
        }
    }

    fn train(
        &self,
        resumed: Option<Run>,
        config: RunConfig,
        recipe: &RecipeFile,
        prepared: Prepared,
    ) -> Result<()> {
        use_threads(
            resumed
                .as_ref()
                .map_or(config.threads, |run| run.config.threads),
        )?;
        for line in &prepared.dropped {
            eprintln!("dropped: {line}");
        }
        // What can be refused is refused before a folder is made.
        let (trainer, progress) = train::load(resumed.as_ref(), &prepared)?;
        let run = match resumed {
            Some(run) => {
                eprintln!("going on with {}", run.folder.display());
                run
            }
            None => {
                let folder = self.out.clone();
                let folder = folder.unwrap_or_else(|| run::numbered(&recipe.recipe.id).0);
                eprintln!("new run {}", folder.display());
                Run::create(&folder, config, &recipe.text)?
            }
        };
        let folder = run.folder.display().to_string();
        let session = Session::new(run, prepared, trainer, progress, self.trunk_bytes())?;
        let outcome = session.train()?;
        eprintln!("{}", outcome.text());
        eprintln!("next: slm eval {folder}");
        match &self.json {
            Some(path) => files::write_json(path, &summary(&folder, &outcome)),
            None => Ok(()),
        }
    }

    fn trunk_bytes(&self) -> u64 {
        self.trunk_memory.saturating_mul(1 << 20)
    }

    /// The run to go on with, if --resume was given and there is one.
    fn existing(&self, recipe: &RecipeFile) -> Result<Option<Run>> {
        let exists = |folder: &Path| folder.join("config.json").is_file();
        if self.resume {
            let folder = self
                .out
                .clone()
                .or_else(|| run::numbered(&recipe.recipe.id).1);
            return match folder {
                Some(folder) if exists(&folder) => Ok(Some(Run::open(&folder)?)),
                Some(folder) if is_full(&folder) => Err(bad_input(format!(
                    "{}: the folder is not empty, and no run (no config.json). Name another with --out.",
                    folder.display()
                ))),
                _ => Ok(None),
            };
        }
        if let Some(folder) = &self.out
            && !self.dry_run
            && is_full(folder)
        {
            let resume = match exists(folder) {
                true => ", or go on with --resume",
                false => "",
            };
            return Err(bad_input(format!(
                "{}: the folder is not empty. Name another with --out{resume}.",
                folder.display()
            )));
        }
        Ok(None)
    }
}

/// A folder with something in it.
fn is_full(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn configuration(
    recipe: &RecipeFile,
    base: &BaseModel,
    base_path: &Path,
    train: &Rows,
    dev: &Rows,
    test: Option<&Rows>,
) -> RunConfig {
    let name = base_path.file_stem().unwrap_or_default().to_string_lossy();
    RunConfig {
        format: 1,
        recipe: recipe.recipe.id.clone(),
        recipe_sha256: recipe.sha256(),
        base: BaseFile {
            name: name.into_owned(),
            path: std::path::absolute(base_path).unwrap_or_else(|_| base_path.to_path_buf()),
            sha256: base.sha256().to_string(),
        },
        train: train.file.clone(),
        dev: dev.file.clone(),
        test: test.map(|rows| rows.file.clone()),
        version: env!("CARGO_PKG_VERSION").to_string(),
        numerics: slm_model::NUMERICS,
        threads: clock::cores(),
        device: "cpu".to_string(),
        started: clock::now(),
        machine: clock::machine(),
        command: clock::command_line(),
    }
}

/// A resumed run must be the same training: same recipe, as far as that is trained with, same rows,
/// same base.
fn check_same(run: &Run, now: &RunConfig, recipe: &RecipeFile) -> Result<()> {
    let then = &run.config;
    let path = run.path("recipe.toml");
    let trained = Recipe::parse(&files::read_text(&path)?, &path.display().to_string())?;
    let differences = [
        (
            "the recipe (or --set, --minutes)",
            trained.for_training() != recipe.recipe.for_training(),
        ),
        ("the training rows", then.train.sha256 != now.train.sha256),
        ("the dev rows", then.dev.sha256 != now.dev.sha256),
        ("the base model", then.base.sha256 != now.base.sha256),
        ("the numerics version", then.numerics != now.numerics),
    ];
    let changed: Vec<&str> = differences
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(what, _)| what)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(bad_input(format!(
        "{}: cannot go on, for {} changed since the run was started. Start a new one with another --out.",
        run.folder.display(),
        changed.join(" and ")
    )))
}

/// Sums depend on how work is shared out: a run keeps the number of threads that it began with.
fn use_threads(threads: usize) -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("cannot start the worker threads")?;
    slm_kernels::threads::set_count(threads).context("cannot start the worker threads")
}

fn summary(folder: &str, outcome: &Outcome) -> serde_json::Value {
    serde_json::json!({
        "run": folder,
        "steps": outcome.steps,
        "seconds": outcome.seconds,
        "ended": outcome.ended,
        "tokens_per_second": outcome.speed.tokens,
        "computed_tokens_per_second": outcome.speed.computed,
        "peak_memory_bytes": outcome.peak_memory,
        "base": outcome.start,
        "best": outcome.best.map(|(step, score)| serde_json::json!({"step": step, "dev": score})),
    })
}
