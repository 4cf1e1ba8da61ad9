//! Values of keywords that are of one kind wherever they stand: counts, numbers, texts, names.

use serde_json::{Map, Value};

use super::{Reader, inside};
use crate::{
    error::{Place, TaskError, listed, nearest, quoted},
    json::kind,
    schema::{Kind, Node, Range, Size},
};

const RANGE: [&str; 4] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

impl Reader<'_> {
    pub(super) fn size(
        &self,
        keys: &Map<String, Value>,
        [least, most]: [&str; 2],
        at: &str,
    ) -> Result<Size, TaskError> {
        let count = |name: &str| match keys.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(count) => Ok(Some(count)),
                None => {
                    let expected = "a whole number of at least 0";
                    let advice = format!("Write `\"{name}\": 3`.");
                    Err(self.wrong(&inside(at, name), kind(value), expected, &advice))
                }
            },
        };
        let size = Size {
            least: count(least)?,
            most: count(most)?,
        };
        match size {
            Size {
                least: Some(low),
                most: Some(high),
            } if low > high => Err(self.nothing_between(keys, &[least, most], at)),
            size => Ok(size),
        }
    }

    /// The bounds of a number.
    pub(super) fn range(
        &self,
        node: &Node,
        keys: &Map<String, Value>,
        at: &str,
    ) -> Result<Range, TaskError> {
        let [minimum, maximum, above, below] = RANGE;
        let range = Range {
            minimum: self.number(keys, minimum, at)?,
            maximum: self.number(keys, maximum, at)?,
            above: self.number(keys, above, at)?,
            below: self.number(keys, below, at)?,
        };
        let whole = node.kinds.contains(&Kind::Integer) && !node.kinds.contains(&Kind::Number);
        match range.is_empty(whole) {
            true => Err(self.nothing_between(keys, &RANGE, at)),
            false => Ok(range),
        }
    }

    /// Bounds that no answer can be within. Where the place is optional, decoding would pass over it in
    /// silence.
    fn nothing_between(&self, keys: &Map<String, Value>, names: &[&str], at: &str) -> TaskError {
        let set = names
            .iter()
            .filter_map(|name| Some((name, keys.get(*name)?)));
        let found: Vec<String> = set
            .clone()
            .map(|(name, bound)| quoted(&format!("\"{name}\": {bound}")))
            .collect();
        let place = set.map(|(name, _)| inside(at, name)).next();
        self.wrong(
            &place.unwrap_or_default(),
            found.join(" with "),
            "bounds that an answer can be within",
            "Nothing can stand there: correct one of them.",
        )
    }

    pub(super) fn number(
        &self,
        keys: &Map<String, Value>,
        name: &str,
        at: &str,
    ) -> Result<Option<f64>, TaskError> {
        match keys.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => {
                    let advice = format!("Write `\"{name}\": 0`.");
                    Err(self.wrong(&inside(at, name), kind(value), "a number", &advice))
                }
            },
        }
    }

    pub(super) fn text<'k>(
        &self,
        keys: &'k Map<String, Value>,
        name: &str,
        at: &str,
    ) -> Result<Option<&'k str>, TaskError> {
        match keys.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                let advice = format!("Write `\"{name}\": \"…\"`.");
                Err(self.wrong(&inside(at, name), kind(other), "a text", &advice))
            }
        }
    }

    /// The item that a value names.
    pub(super) fn named<T: Copy>(
        &self,
        value: &Value,
        names: &[(&str, T)],
        place: &str,
    ) -> Result<T, TaskError> {
        let written = value.as_str();
        if let Some((_, item)) = names.iter().find(|(name, _)| written == Some(*name)) {
            return Ok(*item);
        }
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let advice = match written.and_then(|written| nearest(written, &known)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Use one of these, or leave the keyword out.".to_owned(),
        };
        let expected = format!("one of {}", listed(&known));
        Err(self.wrong(place, kind(value), &expected, &advice))
    }

    pub(super) fn wrong(&self, at: &str, found: String, expected: &str, advice: &str) -> TaskError {
        let place = Place::file(self.file);
        let place = if at.is_empty() {
            place
        } else {
            place.field(at)
        };
        TaskError::input(place, found, expected, advice)
    }
}
