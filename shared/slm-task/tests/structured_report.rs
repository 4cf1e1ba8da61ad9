//! Rows and reports of structured recipes, on answers that a hand can count.

use serde_json::{Value, json};
use slm_task::{
    Example, Failure, ObjectPrediction, Prediction, Recipe, Report, Target,
    baseline::Trivial,
    example,
    report::{self, Figures, Provenance, ReportInput, System, text},
    routing::Dials,
};

const SCHEMA: &str = r#"{"type": "object", "required": ["kind"], "additionalProperties": false, "properties": {
    "kind": {"enum": ["bug", "wish"]},
    "when": {"type": "string", "format": "date"},
    "items": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
        "name": {"type": "string", "x-compare": "normalized"},
        "price": {"type": "number", "x-compare": "number", "x-tolerance": 0.5}}}}}}"#;

fn recipe() -> Recipe {
    let text = r#"
        id = "tickets"
        title = "Tickets"
        shape = "structured"
        summary = "A ticket."
        instruction = "Write the ticket."
        schema = "schema.json"

        [data]
        train = "train.jsonl"
        dev = "dev.jsonl"
        test = "test.jsonl"
    "#;
    let mut recipe = Recipe::parse(text, "recipe.toml").unwrap();
    recipe.embed_schema(SCHEMA, "schema.json").unwrap();
    recipe.scoring.resamples = 50;
    recipe
}

const ROWS: &str = r#"{"prompt": "a", "completion": {"items": [{"price": 3.0, "name": "Tea"}], "kind": "bug", "when": null}}
{"prompt": "b", "completion": "{\"kind\": \"wish\", \"when\": \"2026-11-24\"}"}
{"prompt": "c", "completion": {"kind": "bug"}, "slice": "rare"}
{"prompt": "d", "completion": {"kind": "wish"}, "slice": "rare"}
"#;

fn rows() -> Vec<Example> {
    example::read_jsonl(ROWS.as_bytes(), "rows.jsonl", &recipe()).unwrap()
}

fn object(object: Value) -> Prediction {
    Prediction::Object(ObjectPrediction {
        probability: Some(0.5),
        tokens: 10,
        forced: 4,
        outside: Some(0.25),
        ..ObjectPrediction::fixed(object)
    })
}

fn failed() -> Prediction {
    Prediction::Failed(Failure::Unparsable {
        answer: "well".into(),
    })
}

/// Right, a wrong date, no answer, an answer that the schema refuses.
fn answers() -> Vec<Prediction> {
    vec![
        object(json!({"kind": "bug", "items": [{"name": "tea!", "price": 3.5}]})),
        object(json!({"kind": "wish", "when": "2026-11-25"})),
        failed(),
        object(json!({"kind": "wish", "items": [{"name": 1}]})),
    ]
}

fn report() -> Report {
    let (recipe, rows) = (recipe(), rows());
    let empty = Trivial::systems(&rows, &recipe).remove(0);
    let body = report::build(ReportInput {
        recipe: &recipe,
        rows: &rows,
        rows_in_file: rows.len(),
        systems: vec![
            System {
                name: "tuned".into(),
                predictions: answers(),
            },
            System {
                name: empty.name.into(),
                predictions: rows.iter().map(|row| empty.answer(row)).collect(),
            },
        ],
        train_classes: None,
        dials: Dials::default(),
        free: Some(vec![
            object(json!({"kind": "bug", "items": [{"name": "coffee"}]})),
            failed(),
            object(json!({"kind": "bug"})),
            object(json!({"kind": "rant"})),
        ]),
        provenance: Provenance::default(),
        warnings: Vec::new(),
    });
    Report::new(body.unwrap(), None)
}

#[test]
fn rows_are_read_in_one_form() {
    let shown: Vec<String> = rows().iter().map(|row| row.target.in_words()).collect();
    assert_eq!(
        shown[0],
        r#"{"kind":"bug","items":[{"name":"Tea","price":3}]}"#
    );
    assert_eq!(shown[1], r#"{"kind":"wish","when":"2026-11-24"}"#);
    assert_eq!(rows()[1].target.classes(), ["kind", "when"]);

    let check = |completion: &str, says: &str| {
        let line = format!("{{\"prompt\": \"a\", \"completion\": {completion}}}");
        let error = example::read_jsonl(line.as_bytes(), "rows.jsonl", &recipe());
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("rows.jsonl:1: completion"), "{error}");
        assert!(error.contains(says), "{error}");
    };
    check("[]", "found a list; expected a JSON object");
    check("\"{\"", "a text that is not JSON");
    check(
        "{}",
        "completion.kind: found nothing; expected one of `bug`, `wish`",
    );
    check(
        r#"{"kind": "rant"}"#,
        "completion.kind: found the text `rant`",
    );
    check(
        r#"{"kind": "bug", "more": 1}"#,
        "found `more`; expected a property of `kind`",
    );
    check(
        r#"{"kind": "bug", "items": [{"price": "3"}]}"#,
        "completion.items[0].price: found the text `3`; expected a number",
    );
}

#[test]
fn the_numbers_are_those_of_a_hand() {
    let body = report().body;
    let value = |name: &str, system: usize| {
        let headline = body.systems[system].headline.iter();
        headline.clone().find(|h| h.name == name).unwrap().value
    };
    assert_eq!(body.headline[0].name, "exact_object");
    assert_eq!(value("exact_object", 0), 0.25);
    assert_eq!(value("valid_json", 0), 0.75);
    // Wanted values: kind four times, when once, name and price once. Answered: kind three times,
    // when once, name twice, price once. Right: kind three times, name and price once.
    let (precision, recall) = (5.0 / 7.0, 5.0 / 7.0);
    let f1: f64 = 2.0 * precision * recall / (precision + recall);
    assert!((value("field_f1", 0) - f1).abs() < 1e-12);
    // Of the three that parsed: kind 3, when 2, name 2, price 3.
    let accuracy: f64 = (1.0 + 2.0 / 3.0 + 2.0 / 3.0 + 1.0) / 4.0;
    assert!((value("field_accuracy", 0) - accuracy).abs() < 1e-12);

    // Always `{}`: no field is right where it is present, most are right on accuracy.
    assert_eq!(body.systems[1].name, "empty");
    assert_eq!(value("field_f1", 1), 0.0);
    assert_eq!(value("field_accuracy", 1), (0.0 + 0.75 * 3.0) / 4.0);
    assert_eq!(value("valid_json", 1), 1.0);

    let Figures::Structured(figures) = &body.systems[0].figures else {
        panic!("figures of another shape");
    };
    assert_eq!(figures.valid_schema, 0.5);
    assert_eq!(figures.outside, Some(0.25));
    let paths: Vec<_> = figures
        .fields
        .iter()
        .map(|field| field.path.as_str())
        .collect();
    assert_eq!(paths, ["kind", "when", "items[].name", "items[].price"]);
    assert_eq!(
        (figures.fields[0].support, figures.fields[0].predicted),
        (4, 3)
    );
    assert_eq!(body.slices["rare"].accuracy, 0.0);
    assert_eq!(body.mistakes.len(), 3);
    assert!(matches!(&body.mistakes[0].gold, Target::Object(_)));
}

#[test]
fn the_grammar_is_compared_with_free_decoding() {
    let body = report().body;
    let found = body.decoding.clone().unwrap();
    let (held, free) = (&found.constrained, &found.free);
    assert_eq!((held.parsed, held.valid, held.exact), (3, 2, 1));
    assert_eq!((free.parsed, free.valid, free.exact), (3, 2, 1));
    // Row 2 parses only under the grammar, row 3 only freely; row 1 differs. Row 4 differs, too, but is
    // not valid.
    assert_eq!((found.gained, found.lost, found.changed), (1, 1, 1));
    assert_eq!((found.forced_share, found.masked), (0.4, 0.25));
    let text = text::report(&report());
    for part in [
        "items[].price",
        "75.0 % of the answers are JSON",
        "under the grammar",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let again = Report::parse(&report().to_json(), "report.json").unwrap();
    assert_eq!(again.to_json(), report().to_json());
}

#[test]
fn a_recipe_needs_a_schema_that_reads() {
    let check = |schema: &str, says: &str| {
        let text = recipe().to_toml();
        let mut table: toml::Table = text.parse().unwrap();
        match schema {
            "" => drop(table.remove("schema")),
            schema => drop(table.insert("schema".into(), schema.into())),
        }
        let error = Recipe::parse(&table.to_string(), "recipe.toml")
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    };
    check("", "schema: found nothing");
    check(
        "../schema.json",
        "a file name inside the recipe's folder, or a JSON Schema",
    );
    check("{\"type\": \"string\"}", "schema: type: found a text");
    // Written out and read again, the schema is the recipe's own.
    let again = Recipe::parse(&recipe().to_toml(), "recipe.toml").unwrap();
    assert_eq!(again, recipe());
    assert_eq!(again.schema_file(), None);
    let mut other = recipe();
    assert!(
        other
            .set("twist.upsample", "3")
            .unwrap_err()
            .to_string()
            .contains("remove it")
    );
    assert!(
        other
            .set("shape", "spans")
            .unwrap_err()
            .to_string()
            .contains("labels")
    );
}
