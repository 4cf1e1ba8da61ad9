//! A recipe is a folder: every shape that is built trains, is measured, predicts and reports from
//! data of its own, with labels and an instruction that no Rust knows.

mod common;

use common::{RECIPE, Sandbox};
use serde_json::Value;

/// A multi-label recipe in a folder of its own: `sun` is warm, `sea` is wet, some are both or none.
fn weather(sandbox: &Sandbox) {
    let recipe = RECIPE
        .replace("id = \"tiny\"", "id = \"weather\"")
        .replace("single-label", "multi-label")
        .replace("Say good or bad.", "Is it warm, is it wet?")
        .replace("[\"good\", \"bad\"]", "[\"warm\", \"wet\"]");
    sandbox.write("weather/recipe.toml", recipe);
    for (split, rows) in [("train", 48), ("dev", 12), ("test", 20)] {
        let row = |i: usize| {
            let (words, labels) = [
                ("sun", r#""warm""#),
                ("sea", r#""wet""#),
                ("sun sea", r#""warm", "wet""#),
                ("mud", ""),
                ("sun", r#""warm""#),
            ][i % 5];
            format!("{{\"prompt\": \"{words} {split} {i}\", \"completion\": [{labels}]}}\n")
        };
        let text: String = (0..rows).map(row).collect();
        sandbox.write(&format!("weather/{split}.jsonl"), text);
    }
}

#[test]
fn several_labels_from_a_folder_to_a_report() {
    let sandbox = Sandbox::new();
    weather(&sandbox);
    sandbox.done("train weather --base base.gguf --out run --json outcome.json");
    let outcome = sandbox.json("outcome.json");
    assert!(outcome["best"]["dev"]["score"].as_f64() > outcome["base"]["score"].as_f64());

    let text = sandbox.done("eval run");
    for word in [
        "all-no",
        "majority-set",
        "few-shot",
        "samples avg",
        "micro_f1",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let body = sandbox.json("run/report.json")["body"].clone();
    assert_eq!(body["headline"][0]["name"], "macro_f1");
    assert_eq!(body["systems"].as_array().unwrap().len(), 5);
    assert!(body["systems"][0]["figures"]["multi_label"]["hamming_loss"].is_number());

    sandbox.done("report run --html report.html");
    assert!(sandbox.read_text("report.html").contains("Hamming loss"));

    sandbox.write("texts.jsonl", "{\"prompt\": \"sun\"}\n");
    sandbox.done("predict run --input texts.jsonl --output answers.jsonl");
    let answer = sandbox.json("answers.jsonl");
    assert!(answer["labels"].is_array(), "{answer}");
    let probability = answer["probabilities"]["warm"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&probability));
}

#[test]
fn a_recipe_that_routes_has_a_threshold_set_on_dev() {
    let sandbox = Sandbox::new();
    let recipe = format!("{RECIPE}\n[routing]\nfallback = \"somebody\"\naccuracy = 0.9\n");
    sandbox.write("tiny/recipe.toml", recipe);
    sandbox.done("train tiny --base base.gguf --out run");
    let text = sandbox.done("eval run");
    assert!(text.contains("to `somebody` (goal: at least 90 % of the answers given are right)"));
    let kept = sandbox.json("run/dials.json");
    let threshold = kept["dials"]["routing"]["value"].as_f64().unwrap();
    assert_eq!(kept["dials"]["routing"]["dev_rows"], 12);

    sandbox.write("texts.txt", "sun\nmud\n");
    sandbox.done("predict run --input texts.txt --output answers.jsonl");
    for line in sandbox.read_text("answers.jsonl").lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        let probabilities = answer["probabilities"].as_object().unwrap();
        let highest = probabilities.values().filter_map(Value::as_f64);
        let is_sure = highest.fold(0.0, f64::max) >= threshold;
        let expected = if is_sure {
            &answer["label"]
        } else {
            &Value::from("somebody")
        };
        assert_eq!(&answer["route"], expected, "{answer}");
    }

    // Another adapter has another threshold: the kept one is bound to what it was set with.
    let mut stale = kept.clone();
    stale["adapter"] = "0".repeat(64).into();
    stale["dials"]["routing"]["value"] = 0.123.into();
    sandbox.write("run/dials.json", stale.to_string());
    sandbox.done("eval run");
    assert_eq!(sandbox.json("run/dials.json"), kept);
}

#[test]
fn classes_can_be_repeated_and_cut() {
    let sandbox = Sandbox::new();
    let dry = |set: &str| sandbox.done(&format!("train tiny --base base.gguf --dry-run {set}"));
    // 48 rows, a third of them good: 12 steps of 4 rows an epoch, 4 epochs.
    assert!(dry("").contains("48 steps"));
    assert!(dry("--set twist.upsample=32").contains("64 steps"));
    assert!(dry("--set twist.downsample=16").contains("32 steps"));
}

/// A structured recipe in a folder of its own: words of the text go into fields.
fn letters(sandbox: &Sandbox) {
    let recipe = RECIPE
        .replace("id = \"tiny\"", "id = \"letters\"")
        .replace("single-label", "structured")
        .replace("Say good or bad.", "Write what it says.")
        .replace("labels = [\"good\", \"bad\"]", "schema = \"fields.json\"")
        .replace("[scoring]", "[scoring]\nmax_tokens = 40");
    sandbox.write("letters/recipe.toml", recipe);
    sandbox.write(
        "letters/fields.json",
        r#"{"type": "object", "required": ["mood"], "additionalProperties": false, "properties": {
            "mood": {"enum": ["good", "bad"]}, "again": {"type": "boolean"}}}"#,
    );
    for (split, rows) in [("train", 48), ("dev", 12), ("test", 20)] {
        let row = |i: usize| {
            let (words, object) = [
                ("sun", r#"{"mood": "good"}"#),
                ("mud", r#"{"again": true, "mood": "bad"}"#),
                ("sun again", r#"{"mood": "good", "again": true}"#),
            ][i % 3];
            format!("{{\"prompt\": \"{words} {split} {i}\", \"completion\": {object}}}\n")
        };
        let text: String = (0..rows).map(row).collect();
        sandbox.write(&format!("letters/{split}.jsonl"), text);
    }
}

#[test]
fn objects_from_a_folder_to_a_report() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    sandbox.done("train letters --base base.gguf --out run");
    // The run stands for itself: its recipe holds the schema.
    assert!(sandbox.read_text("run/recipe.toml").contains("\"again\""));
    let text = sandbox.done("eval run");
    for word in [
        "empty",
        "exact_object",
        "valid_json",
        "mood",
        "under the grammar",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let body = sandbox.json("run/report.json")["body"].clone();
    assert_eq!(body["headline"][0]["name"], "exact_object");
    // Under a grammar whose texts are bounded, every answer of every system is JSON.
    for system in body["systems"].as_array().unwrap() {
        assert_eq!(system["failures"], 0, "{}", system["name"]);
    }
    let decoding = &body["decoding"];
    assert_eq!(decoding["constrained"]["valid"], 20);
    assert!(decoding["forced_share"].as_f64() > Some(0.2));

    sandbox.done("report run --html report.html");
    let html = sandbox.read_text("report.html");
    for part in [
        "Whole answers",
        "With and without the grammar",
        "The answer as JSON",
    ] {
        assert!(html.contains(part), "{part}");
    }
    sandbox.write("texts.jsonl", "{\"prompt\": \"sun\"}\n");
    sandbox.done("predict run --input texts.jsonl --output answers.jsonl");
    let answer = sandbox.json("answers.jsonl");
    assert!(["good", "bad"].contains(&answer["object"]["mood"].as_str().unwrap()));
}

#[test]
fn a_schema_or_row_that_does_not_fit_is_bad_input() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    let refused = |says: &str| {
        sandbox.refused("train letters --base base.gguf --out run", 2, &[says]);
    };
    sandbox.write(
        "letters/dev.jsonl",
        "{\"prompt\": \"a\", \"completion\": {\"mood\": \"so\"}}\n",
    );
    refused("dev.jsonl:1: completion.mood: found the text `so`");
    sandbox.write("letters/fields.json", r#"{"type": "object", "oneOf": []}"#);
    refused("fields.json: oneOf: found `oneOf`");
    std::fs::remove_file(sandbox.path("letters/fields.json")).unwrap();
    refused("fields.json");
}

#[test]
fn a_schema_that_decoding_cannot_be_held_to_is_refused_by_the_check() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    sandbox.write(
        "letters/fields.json",
        r#"{"type": "object", "properties": {"mood": {"type": "string", "pattern": "\\bx\\b"}},
            "required": ["mood"], "additionalProperties": false}"#,
    );
    for split in ["train", "dev", "test"] {
        let row = "{\"prompt\": \"a\", \"completion\": {\"mood\": \"x\"}}\n";
        sandbox.write(&format!("letters/{split}.jsonl"), row);
    }
    // No base model is needed for it.
    sandbox.refused(
        "data check letters",
        2,
        &["the recipe's `schema`", "Simplify the schema"],
    );
    for (keywords, dead) in [
        (
            r#"{"type": "string", "pattern": "^a$", "minLength": 5}"#,
            true,
        ),
        (
            r#"{"type": "string", "format": "date", "maxLength": 5}"#,
            true,
        ),
        (
            r#"{"type": "array", "items": {"type": "string", "format": "email", "maxLength": 2}}"#,
            true,
        ),
        (
            r#"{"type": "array", "items": {"type": "string"}, "maxItems": 0}"#,
            false,
        ),
        (
            r#"{"type": "string", "pattern": "^a*$", "minLength": 5}"#,
            false,
        ),
        (
            r#"{"type": ["string", "null"], "pattern": "^a$", "minLength": 5}"#,
            true,
        ),
        (
            r#"{"type": "array", "items": {"type": "string", "pattern": "^a$", "minLength": 5}, "minItems": 0}"#,
            true,
        ),
        (
            r#"{"type": "array", "items": {"type": "string"}, "enum": [[]]}"#,
            false,
        ),
        (
            r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "additionalProperties": false, "enum": [{"a": "x"}, {"b": "y"}]}"#,
            false,
        ),
    ] {
        let schema = r#"{"type": "object", "required": ["mood"], "additionalProperties": false,
            "properties": {"mood": {"type": "string"}, "extra": "#;
        sandbox.write("letters/fields.json", format!("{schema}{keywords}}}}}"));
        let checked = sandbox.run("data check letters/train.jsonl --recipe letters");
        match dead {
            true => checked.refused(2, &["every optional field", "'extra' is unsatisfiable"]),
            false => assert_eq!(checked.code, 0, "{checked}"),
        }
    }
}

#[test]
fn objects_that_are_all_the_same_teach_nothing() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    let row = "{\"prompt\": \"a\", \"completion\": {\"mood\": \"good\"}}\n";
    sandbox.write("letters/train.jsonl", row.repeat(2));
    sandbox.refused(
        "train letters --base base.gguf --dry-run",
        2,
        &[r#"every row has the answer {"mood":"good"}; expected rows with at least two different"#],
    );
}

#[test]
fn no_output_takes_the_place_of_what_was_read() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    for file in ["recipe.toml", "fields.json", "train.jsonl"] {
        let before = sandbox.read(&format!("letters/{file}"));
        for command in [
            "data check letters",
            "train letters --base base.gguf --dry-run",
        ] {
            let command = format!("{command} --json letters/{file}");
            sandbox.refused(&command, 2, &["would be written over"]);
        }
        assert_eq!(sandbox.read(&format!("letters/{file}")), before);
    }
    sandbox.write("a.csv", "text,label\na,b\nc,d\n");
    let import = "data import a.csv --shape single-label --out rows.jsonl --json";
    for json in ["rows.jsonl", "./rows.jsonl.rejected.jsonl"] {
        sandbox.refused(
            &format!("{import} {json}"),
            2,
            &["two files would be written there"],
        );
    }
}

#[test]
fn keys_that_nothing_reads_are_said() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    let row = "{\"prompt\": \"a\", \"completion\": {\"mood\": \"good\"}, \"weight\": 3}\n";
    sandbox.write("letters/dev.jsonl", row);
    let found = sandbox.done("data check letters --base base.gguf --json -");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let findings = found["findings"].as_array().unwrap();
    let ignored = findings
        .iter()
        .find(|f| f["code"] == "key_ignored")
        .unwrap();
    assert!(
        ignored["message"].as_str().unwrap().contains("`weight`"),
        "{ignored}"
    );
}

#[test]
fn an_import_takes_what_the_recipe_reads() {
    let sandbox = Sandbox::new();
    letters(&sandbox);
    sandbox.write(
        "a.jsonl",
        "{\"text\": \"a\", \"label\": {\"mood\": \"good\"}}\n{\"text\": \"b\", \"label\": {\"mood\": \"fair\"}}\n",
    );
    let import = "data import a.jsonl --recipe letters --out rows.jsonl --shape";
    let text = sandbox.done(&format!("{import} structured"));
    assert!(text.contains("2 rows: 1 accepted"), "{text}");
    let rejected = sandbox.read_text("rows.jsonl.rejected.jsonl");
    for words in ["\"line\":2,\"code\":\"wrong_answer\"", "completion.mood"] {
        assert!(rejected.contains(words), "{rejected}");
    }
    sandbox.refused(
        &format!("{import} single-label"),
        2,
        &["`letters` is of the shape structured"],
    );
}
