//! Values in which nothing of the text is lost. A plain reader keeps the last of two equal keys and rounds
//! whole numbers beyond 64 bits; of rows and schemas that people wrote, both are mistakes to be told.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Numbers of this size and more are refused: a whole number in them has been rounded. 2^64.
const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;

/// Reads a JSON value.
///
/// # Errors
/// What is no JSON; a key that stands twice in one object; a number too large to be kept exactly.
///
/// ```
/// assert!(slm_task::json::value(r#"{"a": 1, "b": {"a": 2}}"#).is_ok());
/// let error = slm_task::json::value(r#"{"a": 1, "a": 2}"#).unwrap_err();
/// assert!(error.to_string().starts_with("the key `a` stands twice"));
/// ```
pub fn value(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<Lossless>(text).map(|Lossless(value)| value)
}

struct Lossless(Value);

impl<'de> Deserialize<'de> for Lossless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // Below -2^63 a whole number has been rounded, too.
        match Number::from_f64(value) {
            Some(number) if value > -TOO_LARGE / 2.0 && value < TOO_LARGE => Ok(number.into()),
            _ => Err(E::custom(format!(
                "the number {value} is too large to be kept exactly; write it as a text"
            ))),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Lossless(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!(
                    "the key `{key}` stands twice in one object; keep one"
                )));
            }
            let Lossless(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_plain_reader_reads() {
        for text in [
            "null",
            "true",
            "-0.0",
            "-9223372036854775808",
            "18446744073709551615",
            "1.5e-7",
            r#""a \u00e9 \ud83d\ude00""#,
            r#"[1, [], {"b": {"a": 1}, "a": {"a": 2}}]"#,
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            assert_eq!(value(text).unwrap(), plain, "{text}");
            assert_eq!(value(text).unwrap().to_string(), plain.to_string());
        }
    }

    #[test]
    fn refuses_what_would_be_lost() {
        let check = |text: &str, expected: &str| {
            let error = value(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check(r#"{"a": 1, "b": 2, "a": 1}"#, "`a` stands twice");
        check(r#"[{"x": {"a": 1, "\u0061": 2}}]"#, "`a` stands twice");
        check("18446744073709551616", "too large");
        check("-9223372036854775809", "too large");
        check("[1e300]", "too large");
        check("1e999", "out of range");
        check("{} {}", "trailing");
        check(r#""\ud800""#, "hex escape");
    }
}
