//! `cargo xtask app`: the page and its worker, compiled to WASM, bound to JavaScript and put into
//! one folder with the files of `static/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::shell::{self, say};
use crate::wasm_opt::{self, WasmOpt};
use crate::workspace::Memory;
use crate::{dist, sizes, workspace};

/// A build of a target of `slm-app`, each a module of its own.
#[derive(Clone, Copy)]
struct Module {
    /// `--bin` or `--example`, and which.
    target: [&'static str; 2],
    /// What cargo is told of its features.
    features: &'static [&'static str],
    build: Build,
}

/// What a browser must have for a module. Each worker comes in all builds; `worker-build.js` chooses.
#[derive(Clone, Copy)]
struct Build {
    /// Follows the name of the target.
    suffix: &'static str,
    /// Byte products of relaxed SIMD.
    relaxed: bool,
    memory: Memory,
}

const PLAIN: Build = Build {
    suffix: "",
    relaxed: false,
    memory: Memory::Own,
};

const BUILDS: [Build; 4] = [
    PLAIN,
    Build {
        suffix: "-relaxed",
        relaxed: true,
        ..PLAIN
    },
    Build {
        suffix: "-threads",
        memory: Memory::Shared,
        ..PLAIN
    },
    Build {
        suffix: "-relaxed-threads",
        relaxed: true,
        memory: Memory::Shared,
    },
];

impl Module {
    const fn new(kind: &'static str, target: &'static str, build: Build) -> Self {
        Self {
            target: [kind, target],
            features: match build.relaxed {
                true => &["--features", "relaxed-simd"],
                false => &[],
            },
            build,
        }
    }

    /// What its files are called.
    fn name(&self) -> String {
        format!("{}{}", self.target[1], self.build.suffix)
    }
}

/// A target in all builds.
fn all_builds(kind: &'static str, target: &'static str) -> [Module; 4] {
    BUILDS.map(|build| Module::new(kind, target, build))
}

/// The page, which holds no model, and the worker, of which `engine.js` starts a build.
fn programs() -> Vec<Module> {
    let page = Module {
        features: &["--no-default-features"],
        ..Module::new("--bin", "page", PLAIN)
    };
    [vec![page], all_builds("--bin", "worker").into()].concat()
}

/// What the browser tests run on pages of their own: a WGSL kernel on WebGPU, and the digest of the
/// `serve` kernels in the builds that differ in arithmetic.
fn checks() -> Vec<Module> {
    let [plain, relaxed, ..] = all_builds("--example", "digest_check");
    vec![Module::new("--example", "gpu_check", PLAIN), plain, relaxed]
}

/// Our engine as the benchmarks drive it, in the builds of the worker.
fn benches() -> [Module; 4] {
    all_builds("--example", "engine_bench")
}

/// Folders of `static/` that `slm ship` fills, recipe by recipe.
const SHIPPED_LATER: [&str; 2] = ["recipes", "bundles"];

/// The style of the components that the page shares with the reports; the page links to it as
/// `view.css`.
const VIEW_STYLE: &str = "shared/slm-view/src/view.css";

/// The command line of `cargo xtask app`.
#[derive(clap::Args, Default)]
pub struct Options {
    /// Compile faster: the dev profile, no wasm-opt
    #[arg(long)]
    dev: bool,
    /// Print what each file weighs, raw and as a server would compress it
    #[arg(long)]
    sizes: bool,
}

/// The command: builds, and measures if asked to.
pub fn run(options: &Options) -> Result<()> {
    let app = build(options)?;
    if options.sizes {
        sizes::print(&app)?;
    }
    Ok(())
}

/// Builds the page and says where it is.
pub fn build(options: &Options) -> Result<PathBuf> {
    let how = if options.dev { How::DEV } else { How::PAGE };
    let mut plan = dist::Plan::new();
    dist::add(&mut plan, &workspace::root().join("static"), &SHIPPED_LATER)?;
    plan.insert("view.css".into(), workspace::root().join(VIEW_STYLE));
    for program in programs() {
        dist::add(&mut plan, &build_module(program, how)?, &[])?;
    }
    let app = workspace::target_dir()?.join("app");
    match dist::sync(&plan, &app)? {
        0 => say(format!("app: {} is up to date", app.display())),
        n => say(format!("app: {} ({n} files changed)", app.display())),
    }
    Ok(app)
}

/// Builds what the browser tests run on pages of their own; says in which folder each has a folder.
pub fn build_checks() -> Result<PathBuf> {
    for check in checks() {
        build_module(check, How::CHECK)?;
    }
    Ok(workspace::target_dir()?
        .join("bindgen")
        .join(How::CHECK.profile))
}

/// Builds what the benchmarks drive, compiled as the page is; says in which folders.
pub fn build_benches() -> Result<Vec<PathBuf>> {
    let build = |module: Module| build_module(module, How::PAGE);
    benches().into_iter().map(build).collect()
}

/// How a module is compiled.
#[derive(Clone, Copy)]
struct How {
    profile: &'static str,
    /// Whether functions keep their names, for readable panics.
    named: bool,
    /// Whether wasm-opt works on it, where it is installed.
    optimized: bool,
}

impl How {
    const PAGE: Self = Self {
        profile: "wasm",
        named: false,
        optimized: true,
    };
    const CHECK: Self = Self {
        profile: "wasm",
        named: true,
        optimized: false,
    };
    const DEV: Self = Self {
        profile: "dev",
        named: true,
        optimized: false,
    };
}

/// Builds a module and binds it to JavaScript; says in which folder. One after the other: builds of
/// one target with different features leave their files in the same place.
fn build_module(module: Module, how: How) -> Result<PathBuf> {
    let memory = module.build.memory;
    let mut build = workspace::cargo_wasm("build", memory)?;
    shell::run(
        build
            .args(module.target)
            .args(["--profile", how.profile])
            .args(module.features),
    )?;
    // Cargo keeps the dev profile in a folder called debug.
    let profile = if how.profile == "dev" {
        "debug"
    } else {
        how.profile
    };
    let target = workspace::target_dir()?;
    let mut compiled = workspace::wasm_target_dir(memory)?
        .join(workspace::WASM)
        .join(profile);
    if module.target[0] == "--example" {
        compiled.push("examples");
    }
    let wasm = compiled.join(module.target[1]).with_extension("wasm");
    let folder = target.join("bindgen").join(how.profile).join(module.name());
    let optimizer = if how.optimized {
        WasmOpt::find()?
    } else {
        None
    };
    bind(module, &wasm, &folder, how.named, optimizer.as_ref())?;
    Ok(folder)
}

/// Writes `program.js` and `program_bg.wasm` into `folder`, unless they came from the same `wasm`
/// in the same way already. `named` keeps the names of functions, for readable panics.
fn bind(
    module: Module,
    wasm: &Path,
    folder: &Path,
    named: bool,
    optimizer: Option<&WasmOpt>,
) -> Result<()> {
    let program = &module.name();
    let bytes = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let stamp = format!(
        "{} {} without {FOREIGN:?}\n",
        hex(&Sha256::digest(&bytes)),
        optimizer.map_or_else(|| "not optimized".to_owned(), |_| wasm_opt::identity()),
    );
    let stamp_file = folder.with_extension("stamp");
    if fs::read_to_string(&stamp_file).is_ok_and(|text| text == stamp) {
        return Ok(());
    }
    if folder.is_dir() {
        fs::remove_dir_all(folder)?;
    }
    say(format!("app: binding {program} to JavaScript"));
    Bindgen::new()
        .input_bytes(program, without_foreign_exports(&bytes)?)
        .web(true)?
        .typescript(false)
        .remove_name_section(!named)
        .remove_producers_section(true)
        .generate(folder)
        .with_context(|| format!("binding {} to JavaScript", wasm.display()))?;
    if let Some(optimizer) = optimizer {
        let relaxed = module.build.relaxed.then_some("--enable-relaxed-simd");
        let threads = (module.build.memory == Memory::Shared).then_some("--enable-threads");
        let features: Vec<&str> = relaxed.into_iter().chain(threads).collect();
        optimizer.optimize(&folder.join(format!("{program}_bg.wasm")), &features)?;
    }
    // Written last: an interruption anywhere above leaves no stamp, and the work is done again.
    fs::write(stamp_file, stamp)?;
    Ok(())
}

/// Begins of the names of functions that libraries export for C callers. An export is kept with all
/// that it reaches: in the page, the whole grammar library, twice.
const FOREIGN: [&str; 1] = ["llg_"];

/// The module without the exports that nothing in a browser calls.
fn without_foreign_exports(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut module = walrus::ModuleConfig::new()
        .strict_validate(false)
        .parse(wasm)?;
    let foreign: Vec<walrus::ExportId> = module
        .exports
        .iter()
        .filter(|export| FOREIGN.iter().any(|begin| export.name.starts_with(begin)))
        .map(walrus::Export::id)
        .collect();
    for export in foreign {
        module.exports.delete(export);
    }
    Ok(module.emit_wasm())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
