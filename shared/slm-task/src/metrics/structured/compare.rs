//! When two JSON values are the same: the rules that a field can be compared under. It must not know
//! paths.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// A rule. Values of a kind that the rule is not for are compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Equal JSON: numbers by value (1 is 1.0), objects in any order of keys, and no kind passes for
    /// another ("1" is not 1).
    #[default]
    Exact,
    /// Texts that are equal in lower case, with white space at the ends removed and elsewhere
    /// collapsed to one space, and without anything else that is neither letter nor number (a
    /// combining mark stays with its letter). Texts without letter and number are compared exactly.
    Normalized,
    /// Numbers that differ by at most `tolerance`, beyond what rounding to `f64` does.
    Number {
        /// Greatest difference, in the field's unit.
        tolerance: f64,
    },
    /// Texts that begin with the same ISO calendar date, `YYYY-MM-DD`, alone or followed by `T` and a
    /// time, which is not compared.
    Date,
}

impl Compare {
    /// Whether the values are the same under this rule.
    pub fn same(self, a: &Value, b: &Value) -> bool {
        exactly(a, b)
            || match (self, a, b) {
                (Self::Normalized, Value::String(a), Value::String(b)) => {
                    let (a, b) = (normalized(a), normalized(b));
                    !a.is_empty() && a == b
                }
                (Self::Number { tolerance }, Value::Number(a), Value::Number(b)) => {
                    match (a.as_f64(), b.as_f64()) {
                        (Some(a), Some(b)) => near(a, b, tolerance),
                        _ => false,
                    }
                }
                (Self::Date, Value::String(a), Value::String(b)) => {
                    matches!((date(a), date(b)), (Some(a), Some(b)) if a == b)
                }
                _ => false,
            }
    }
}

fn exactly(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // Whole numbers are compared as such: f64 would merge large ones.
        (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => {
            x.as_f64() == y.as_f64()
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| exactly(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a)| b.get(key).is_some_and(|b| exactly(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        _ => a == b,
    }
}

/// 1.1 and 1.0 differ by 0.1 for whoever writes them, and by a little more in `f64`.
fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance + f64::EPSILON * a.abs().max(b.abs())
}

fn normalized(text: &str) -> String {
    let mut kept = String::new();
    for cluster in text.graphemes(true) {
        if cluster.chars().any(char::is_alphanumeric) {
            kept.push_str(&cluster.to_lowercase());
        } else if cluster.starts_with(char::is_whitespace) {
            kept.push(' ');
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The date that a text begins with, as written.
fn date(text: &str) -> Option<&str> {
    let (date, rest) = text.split_at_checked("YYYY-MM-DD".len())?;
    let shaped = date.bytes().enumerate().all(|(i, byte)| match i {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (shaped && (rest.is_empty() || rest.starts_with('T'))).then_some(date)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(rule: Compare, a: Value, b: Value, expected: bool) {
        assert_eq!(rule.same(&a, &b), expected, "{rule:?} {a} {b}");
        assert_eq!(rule.same(&b, &a), expected, "{rule:?} {b} {a}");
    }

    #[test]
    fn exact_values_are_equal_json() {
        let check = |a, b, expected| check(Compare::Exact, a, b, expected);
        check(json!("Ann"), json!("Ann"), true);
        check(json!("Ann"), json!("ann"), false);
        check(json!(1), json!(1.0), true);
        check(json!(1), json!("1"), false);
        check(json!(1), json!(true), false);
        check(
            json!(9007199254740993_u64),
            json!(9007199254740992_u64),
            false,
        );
        check(
            json!({"a": 1, "b": [2]}),
            json!({"b": [2.0], "a": 1.0}),
            true,
        );
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), false);
        check(json!({"a": 1}), json!({"b": 1}), false);
        check(json!([1, 2]), json!([2, 1]), false);
        check(json!([1]), json!([1, 2]), false);
    }

    #[test]
    fn normalized_texts_differ_in_letters_and_numbers() {
        let check = |a, b, expected| check(Compare::Normalized, a, b, expected);
        check(json!("  ACME,\tInc. "), json!("acme inc"), true);
        check(json!("U.S.A."), json!("usa"), true);
        check(json!("new york"), json!("newyork"), false);
        check(json!("ÉCOLE"), json!("école"), true);
        check(json!("école"), json!("ecole"), false);
        check(json!("cafe\u{301}"), json!("cafe"), false);
        check(json!("x - y"), json!("x y"), true);
        check(json!("+"), json!("-"), false);
        check(json!("+"), json!("+"), true);
        check(json!(""), json!("-"), false);
        check(json!("1"), json!(1), false);
        check(json!(2), json!(2.0), true);
    }

    #[test]
    fn numbers_may_differ_by_the_tolerance() {
        let check =
            |tolerance, a, b, expected| check(Compare::Number { tolerance }, a, b, expected);
        check(0.0, json!(12), json!(12.0), true);
        check(0.0, json!(12), json!(12.01), false);
        check(0.1, json!(1.1), json!(1.0), true);
        check(0.1, json!(1.11), json!(1.0), false);
        check(0.5, json!(-1), json!(-1.5), true);
        check(1.0, json!("1"), json!(1), false);
        check(1.0, json!("1"), json!("1"), true);
    }

    #[test]
    fn dates_are_calendar_dates() {
        let check = |a, b, expected| check(Compare::Date, json!(a), json!(b), expected);
        check("2026-11-24", "2026-11-24", true);
        check("2026-11-24", "2026-11-24T10:00:00Z", true);
        check("2026-11-24", "2026-11-25", false);
        check("2026-11-24", "24.11.2026", false);
        check("2026-11-24", "2026-11-24 or so", false);
        check("soon", "soon", true);
        check("soon", "later", false);
        check("äöüäöü", "2026-11-24", false);
    }

    #[test]
    fn rules_have_names_in_files() {
        let check = |text: &str, expected: Compare| {
            assert_eq!(serde_json::from_str::<Compare>(text).unwrap(), expected);
        };
        check(r#""exact""#, Compare::Exact);
        check(r#""normalized""#, Compare::Normalized);
        check(r#""date""#, Compare::Date);
        check(
            r#"{"number":{"tolerance":0.01}}"#,
            Compare::Number { tolerance: 0.01 },
        );
    }
}
