//! What recipe files may say, and what a user reads when one is wrong.

use slm_task::{Recipe, Shape, recipe::Projection};

const GOOD: &str = r#"id = "sentiment"
title = "Sentiment"
summary = "How a sentence feels."
shape = "single-label"
instruction = "Say how the text feels."
labels = ["negative", "neutral", "positive"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"

[lora]
rank = 16

[sft]
lr = 5e-4
"#;

fn error(text: &str) -> String {
    Recipe::parse(text, "recipe.toml").unwrap_err().to_string()
}

/// The error after one line of a good recipe is replaced.
fn error_with(line: &str, by: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    error(&GOOD.replacen(line, by, 1))
}

#[test]
fn a_recipe_reads_with_its_defaults() {
    let recipe = Recipe::parse(GOOD, "recipe.toml").unwrap();
    assert_eq!(recipe.shape, Shape::SingleLabel);
    assert_eq!(recipe.labels.len(), 3);
    assert_eq!(recipe.lora.rank, 16);
    assert_eq!(recipe.lora.targets.len(), 7);
    assert_eq!(recipe.sft.lr, 5e-4);
    assert_eq!(recipe.scoring.resamples, 1000);
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(Recipe::parse(&windows, "recipe.toml").unwrap(), recipe);
}

#[test]
fn a_recipe_survives_being_written() {
    let mut recipe = Recipe::parse(GOOD, "recipe.toml").unwrap();
    recipe.instruction = "Two\nlines with \"quotes\", a \\ and an é.".to_string();
    recipe.sft.lr = 0.1;
    recipe.data.licence = Some("CC0-1.0".to_string());
    let text = recipe.to_toml();
    assert_eq!(
        Recipe::parse(&text, "recipe.toml").unwrap(),
        recipe,
        "{text}"
    );
}

#[test]
fn every_shape_can_be_read() {
    for shape in Shape::NAMES {
        let mut text = GOOD.replace("single-label", shape);
        if shape == "structured" {
            text.insert_str(0, "schema = \"schema.json\"\n");
            let labels = "[\"negative\", \"neutral\", \"positive\"]";
            assert_eq!(
                error(&text),
                format!(
                    "recipe.toml:7: labels: found `{labels}`; expected no labels in a `structured` recipe. \
                     Remove them: what an answer may be stands in the schema. Labels are for \
                     `single-label`, `multi-label`, `spans` recipes."
                )
            );
            // Recipes that were written out have the key.
            text = text.replace(labels, "[]");
        }
        let recipe = Recipe::parse(&text, "recipe.toml").unwrap();
        assert_eq!(recipe.shape.name(), shape);
    }
}

#[test]
fn errors_say_where_what_and_what_to_do() {
    let check = |line: &str, by: &str, expected: &str| {
        assert_eq!(error_with(line, by), expected, "{by}");
    };
    check(
        "lr = 5e-4",
        "lrr = 5e-4",
        "recipe.toml:17: sft.lrr: unknown key; did you mean `lr`?",
    );
    check(
        "rank = 16",
        "lr = 1e-3",
        "recipe.toml:14: lora.lr: unknown key; \
         did you mean `sft.lr`? Write `lr = 1e-3` under `[sft]`.",
    );
    check(
        "[sft]",
        "[stf]",
        "recipe.toml:16: stf: unknown key; did you mean `sft`?",
    );
    check(
        "[lora]",
        "[zzz]",
        "recipe.toml:13: zzz: unknown key; a recipe has `id`, `title`, `summary`, `shape`, \
         `instruction`, `labels`, `schema`, `examples`, `data`, `lora`, `sft`, `scoring`, \
         `routing`, `twist`.",
    );
    check(
        "title = \"Sentiment\"\n",
        "",
        "recipe.toml: title: found nothing; expected a text that is not empty. \
         Add `title = \"Sentiment\"`.",
    );
    check(
        "dev = \"dev.jsonl\"\n",
        "",
        "recipe.toml: data.dev: found nothing; expected a file name inside the recipe's folder. \
         Add `dev = \"dev.jsonl\"` under `[data]`.",
    );
    check(
        "labels = [\"negative\", \"neutral\", \"positive\"]\n",
        "",
        "recipe.toml: labels: found nothing; expected a list of at least two different texts of \
         one line, without white space at their ends. \
         Add `labels = [\"negative\", \"positive\"]`.",
    );
    check(
        "single-label",
        "singel-label",
        "recipe.toml:4: shape: found `\"singel-label\"`; expected one of `single-label`, \
         `multi-label`, `spans`, `structured`, `grounded`, `tool-call`. \
         Did you mean `single-label`?",
    );
    check(
        "rank = 16",
        "rank = 0",
        "recipe.toml:14: lora.rank: found `0`; expected a whole number from 1 to 4096. \
         An example: `rank = 8` under `[lora]`.",
    );
    check(
        "lr = 5e-4",
        "lr = \"5e-4\"",
        "recipe.toml:17: sft.lr: found `\"5e-4\"`; expected a number above 0. \
         An example: `lr = 1e-3` under `[sft]`.",
    );
    check(
        "\"neutral\"",
        "\" neutral\"",
        "recipe.toml:6: labels: found `\" neutral\"`; expected a list of at least two different \
         texts of one line, without white space at their ends. Write `neutral`.",
    );
    check(
        "\"neutral\"",
        "\"negative\"",
        "recipe.toml:6: labels: found `\"negative\"` twice; expected a list of at least two \
         different texts of one line, without white space at their ends. Remove one of them.",
    );
    check(
        "title = \"Sentiment\"",
        "title = \"Sentiment",
        "recipe.toml:2: found text that is not TOML (invalid basic string, expected `\"`); \
         expected lines like `key = value`. \
         Texts stand in double quotes, lists in square brackets.",
    );
}

#[test]
fn wrong_values_are_refused() {
    let check = |line: &str, by: &str| {
        let error = error_with(line, by);
        assert!(error.starts_with("recipe.toml:"), "{error}");
        assert!(error.contains("; expected "), "{error}");
    };
    for lr in ["0", "-1e-3", "nan", "inf", "1e60", "1e-60", "true", "[1]"] {
        check("lr = 5e-4", &format!("lr = {lr}"));
    }
    for rank in ["-1", "1.5", "99999999999999999999", "\"8\""] {
        check("rank = 16", &format!("rank = {rank}"));
    }
    for id in ["", "Sentiment", "a b", "a/b", "-a", "a--b", "é", "../x"] {
        check("id = \"sentiment\"", &format!("id = \"{id}\""));
    }
    for file in ["", "/etc/passwd", "../x", "a/../x", "c:x", "a\\\\b", "./x"] {
        check("\"dev.jsonl\"", &format!("\"{file}\""));
    }
    for labels in [
        "[]",
        "[\"a\"]",
        "[\"a\", \"\"]",
        "[\"a\", 1]",
        "\"a\"",
        "[\"a\", \"b\\nc\"]",
    ] {
        let line = "[\"negative\", \"neutral\", \"positive\"]";
        check(line, labels);
    }
    for targets in ["[]", "[\"q\"]", "\"q_proj\"", "[\"q_proj\", \"q_proj\"]"] {
        check("rank = 16", &format!("targets = {targets}"));
    }
    check("lr = 5e-4", "seed = -1");
    check("lr = 5e-4", "warmup = 1.5");
    check("lr = 5e-4", "epochs = 0");
    check("[sft]\nlr = 5e-4", "[twist]\nbalance = \"squrt\"");
    check("[lora]\nrank = 16", "[[lora]]\nrank = 16");
    check(
        "instruction = \"Say how the text feels.\"",
        "instruction = \"  \"",
    );
}

#[test]
fn single_keys_can_be_set() {
    let set = |path: &str, value: &str| {
        let mut recipe = Recipe::parse(GOOD, "recipe.toml").unwrap();
        recipe.set(path, value).unwrap();
        recipe
    };
    assert_eq!(set("sft.lr", "2e-4").sft.lr, 2e-4);
    assert_eq!(set("sft.lr", "1").sft.lr, 1.0);
    assert_eq!(set("scoring.seed", "7").scoring.seed, 7);
    assert_eq!(set("title", "A: b, c").title, "A: b, c");
    assert_eq!(set("title", "\"quoted\"").title, "quoted");
    assert_eq!(set("title", "12").title, "12");
    let two = [Projection::QProj, Projection::VProj];
    assert_eq!(set("lora.targets", "q_proj, v_proj").lora.targets, two);
    assert_eq!(
        set("lora.targets", "[\"q_proj\", \"v_proj\"]").lora.targets,
        two
    );
    assert_eq!(set("lora.first_layer", "-10").lora.first_layer, -10);
    for written in ["[0, 3]", "0, 3", "0,3"] {
        assert_eq!(set("lora.layers", written).lora.layers, [0, 3]);
    }
    assert_eq!(set("lora.layers", "[]").lora.layers, [0; 0]);
    assert_eq!(set("lora.layers", "7").lora.layers, [7]);
    let licence = set("data.licence", "MIT").data.licence;
    assert_eq!(licence.as_deref(), Some("MIT"));
}

#[test]
fn a_wrong_setting_is_explained_and_changes_nothing() {
    let check = |path: &str, value: &str, expected: &str| {
        let good = Recipe::parse(GOOD, "recipe.toml").unwrap();
        let mut recipe = good.clone();
        let error = recipe.set(path, value).unwrap_err().to_string();
        assert_eq!(error, expected);
        assert_eq!(recipe, good);
    };
    check(
        "sft.lrr",
        "1",
        "--set sft.lrr=1: unknown key; did you mean `sft.lr`?",
    );
    check("lr", "1", "--set lr=1: unknown key; did you mean `sft.lr`?");
    let layers = |value: &str, found: &str| {
        let expected = format!(
            "--set lora.layers={value}: lora.layers: found `{found}`; expected a list of different \
             layers, numbered from 0. An example: `layers = [0, 3]` under `[lora]`."
        );
        check("lora.layers", value, &expected);
    };
    layers("0,3,0", "[0, 3, 0]");
    layers("[0, -1]", "[0, -1]");
    layers("top", "\"top\"");
    check(
        "sft.lr",
        "fast",
        "--set sft.lr=fast: sft.lr: found `\"fast\"`; expected a number above 0. \
         An example: `lr = 1e-3` under `[sft]`.",
    );
    check(
        "twist.balance",
        "inverted",
        "--set twist.balance=inverted: twist.balance: found `\"inverted\"`; \
         expected one of `none`, `sqrt`, `inverse`. Did you mean `inverse`?",
    );
}

#[test]
fn one_label_is_enough_where_it_may_hold_or_not() {
    let one = GOOD.replace(
        "[\"negative\", \"neutral\", \"positive\"]",
        "[\"negative\"]",
    );
    for (shape, enough) in [
        ("single-label", false),
        ("multi-label", true),
        ("spans", true),
    ] {
        let text = one.replace("single-label", shape);
        assert_eq!(
            Recipe::parse(&text, "recipe.toml").is_ok(),
            enough,
            "{shape}"
        );
    }
}

#[test]
fn dials_of_another_shape_are_refused() {
    let check = |shape: &str, lines: &str, field: &str| {
        let text = format!("{}\n{lines}\n", GOOD.replace("single-label", shape));
        let error = Recipe::parse(&text, "recipe.toml").unwrap_err().to_string();
        assert!(
            error.contains(field) && error.contains("remove it"),
            "{error}"
        );
    };
    let fallback = "[routing]\nfallback = \"somebody\"";
    check("multi-label", fallback, "routing.fallback");
    let mut recipe = Recipe::parse(GOOD, "recipe.toml").unwrap();
    let error = recipe
        .set("twist.recall_floor", "0.9")
        .unwrap_err()
        .to_string();
    assert!(error.contains("Only `spans` recipes"), "{error}");
    recipe.set("twist.recall_floor", "0").unwrap();
    recipe.set("sft.epochs", "1e9").unwrap_err();
}

#[test]
fn floors_are_for_labels_of_the_recipe() {
    let parse = |floors: &str| {
        let text = GOOD.replace("single-label", "spans");
        Recipe::parse(
            &format!("{text}\n[twist]\nlabel_floors = {floors}\n"),
            "recipe.toml",
        )
    };
    let recipe = parse("{ negative = 0.5, neutral = 1 }").unwrap();
    assert_eq!(recipe.twist.label_floors["neutral"], 1.0);
    assert_eq!(Recipe::parse(&recipe.to_toml(), "again").unwrap(), recipe);
    let check = |floors: &str, expected: &str| {
        let error = parse(floors).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        "{ negativ = 0.5 }",
        "found `0.5` for `negativ`; expected a floor for a label of the recipe",
    );
    check("{ negativ = 0.5 }", "such as `negative`");
    check(
        "{ neutral = 1, negative = 2 }",
        "recipe.toml:20: twist.label_floors: found `2` for `negative`; expected a number from 0 to 1. \
         An example: `label_floors = { IBAN = 0.95 }` under `[twist]`.",
    );
    check("{ negative = \"a\" }", "found `\"a\"` for `negative`");
    check("0.9", "numbers from 0 to 1, each for a label");
    let mut recipe = recipe;
    recipe.set("twist.label_floors", "neutral=0.25").unwrap();
    assert_eq!(recipe.twist.label_floors.len(), 1);
}
