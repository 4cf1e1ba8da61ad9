//! `cargo xtask app`: the page and its worker, compiled to WASM, bound to JavaScript and put into
//! one folder with the files of `static/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::shell::{self, say};
use crate::wasm_opt::{self, WasmOpt};
use crate::{dist, sizes, workspace};

/// The programs of the page, each a module of its own, with what cargo is told of their features: the
/// page holds no model.
const PROGRAMS: [(&str, &[&str]); 2] = [("page", &["--no-default-features"]), ("worker", &[])];

/// Examples of `slm-app`: a WGSL kernel on WebGPU, and the digest of the `serve` kernels.
const CHECKS: [&str; 2] = ["gpu_check", "digest_check"];

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
    let target = workspace::target_dir()?;
    let profile = if options.dev { "dev" } else { "wasm" };
    for (program, features) in PROGRAMS {
        let mut build = workspace::cargo_wasm("build");
        shell::run(
            build
                .args(["--bin", program, "--profile", profile])
                .args(features),
        )?;
    }

    // Cargo keeps the dev profile in a folder called debug.
    let compiled = target
        .join(workspace::WASM)
        .join(if options.dev { "debug" } else { profile });
    let optimizer = if options.dev { None } else { WasmOpt::find()? };

    let mut plan = dist::Plan::new();
    dist::add(&mut plan, &workspace::root().join("static"), &SHIPPED_LATER)?;
    plan.insert("view.css".into(), workspace::root().join(VIEW_STYLE));
    for (program, _) in PROGRAMS {
        let wasm = compiled.join(program).with_extension("wasm");
        let folder = target.join("bindgen").join(profile).join(program);
        bind(program, &wasm, &folder, options.dev, optimizer.as_ref())?;
        dist::add(&mut plan, &folder, &[])?;
    }
    let app = target.join("app");
    match dist::sync(&plan, &app)? {
        0 => say(format!("app: {} is up to date", app.display())),
        n => say(format!("app: {} ({n} files changed)", app.display())),
    }
    Ok(app)
}

/// Builds what the browser tests run on pages of their own; says in which folder each has a folder.
pub fn build_checks() -> Result<PathBuf> {
    let mut build = workspace::cargo_wasm("build");
    build.args(["--profile", "wasm"]);
    for name in CHECKS {
        build.args(["--example", name]);
    }
    shell::run(&mut build)?;
    let target = workspace::target_dir()?;
    let examples = target.join(workspace::WASM).join("wasm/examples");
    let folder = target.join("bindgen/wasm");
    for name in CHECKS {
        let wasm = examples.join(name).with_extension("wasm");
        bind(name, &wasm, &folder.join(name), true, None)?;
    }
    Ok(folder)
}

/// Writes `program.js` and `program_bg.wasm` into `folder`, unless they came from the same `wasm`
/// in the same way already. `named` keeps the names of functions, for readable panics.
fn bind(
    program: &str,
    wasm: &Path,
    folder: &Path,
    named: bool,
    optimizer: Option<&WasmOpt>,
) -> Result<()> {
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
        optimizer.optimize(&folder.join(format!("{program}_bg.wasm")))?;
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
