//! Data from a stranger's file to a recipe that trains, by the command line.

mod common;

use common::{Done, Sandbox};

const CSV: &str = "body,queue,id\n";

/// A table of tickets: two queues, and a row without a queue.
fn table() -> String {
    let row = |i: usize| match i % 2 {
        0 => format!("sun number {i},good,{i}\n"),
        _ => format!("mud number {i},bad,{i}\n"),
    };
    let rows: String = (0..60).map(row).collect();
    format!("{CSV}{rows}lost,,60\n")
}

#[test]
fn a_table_becomes_a_recipe_that_trains() {
    let sandbox = Sandbox::new();
    sandbox.write("tickets.csv", table());
    let import = "data import tickets.csv --shape single-label --out rows.jsonl \
                  --text-column body --label-column queue --json counts.json";
    let text = sandbox.done(import);
    assert!(text.contains("61 rows: 60 accepted"), "{text}");
    let counts = sandbox.json("counts.json");
    assert_eq!(counts["format"], "csv");
    assert_eq!(counts["codes"]["empty_label"], 1);
    let rejected = sandbox.read_text("rows.jsonl.rejected.jsonl");
    assert!(
        rejected.contains("\"line\":62,\"code\":\"empty_label\""),
        "{rejected}"
    );

    let new = "new tickets --shape single-label --train rows.jsonl --json made.json";
    let text = sandbox.done(new);
    for words in [
        "48 train, 6 dev (cut",
        "bad, good",
        "next: slm data check tickets",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    assert_eq!(sandbox.json("made.json")["cut"][1], "test");
    let text = sandbox.done("data check tickets --base base.gguf");
    assert!(text.contains("train: 48 rows"), "{text}");
    sandbox.done("train tickets --base base.gguf --out run --set sft.epochs=1");
    sandbox.refused(new, 2, &["tickets", "not empty"]);
}

#[test]
fn wrong_requests() {
    let sandbox = Sandbox::new();
    let check = |line: &str, words: &[&str]| sandbox.refused(line, 2, words);
    check("new x --shape single-label", &["--train"]);
    check(
        "new x --shape singel --train tiny/train.jsonl",
        &["single-label"],
    );
    check(
        "new x --shape single-label --train nothing",
        &["nothing: no such file"],
    );
    check(
        "new x --shape tool-call --train tiny/train.jsonl",
        &["tool-call"],
    );
    check(
        "data import tiny/train.jsonl --shape single-label",
        &["--out"],
    );
    sandbox.write("bad.jsonl", "{}\n");
    check(
        "data import bad.jsonl --shape single-label --out out.jsonl",
        &["no row was accepted", "out.jsonl.rejected.jsonl"],
    );
    let rejected = sandbox.read_text("out.jsonl.rejected.jsonl");
    assert!(
        rejected.contains("found no key; expected prompt or"),
        "{rejected}"
    );
    let mut nothing_built_in = sandbox.command("data check tinny");
    nothing_built_in.env("SLM_RECIPES", sandbox.path("tiny"));
    Done::of(&mut nothing_built_in).refused(2, &["a built-in recipe, of which", "has none."]);
    assert!(!sandbox.exists("x"));
    let good = "data import tiny/train.jsonl --shape single-label --out";
    check(
        &format!("{good} no/where/out.jsonl"),
        &["there is no folder no/where. Make it"],
    );
    check(
        &format!("{good} new.jsonl --json no/counts.json"),
        &["no/counts.json: there is no folder no"],
    );
    check("data check tiny --json no/a.json", &["no folder no"]);
    sandbox.write("new.jsonl.rejected.jsonl/a", "a folder");
    check(
        &format!("{good} new.jsonl"),
        &["new.jsonl.rejected.jsonl: it is a folder. Name a file."],
    );
    assert!(!sandbox.exists("new.jsonl"), "nothing half-done is left");
    sandbox.write("empty.csv", "");
    check(
        "data import empty.csv --shape single-label --out out.jsonl",
        &["found no header with columns; expected prompt or text"],
    );
}

#[test]
fn what_a_check_finds() {
    let sandbox = Sandbox::new();
    let row = |text: &str, label: &str| {
        format!("{{\"prompt\": \"{text}\", \"completion\": \"{label}\"}}\n")
    };
    let long = "the parcel came late and the box was torn at one side";
    let dev = row(&format!("{long} again"), "good") + &row("sun", "good") + &row("Sun", "bad");
    sandbox.write("tiny/train.jsonl", row(long, "good") + &row("mud", "bad"));
    sandbox.write("tiny/dev.jsonl", dev);
    sandbox.write("tiny/test.jsonl", row("rain", "bad"));
    let text = sandbox.done("data check tiny --base base.gguf --json found.json");
    for words in [
        "dev:1 ~ train:1",
        "dev:3 says bad, dev:2 says good",
        "test has no row of good",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    let codes = |file: &str| -> Vec<String> {
        let found = sandbox.json(file);
        let findings = found["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|f| f["code"].as_str().unwrap().to_string())
            .collect()
    };
    let expected = [
        "near_duplicate_across",
        "contradiction",
        "label_without_rows",
    ];
    assert_eq!(codes("found.json"), expected);
    sandbox.done("data check tiny --json unchecked.json");
    assert!(codes("unchecked.json").contains(&"lengths_unchecked".to_string()));
    let recipe = common::RECIPE.replace("[sft]", "[sft]\nmax_tokens = 20");
    sandbox.write("short/recipe.toml", recipe);
    let line = "data check tiny/train.jsonl --recipe short --base base.gguf --json long.json";
    sandbox.done(line);
    assert!(codes("long.json").contains(&"too_long".to_string()));
}

#[test]
fn labels_that_look_alike_are_pointed_out() {
    let sandbox = Sandbox::new();
    let recipe = common::RECIPE.replace("[\"good\", \"bad\"]", "[\"good\", \"Good\", \"bad\"]");
    sandbox.write("tiny/recipe.toml", recipe);
    let row = "{\"prompt\": \"a cheerful morning\", \"completion\": \"Good\"}\n";
    sandbox.write("tiny/dev.jsonl", common::rows("dev", 12) + row);
    let text = sandbox.done("data check tiny --json found.json");
    // A third of 48, 12 and 20 rows.
    let words = "the labels \"Good\" (1 rows) and \"good\" (27 rows) look alike";
    assert!(text.contains(words), "{text}");
    let found = sandbox.json("found.json");
    let findings = found["findings"].as_array().unwrap();
    let pair = findings.iter().find(|f| f["code"] == "look_alike_labels");
    assert_eq!(pair.unwrap()["places"], serde_json::json!(["dev:13"]));

    let rows = common::rows("train", 48) + row;
    sandbox.write("rows.jsonl", rows);
    let text = sandbox.done("new fresh --shape single-label --train rows.jsonl --json made.json");
    assert!(
        text.contains("warning: the labels \"Good\" (1 rows) and \"good\" (16 rows)"),
        "{text}"
    );
    assert_eq!(
        sandbox.json("made.json")["warnings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_an_import_leaves_out_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "rows.csv",
        "prompt,text,label\na,b,x\nc,,x\n\"d,e,x\nf,g,x\n",
    );
    let line = "data import rows.csv --shape single-label --out rows.jsonl --json counts.json";
    let text = sandbox.done(line);
    for words in [
        "3 rows: 2 accepted",
        "stray_quote",
        "note: 1 rows with a value in column \"text\", which is not read",
        "note: 1 further lines stand in rows with a stray quote",
    ] {
        assert!(text.contains(words), "{words:?} is not in: {text}");
    }
    assert_eq!(
        sandbox.json("counts.json")["notes"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    let rejected = sandbox.read_text("rows.jsonl.rejected.jsonl");
    assert!(
        rejected.contains("\"line\":4,\"code\":\"stray_quote\""),
        "{rejected}"
    );
    assert!(rejected.contains("d,e,x\\nf,g,x"), "{rejected}");

    let turns = r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "x"}], "id": 7}"#;
    sandbox.write("turns.jsonl", turns);
    let line = "data import turns.jsonl --shape single-label --out turns.out.jsonl";
    let text = sandbox.done(line);
    assert!(
        text.contains("value under \"id\", which is not read"),
        "{text}"
    );
    let named = format!("{line} --text-column body");
    sandbox.refused(&named, 2, &["--text-column body", "conversations"]);

    let entities = r#"{"body": "Bo a", "text": "no", "marks": [[0, 2, "NAME"]], "entities": []}"#;
    sandbox.write("spacy.jsonl", entities);
    sandbox.done(
        "data import spacy.jsonl --shape spans --out spacy.out.jsonl --format spacy \
         --text-column body --label-column marks",
    );
    let read = sandbox.read_text("spacy.out.jsonl");
    assert!(read.contains("\"Bo a\"") && read.contains("NAME"), "{read}");
}

#[test]
fn sample_data_is_written_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let bank = |word: &str| {
        format!(
            "rows = 2\nstyle = \"plain\"\n[[form]]\nanswer = \"good\"\nweight = 1\ntext = [\"{word} {{n}}\"]\n\
             [shared]\nn = [\"one two\", \"three four\", \"five six\"]\n[[domain]]\nid = \"a\"\n"
        )
    };
    for split in ["train", "dev", "test"] {
        sandbox.write(&format!("tiny/bank/{split}.toml"), bank(split));
        let row = format!("{{\"prompt\": \"{split} by hand\", \"completion\": \"bad\"}}\n");
        sandbox.write(&format!("tiny/handwritten/{split}.jsonl"), row);
    }
    let before = sandbox.read_text("tiny/train.jsonl");
    let check = |file: &str, wrong: &str, words: &[&str]| {
        let right = sandbox.read_text(file);
        sandbox.write(file, wrong);
        sandbox.refused("data generate tiny", 2, &[&[file], words].concat());
        assert_eq!(sandbox.read_text("tiny/train.jsonl"), before, "{file}");
        sandbox.write(file, right);
    };
    check("tiny/bank/test.toml", "rows = -1", &["rows"]);
    check(
        "tiny/handwritten/dev.jsonl",
        "{\"prompt\": \"a\", \"completion\": \"fair\"}\n",
        &[":1", "fair"],
    );
    sandbox.done("data generate tiny");
    let rows = sandbox.read_text("tiny/train.jsonl");
    assert!(rows.starts_with("{\"prompt\": \"train by hand\"") && rows.lines().count() == 3);
}
