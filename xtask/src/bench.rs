//! `cargo xtask bench`: installs the engines that ours is measured beside and runs `slm-bench`, which
//! measures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::slm::Slm;
use crate::{app, dist, npm, python, setup, shell, workspace};

/// The command line of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Our native engine, llama.cpp and candle on the same model, turn by turn
    Native(Passed),
    /// Our engine in headless Chromium, wllama, and native llama.cpp, turn by turn
    Browser(Passed),
    /// Our trainer, and TRL with PEFT on the same rows, turn by turn
    Train(Passed),
    /// Each kernel beside what this machine can copy and multiply
    Kernels(Passed),
}

/// What `slm-bench` itself reads, such as `--rounds N` and `--json FILE`.
#[derive(clap::Args)]
struct Passed {
    /// Options of the benchmark; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

/// The command.
pub fn run(options: &Options) -> Result<()> {
    match &options.what {
        What::Native(passed) => measure_peers("native", passed, |_, _| install_engines()),
        What::Browser(passed) => measure_peers("browser", passed, |_, bench| {
            install_engines()?;
            setup::for_app()?;
            let browser = setup::Browser::install()?;
            let gallery = gallery()?;
            let peers = peers_folder()?;
            for engine in app::build_benches()? {
                copy(&engine, &peers)?;
            }
            fs::copy(
                workspace::root().join("static/threads.js"),
                peers.join("threads.js"),
            )?;
            bench.arg("--gallery").arg(gallery);
            bench
                .arg("--recipe")
                .arg(workspace::root().join("static/recipes/sentiment/recipe.toml"))
                .env("CHROMIUM", browser.chromium)
                .env("CHROMEDRIVER", browser.driver);
            Ok(())
        }),
        What::Train(passed) => measure_peers("train", passed, |slm, bench| {
            bench.arg("--slm").arg(slm.path());
            bench.arg("--python").arg(install_trainers()?);
            bench
                .arg("--recipe")
                .arg(workspace::root().join("static/recipes/sentiment"));
            Ok(())
        }),
        What::Kernels(passed) => shell::run(program()?.arg("kernels").args(&passed.options)),
    }
}

/// Runs a benchmark that needs the base model and others beside ours; `prepare` installs these and adds
/// what it alone needs.
fn measure_peers(
    name: &str,
    passed: &Passed,
    prepare: impl Fn(&Slm, &mut Command) -> Result<()>,
) -> Result<()> {
    let slm = Slm::release()?;
    setup::model(&slm)?;
    copy(&peers_source(), &peers_folder()?)?;
    let mut bench = program()?;
    bench.arg(name).arg("--peers").arg(peers_folder()?);
    bench.arg("--model").arg(slm.base_model()?);
    prepare(&slm, &mut bench)?;
    shell::run(bench.args(&passed.options))
}

/// The page with the sentiment bundle, shipped.
fn gallery() -> Result<PathBuf> {
    let app = app::build(&app::Options::default())?;
    let gallery = workspace::target_dir()?.join("bench-gallery");
    let bundle = workspace::root().join("static/bundles/sentiment");
    let arguments = [("--bundles", &bundle), ("--app", &app), ("--to", &gallery)];
    let arguments = arguments
        .iter()
        .flat_map(|(name, path)| [name.as_ref(), path.as_os_str()]);
    Slm::release()?.run(std::iter::once("ship".as_ref()).chain(arguments))?;
    Ok(gallery)
}

/// The program that measures, built as what is measured ships.
fn program() -> Result<Command> {
    shell::run(workspace::cargo("build").args(["--release", "--package", "slm-bench"]))?;
    let name = format!("slm-bench{}", std::env::consts::EXE_SUFFIX);
    Ok(Command::new(
        workspace::target_dir()?.join("release").join(name),
    ))
}

/// Our side of the others.
fn peers_source() -> PathBuf {
    workspace::root().join("bench/peers")
}

/// Where the others are, with our side of them.
fn peers_folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("peers"))
}

/// Installs the packages of the other trainers; returns the Python that has them.
fn install_trainers() -> Result<PathBuf> {
    let requirements = peers_source().join("requirements.txt");
    python::install(&requirements, &peers_folder()?.join("python"))
}

/// Installs the packages of the other engines.
fn install_engines() -> Result<()> {
    let folder = peers_folder()?;
    let wanted = fs::read_to_string(peers_source().join("package.json"))?;
    setup::install_once(&folder, &wanted, || {
        let npm = match npm::find() {
            Some(npm) => npm,
            None => {
                setup::apt_install(&["nodejs", "npm"])?;
                npm::find().context("node or npm is still missing")?
            }
        };
        npm::install(&npm, &folder, &[])
    })?;
    Ok(())
}

/// Copies the files of one folder into another.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in dist::files_below(from)? {
        let name = file.file_name().context("a file has a name")?;
        fs::copy(&file, to.join(name)).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
