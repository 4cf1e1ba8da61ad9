//! A recipe of spans from data to report, as a seventh folder that nobody wrote code for.

mod common;

use common::Sandbox;

const RECIPE: &str = r#"id = "names"
title = "Names"
shape = "spans"
summary = "Who is named?"
instruction = "List."
labels = ["NAME", "EMAIL"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"

[lora]
rank = 4
alpha = 8.0

[sft]
epochs = 20.0
batch = 4
lr = 0.01

[scoring]
resamples = 50
max_tokens = 160

[twist]
recall_floor = 0.5
label_floors = { NAME = 1.0 }
"#;

/// A name in two rows of three, after a letter of two bytes.
fn rows(split: &str, count: usize) -> String {
    let row = |i: usize| match i % 3 {
        0 => format!("{{\"text\": \"é none {split} {i}\", \"spans\": []}}\n"),
        _ => format!(
            "{{\"text\": \"é Bo {split} {i}\", \"spans\": [{{\"start\": 2, \"end\": 4, \"label\": \"NAME\"}}]}}\n"
        ),
    };
    (0..count).map(row).collect()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("names/recipe.toml", RECIPE);
    sandbox.write("names/train.jsonl", rows("train", 36));
    sandbox.write("names/dev.jsonl", rows("dev", 6));
    sandbox.write("names/test.jsonl", rows("test", 9));
    sandbox
}

#[test]
fn another_floor_needs_no_training() {
    let sandbox = sandbox();
    let short = RECIPE.replace("epochs = 20.0", "epochs = 1.0");
    sandbox.write("names/recipe.toml", &short);
    sandbox.done("train names --base base.gguf --out run");
    sandbox.done("eval run");
    let before = sandbox.json("run/dials.json");
    let weights = sandbox.read("run/adapter/adapter_model.safetensors");

    let change = |from: &str, to: &str| {
        sandbox.write("names/recipe.toml", short.replace(from, to));
        sandbox.run("train names --base base.gguf --out run --resume")
    };
    let said = change("recall_floor = 0.5", "recall_floor = 0.75");
    assert!(
        said.code == 0 && said.error.contains("taking over"),
        "{said}"
    );
    sandbox.done("eval run");
    let after = sandbox.json("run/dials.json");
    assert_eq!(before["dials"]["recall"]["floor"], 0.5);
    assert_eq!(after["dials"]["recall"]["floor"], 0.75);
    // The labels' floors hold without one for all.
    change("recall_floor = 0.5", "");
    sandbox.done("eval run");
    let only = &sandbox.json("run/dials.json")["dials"]["recall"];
    assert_eq!(only["labels"][0]["label"], "NAME");
    let same = sandbox.read("run/adapter/adapter_model.safetensors");
    assert!(weights == same, "nothing was trained again");

    let said = change("lr = 0.01", "lr = 0.02");
    said.refused(2, &["cannot go on, for the recipe"]);
}

#[test]
fn from_data_to_report() {
    let sandbox = sandbox();
    sandbox.done("data check names");
    let plan = sandbox.done("train names --base base.gguf --dry-run");
    assert!(plan.contains("NAME"), "{plan}");
    sandbox.done("train names --base base.gguf --out run");

    let table = sandbox.done("eval run --json report.json");
    assert!(table.contains("recall dial"), "{table}");
    let body = &sandbox.json("report.json")["body"];
    assert_eq!(body["headline"][0]["name"], "span_f2");
    let value = body["headline"][0]["value"].as_f64().unwrap();
    assert!(value > 0.5, "the names were learnt: {value}");
    let systems: Vec<&str> = (body["systems"].as_array().unwrap().iter())
        .map(|system| system["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        systems,
        ["tuned", "zero-shot", "few-shot", "none", "patterns"]
    );
    assert_eq!(body["recall"]["curve"].as_array().unwrap().len(), 7);
    assert_eq!(body["recall"]["labels"][0]["label"], "NAME");
    let kept = sandbox.json("run/dials.json");
    assert_eq!(kept["dials"]["recall"], body["recall"]);

    sandbox.write("texts.jsonl", "{\"text\": \"é Bo 77\"}\né Bo 78\n");
    let lines = sandbox.done("predict run --input texts.jsonl --output -");
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["line"], &first["prompt"]),
        (&1.into(), &"é Bo 77".into())
    );
    for span in first["spans"].as_array().unwrap() {
        let bound = |name: &str| span[name].as_u64().unwrap() as usize;
        let text: String = "é Bo 77"
            .chars()
            .skip(bound("start"))
            .take(bound("end") - bound("start"))
            .collect();
        assert_eq!(span["text"], text);
    }

    sandbox.done("report run --html report.html");
    let page = sandbox.read_text("report.html");
    for words in ["Spans by type", "Recall dial", "would leave them readable"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn answers_that_cannot_be_written_to_the_end_are_warned_of() {
    let sandbox = sandbox();
    let check = |limit: usize, warned: bool| {
        let recipe = RECIPE.replace("max_tokens = 160", &format!("max_tokens = {limit}"));
        sandbox.write("names/recipe.toml", recipe);
        let found = sandbox.done("data check names --base base.gguf --json -");
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let findings = found["findings"].as_array().unwrap();
        let of = |finding: &&serde_json::Value| finding["code"] == "answer_too_long";
        let messages: Vec<&str> = (findings.iter().filter(of))
            .map(|finding| finding["message"].as_str().unwrap())
            .collect();
        assert_eq!(messages.len(), if warned { 3 } else { 0 }, "{messages:?}");
        let train = "train names --base base.gguf --set sft.epochs=0.1";
        let plan = sandbox.done(&format!("{train} --dry-run"));
        let run = sandbox.run(&format!("{train} --out run-{limit}"));
        assert_eq!(run.code, 0, "{run}");
        for text in [&plan, &run.error] {
            assert_eq!(text.contains("warning: train: "), warned, "{text}");
            assert!(
                messages.iter().all(|message| text.contains(message)),
                "{text}"
            );
        }
        messages.join("\n")
    };
    check(160, false);
    let messages = check(5, true);
    for words in [
        "train: 24 of 36 right answers have more tokens than scoring.max_tokens = 5",
        "the longest, train:2, has ",
        "dev: 4 of 6",
        "test: 6 of 9",
        "Raise scoring.max_tokens to ",
    ] {
        assert!(messages.contains(words), "{words:?} is not in {messages}");
    }
}

#[test]
fn a_span_that_cuts_a_word_is_pointed_out() {
    let sandbox = sandbox();
    // Two UTF-16 units for the hand shift what follows it by one.
    let row = r#"{"text": "👋 Ann Lee.", "spans": [{"start": 3, "end": 10, "label": "NAME"}]}"#;
    sandbox.write("names/dev.jsonl", row);
    let found = sandbox.done("data check names --base base.gguf --json -");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let findings = found["findings"].as_array().unwrap();
    let cut = findings.iter().find(|f| f["code"] == "cuts_word").unwrap();
    assert_eq!(cut["places"], serde_json::json!(["dev:1"]));
    let message = cut["message"].as_str().unwrap();
    assert!(
        message.contains("\"nn Lee.\"") && message.contains("UTF-16"),
        "{message}"
    );
}

#[test]
fn a_span_that_is_not_its_own_text_is_refused() {
    let sandbox = sandbox();
    let row =
        r#"{"text": "é Bo", "spans": [{"start": 2, "end": 4, "label": "NAME", "text": "NOT BO"}]}"#;
    sandbox.write("names/train.jsonl", row);
    let says = [
        "train.jsonl:1",
        "spans[0].text",
        "found `NOT BO`; expected `Bo`",
    ];
    sandbox.refused("data check names", 2, &says);
}

#[test]
fn a_span_beyond_its_text_is_refused_with_its_place() {
    let sandbox = sandbox();
    let row = r#"{"text": "é Bo", "spans": [{"start": 2, "end": 5, "label": "NAME"}]}"#;
    sandbox.write("names/train.jsonl", row);
    sandbox.refused(
        "data check names",
        2,
        &["train.jsonl:1", "spans[0]", "4 characters"],
    );
}
