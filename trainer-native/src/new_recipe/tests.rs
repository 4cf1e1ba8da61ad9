//! Recipe folders from small data files.

use std::{collections::BTreeSet, fs};

use super::{
    split::{Cut, Item, cut},
    *,
};
use crate::{check::near, recipe_file::RecipeFile, rows};

/// Rows `word split i`, labelled in turn.
fn rows(count: usize, labels: &[&str]) -> String {
    let row = |i: usize| {
        let label = labels[i % labels.len()];
        format!("{{\"prompt\": \"text {i} of {label}\", \"completion\": \"{label}\"}}\n")
    };
    (0..count).map(row).collect()
}

fn request(files: &[(&str, &str)], shape: Shape) -> (tempfile::TempDir, Request) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = |name: &str| {
        let given = files.iter().any(|(own, _)| *own == name);
        given.then(|| folder.path().join(name))
    };
    let request = Request {
        folder: folder.path().join("My new_Recipe"),
        shape,
        train: folder.path().join("train"),
        dev: path("dev"),
        test: path("test"),
    };
    (folder, request)
}

#[test]
fn a_folder_that_trains() {
    let check = |files: &[(&str, &str)], sizes: [usize; 3], cut: &[&str]| {
        let (_folder, request) = request(files, Shape::SingleLabel);
        let made = make(&request).unwrap();
        assert_eq!((made.rows, made.cut.as_slice()), (sizes, cut));
        assert_eq!(made.labels, ["yes", "maybe", "no"]);
        let file = RecipeFile::load(&made.folder.display().to_string(), &[]).unwrap();
        let recipe = &file.recipe;
        assert_eq!(
            (&*recipe.id, &*recipe.title),
            ("my-new-recipe", "My new recipe")
        );
        assert_eq!(recipe.labels, made.labels);
        assert!(
            recipe.instruction.contains("yes, maybe or no"),
            "{}",
            recipe.instruction
        );
        assert!(!recipe.routing.is_on());
        for (name, size) in [&recipe.data.train, &recipe.data.dev, &recipe.data.test]
            .into_iter()
            .zip(sizes)
        {
            assert_eq!(
                rows::load(&file.data(name), recipe).unwrap().examples.len(),
                size
            );
        }
        let again = make(&request).unwrap_err().to_string();
        assert!(again.contains("not empty"), "{again}");
    };
    let train = rows(200, &["no", "yes", "maybe", "yes"]);
    let other = "{\"prompt\": \"else\", \"completion\": \"maybe\"}\n";
    check(&[("train", &train)], [160, 20, 20], &["dev", "test"]);
    check(
        &[("train", &train), ("dev", other)],
        [180, 1, 20],
        &["test"],
    );
    check(
        &[("train", &train), ("test", other)],
        [180, 20, 1],
        &["dev"],
    );
    let all: &[(&str, &str)] = &[("train", &train), ("dev", other), ("test", other)];
    check(all, [200, 1, 1], &[]);
}

#[test]
fn knobs_follow_the_labels() {
    let check = |labels: &[&str], shape, row: fn(&str) -> String, lines: &[&str]| {
        let row = |i: usize| row(labels[i % labels.len()]).replace('#', &i.to_string());
        let train: String = (0..200).map(row).collect();
        let (_folder, request) = request(&[("train", &train)], shape);
        make(&request).unwrap();
        let recipe = fs::read_to_string(request.folder.join("recipe.toml")).unwrap();
        for line in [
            "[twist]\nbalance = \"sqrt\"",
            "[routing]\nfallback = \"Other\"",
        ] {
            assert_eq!(recipe.contains(line), lines.contains(&line), "{recipe}");
        }
    };
    let single =
        |label: &str| format!("{{\"prompt\": \"text # of it\", \"completion\": \"{label}\"}}\n");
    let multi =
        |label: &str| format!("{{\"prompt\": \"text # of it\", \"completion\": [\"{label}\"]}}\n");
    let (balance, fallback) = (
        "[twist]\nbalance = \"sqrt\"",
        "[routing]\nfallback = \"Other\"",
    );
    let rare = ["a", "a", "a", "a", "a", "b"];
    check(&["a", "b"], Shape::SingleLabel, single, &[]);
    check(&rare, Shape::SingleLabel, single, &[balance]);
    check(&["a", "Other"], Shape::SingleLabel, single, &[fallback]);
    check(&["a", "Other"], Shape::MultiLabel, multi, &[]);
    check(&rare, Shape::MultiLabel, multi, &[balance]);
}

#[test]
fn what_cannot_become_a_recipe_is_refused_and_leaves_nothing() {
    let check = |train: &str, shape, words: &str| {
        let (folder, request) = request(&[("train", train)], shape);
        let error = make(&request).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{words}");
    };
    let one = Shape::SingleLabel;
    check("", one, "no rows");
    check("prompt,completion\n", one, ":1: not JSON");
    check(
        "\n{\"prompt\": \"a\"}",
        one,
        ":2: no text under `completion`",
    );
    check(
        "{\"prompt\": \"a\", \"completion\": 1}",
        one,
        "`completion`",
    );
    check(&rows(9, &["a"]), one, "one label only (a)");
    let spared = "a row is spared when each of its labels has at least 3 different texts, one for \
                  training and one for dev and for test; found, of the rarest,";
    check(
        &rows(3, &["a", "b", "c"]),
        one,
        &format!("spared for dev: {spared} 1 of \"a\", 1 of \"b\", 1 of \"c\". Add"),
    );
    check(
        &rows(4, &["a", "b"]),
        one,
        &format!("spared for test: {spared} 2 of \"a\", 2 of \"b\". Add"),
    );
    check(
        &rows(40, &["a ", "b"]),
        one,
        "train:1: the label \"a \" has white space",
    );
    check(
        &rows(40, &["b", "a\\n1"]),
        one,
        "train:2: the label \"a\\n1\" has a control",
    );
    check(
        &rows(40, &["a", "b", ""]),
        one,
        "train:3: the label \"\" is empty",
    );
    let free: String = (0..40)
        .map(|i| format!("{{\"prompt\": \"a {i}\", \"completion\": \"b {i}\"}}\n"))
        .collect();
    check(&free, one, "40 different labels");
    check(&rows(9, &["a"]), Shape::MultiLabel, "one label only");
    check(&rows(9, &["a"]), Shape::Grounded, "grounded");
}

#[test]
fn labels_that_look_alike_are_pointed_out() {
    let check = |labels: &[&str], warnings: usize| {
        let (_folder, request) = request(&[("train", &rows(300, labels))], Shape::SingleLabel);
        let made = make(&request).unwrap();
        assert_eq!(made.warnings.len(), warnings, "{:?}", made.warnings);
    };
    check(&["refund", "other"], 0);
    check(&["refund", "other", "Refund"], 1);
}

#[test]
fn no_text_is_on_two_sides() {
    let long = "the parcel came with a torn side and nobody at the shop picked up";
    let mut texts: Vec<(String, String)> = (0..300)
        .map(|i| (format!("note {i} about things"), "common".to_string()))
        .collect();
    for i in 0..60 {
        texts.push((format!("Note {i}  about THINGS"), "common".into()));
        texts.push((format!("{long} {i}"), "long".into()));
        texts.push((format!("other {i}"), format!("pair {}", i / 2)));
    }
    let classes: Vec<[String; 1]> = texts.iter().map(|(_, class)| [class.clone()]).collect();
    let items: Vec<Item<'_>> = texts
        .iter()
        .zip(&classes)
        .map(|((text, _), classes)| Item { text, classes })
        .collect();
    let Cut { train, parts } = cut(&items, &["note 7 about things"], &[48, 48], 0);
    let mut all: Vec<usize> = [&train, &parts[0], &parts[1]]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..items.len()).collect::<Vec<_>>(), "each row once");
    let side = |row: &usize| (train.contains(row), parts[0].contains(row));
    let named: Vec<&str> = texts.iter().map(|(text, _)| text.as_str()).collect();
    for group in near::groups(&named) {
        let sides: BTreeSet<_> = group.iter().map(side).collect();
        assert_eq!(sides.len(), 1, "{group:?}");
    }
    assert!(train.contains(&7), "its text is in a file that was given");
    for class in classes
        .iter()
        .map(|class| &class[0])
        .filter(|class| *class != "long")
    {
        let has = |rows: &[usize]| rows.iter().any(|&row| classes[row][0] == *class);
        assert!(has(&train) && has(&parts[0]), "{class}");
    }
    assert_eq!(
        cut(&items, &["note 7 about things"], &[48, 48], 0),
        Cut { train, parts }
    );
}

#[test]
fn a_row_fits_with_a_line_for_every_label() {
    let labels: Vec<String> = (0..28).map(|i| format!("aspect_{i}")).collect();
    let row = |i: usize| {
        let label = &labels[i % labels.len()];
        format!("{{\"prompt\": \"text {i}\", \"completion\": [\"{label}\"]}}\n")
    };
    let train: String = (0..140).map(row).collect();
    let (_folder, request) = request(&[("train", &train)], Shape::MultiLabel);
    let made = make(&request).unwrap();
    let file = RecipeFile::load(&made.folder.display().to_string(), &[]).unwrap();
    // 28 lines of about eight tokens each, which every row has.
    assert!(file.recipe.sft.max_tokens >= 28 * 8);
}

#[test]
fn one_label_is_enough_for_spans() {
    let row = |i: usize| {
        let end = 4 + i.to_string().len();
        format!(
            "{{\"text\": \"row {i}\", \"spans\": [{{\"start\": 4, \"end\": {end}, \"label\": \"NUMBER\"}}]}}\n"
        )
    };
    let train: String = (0..40).map(row).collect();
    let (_folder, request) = request(&[("train", &train)], Shape::Spans);
    assert_eq!(make(&request).unwrap().labels, ["NUMBER"]);
}
