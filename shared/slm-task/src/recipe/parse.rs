//! From the text of a `recipe.toml` to a checked [`Recipe`], or to the first thing wrong with it.

mod shape;

use std::collections::BTreeSet;

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    Recipe, is_schema,
    keys::{self, KEYS, Key, Kind, SECTIONS},
};
use crate::error::{Place, TaskError, nearest, quoted};

impl Recipe {
    /// Reads and checks a recipe. `file` is the name that error messages show.
    ///
    /// # Errors
    /// The first thing wrong in the order of the file, then what it lacks: TOML that does not
    /// parse, an unknown key, a value of the wrong kind, a missing key, labels that the shape needs.
    pub fn parse(text: &str, file: &str) -> Result<Self, TaskError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source { text, file };
        let root = DeTable::parse(text).map_err(|e| source.syntax(&e))?;
        source.check_table("", root.get_ref())?;
        source.check_missing(root.get_ref())?;
        // Keys and kinds hold by now; an error here is one that the list of keys fails to state.
        let recipe: Self = toml::from_str(text).map_err(|e| source.syntax(&e))?;
        source.check_shape(&recipe, root.get_ref())?;
        Ok(recipe)
    }

    /// The recipe as TOML, every key written out. Parses back to the same recipe.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts, numbers and lists are always TOML")
    }
}

/// A recipe's text with the name that errors show.
struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    /// The line of a byte offset, from 1.
    fn place(&self, offset: usize, field: &str) -> Place {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        Place::line(self.file, line).field(field)
    }

    fn syntax(&self, error: &toml::de::Error) -> TaskError {
        let mut place = Place::file(self.file);
        if let Some(span) = error.span() {
            place = self.place(span.start, "");
            place.field = None;
        }
        let message = error.message().trim().replace('\n', "; ");
        TaskError::input(
            place,
            format!("text that is not TOML ({message})"),
            "lines like `key = value`",
            "Texts stand in double quotes, lists in square brackets.",
        )
    }

    fn check_table(&self, section: &str, table: &DeTable<'_>) -> Result<(), TaskError> {
        for (name, value) in table {
            let path = match section {
                "" => name.get_ref().to_string(),
                section => format!("{section}.{}", name.get_ref()),
            };
            if section.is_empty() && SECTIONS.contains(&path.as_str()) {
                let Some(inner) = value.get_ref().as_table() else {
                    return Err(self.wrong_section(&path, value));
                };
                self.check_table(&path, inner)?;
            } else if let Some(key) = keys::find(&path) {
                self.check_value(key, value)?;
            } else {
                return Err(TaskError::UnknownKey {
                    advice: keys::advice(&path),
                    place: self.place(name.span().start, &path).into(),
                });
            }
        }
        Ok(())
    }

    fn wrong_section(&self, path: &str, value: &Spanned<DeValue<'_>>) -> TaskError {
        TaskError::input(
            self.place(value.span().start, path),
            self.found(value),
            "a section",
            format!("Write `[{path}]` on a line of its own, its keys below."),
        )
    }

    fn check_missing(&self, root: &DeTable<'_>) -> Result<(), TaskError> {
        let missing = KEYS
            .iter()
            .find(|key| key.required && lookup(root, key).is_none());
        missing.map_or(Ok(()), |key| Err(self.missing(key)))
    }

    fn missing(&self, key: &Key) -> TaskError {
        TaskError::input(
            Place::file(self.file).field(key.path),
            "nothing",
            key.kind.expected(),
            format!("Add {}.", key.sample_lines()),
        )
    }

    fn check_value(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Result<(), TaskError> {
        let item = value.get_ref();
        match key.kind {
            Kind::Choice(names) => self.check_choice(key, names, value),
            Kind::Choices(names) => self.check_choices(key, names, value),
            Kind::Labels => self.check_labels(key, value),
            Kind::Shares => self.check_shares(key, value),
            kind if accepts(kind, item) => Ok(()),
            _ => Err(self.wrong(key, value, None)),
        }
    }

    fn check_choice(
        &self,
        key: &Key,
        names: &[&str],
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), TaskError> {
        let written = value.get_ref().as_str();
        if written.is_some_and(|w| names.contains(&w)) {
            return Ok(());
        }
        let near = written.and_then(|w| nearest(w, names));
        let advice = near.map(|n| format!("Did you mean `{n}`?"));
        Err(self.wrong(key, value, advice))
    }

    fn check_choices(
        &self,
        key: &Key,
        names: &[&str],
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), TaskError> {
        let items = self.items(key, value)?;
        if items.is_empty() {
            return Err(self.wrong(key, value, None));
        }
        for item in items.iter() {
            self.check_choice(key, names, item)?;
        }
        self.check_distinct(key, items)
    }

    fn check_labels(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Result<(), TaskError> {
        let items = self.items(key, value)?;
        for item in items.iter() {
            let Some(label) = item.get_ref().as_str() else {
                return Err(self.wrong(key, item, None));
            };
            if label.trim().is_empty() || label.chars().any(char::is_control) {
                return Err(self.wrong(key, item, None));
            }
            if label.trim() != label {
                let advice = format!("Write `{}`.", label.trim());
                return Err(self.wrong(key, item, Some(advice)));
            }
        }
        self.check_distinct(key, items)
    }

    fn check_shares(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Result<(), TaskError> {
        let Some(shares) = value.get_ref().as_table() else {
            return Err(self.wrong(key, value, None));
        };
        let wrong = shares
            .iter()
            .find(|(_, share)| !accepts(Kind::Share, share.get_ref()));
        let Some((name, share)) = wrong else {
            return Ok(());
        };
        Err(TaskError::input(
            self.place(share.span().start, key.path),
            format!("{} for {}", self.found(share), quoted(name.get_ref())),
            Kind::Share.expected(),
            format!("An example: {}.", key.sample_lines()),
        ))
    }

    fn check_distinct(&self, key: &Key, items: &DeArray<'_>) -> Result<(), TaskError> {
        let mut seen = BTreeSet::new();
        for item in items.iter() {
            if !seen.insert(item.get_ref().as_str()) {
                let mut error = self.wrong(key, item, Some("Remove one of them.".to_string()));
                if let TaskError::Input { found, .. } = &mut error {
                    found.push_str(" twice");
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn items<'v, 'i>(
        &self,
        key: &Key,
        value: &'v Spanned<DeValue<'i>>,
    ) -> Result<&'v DeArray<'i>, TaskError> {
        let items = value.get_ref().as_array();
        items.ok_or_else(|| self.wrong(key, value, None))
    }

    fn wrong(&self, key: &Key, value: &Spanned<DeValue<'_>>, advice: Option<String>) -> TaskError {
        TaskError::input(
            self.place(value.span().start, key.path),
            self.found(value),
            key.kind.expected(),
            advice.unwrap_or_else(|| format!("An example: {}.", key.sample_lines())),
        )
    }

    /// The value as the user wrote it.
    fn found(&self, value: &Spanned<DeValue<'_>>) -> String {
        match value.get_ref() {
            DeValue::Table(_) => "a section".to_string(),
            _ => quoted(self.text.get(value.span()).unwrap_or("")),
        }
    }
}

fn lookup<'v, 'i>(root: &'v DeTable<'i>, key: &Key) -> Option<&'v Spanned<DeValue<'i>>> {
    let (section, name) = key.split();
    match section {
        "" => root.get(name),
        section => root.get(section)?.get_ref().as_table()?.get(name),
    }
}

/// Whether a value is of a kind that needs no list of names and no look at single items.
fn accepts(kind: Kind, value: &DeValue<'_>) -> bool {
    let text = value.as_str();
    let number = number(value);
    match kind {
        Kind::Text => text.is_some_and(|t| !t.trim().is_empty()),
        Kind::FreeText => text.is_some(),
        Kind::Id => text.is_some_and(is_id),
        Kind::Path => text.is_some_and(is_inside),
        Kind::Schema => text.is_some_and(|text| is_schema(text) || is_inside(text)),
        Kind::Texts => value
            .as_array()
            .is_some_and(|items| items.iter().all(|i| i.get_ref().is_str())),
        Kind::Integer { min, max } => integer(value).is_some_and(|i| (min..=max).contains(&i)),
        Kind::Layers => value.as_array().is_some_and(|items| {
            let mut seen = BTreeSet::new();
            let mut layers = items.iter().map(|i| integer(i.get_ref()));
            layers.all(|layer| layer.is_some_and(|i| i >= 0 && seen.insert(i)))
        }),
        Kind::NotNegative => number.is_some_and(|n| n >= 0.0),
        Kind::Positive => number.is_some_and(|n| n > 0.0),
        Kind::Passes => number.is_some_and(|n| n > 0.0 && n <= 1e6),
        Kind::Share => number.is_some_and(|n| (0.0..=1.0).contains(&n)),
        Kind::Labels | Kind::Shares | Kind::Choice(_) | Kind::Choices(_) => false,
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A finite number, whole or not, as the `f32` that it becomes.
fn number(value: &DeValue<'_>) -> Option<f32> {
    let text = match value {
        DeValue::Integer(i) if i.radix() == 10 => i.as_str(),
        DeValue::Float(f) => f.as_str(),
        _ => return None,
    };
    text.parse().ok().filter(|n: &f32| n.is_finite())
}

fn is_id(text: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.split('-')
        .all(|part| !part.is_empty() && part.chars().all(known))
}

/// Relative, without `..`, a drive or a backslash: a recipe folder may be shared, so its file names
/// must not reach outside it on any system.
pub(crate) fn is_inside(path: &str) -> bool {
    let parts = || path.split('/');
    !path.contains(['\\', ':', '\0']) && parts().all(|p| !p.is_empty() && p != "." && p != "..")
}
