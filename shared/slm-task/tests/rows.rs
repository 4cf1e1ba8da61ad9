//! Data files as users have them: what is accepted, and what is said about the rest.

use slm_task::{Recipe, TaskError, example};

fn recipe() -> Recipe {
    let text = r#"id = "sentiment"
title = "Sentiment"
summary = "How a sentence feels."
shape = "single-label"
instruction = "Say how the text feels."
labels = ["negative", "neutral", "positive"]
[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;
    Recipe::parse(text, "recipe.toml").unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<slm_task::Example>, TaskError> {
    example::read_jsonl(bytes, "train.jsonl", &recipe())
}

const ROW: &str = r#"{"prompt": "What a day!", "completion": "positive"}"#;

#[test]
fn rows_are_read_with_their_lines_and_slices() {
    let text = format!("\n{ROW}\n  \n{{\"slice\": \"rare\", {}\n", &ROW[1..]);
    let rows = read(text.as_bytes()).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].line, rows[1].line), (2, 4));
    assert_eq!(rows[0].prompt, "What a day!");
    assert_eq!(rows[0].target.in_words(), "positive");
    assert_eq!(rows[0].slice, None);
    assert_eq!(rows[1].slice.as_deref(), Some("rare"));
}

#[test]
fn byte_order_mark_crlf_and_a_missing_last_line_end_are_accepted() {
    let plain = read(format!("{ROW}\n{ROW}\n").as_bytes()).unwrap();
    for text in [
        format!("\u{feff}{ROW}\n{ROW}\n"),
        format!("{ROW}\r\n{ROW}\r\n"),
        format!("{ROW}\n{ROW}"),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), plain, "{text:?}");
    }
}

#[test]
fn a_line_of_a_megabyte_is_read() {
    let long = "long ".repeat(200_000);
    let text = format!(r#"{{"prompt": "{long}", "completion": "neutral"}}"#);
    assert_eq!(read(text.as_bytes()).unwrap()[0].prompt, long);
}

#[test]
fn errors_say_where_what_and_what_to_do() {
    let check = |line: &str, expected: &str| {
        let text = format!("{ROW}\n{line}\n");
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, format!("train.jsonl:2: {expected}"));
    };
    check(
        r#"{"prompt": "So so", "completion": "postive"}"#,
        "completion: found `postive`; expected one of `negative`, `neutral`, `positive`. \
         Did you mean `positive`?",
    );
    check(
        r#"{"prompt": "So so", "completion": "banana"}"#,
        "completion: found `banana`; expected one of `negative`, `neutral`, `positive`. \
         Correct the row, or add the label to the recipe.",
    );
    check(
        r#"{"promt": "So so", "completion": "neutral"}"#,
        "promt: unknown key; did you mean `prompt`?",
    );
    check(
        r#"{"prompt": "So so", "completion": "neutral", "slices": "rare"}"#,
        "slices: unknown key; did you mean `slice`?",
    );
    check(
        r#"{"prompt": "So so"}"#,
        "completion: found nothing; expected a text. \
         Write `\"completion\": \"…\"` with a text that is not blank.",
    );
    check(
        r#"{"prompt": 7, "completion": "neutral"}"#,
        "prompt: found `7`; expected a text. \
         Write `\"prompt\": \"…\"` with a text that is not blank.",
    );
    check(
        r#"{"prompt": " ", "completion": "neutral"}"#,
        "prompt: found an empty text; expected a text. \
         Write `\"prompt\": \"…\"` with a text that is not blank.",
    );
    check(
        r#"{"prompt": "So so", "completion": ["neutral"]}"#,
        "completion: found a list; expected a text. \
         Write `\"completion\": \"…\"` with a text that is not blank.",
    );
    check(
        r#"["So so", "neutral"]"#,
        "found a list; expected a JSON object. \
         Write `{\"prompt\": \"…\", \"completion\": \"…\"}` on one line.",
    );
    check(
        r#"{"prompt": "So \ud83d so", "completion": "neutral"}"#,
        "found `{\"prompt\": \"So \\ud83d so\", \"completion\": \"neutral\"}` \
         (unexpected end of hex escape, column 22); expected one JSON object on the line. \
         A `\\u` escape is half of a character (a lone surrogate): write the whole character.",
    );
    check(
        r#"{"prompt": "So so", "completion": "neutral", "prompt": "No"}"#,
        "found `{\"prompt\": \"So so\", \"completion\": \"neutral\", \"prompt\": \"No\"}` \
         (the key `prompt` stands twice in one object; keep one, column 53); \
         expected one JSON object on the line. JSON is read without loss or not at all.",
    );
    check(
        r#"{"prompt": "So "so"", "completion": "neutral"}"#,
        "found `{\"prompt\": \"So \"so\"\", \"completion\": \"neutral\"}` \
         (expected `,` or `}`, column 17); expected one JSON object on the line. \
         Quotes and line breaks inside a text are written `\\\"` and `\\n`.",
    );
}

#[test]
fn what_is_not_utf8_is_an_error_with_its_line() {
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(read(bytes).unwrap_err().to_string(), expected);
    };
    let mut latin = format!("{ROW}\n").into_bytes();
    latin.extend(b"{\"prompt\": \"caf\xe9\", \"completion\": \"neutral\"}\n");
    check(
        &latin,
        "train.jsonl:2: found byte 0xe9 at column 16; expected UTF-8 text. \
         Save the file as UTF-8.",
    );
    check(
        b"\xff\xfe{\0",
        "train.jsonl:1: found byte 0xff at column 1; expected UTF-8 text. \
         The file is UTF-16: save it as UTF-8.",
    );
}

#[test]
fn a_file_without_rows_is_an_error() {
    for bytes in [&b""[..], b"\n\r\n  \n", b"\xef\xbb\xbf"] {
        assert_eq!(
            read(bytes).unwrap_err().to_string(),
            "train.jsonl: found no rows; expected one JSON object a line, \
             `{\"prompt\": \"…\", \"completion\": \"…\"}`. \
             Check that this is the right file and that it was written to the end."
        );
    }
}

#[test]
fn keys_that_nothing_reads_are_counted() {
    let line = format!("{{\"source\": 1, {}", &ROW[1..]);
    let text = format!("{line}\n{ROW}\n{line}\n");
    let rows = example::read_rows(text.as_bytes(), "train.jsonl", &recipe()).unwrap();
    assert_eq!(rows.examples.len(), 3);
    let expected = "train.jsonl: key `source` is ignored in 2 rows";
    assert_eq!(rows.warnings, [expected]);
}

#[test]
fn other_shapes_are_a_typed_error() {
    for shape in slm_task::Shape::NAMES.iter().skip(4) {
        let mut recipe = recipe();
        recipe.set("shape", shape).unwrap();
        let error = example::read_jsonl(ROW.as_bytes(), "train.jsonl", &recipe);
        assert!(matches!(error, Err(TaskError::Shape { .. })), "{error:?}");
    }
}

#[test]
fn labels_are_warned_about() {
    let check = |labels: &[&str], expected: &[&str]| {
        let lines: Vec<String> = labels.iter().map(|l| ROW.replace("positive", l)).collect();
        let rows = read(lines.join("\n").as_bytes()).unwrap();
        let warnings = example::check_labels(&rows, &recipe().labels);
        assert_eq!(warnings, expected);
    };
    check(&["negative", "neutral", "positive"], &[]);
    check(
        &["negative", "positive"],
        &["no row has the label `neutral`"],
    );
    check(
        &["neutral", "neutral"],
        &["all 2 rows have the label `neutral`: there is nothing to tell apart"],
    );
}

fn several() -> Recipe {
    let mut recipe = recipe();
    recipe.set("shape", "multi-label").unwrap();
    recipe
}

#[test]
fn several_labels_are_read_in_recipe_order() {
    let check = |completion: &str, expected: &[&str]| {
        let row = format!(r#"{{"prompt": "What a day!", "completion": {completion}}}"#);
        let rows = example::read_jsonl(row.as_bytes(), "train.jsonl", &several()).unwrap();
        assert_eq!(rows[0].target.classes(), expected, "{completion}");
    };
    check(r#"["positive", "negative"]"#, &["negative", "positive"]);
    check("[]", &[]);
    check(r#""neutral""#, &["neutral"]);
}

#[test]
fn wrong_lists_of_labels_are_refused_in_words() {
    let check = |completion: &str, expected: &str| {
        let row = format!(r#"{{"prompt": "What a day!"{completion}}}"#);
        let error = example::read_jsonl(row.as_bytes(), "train.jsonl", &several()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("train.jsonl:1: completion: found "),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
    };
    check("", "found nothing; expected a list of labels");
    check(
        r#", "completion": 3"#,
        "found `3`; expected a list of labels",
    );
    check(
        r#", "completion": [true]"#,
        "found `true`; expected a list of labels",
    );
    check(
        r#", "completion": ["neutral", "neutral"]"#,
        "found `neutral` twice",
    );
    check(r#", "completion": ["netural"]"#, "Did you mean `neutral`?");
}

fn read_spans(spans: &str) -> Result<Vec<slm_task::Example>, TaskError> {
    let mut recipe = recipe();
    recipe.set("shape", "spans").unwrap();
    // 13 characters, 16 bytes.
    let row = format!(r#"{{"text": "Zoë, 王 at Kew", "spans": {spans}, "slice": "rare"}}"#);
    example::read_jsonl(row.as_bytes(), "train.jsonl", &recipe)
}

#[test]
fn bounds_of_spans_count_code_points() {
    let check = |spans: &str, expected: &[(&str, &str)]| {
        let row = read_spans(spans).unwrap().remove(0);
        let slm_task::Target::Spans(spans) = &row.target else {
            panic!("{:?}", row.target);
        };
        let found: Vec<(&str, &str)> = (spans.iter())
            .map(|span| (&row.prompt[span.start..span.end], span.label.as_str()))
            .collect();
        assert_eq!(found, expected);
        for span in spans {
            let place = example::code_points(&row.prompt, span.start..span.end);
            let characters: String = row
                .prompt
                .chars()
                .skip(place.start)
                .take(place.len())
                .collect();
            assert_eq!(characters, row.prompt[span.start..span.end]);
        }
    };
    check("[]", &[]);
    check(
        r#"[{"start": 5, "end": 6, "label": "neutral"}, {"start": 0, "end": 3, "label": "positive"}]"#,
        &[("Zoë", "positive"), ("王", "neutral")],
    );
    check(
        r#"[{"start": 10, "end": 13, "label": "negative"}]"#,
        &[("Kew", "negative")],
    );
}

#[test]
fn wrong_spans_are_refused_with_their_place() {
    let check = |spans: &str, expected: &str| {
        let error = read_spans(spans).unwrap_err().to_string();
        let expected = format!("train.jsonl:1: {expected}");
        assert!(error.starts_with(&expected), "{error}");
    };
    check("null", "spans: found null; expected a list of spans.");
    check(
        "[3]",
        "spans[0].start: found nothing; expected a whole number",
    );
    check(
        r#"[{"start": 0, "end": 14, "label": "neutral"}]"#,
        "spans[0]: found 0 to 14; expected a part of the text, which has 13 characters.",
    );
    check(
        r#"[{"start": 3, "end": 3, "label": "neutral"}]"#,
        "spans[0]: found 3 to 3;",
    );
    check(
        r#"[{"start": 4, "end": 6, "label": "neutral"}]"#,
        "spans[0]: found ` 王`; expected a part without white space at its ends.",
    );
    check(
        r#"[{"start": 0, "end": 3, "label": "neutrl"}]"#,
        "spans[0].label: found `neutrl`; expected one of `negative`, `neutral`, `positive`. \
         Did you mean `neutral`?",
    );
    check(
        r#"[{"start": 0, "end": 6, "label": "neutral"}, {"start": 5, "end": 6, "label": "neutral"}]"#,
        "spans: found `王` over `Zoë, 王`; expected spans that do not overlap.",
    );
}
