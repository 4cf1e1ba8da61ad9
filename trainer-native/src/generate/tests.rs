//! Whole rows of small banks, one of each kind of answer.

use serde_json::Value;
use slm_task::Schema;

use super::*;

const SCHEMA: &str = r#"{"type": "object", "additionalProperties": false, "required": ["due"], "properties": {
    "shop": {"type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"}}},
    "items": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
        "qty": {"type": "integer"}, "name": {"type": "string"}}}},
    "due": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}}}}"#;

fn labels(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn object() -> Answers {
    Answers::Object(Box::new(Schema::parse(SCHEMA, "schema.json").unwrap()))
}

/// A generator over a bank of one form and one domain.
fn generator(style: &str, form: &str, lists: &str, answers: Answers) -> Generator {
    let form = format!("rows = 2\nstyle = \"{style}\"\n[[form]]\nweight = 1\n{form}");
    let text = format!("{form}\n[[domain]]\nid = \"all\"\n{lists}");
    Generator::new(&text, "bank.toml".into(), answers).unwrap()
}

#[test]
fn writes_rows_of_every_kind() {
    let check = |form: &str, lists: &str, answers: Answers, expected: &str| {
        let generator = generator("plain", form, lists, answers);
        assert_eq!(generator.rows(1, 0).unwrap(), [expected]);
    };
    check(
        r#"text = ["one thing. and another.."]
           answer = "b"
           slice = "rare""#,
        "",
        Answers::Label(labels(&["a", "b"])),
        r#"{"prompt":"One thing. And another.","completion":"b","slice":"rare"}"#,
    );
    check(
        r#"text = ["hm"]
           answer = ["c", "a"]"#,
        "",
        Answers::Labels(labels(&["a", "b", "c"])),
        r#"{"prompt":"Hm","completion":["a","c"]}"#,
    );
    check(
        r#"text = ["hm"]
           slice = "rare"
           answer = []"#,
        r#"slice = "out_of_domain""#,
        Answers::Labels(labels(&["a", "b"])),
        r#"{"prompt":"Hm","completion":[],"slice":"out_of_domain"}"#,
    );
    check(
        r#"text = ["<NAME {who}>, 🙂 café: <MAIL  a@b.example>.<NAME {none}> thanks"]"#,
        r#"who = ["ngozi obi => x"]
           none = [""]"#,
        Answers::Spans(labels(&["NAME", "MAIL"])),
        r#"{"text":"ngozi obi, 🙂 Café: a@b.example. Thanks","spans":[{"start":0,"end":9,"label":"NAME"},{"start":19,"end":30,"label":"MAIL"}]}"#,
    );
    check(
        r#"answer = { tags = ["order"], shop = { name = "?" } }
           text = ["{day} or <due {day}>, <items+.qty {two}> <items.name tea> and <items+.name [cake]>; <tags+ {tag}>, from <shop.name Acme Ltd.>. bye"]"#,
        r#"day = ["{friday}", "{friday}"]
           friday = ["on friday => 2024-05-03", "on friday => 2024-05-03"]
           two = ["two => 2"]
           tag = ["urgent"]"#,
        object(),
        r#"{"prompt":"On friday or on friday, two tea and cake; urgent, from Acme Ltd. Bye","completion":{"shop":{"name":"Acme Ltd."},"items":[{"qty":2,"name":"tea"},{"name":"cake"}],"due":"2024-05-03","tags":["order","urgent"]}}"#,
    );
}

#[test]
fn no_style_alters_what_is_captured() {
    let form = r#"text = ["my neighbour's colour is <X {it}>, and {word} <Y Grey Street's>. {word}!"]
                  feeling = "positive""#;
    let lists = r#"it = ["McColour's grey theatre", "É. Ünal", "日本 🙂 petrol"]
                   word = ["alpha beta gamma delta", "one two three four", "red blue green pink", "so it went on then", "here and there it is"]"#;
    let answers = Answers::Spans(labels(&["X", "Y"]));
    let generator = generator("chat", form, lists, answers);
    for seed in 0..200 {
        let row: Value = serde_json::from_str(&generator.rows(1, seed).unwrap()[0]).unwrap();
        let text: Vec<char> = row["text"].as_str().unwrap().chars().collect();
        let bound = |span: usize, name: &str| row["spans"][span][name].as_u64().unwrap() as usize;
        let place = |span| text[bound(span, "start")..bound(span, "end")].iter();
        let (it, street): (String, String) = (place(0).collect(), place(1).collect());
        assert!(lists.contains(&format!("\"{it}\"")), "{row}");
        assert_eq!(street, "Grey Street's");
    }
}

#[test]
fn says_why_a_row_cannot_be_written() {
    let check = |form: &str, lists: &str, rows, says: &str| {
        let error = generator("plain", form, lists, object()).rows(rows, 0);
        let error = error.unwrap_err().to_string();
        let place = "bank.toml: ";
        assert!(error.starts_with(place) && error.contains(says), "{error}");
        assert!(error.contains("form 1 ("), "{error}");
    };
    let due = r#"text = ["{lead}<due today>"]"#;
    check(
        due,
        r#"lead = ["a ", "b "]"#,
        100_000,
        "Lower `rows`, or add words",
    );
    check(r#"text = ["<tags+ x>"]"#, "", 1, "`due`: found nothing");
    check(
        r#"text = ["<items.name x>"]"#,
        "",
        1,
        "Begin one with `items+`",
    );
    check(
        r#"text = ["<items+.qty few>"]"#,
        "",
        1,
        "`few` is not a whole number",
    );
    check(
        r#"text = ["<due x> <due x>"]"#,
        "",
        1,
        "captured twice. Capture it once. The text: x x",
    );
}
