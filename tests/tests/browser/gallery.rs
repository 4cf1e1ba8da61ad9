//! Shipped folders to visit: a recipe trained for a moment on a small or the real base.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::Value;
use slm_model::{Gguf, testing};
use slm_tests::variable;

use crate::server::slm;

/// A fresh folder on a generated base of two layers with the real vocabulary.
pub fn tiny(name: &str) -> PathBuf {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let folder = fresh("tiny");
        let base = folder.join("tiny.gguf");
        let real = testing::base_bytes();
        let real = Gguf::parse(&real).expect("the base model is sound");
        fs::write(&base, testing::tiny_gguf(&real, 7)).expect("space for the model");
        train("sentiment", &folder, &base, [48, 12, 24])
    });
    ship(std::slice::from_ref(run), &fresh(name))
}

/// A fresh folder on a generated base with a bundle for every recipe of [`EVERY_SHAPE`].
pub fn every_shape(name: &str) -> PathBuf {
    let folder = fresh("every-shape");
    let base = folder.join("tiny.gguf");
    let real = testing::base_bytes();
    let real = Gguf::parse(&real).expect("the base model is sound");
    fs::write(&base, testing::tiny_gguf(&real, 7)).expect("space for the model");
    let train = |(recipe, _): &(&str, &str)| train(recipe, &folder, &base, [24, 8, 8]);
    let runs: Vec<PathBuf> = EVERY_SHAPE.iter().map(train).collect();
    ship(&runs, &fresh(name))
}

/// A recipe for each shape, and what its answers are shown in.
pub const EVERY_SHAPE: [(&str, &str); 4] = [
    ("intent", ".slm-probabilities"),
    ("aspects", ".slm-probabilities"),
    ("pii", ".slm-marked"),
    ("extract", ".slm-object .slm-json"),
];

/// A fresh folder on the real base.
pub fn real(name: &str) -> PathBuf {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let folder = fresh("real");
        train("sentiment", &folder, &testing::base_path(), [16, 6, 9])
    });
    ship(std::slice::from_ref(run), &fresh(name))
}

/// A fresh folder with several bundles, and these: on the real base those that the repository keeps,
/// or, as long as it keeps none, a moment's training of every shape on a generated base.
pub fn several(name: &str) -> (PathBuf, Vec<PathBuf>) {
    let kept = folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/bundles"));
    let folder = match kept.is_empty() {
        true => every_shape(name),
        false => ship_all("--bundles", &kept, &fresh(name)),
    };
    let bundles = folders(&folder.join("bundles"));
    (folder, bundles)
}

/// The folders in a folder, sorted; none where it is not there.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Trains and scores a built-in recipe on a few of its rows (train, dev, test).
fn train(id: &str, folder: &Path, base: &Path, rows: [usize; 3]) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../static/recipes")
        .join(id);
    let recipe = folder.join(id);
    fs::create_dir_all(&recipe).expect("a folder");
    for file in ["recipe.toml", "schema.json"] {
        if own.join(file).is_file() {
            fs::copy(own.join(file), recipe.join(file)).expect("the recipe");
        }
    }
    for (file, rows) in ["train.jsonl", "dev.jsonl", "test.jsonl"].iter().zip(rows) {
        fs::write(recipe.join(file), few(&own.join(file), rows)).expect("rows");
    }
    let run = folder.join(format!("run-{id}"));
    let [recipe, base, out] = [&recipe, base, &run].map(text);
    let (short, few) = ("sft.epochs=1", "scoring.max_tokens=300");
    slm(&[
        "train", recipe, "--base", base, "--out", out, "--set", short, "--set", few,
    ]);
    slm(&["eval", out]);
    run
}

/// A folder with one page that starts `program`, one of xtask's checks.
pub fn page_of(program: &str) -> PathBuf {
    let folder = fresh(program);
    let built = Path::new(&variable("SLM_CHECKS")).join(program);
    for suffix in [".js", "_bg.wasm"] {
        let name = format!("{program}{suffix}");
        fs::copy(built.join(&name), folder.join(&name)).expect("the built program");
    }
    let boot = format!(
        "import start from './{program}.js';\n\
         start({{ module_or_path: new URL('./{program}_bg.wasm', import.meta.url) }});\n"
    );
    fs::write(folder.join("boot.js"), boot).expect("space");
    let page = "<!doctype html><meta charset=utf-8><link rel=icon href=data:,><script type=module src=boot.js></script>";
    fs::write(folder.join("index.html"), page).expect("space");
    folder
}

/// Rows from all over a file, which is sorted by label.
fn few(file: &Path, rows: usize) -> String {
    let all = fs::read_to_string(file).expect("the recipe's rows");
    let lines: Vec<&str> = all.lines().collect();
    let picked = (0..rows).map(|row| lines[row * lines.len() / rows]);
    picked.map(|line| format!("{line}\n")).collect()
}

fn ship(runs: &[PathBuf], to: &Path) -> PathBuf {
    ship_all("--runs", runs, to)
}

/// Ships runs (`--runs`) or bundles (`--bundles`).
fn ship_all(option: &str, folders: &[PathBuf], to: &Path) -> PathBuf {
    let app = variable("SLM_APP");
    let folders: Vec<&str> = folders.iter().map(|folder| text(folder)).collect();
    let (folders, folder) = (folders.join(","), to.join("gallery"));
    slm(&[
        "ship",
        option,
        &folders,
        "--app",
        &app,
        "--to",
        text(&folder),
    ]);
    folder
}

/// An empty folder of this name.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("browser")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the old folder goes");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// Damages a file without changing its size.
pub fn flip_a_byte(file: &Path) {
    let mut bytes = fs::read(file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).expect("the damaged file");
}

/// The builds of the worker.
pub const WORKERS: [&str; 4] = [
    "worker",
    "worker-relaxed",
    "worker-threads",
    "worker-relaxed-threads",
];

/// Lets the page run this build of the worker, whatever the browser could run.
pub fn choose_worker(folder: &Path, build: &str) {
    let choice = format!("self.workerBuild = {build:?};\n");
    fs::write(folder.join("worker-build.js"), choice).expect("space");
}

/// Removes the program of a build of the worker.
pub fn remove_worker(folder: &Path, build: &str) {
    fs::remove_file(folder.join(format!("{build}_bg.wasm"))).expect("a build of the worker");
}

/// Takes storage away from page and worker, as a private window does.
pub fn forbid_storage(folder: &Path) {
    let stub = include_str!("without_storage.js");
    for script in ["boot.js", "engine.js"] {
        let file = folder.join(script);
        let own = fs::read_to_string(&file).expect("a script of the page");
        fs::write(&file, format!("{stub}{own}")).expect("space");
    }
}

/// Lets a manifest name another base.
pub fn replace_base_hash(manifest: &Path) {
    change(manifest, |json| json["base_sha256"] = "0".repeat(64).into());
}

/// Changes the last bit of a probe's largest logit, and the manifest with it.
pub fn change_a_probe(bundle: &Path) {
    let probes = bundle.join("probes.json");
    change(&probes, |json| {
        let bits = &mut json["probes"][0]["top"][0][1];
        *bits = (bits.as_u64().expect("bits") ^ 1).into();
    });
    let text = fs::read_to_string(&probes).expect("probes");
    replace_probes(bundle, &text);
}

/// Puts other probes into a bundle, and into its manifest.
pub fn replace_probes(bundle: &Path, probes: &str) {
    fs::write(bundle.join("probes.json"), probes).expect("probes");
    let bytes = probes.as_bytes();
    change(&bundle.join("manifest.json"), |json| {
        let files = json["files"].as_array_mut().expect("files");
        let entry = files.iter_mut().find(|file| file["path"] == "probes.json");
        let entry = entry.expect("an entry for probes.json");
        entry["size"] = bytes.len().into();
        entry["sha256"] = sha256(bytes).into();
    });
}

/// Puts another file of the same size in the base model's place.
pub fn replace_base(folder: &Path) {
    let gallery = fs::read_to_string(folder.join("gallery.json")).expect("a gallery");
    let gallery: Value = serde_json::from_str(&gallery).expect("JSON");
    let base = folder.join(gallery["base"]["path"].as_str().expect("a path"));
    let bytes = fs::read(&base).expect("the base");
    // A new file: the old one may be shared with other folders.
    fs::remove_file(&base).expect("the base goes");
    fs::write(&base, bytes).expect("a copy");
    flip_a_byte(&base);
}

fn change(file: &Path, change: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(file).expect("the file");
    let mut json: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut json);
    fs::write(file, json.to_string()).expect("the changed file");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
