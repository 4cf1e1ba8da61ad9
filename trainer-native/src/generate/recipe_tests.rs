//! What must hold of the data of every recipe that has word banks. A recipe that is added as a
//! folder is tested without a change here.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use super::*;
use crate::recipe_file::gallery;

/// Every recipe of the gallery with a `bank` folder.
fn recipes() -> Vec<RecipeFile> {
    let entries = fs::read_dir(gallery().unwrap()).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("bank").is_dir());
    folders.sort();
    assert!(!folders.is_empty());
    let load = |folder: &PathBuf| RecipeFile::load(folder.to_str().unwrap(), &[]).unwrap();
    folders.iter().map(load).collect()
}

fn read(recipe: &RecipeFile, name: &str) -> String {
    fs::read_to_string(recipe.data(name)).unwrap()
}

/// The committed rows of a split.
fn committed(recipe: &RecipeFile, split: Split) -> Vec<Value> {
    let text = read(recipe, &format!("{}.jsonl", split.name()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or("")
}

/// What the model is shown of a row.
fn text(row: &Value) -> &str {
    let text = row.get("prompt").or_else(|| row.get("text"));
    text.and_then(Value::as_str).unwrap()
}

fn place(recipe: &RecipeFile, split: Split) -> String {
    format!("{}/{}.jsonl", recipe.recipe.id, split.name())
}

#[test]
fn the_committed_files_are_what_the_generator_gives() {
    for recipe in recipes() {
        for split in Split::ALL {
            let made = sample(&recipe, split).unwrap();
            let kept = read(&recipe, &format!("{}.jsonl", split.name()));
            assert!(
                kept == made,
                "{} is stale: write it anew with `slm data generate {}`",
                place(&recipe, split),
                recipe.recipe.id
            );
        }
    }
}

#[test]
fn the_splits_share_no_phrases() {
    for recipe in recipes() {
        let mut seen = Grams::default();
        for split in Split::ALL {
            let rows = committed(&recipe, split);
            for row in &rows {
                let share = seen.share_of(text(row));
                assert!(
                    share <= 0.2,
                    "{}: {share:.2} of its 5-grams are in another split: {}",
                    place(&recipe, split),
                    text(row)
                );
            }
            rows.iter().for_each(|row| seen.add(text(row)));
        }
    }
}

#[test]
fn no_row_stands_twice_in_a_split() {
    for recipe in recipes() {
        for split in Split::ALL {
            let mut seen = Grams::default();
            for row in committed(&recipe, split) {
                let share = seen.share_of(text(&row));
                assert!(share < 1.0, "{}: {}", place(&recipe, split), text(&row));
                seen.add(text(&row));
            }
        }
    }
}

#[test]
fn there_are_rows_enough() {
    for recipe in recipes() {
        let count = |name: &str| read(&recipe, name).lines().count();
        for (file, at_least) in [
            ("train.jsonl", 600),
            ("test.jsonl", 150),
            ("handwritten/test.jsonl", 60),
        ] {
            let rows = count(file);
            assert!(rows >= at_least, "{}/{file}: {rows}", recipe.recipe.id);
        }
    }
}

/// Checks one answer as strictly as the word banks are checked.
fn check_answer(answers: &Answers, row: &Value) -> Result<(), String> {
    match answers {
        Answers::Label(_) | Answers::Labels(_) => answers.check_fixed(row.get("completion")),
        Answers::Object(schema) => schema::check(schema.root(), &row["completion"], true),
        Answers::Spans(_) => {
            let characters: Vec<char> = text(row).chars().collect();
            let mut last = 0;
            for span in row["spans"].as_array().ok_or("no spans")? {
                let (start, end) = (span["start"].as_u64(), span["end"].as_u64());
                let (start, end) = start.zip(end).ok_or("a span lacks a bound")?;
                let inside = characters.get(start as usize..end as usize);
                let inside: String = inside.ok_or("a span is out of bounds")?.iter().collect();
                if start < last || inside.is_empty() || inside.trim() != inside {
                    return Err(format!("the span `{inside}` at {start} is out of place"));
                }
                answers.check_key(field(span, "label"))?;
                last = end;
            }
            Ok(())
        }
    }
}

#[test]
fn every_answer_is_one_that_the_recipe_knows() {
    for recipe in recipes() {
        let answers = Answers::of(&recipe).unwrap();
        for split in Split::ALL {
            for row in committed(&recipe, split) {
                let checked = check_answer(&answers, &row);
                assert!(
                    checked.is_ok(),
                    "{}: {checked:?}: {row}",
                    place(&recipe, split)
                );
            }
        }
    }
}

#[test]
fn another_seed_gives_other_rows_and_the_same_seed_the_same() {
    for recipe in recipes() {
        for split in Split::ALL {
            let generator = Generator::load(&recipe, split).unwrap();
            let rows = |seed| generator.rows(20, seed).unwrap();
            assert_eq!(rows(3), rows(3));
            assert_ne!(rows(3), rows(4));
        }
    }
}

fn count(rows: &[Value], name: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(field(row, name).to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn sentiment_is_as_large_and_as_uneven_as_promised() {
    let recipe = RecipeFile::load("sentiment", &[]).unwrap();
    for (split, at_least, positive) in [
        (Split::Train, 900, 0.45..0.55),
        (Split::Dev, 150, 0.40..0.55),
        (Split::Test, 200, 0.35..0.48),
    ] {
        let rows = committed(&recipe, split);
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
fn intent_has_a_long_tail() {
    let recipe = RecipeFile::load("intent", &[]).unwrap();
    for split in [Split::Train, Split::Dev, Split::Test] {
        let labels = count(&committed(&recipe, split), "completion");
        assert!((17..=30).contains(&labels.len()), "{}", split.name());
    }
    let labels = count(&committed(&recipe, Split::Train), "completion");
    let (most, least) = (
        labels.values().max().unwrap(),
        labels.values().min().unwrap(),
    );
    assert!(*most >= 20 * least, "{most} to {least}");
}
