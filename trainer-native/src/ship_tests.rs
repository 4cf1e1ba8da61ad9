//! A run on a two-layer model, evaluated and shipped.

use slm_model::gguf::{GgmlType, Writer};
use slm_model::{Engine, LoraAdapter, testing};
use slm_task::bundle::{Manifest, Predictions, Probes};
use slm_task::recipe::Projection;
use slm_task::{Recipe, Report};

use super::*;
use crate::eval::{self, Options};
use crate::rows;
use crate::run::{PeftFiles, RunConfig};
use crate::subject::Subject;

const BASE: &str = "base model#1.gguf";

const RECIPE: &str = r#"
id = "mood"
title = "Mood"
shape = "single-label"
summary = "Good or bad?"
instruction = "Good or bad?"
labels = ["bad", "good"]
examples = ["the good", "the bad"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
licence = "MIT"

[scoring]
resamples = 20
shots = 2
"#;

const ROWS: [(&str, &str); 6] = [
    ("all is good", "good"),
    ("the good day", "good"),
    ("too bad", "bad"),
    ("bad the whole way", "bad"),
    ("not good", "bad"),
    ("not bad", "good"),
];

/// A folder with a base model, an evaluated run and a built page.
struct Workshop {
    home: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let workshop = Self { home };
        workshop.put(BASE, &testing::tiny_gguf_with_toy_vocab(7));
        let lines = |rows: &[(&str, &str)]| -> String {
            let line = |(prompt, completion): &(&str, &str)| {
                let row = serde_json::json!({"prompt": prompt, "completion": completion});
                format!("{row}\n")
            };
            rows.iter().map(line).collect()
        };
        workshop.put("train.jsonl", lines(&ROWS[..4]).as_bytes());
        workshop.put("test.jsonl", lines(&ROWS[2..]).as_bytes());
        for part in super::page::PARTS.into_iter().chain(["deep/page.css"]) {
            workshop.put(&format!("app/{part}"), part.as_bytes());
        }
        workshop.train("run", 1);
        workshop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        write(&self.path(name), bytes).unwrap();
    }

    fn base(&self) -> BaseModel {
        BaseModel::from_gguf(&files::read(&self.path(BASE)).unwrap()).unwrap()
    }

    /// A run with a random adapter, not evaluated yet.
    fn train(&self, name: &str, seed: u64) -> Run {
        let recipe = Recipe::parse(RECIPE, "recipe.toml").unwrap();
        let data = |name: &str| rows::load(&self.path(name), &recipe).unwrap().file;
        let base = self.base();
        let config = RunConfig {
            format: 1,
            recipe: recipe.id.clone(),
            recipe_sha256: files::sha256(RECIPE.as_bytes()),
            base: run::BaseFile {
                name: "Tiny".into(),
                path: self.path(BASE),
                sha256: base.sha256().into(),
            },
            train: data("train.jsonl"),
            dev: data("train.jsonl"),
            test: Some(data("test.jsonl")),
            version: "0".into(),
            numerics: slm_model::NUMERICS,
            threads: 1,
            device: "cpu".into(),
            started: "2026-01-01T00:00:00Z".into(),
            machine: "test".into(),
            command: "slm train mood".into(),
        };
        let run = Run::create(&self.path(name), config, RECIPE).unwrap();
        let mut adapter =
            LoraAdapter::random(base.config(), 2, &[Projection::QProj], 0..2, seed).unwrap();
        for (i, value) in adapter.tensors_mut().flatten().enumerate() {
            *value += (i % 7) as f32 * 0.01;
        }
        let base = &run.config.base;
        let peft = adapter.to_peft(self.base().config(), &base.name, &base.sha256);
        let (config, weights) = peft.unwrap();
        run.save_adapter(&PeftFiles { config, weights }).unwrap();
        run
    }

    fn evaluate(&self, name: &str) {
        let run = self.path(name);
        let subject = Subject::open(run.to_str().unwrap(), None, None).unwrap();
        eval::evaluate(&subject, &Options::default()).unwrap();
    }

    fn input(&self, runs: &[&str]) -> ShipInput {
        let run = |name: &&str| self.path(name).display().to_string();
        ShipInput {
            runs: runs.iter().map(run).collect(),
            bundles: Vec::new(),
            to: self.path("dist"),
            app: Some(self.path("app")),
            base: None,
        }
    }

    fn refusal(&self, input: ShipInput) -> String {
        let error = ship(input).unwrap_err();
        assert_eq!(crate::exit::code(&error), 2, "{error}");
        assert!(!self.path("dist").exists(), "nothing is left: {error}");
        error.to_string()
    }

    fn text(&self, name: &str) -> String {
        files::read_text(&self.path(name)).unwrap()
    }
}

#[test]
fn a_bundle_ships_again_as_it_is_and_gives_way_to_a_run() {
    let workshop = Workshop::new();
    workshop.evaluate("run");
    ship(workshop.input(&["run"])).unwrap();
    let bundle = workshop.path("dist/bundles/mood");
    let again = |runs: &[&str]| ShipInput {
        bundles: vec![bundle.clone()],
        base: Some(workshop.path(BASE).display().to_string()),
        to: workshop.path("again"),
        ..workshop.input(runs)
    };
    ship(again(&[])).unwrap();
    let manifest = |place: &str| workshop.text(&format!("{place}/bundles/mood/manifest.json"));
    assert_eq!(manifest("again"), manifest("dist"));

    workshop.train("other", 2);
    workshop.evaluate("other");
    ship(again(&["other"])).unwrap();
    assert_ne!(manifest("again"), manifest("dist"));

    workshop.put("dist/bundles/mood/report.json", b"{}");
    let error = ship(again(&[])).unwrap_err().to_string();
    assert!(
        error.contains("changed since the bundle was made"),
        "{error}"
    );
    let none = ShipInput {
        bundles: vec![workshop.path("app")],
        ..again(&[])
    };
    let error = ship(none).unwrap_err().to_string();
    assert!(error.contains("no manifest.json there"), "{error}");
}

#[test]
fn an_evaluated_run_ships() {
    let workshop = Workshop::new();
    workshop.evaluate("run");
    ship(workshop.input(&["run"])).unwrap();

    let gallery = Gallery::parse(&workshop.text("dist/gallery.json"), "gallery.json").unwrap();
    assert_eq!(gallery.base.path, "base/base-model-1.gguf");
    assert_eq!(gallery.bundles[0].path, "bundles/mood/");
    assert_eq!(gallery.bundles[0].headline.name, "macro_f1");
    let base = files::read(&workshop.path("dist").join(&gallery.base.path)).unwrap();
    assert_eq!(files::sha256(&base), gallery.base.sha256);
    assert_eq!(base.len() as u64, gallery.base.size);
    assert_eq!(workshop.text("dist/deep/page.css"), "deep/page.css");

    let manifest = workshop.text("dist/bundles/mood/manifest.json");
    let manifest = Manifest::parse(&manifest, "manifest.json").unwrap();
    let names: Vec<&str> = manifest.files.iter().map(|f| f.path.as_str()).collect();
    let expected = [
        "adapter_config.json",
        "adapter_model.safetensors",
        "predictions.json",
        "probes.json",
        "recipe.toml",
        "report.json",
        "test.jsonl",
    ];
    assert_eq!(names, expected);
    assert!(manifest.licences[0].starts_with("MIT: "));
    for entry in &manifest.files {
        let bytes = files::read(&workshop.path("dist/bundles/mood").join(&entry.path)).unwrap();
        assert_eq!(bytes.len() as u64, entry.size, "{}", entry.path);
        assert_eq!(files::sha256(&bytes), entry.sha256, "{}", entry.path);
    }
    let report = workshop.text("dist/bundles/mood/report.json");
    let made = Report::parse(&report, "report.json").unwrap().run.unwrap();
    assert_eq!(made.train_command.as_deref(), Some("slm train mood"));
    // A second time into the same place, and the bundle can be opened as a subject.
    ship(workshop.input(&["run"])).unwrap();
    let bundle = workshop.path("dist/bundles/mood");
    let base = workshop.path(BASE);
    Subject::open(bundle.to_str().unwrap(), None, base.to_str()).unwrap();
}

#[test]
fn probes_are_what_the_engine_says() {
    let workshop = Workshop::new();
    workshop.evaluate("run");
    ship(workshop.input(&["run"])).unwrap();
    let probes = workshop.text("dist/bundles/mood/probes.json");
    let probes = Probes::parse(&probes, "probes.json").unwrap().probes;
    let prompts: Vec<&str> = probes.iter().map(|p| p.prompt.as_str()).collect();
    assert_eq!(prompts, ["the good", "the bad", ROWS[2].0, "."]);

    let base = Arc::new(workshop.base());
    let adapter = run::load_adapter(&workshop.path("dist/bundles/mood"), &base)
        .unwrap()
        .0;
    let mut engine = Engine::new(base);
    engine.set_adapter(Some(&adapter));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for probe in probes {
        // Without the prefix snapshot that made them: cached equals recomputed.
        let logits = runtime.block_on(engine.logits(&probe.tokens)).unwrap();
        assert_eq!(probe.top.len(), 8);
        for (token, bits) in probe.top {
            assert_eq!(logits[token as usize].to_bits(), bits, "{}", probe.prompt);
        }
    }
}

#[test]
fn a_run_without_report_is_refused() {
    let workshop = Workshop::new();
    let text = workshop.refusal(workshop.input(&["run"]));
    assert!(text.contains("slm eval"), "{text}");
}

#[test]
fn a_report_must_be_about_what_ships() {
    let workshop = Workshop::new();
    workshop.evaluate("run");
    let check = |file: &str, change: &dyn Fn(&str) -> String, expected: &str| {
        let before = workshop.text(file);
        workshop.put(file, change(&before).as_bytes());
        let text = workshop.refusal(workshop.input(&["run"]));
        assert!(text.contains(expected), "{file}: {text}");
        workshop.put(file, before.as_bytes());
    };
    let longer = |text: &str| format!("{text}\n");
    check(
        "run/recipe.toml",
        &longer,
        "with which the run was trained. Put the file back",
    );
    check("test.jsonl", &longer, "about another file of test rows");
    check(
        "run/predictions.json",
        &|text| {
            let mut changed = Predictions::parse(text, "predictions.json").unwrap();
            let rows = &mut changed.systems[0].predictions;
            rows.rotate_left(1);
            changed.systems.truncate(1);
            changed.to_json()
        },
        "does not follow from its predictions",
    );
    let weights = workshop.path("run/adapter/adapter_model.safetensors");
    let other = workshop.train("other", 2);
    fs::copy(
        other.adapter_folder().join("adapter_model.safetensors"),
        weights,
    )
    .unwrap();
    let text = workshop.refusal(workshop.input(&["run"]));
    assert!(text.contains("about another adapter"), "{text}");
}

#[test]
fn wrong_input_is_refused_in_words() {
    let workshop = Workshop::new();
    workshop.evaluate("run");
    workshop.train("again", 2);
    let check = |change: &dyn Fn(&mut ShipInput), expected: &str| {
        let mut input = workshop.input(&["run"]);
        change(&mut input);
        let text = workshop.refusal(input);
        assert!(text.contains(expected), "{text}");
    };
    check(&|input| input.runs.clear(), "name a run or a recipe");
    check(
        &|input| input.runs = vec!["absent".into()],
        "slm train absent",
    );
    check(
        &|input| input.app = Some(workshop.path("run")),
        "cargo xtask app",
    );
    let twice = workshop.input(&["run", "again"]).runs;
    check(&|input| input.runs = twice.clone(), "are both runs of mood");
    workshop.put("other.gguf", &testing::tiny_gguf_with_toy_vocab(8));
    let other = workshop.path("other.gguf").display().to_string();
    check(
        &|input| input.base = Some(other.clone()),
        "trained on another base model",
    );
    // Native code reads BF16 by way of candle; the page cannot.
    workshop.put(BASE, &in_bf16(&testing::tiny_gguf_with_toy_vocab(7)));
    workshop.train("bf16", 3);
    let bf16 = workshop.input(&["bf16"]).runs;
    check(
        &|input| input.runs = bf16.clone(),
        "blk.1.ffn_up.weight is stored as BF16, which the page cannot load",
    );
}

/// The same model with one matrix in BF16, all zeros.
fn in_bf16(bytes: &[u8]) -> Vec<u8> {
    let gguf = Gguf::parse(bytes).unwrap();
    let mut writer = Writer::default();
    writer.metadata = gguf.metadata.clone();
    for tensor in &gguf.tensors {
        let (ggml_type, stored) = match tensor.name.as_str() {
            "blk.1.ffn_up.weight" => (GgmlType::Bf16, vec![0; 2 * tensor.elements()]),
            _ => (tensor.ggml_type, bytes[tensor.range.clone()].to_vec()),
        };
        writer.tensor(&tensor.name, &tensor.dims, ggml_type, stored);
    }
    writer.finish()
}

#[test]
fn names_and_licences() {
    let check = |path: &str, expected: &str| assert_eq!(url_name(Path::new(path)), expected);
    check(
        "/a/SmolLM2-135M-Instruct.Q4_1.gguf",
        "SmolLM2-135M-Instruct.Q4_1.gguf",
    );
    check("my model (1)?.gguf", "my-model--1--.gguf");
    check(".hidden", "hidden.gguf");
    assert_eq!(licence(Some("apache-2.0")), "Apache-2.0");
    assert_eq!(licence(Some("llama3")), "llama3");
    assert_eq!(licence(None), "NOASSERTION");
}
