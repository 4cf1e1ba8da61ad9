use slm_task::Schema;

use super::*;

const SMALL: &str = r#"
    rows = 2
    style = "chat"
    [[form]]
    answer = "positive"
    feeling = "positive"
    weight = 1
    text = ["{thing} is [good|{how}]."]
    [shared]
    how = ["fine"]
    [[domain]]
    id = "a"
    thing = ["tea", "cake"]
    [[domain]]
    id = "b"
    other = ["x"]
"#;

fn labels() -> Vec<String> {
    ["positive", "negative"].map(str::to_owned).to_vec()
}

fn object() -> Answers {
    let schema = r#"{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}}}"#;
    Answers::Object(Box::new(Schema::parse(schema, "schema.json").unwrap()))
}

#[test]
fn knows_which_domains_have_the_words() {
    let bank = Bank::parse(SMALL, "bank.toml", &Answers::Label(labels())).unwrap();
    assert_eq!((bank.unfit(0, 0), bank.rows), (&[1][..], 2));
}

/// Changes the small bank and expects an error that names the file and says something.
fn check(answers: &Answers, changes: &[(&str, &str)], says: &str) {
    let mut text = SMALL.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let error = Bank::parse(&text, "bank.toml", answers).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("bank.toml: ") && error.contains(says),
        "{error}"
    );
}

#[test]
fn refuses_a_bank_that_cannot_be_written() {
    let form = "form 1 (`{thing} is [good|{how}].`): ";
    for (from, to, says) in [
        (
            "{how}",
            "{hwo}",
            "fits no domain: `b`, for one, has no list `thing`",
        ),
        (
            "{thing} is",
            "{how} {hwo}",
            "has no list `hwo`, nor has [shared]",
        ),
        (
            "|{how}]",
            "|{how}",
            "`[` in `{thing} is [good|{how}.` is never closed",
        ),
        ("weight = 1", "", "weight"),
        ("weight = 1", "weight = 0", "no [[form]] has a weight"),
        ("weight = 1", "weight = 1\nwieght = 2", "wieght"),
        (
            "weight = 1",
            "weight = 9000000000000",
            "its weight is 9000000000000",
        ),
        (
            "rows = 2",
            "rows = 9000000000000",
            "`rows` is 9000000000000",
        ),
        (
            "\"{thing} is [good|{how}].\"",
            "\"\", \"x\"",
            "a template of it is empty",
        ),
        ("\"{thing} is [good|{how}].\"", "", "it has no text"),
        (
            "\"positive\"\n    feeling",
            "\"postive\"\n    feeling",
            &format!("{form}the recipe has no label `postive`. Write one of: positive, negative."),
        ),
        ("answer = \"positive\"", "answer = []", "expected one label"),
        ("answer = \"positive\"", "", "expected one label"),
        (
            "{thing} is",
            "<positive {thing}> is",
            "answers are not captured",
        ),
        ("chat", "plain", "a feeling shows only in"),
        ("chat", "loud", "loud"),
        (
            "\"tea\"",
            "\"{thing}\"",
            "the list `thing` draws from itself",
        ),
        (
            "\"fine\"",
            "\"fine}\"",
            "list `how` of [shared]: `}` in `fine}` belongs to no bracket",
        ),
        (
            "\"tea\"",
            "\"tea => \"",
            "list `thing` of a: the value `` is no plain text",
        ),
        (
            "\"tea\"",
            "\"tea => {how}\"",
            "the value `{how}` is no plain text",
        ),
    ] {
        check(&Answers::Label(labels()), &[(from, to)], says);
    }
}

#[test]
fn refuses_answers_that_the_recipe_lacks() {
    let answer = "answer = \"positive\"";
    let spans = Answers::Spans(labels());
    check(&spans, &[], "Leave `answer` out");
    check(
        &spans,
        &[(answer, ""), ("{thing}", "<neutral {thing}>")],
        "no label `neutral`",
    );
    let nested = [
        (answer, ""),
        ("{thing} is", "<positive {thing}> is"),
        ("\"tea\"", "\"<negative tea>\""),
    ];
    check(&spans, &nested, "a capture inside another");
    let any = Answers::Labels(labels());
    check(&any, &[], "expected a list of labels");
    check(&any, &[(answer, "answer = [\"good\"]")], "no label `good`");
    check(&any, &[(answer, "answer = [1]")], "as texts");
    let object = object();
    check(&object, &[], "expected fields");
    check(
        &object,
        &[(answer, "answer = { c = 1 }")],
        "the answer: found `c`",
    );
    check(
        &object,
        &[(answer, "answer = { a = \"x\" }")],
        "`a`: found the text `x`; schema.json expects a whole number",
    );
    check(
        &object,
        &[(answer, "answer = { b = \"y\" }")],
        "`b`: found the text `y`; schema.json expects `x`",
    );
    check(
        &object,
        &[(answer, ""), ("{thing} is", "<c {thing}> is")],
        "no field `c`",
    );
    check(
        &object,
        &[(answer, ""), ("\"tea\"", "\"<a.b tea>\"")],
        "list `thing` of a: schema.json has no field `a.b`",
    );
}
