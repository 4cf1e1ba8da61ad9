//! Schemas of structured answers: what is read, what is refused, and which answers are valid.

use serde::Deserialize;
use serde_json::{Value, json};
use slm_task::Schema;

mod golden;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    schema: Value,
    values: Vec<(Value, bool)>,
}

#[test]
fn valid_is_what_the_python_package_jsonschema_says() {
    let golden: Golden = golden::read("schema.json");
    assert!(
        golden
            .cases
            .iter()
            .map(|case| case.values.len())
            .sum::<usize>()
            >= 700
    );
    for case in golden.cases {
        let schema = Schema::parse(&case.schema.to_string(), "schema.json").unwrap();
        for (value, valid) in case.values {
            let found = schema.violations(&value);
            assert_eq!(found.is_empty(), valid, "{} {value} {found:?}", case.schema);
        }
    }
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

#[test]
fn what_is_outside_the_subset_is_refused_with_its_place() {
    let check = |schema: &str, place: &str, says: &str| {
        let error = Schema::parse(schema, "schema.json")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("schema.json{place}: found ")),
            "{error}"
        );
        assert!(error.contains(says), "{error}");
    };
    let at = |properties: Value, place: &str, says: &str| {
        check(&object(properties).to_string(), place, says);
    };
    check("{\n\"type\" \"object\"}", ":2", "not JSON");
    check("[]", "", "a list; expected an object of keywords");
    check("{}", ": type", "nothing; expected a type");
    check(r#"{"type": "string"}"#, ": type", "An answer is an object");
    check(
        r#"{"type": ["object", "null"], "additionalProperties": false}"#,
        ": type",
        "an object",
    );
    check(
        r#"{"type": "object"}"#,
        ": additionalProperties",
        "\"additionalProperties\": false",
    );
    check(
        r#"{"type": "object", "additionalProperties": false, "required": ["a"]}"#,
        ": required",
        "expected no field, as `properties` has none. Name fields of `properties` only",
    );
    at(
        json!({"a": 1}),
        ": properties.a",
        "`1`; expected an object of keywords",
    );
    at(json!({"a": {}}), ": properties.a.type", "nothing");
    at(
        json!({"a": {"type": "text"}}),
        ": properties.a.type",
        "one of `object`",
    );
    at(
        json!({"a": {"type": "strng"}}),
        ": properties.a.type",
        "Did you mean `string`?",
    );
    at(
        json!({"a": {"type": ["object", "string"]}}),
        ": properties.a.type",
        "give the place one form",
    );
    at(
        json!({"a": {"type": []}}),
        ": properties.a.type",
        "one type",
    );
    at(
        json!({"a": {"enum": []}}),
        ": properties.a.enum",
        "a list of values",
    );
    let contradicting = |keywords: Value, key: &str, value: &str| {
        let place = format!(": properties.a.{key}");
        at(
            json!({"a": keywords}),
            &place,
            &format!("`{value}`; expected values that"),
        );
    };
    contradicting(
        json!({"type": "integer", "enum": [1, 7], "maximum": 5}),
        "enum",
        "7",
    );
    contradicting(json!({"type": "string", "enum": ["a", 1]}), "enum", "1");
    contradicting(json!({"const": "abc", "pattern": "^b"}), "const", "\"abc\"");
    contradicting(json!({"const": 1, "enum": [2, 3]}), "const", "1");
    contradicting(json!({"enum": ["abc"], "maxLength": 2}), "enum", "\"abc\"");
    let empty = |keywords: Value, place: &str, found: &str| {
        let found = format!("{found}; expected bounds that an answer can be within");
        at(
            json!({"a": keywords}),
            &format!(": properties.a.{place}"),
            &found,
        );
    };
    empty(
        json!({"type": "string", "minLength": 3, "maxLength": 2}),
        "minLength",
        "`\"minLength\": 3` with `\"maxLength\": 2`",
    );
    empty(
        json!({"type": "array", "minItems": 1, "maxItems": 0, "items": {"type": "string"}}),
        "minItems",
        "`\"minItems\": 1` with `\"maxItems\": 0`",
    );
    empty(
        json!({"type": "array", "items": {"type": "number", "minimum": 2, "exclusiveMaximum": 2}}),
        "items.minimum",
        "`\"minimum\": 2` with `\"exclusiveMaximum\": 2`",
    );
    at(
        json!({"a": {"type": "array"}}),
        ": properties.a.items",
        "nothing; expected a schema",
    );
    at(
        json!({"a": {"type": "string", "anyOf": []}}),
        ": properties.a.anyOf",
        "`anyOf`",
    );
    at(
        json!({"a": {"type": "string", "maxLenght": 3}}),
        ": properties.a.maxLenght",
        "`maxLength`",
    );
    at(
        json!({"a": {"type": "string", "maxLength": -1}}),
        ": properties.a.maxLength",
        "at least 0",
    );
    at(
        json!({"a": {"type": "number", "minimum": "1"}}),
        ": properties.a.minimum",
        "a number",
    );
    at(
        json!({"a": {"type": "string", "pattern": "("}}),
        ": properties.a.pattern",
        "regular expression",
    );
    at(
        json!({"a": {"type": "string", "format": "ipv4"}}),
        ": properties.a.format",
        "one of `date`",
    );
    at(
        json!({"a": {"type": "string", "x-compare": "fuzzy"}}),
        ": properties.a.x-compare",
        "`normalized`",
    );
    at(
        json!({"a": {"type": "string", "x-compere": "date"}}),
        ": properties.a.x-compere",
        "`x-compare`",
    );
    at(
        json!({"a": {"type": "string", "x-compare": "exact", "x-tolerance": 1}}),
        ": properties.a.x-tolerance",
        "goes with",
    );
    at(
        json!({"a.b": {"type": "string"}}),
        ": a.b",
        "rename the field",
    );
    at(
        json!({"a": {"$ref": "other.json"}}),
        ": properties.a.$ref",
        "copy what they hold",
    );
    at(
        json!({"a": {"$ref": "#/$defs/none"}}),
        ": properties.a.$ref",
        "a place of this file",
    );
    at(
        json!({"a": {"$ref": "#"}}),
        ": properties.a.properties.a.$ref",
        "a loop back to `#`",
    );
}

#[test]
fn bounds_that_nothing_is_within_are_refused() {
    let check = |keywords: Value, reads: bool| {
        let schema = object(json!({"a": keywords})).to_string();
        assert_eq!(
            Schema::parse(&schema, "schema.json").is_ok(),
            reads,
            "{schema}"
        );
    };
    for (low, high, some, whole) in [
        (("minimum", 1.0), ("maximum", 1.0), true, true),
        (("minimum", 2.0), ("maximum", 1.0), false, false),
        (("exclusiveMinimum", 1.0), ("maximum", 1.0), false, false),
        (
            ("exclusiveMinimum", 1.0),
            ("exclusiveMaximum", 2.0),
            true,
            false,
        ),
        (("exclusiveMinimum", 1.0), ("maximum", 2.0), true, true),
        (("minimum", 1.2), ("maximum", 1.8), true, false),
        (("minimum", -0.5), ("exclusiveMaximum", 0.5), true, true),
        (("minimum", 1e15), ("maximum", 1e15), true, true),
    ] {
        let bounds = |kinds: Value| json!({"type": kinds, low.0: low.1, high.0: high.1});
        check(bounds(json!("number")), some);
        check(bounds(json!(["integer", "number"])), some);
        check(bounds(json!("integer")), whole);
        check(bounds(json!(["integer", "null"])), whole);
    }
    check(
        json!({"type": "string", "minLength": 2, "maxLength": 2}),
        true,
    );
    let none = json!({"type": "array", "maxItems": 0, "items": {"type": "string"}});
    check(none, true);
}

#[test]
fn everything_is_required_of_places_and_of_nothing_else() {
    let part = json!({"type": "array", "items": object(json!({"required": {"type": "string"}}))});
    let mut written = object(json!({
        "properties": {"$ref": "#/$defs/part"},
        "none": {"type": "array", "maxItems": 0, "items": {"type": "string"}},
        "one": {"const": {"properties": {"a": 1}}, "examples": [{"items": 1}]},
    }));
    written["$defs"] = json!({"part": part});
    let schema = Schema::parse(&written.to_string(), "schema.json").unwrap();
    let mut expected = written;
    expected["required"] = json!(["properties", "none", "one"]);
    expected["$defs"]["part"]["minItems"] = 1.into();
    expected["$defs"]["part"]["items"]["required"] = json!(["required"]);
    assert_eq!(schema.with_everything(), expected);
}

#[test]
fn references_that_end_are_followed_and_loops_are_not() {
    let schema = json!({
        "type": "object",
        "properties": {"from": {"$ref": "#/$defs/place", "description": "where it starts"}, "to": {"$ref": "#/$defs/place"}},
        "additionalProperties": false,
        "$defs": {"place": object(json!({"city": {"type": "string"}}))},
    });
    let schema = Schema::parse(&schema.to_string(), "schema.json").unwrap();
    let paths: Vec<_> = schema.fields().iter().map(|field| field.path()).collect();
    assert_eq!(paths, ["from.city", "to.city"]);
    assert_eq!(
        schema.root().property("from").unwrap().description(),
        Some("where it starts")
    );
    let loops = json!({
        "type": "object",
        "properties": {"child": {"$ref": "#/$defs/node"}},
        "additionalProperties": false,
        "$defs": {"node": object(json!({"child": {"$ref": "#/$defs/node"}}))},
    });
    let error = Schema::parse(&loops.to_string(), "schema.json")
        .unwrap_err()
        .to_string();
    assert!(error.contains("a loop back to `#/$defs/node`"), "{error}");
    // References that double at each step end, and are too many.
    let mut defs = json!({"n0": {"type": "string"}});
    for i in 1..20 {
        let below = json!({"$ref": format!("#/$defs/n{}", i - 1)});
        defs[format!("n{i}")] = object(json!({"a": below, "b": below}));
    }
    let many = json!({
        "type": "object", "properties": {"a": {"$ref": "#/$defs/n19"}}, "additionalProperties": false, "$defs": defs,
    });
    let error = Schema::parse(&many.to_string(), "schema.json")
        .unwrap_err()
        .to_string();
    assert!(error.contains("more than 2000 places"), "{error}");
}

#[test]
fn violations_name_place_found_and_expected() {
    let schema = json!({
        "type": "object",
        "required": ["intent"],
        "additionalProperties": false,
        "properties": {
            "intent": {"enum": ["refund", "question"]},
            "when": {"type": "string", "format": "date"},
            "items": {"type": "array", "maxItems": 1, "items": object(json!({"qty": {"type": "integer", "minimum": 1}}))},
        },
    });
    let schema = Schema::parse(&schema.to_string(), "schema.json").unwrap();
    let check = |value: Value, expected: &[(&str, &str, &str)]| {
        let found = schema.violations(&value);
        let found: Vec<_> = found
            .iter()
            .map(|v| (v.path.as_str(), v.found.as_str(), v.expected.as_str()))
            .collect();
        assert_eq!(found, expected, "{value}");
    };
    check(json!({"intent": "refund", "items": []}), &[]);
    check(json!([]), &[("", "a list", "an object")]);
    check(
        json!({}),
        &[("intent", "nothing", "one of `refund`, `question`")],
    );
    check(
        json!({"intent": "rant", "when": "24.11.", "items": [{"qty": 0}, {"qty": 1.5}], "more": 1}),
        &[
            ("intent", "the text `rant`", "one of `refund`, `question`"),
            (
                "when",
                "the text `24.11.`",
                "a day of the calendar, YYYY-MM-DD",
            ),
            ("items", "a list", "a list of at most 1 element"),
            ("items[0].qty", "`0`", "a whole number of at least 1"),
            ("items[1].qty", "`1.5`", "a whole number of at least 1"),
            ("", "`more`", "a property of `intent`, `when`, `items`"),
        ],
    );
}

#[test]
fn answers_have_one_form() {
    let schema = json!({
        "type": "object",
        "required": ["c"],
        "additionalProperties": false,
        "properties": {
            "a": {"type": "number"},
            "b": {"type": "array", "items": object(json!({"x": {"type": "string"}, "y": {"type": "integer"}}))},
            "c": {"type": ["string", "null"]},
        },
    });
    let schema = Schema::parse(&schema.to_string(), "schema.json").unwrap();
    let check = |value: &str, expected: &str| {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(schema.tidied(&value).to_string(), expected);
    };
    check(
        r#"{"c": null, "b": [{"y": 2.0, "x": "tea"}], "a": 45.0}"#,
        r#"{"a":45,"b":[{"x":"tea","y":2}],"c":null}"#,
    );
    check(r#"{"z": 1.5, "a": null, "c": "x"}"#, r#"{"c":"x","z":1.5}"#);
    check(r#"{"a": 1e300}"#, r#"{"a":1e+300}"#);
}
