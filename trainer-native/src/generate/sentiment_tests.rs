use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use super::*;

fn recipe_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../static/recipes/sentiment")
}

fn committed(split: Split) -> Vec<Value> {
    let path = recipe_folder().join(format!("{}.jsonl", split.name()));
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or("")
}

fn count(rows: &[Value], name: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(field(row, name).to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn the_committed_files_are_what_the_generator_gives() {
    for split in Split::ALL {
        let file = format!("{}.jsonl", split.name());
        let handwritten =
            fs::read_to_string(recipe_folder().join("handwritten").join(&file)).unwrap();
        let made = sample(split, &handwritten).unwrap();
        let kept = fs::read_to_string(recipe_folder().join(&file)).unwrap();
        assert!(
            kept == made,
            "{file} is stale: write it anew with `slm data generate sentiment`"
        );
    }
}

#[test]
fn the_splits_share_no_phrases() {
    let mut seen = Grams::default();
    for split in Split::ALL {
        let rows = committed(split);
        for row in &rows {
            let prompt = field(row, "prompt");
            let share = seen.share_of(prompt);
            assert!(
                share <= 0.2,
                "{}: {share:.2} of its 5-grams are in another split: {prompt}",
                split.name()
            );
        }
        rows.iter().for_each(|row| seen.add(field(row, "prompt")));
    }
}

#[test]
fn no_row_stands_twice_in_a_split() {
    for split in Split::ALL {
        let mut seen = Grams::default();
        for row in committed(split) {
            let prompt = field(&row, "prompt");
            assert!(seen.share_of(prompt) < 1.0, "{}: {prompt}", split.name());
            seen.add(prompt);
        }
    }
}

#[test]
fn the_sample_is_as_large_and_as_uneven_as_promised() {
    for (split, at_least, positive) in [
        (Split::Train, 900, 0.45..0.55),
        (Split::Dev, 150, 0.40..0.55),
        (Split::Test, 200, 0.35..0.48),
    ] {
        let rows = committed(split);
        assert!(rows.len() >= at_least, "{}: {}", split.name(), rows.len());
        let labels = count(&rows, "completion");
        assert_eq!(
            labels.keys().collect::<Vec<_>>(),
            ["negative", "neutral", "positive"]
        );
        let share = labels["positive"] as f64 / rows.len() as f64;
        assert!(positive.contains(&share), "{}: {share}", split.name());
        assert!(labels["positive"] > labels["negative"] && labels["negative"] > labels["neutral"]);
        for (slice, rows) in count(&rows, "slice") {
            let known = ["", "ambiguous", "hard_negative", "out_of_domain", "rare"];
            assert!(
                known.contains(&&*slice) && rows >= 10,
                "{}: {slice}: {rows}",
                split.name()
            );
            assert!(slice != "out_of_domain" || split != Split::Train);
        }
    }
}

#[test]
fn another_seed_gives_other_rows_and_the_same_seed_the_same() {
    for split in Split::ALL {
        let rows = |seed| sentiment(split, 20, seed).unwrap();
        assert_eq!(rows(3), rows(3));
        assert_ne!(rows(3), rows(4));
    }
}

#[test]
fn an_exhausted_bank_says_so() {
    let error = sentiment(Split::Test, 100_000, 0).unwrap_err().to_string();
    assert!(error.contains("Ask for fewer"), "{error}");
}
