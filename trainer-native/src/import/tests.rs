//! Small files of every format.

use super::*;

mod tables;

fn options(shape: Shape) -> Options {
    Options {
        shape,
        format: Format::Auto,
        text_column: None,
        label_column: None,
        recipe: None,
    }
}

fn recipe(keys: &str) -> Recipe {
    let text = format!(
        "id = \"a\"\ntitle = \"A\"\nsummary = \"a\"\ninstruction = \"x or z?\"\n{keys}\n\
         [data]\ntrain = \"a\"\ndev = \"b\"\ntest = \"c\"\nlicence = \"MIT\"\n"
    );
    Recipe::parse(&text, "recipe.toml").unwrap()
}

/// Accepted rows, and for each rejected one its line and code.
fn check(name: &str, file: &str, options: &Options, accepted: &[&str], rejected: &[(usize, Code)]) {
    let imported = import(Path::new(name), file.as_bytes(), options).unwrap();
    assert_eq!(imported.accepted, accepted, "{file}");
    let reasons: Vec<(usize, Code)> = imported
        .rejected
        .iter()
        .map(|row| (row.line, row.code))
        .collect();
    assert_eq!(reasons, rejected, "{file}");
}

#[test]
fn objects_with_text_and_label() {
    let one = options(Shape::SingleLabel);
    let row = r#"{"prompt": "a", "completion": "x"}"#;
    for written in [
        r#"{"prompt": "a", "completion": "x"}"#,
        r#"{"text": "a", "label": "x"}"#,
        r#"{"input": "a", "output": " x ", "id": 7}"#,
        r#"[{"text": "a", "label": "x"}]"#,
    ] {
        check("a.jsonl", written, &one, &[row], &[]);
    }
    let bad = "{\"text\": \" \", \"label\": \"x\"}\n{\"text\": \"a\"}\n\nnot json\n[1, 2, 3]\n\
               {\"text\": \"a\", \"label\": null}\n{\"text\": 1, \"label\": \"x\"}\n\
               {\"text\": \"a\", \"label\": [\"x\"]}\n";
    let codes = [
        (1, Code::EmptyText),
        (2, Code::MissingField),
        (4, Code::NotJson),
        (5, Code::NotARow),
        (6, Code::EmptyLabel),
        (7, Code::WrongType),
        (8, Code::WrongAnswer),
    ];
    check("a.jsonl", bad, &one, &[], &codes);
    let twice = r#"{"text": "a", "label": "x", "text": "b"}"#;
    check("a.jsonl", twice, &one, &[], &[(1, Code::NotJson)]);
    let list = format!("[{twice}]");
    check("a.jsonl", &list, &one, &[], &[(1, Code::NotJson)]);
    let known = Options {
        recipe: Some(recipe("shape = \"single-label\"\nlabels = [\"x\", \"z\"]")),
        ..options(Shape::SingleLabel)
    };
    let two = "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": \"y\"}";
    check("a.jsonl", two, &known, &[row], &[(2, Code::UnknownLabel)]);
    let named = Options {
        text_column: Some("body".to_string()),
        label_column: Some("queue".to_string()),
        ..options(Shape::SingleLabel)
    };
    let other = r#"{"body": "a", "queue": "x", "text": "b", "slice": "rare"}"#;
    let sliced = r#"{"prompt": "a", "completion": "x", "slice": "rare"}"#;
    check("a.jsonl", other, &named, &[sliced], &[]);
}

#[test]
fn lists_and_objects_as_answers() {
    let many = options(Shape::MultiLabel);
    let row = r#"{"prompt": "a", "completion": ["x","y"]}"#;
    for written in [
        r#"{"text": "a", "labels": ["x", "y"]}"#,
        r#"{"text": "a", "labels": "x|y"}"#,
        r#"{"text": "a", "labels": "[\"x\", \"y\"]"}"#,
    ] {
        check("a.jsonl", written, &many, &[row], &[]);
    }
    let none = r#"{"prompt": "a", "completion": []}"#;
    check("a.jsonl", none, &many, &[none], &[]);
    let twice = r#"{"text": "a", "labels": ["x", "x"]}"#;
    check("a.jsonl", twice, &many, &[], &[(1, Code::RepeatedLabel)]);
    let object = options(Shape::Structured);
    let row = r#"{"prompt": "a", "completion": {"n":1}}"#;
    check("a.jsonl", row, &object, &[row], &[]);
    let written = r#"{"prompt": "a", "completion": "{\"n\": 1}"}"#;
    check("a.jsonl", written, &object, &[row], &[]);
    let list = r#"{"prompt": "a", "completion": [1]}"#;
    check("a.jsonl", list, &object, &[], &[(1, Code::NotAnObject)]);
}

#[test]
fn conversations() {
    let turns = |roles: &[&str]| {
        let turns: Vec<String> = roles
            .iter()
            .enumerate()
            .map(|(i, role)| format!("{{\"role\": \"{role}\", \"content\": \"{role}{i}\"}}"))
            .collect();
        format!("{{\"messages\": [{}]}}", turns.join(", "))
    };
    let one = options(Shape::SingleLabel);
    let row = r#"{"prompt": "user1", "completion": "assistant2"}"#;
    let file = turns(&["system", "user", "assistant"]);
    check("a.jsonl", &file, &one, &[row], &[]);
    let imported = import(Path::new("a"), file.as_bytes(), &one).unwrap();
    assert_eq!(imported.format, Format::Messages);
    assert_eq!(imported.notes["rows whose system message was dropped"], 1);
    let file = turns(&["user", "assistant", "user", "assistant"]);
    let last = r#"{"prompt": "user2", "completion": "assistant3"}"#;
    check("a.jsonl", &file, &one, &[last], &[]);
    let bad = [turns(&["user"]), turns(&["assistant"]), turns(&[])].join("\n");
    let codes = [
        (1, Code::NoAssistantTurn),
        (2, Code::NoUserTurn),
        (3, Code::MissingField),
    ];
    check("a.jsonl", &bad, &one, &[], &codes);
    let trl = r#"{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "x"}]}"#;
    let row = r#"{"prompt": "a", "completion": "x"}"#;
    check("a.jsonl", trl, &one, &[row], &[]);
}

#[test]
fn labels_that_no_recipe_can_have() {
    let check = |label: &str, shape, code: Option<Code>| {
        let label = serde_json::json!(label);
        let file = match shape {
            Shape::MultiLabel => format!(r#"{{"text": "a", "labels": [{label}]}}"#),
            Shape::Spans => format!(r#"{{"text": "a", "spans": [[0, 1, {label}]]}}"#),
            _ => format!(r#"{{"text": "a", "label": {label}}}"#),
        };
        let imported = import(Path::new("a.jsonl"), file.as_bytes(), &options(shape)).unwrap();
        let found = imported.rejected.first().map(|row| row.code);
        assert_eq!(found, code, "{file}");
    };
    for shape in [Shape::SingleLabel, Shape::MultiLabel, Shape::Spans] {
        check(" x\n", shape, None);
        check("x\ny", shape, Some(Code::BadLabel));
        check("x\u{7}", shape, Some(Code::BadLabel));
        check(" \n", shape, Some(Code::EmptyLabel));
    }
}

#[test]
fn tagged_tokens() {
    let spans = options(Shape::Spans);
    let row = |text: &str, spans: &[(usize, usize, &str)]| {
        let spans: Vec<String> = spans
            .iter()
            .map(|(start, end, label)| {
                format!("{{\"start\": {start}, \"end\": {end}, \"label\": \"{label}\"}}")
            })
            .collect();
        format!(
            "{{\"text\": \"{text}\", \"spans\": [{}]}}",
            spans.join(", ")
        )
    };
    let one = |file: &str, text: &str, expected: &[(usize, usize, &str)]| {
        check("a.conll", file, &spans, &[&row(text, expected)], &[]);
    };
    let both = [(0, 6, "P"), (7, 9, "P")];
    one("Zoë B-P\nKo I-P\nAl B-P\n. O", "Zoë Ko Al .", &both);
    one("Zoë I-P\nKo I-P\nAl B-P\n. O", "Zoë Ko Al .", &both);
    one("Zoë B-P\nKo E-P\nAl S-P\n. O", "Zoë Ko Al .", &both);
    one("a I-P\nb I-Q", "a b", &[(0, 1, "P"), (2, 3, "Q")]);
    one("a I-P\nb O\nc I-P", "a b c", &[(0, 1, "P"), (4, 5, "P")]);
    one("-DOCSTART- -X- O\n\n# id 1\n# NN O\na NN O\n", "# a", &[]);
    let two = "a B-P\n\nb X-P\n\nc\td\tO\n";
    let rows = [row("a", &[(0, 1, "P")]), row("c", &[])];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    check("a.bio", two, &spans, &rows, &[(3, Code::BadTag)]);
    check("a", "a B-P\n", &spans, &[&row("a", &[(0, 1, "P")])], &[]);
    let blank = "a B-P\n\u{a0}\nb O\n";
    let code = [(1, Code::WrongColumns)];
    check("a.bio", blank, &spans, &[], &code);
    let alone = "a O\n\nb\n";
    check(
        "a.bio",
        alone,
        &spans,
        &[&row("a", &[])],
        &[(3, Code::WrongColumns)],
    );
}

#[test]
fn entities_by_offsets() {
    let spans = options(Shape::Spans);
    let row = r#"{"text": "👋 Al", "spans": [{"start": 2, "end": 4, "label": "P"}]}"#;
    for written in [
        r#"["👋 Al", {"entities": [[2, 4, "P"]]}]"#,
        r#"[["👋 Al", {"entities": [[2, 4, "P"]]}]]"#,
        r#"{"text": "👋 Al", "ents": [{"start": 2, "end": 4, "label": "P"}]}"#,
        r#"{"text": "👋 Al", "entities": [[2, 4, "P"]]}"#,
        r#"{"text": "👋 Al", "spans": [{"start": 2, "end": 4, "label": "P"}]}"#,
        r#"{"full_text": "👋 Al", "spans": [{"entity_type": "P", "entity_value": "Al", "start_position": 2, "end_position": 4}]}"#,
    ] {
        check("a.json", written, &spans, &[row], &[]);
    }
    let bad = |spans_written: &str, code| {
        let file = format!("{{\"text\": \"a b c\", \"ents\": {spans_written}}}");
        check("a.jsonl", &file, &spans, &[], &[(1, code)]);
    };
    bad("[[0, 6, \"P\"]]", Code::BadSpan);
    bad("[[2, 2, \"P\"]]", Code::BadSpan);
    bad("[[1, 2, \"P\"]]", Code::BadSpan);
    bad("[[-1, 2, \"P\"]]", Code::BadSpan);
    bad("[[0, 1]]", Code::BadSpan);
    bad("[[0, 2, \"P\"]]", Code::BadSpan);
    bad("[[0, 1, \"\"]]", Code::EmptyLabel);
    bad(
        "[{\"start\": 0, \"end\": 1, \"label\": \"P\", \"text\": \"b\"}]",
        Code::BadSpan,
    );
    bad("[[2, 5, \"P\"], [0, 3, \"Q\"]]", Code::OverlappingSpans);
    bad("7", Code::WrongType);
}

#[test]
fn every_row_comes_out() {
    let check = |name: &str, file: &[u8], shape, rows: usize| {
        let imported = import(Path::new(name), file, &options(shape)).unwrap();
        let out = imported.accepted.len() + imported.rejected.len();
        assert_eq!(out, rows, "{}", String::from_utf8_lossy(file));
    };
    check(
        "a.jsonl",
        b"{}\n\n7\n\xff\n\"\n{\"a\": [}",
        Shape::SingleLabel,
        5,
    );
    check("a.json", b"[{}, 7, null, \"x\"]", Shape::MultiLabel, 4);
    check(
        "a.csv",
        b"text,label\n,\n1\n1,2,3\n\"a\nb\",c\n",
        Shape::SingleLabel,
        4,
    );
    check("a.conll", b"\n\na O\n\n\n\xff O\n\nb\n", Shape::Spans, 3);
}

#[test]
fn files_that_are_refused() {
    let check = |name: &str, file: &[u8], shape, words: &str| {
        let error = import(Path::new(name), file, &options(shape)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    check("a.jsonl", b"\n", Shape::SingleLabel, "no rows");
    check("a.csv", b"text,label\n", Shape::SingleLabel, "no rows");
    check(
        "a.csv",
        b"a,label\n1,2\n",
        Shape::SingleLabel,
        "--text-column",
    );
    check(
        "a.csv",
        b"text,b\n1,2\n",
        Shape::SingleLabel,
        "--label-column",
    );
    check("a.parquet", b"PAR1", Shape::SingleLabel, "as Parquet");
    check(
        "a.parquet",
        b"text,label\na,x\n",
        Shape::SingleLabel,
        "as Parquet",
    );
    check("a.conll", b"a O\n", Shape::SingleLabel, "--shape spans");
    check("a.jsonl", b"{}", Shape::ToolCall, "tool-call");
}
