//! From the text of a `recipe.toml` to a checked [`Recipe`], or to the first thing wrong with it.

use std::collections::BTreeSet;

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    Balance, Recipe, SpanOrder, is_schema,
    keys::{self, KEYS, Key, Kind, SECTIONS},
};
use crate::{
    error::{Place, TaskError, listed, nearest, quoted},
    shape::Shape,
};

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
        if recipe.shape.needs_labels() && recipe.labels.is_empty() {
            return Err(source.missing(keys::find("labels").expect("a key of the list")));
        }
        source.check_schema(&recipe, root.get_ref())?;
        source.check_choice_of_labels(&recipe, root.get_ref())?;
        source.check_dials(&recipe, root.get_ref())?;
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

    /// One label is enough where it may hold or not; where one must be chosen, two are needed.
    fn check_choice_of_labels(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("labels").expect("a key of the list");
        match lookup(root, key) {
            Some(value) if recipe.shape == Shape::SingleLabel && recipe.labels.len() == 1 => {
                let advice = "A task with one answer has nothing to learn.".to_string();
                Err(self.wrong(key, value, Some(advice)))
            }
            _ => Ok(()),
        }
    }

    /// A schema where answers have one, and nowhere else.
    fn check_schema(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("schema").expect("a key of the list");
        match (lookup(root, key), recipe.shape == Shape::Structured) {
            (None, true) => Err(self.missing(key)),
            (Some(value), false) => {
                let advice = "Only `structured` recipes have it: remove it.".to_string();
                Err(self.wrong(key, value, Some(advice)))
            }
            (Some(value), true) if recipe.schema_file().is_none() => {
                let place = self.place(value.span().start, key.path);
                recipe
                    .answer_schema()
                    .map(drop)
                    .map_err(|error| match error {
                        TaskError::Input {
                            place: inner,
                            found,
                            expected,
                            advice,
                        } => {
                            let field = [Some(key.path.to_string()), inner.field]
                                .into_iter()
                                .flatten();
                            let field = field.collect::<Vec<_>>().join(": ");
                            TaskError::input(place.field(&field), found, expected, advice)
                        }
                        other => other,
                    })
            }
            _ => Ok(()),
        }
    }

    /// A dial that the shape does not have would be ignored, or stop an evaluation after training.
    fn check_dials(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let twist = &recipe.twist;
        let classes: &[Shape] = &[Shape::SingleLabel, Shape::MultiLabel, Shape::Spans];
        let dials = [
            ("routing.fallback", recipe.routing.is_on(), &classes[..1]),
            (
                "twist.recall_floor",
                twist.recall_floor > 0.0,
                &[Shape::Spans],
            ),
            (
                "twist.label_floors",
                !twist.label_floors.is_empty(),
                &[Shape::Spans],
            ),
            (
                "twist.span_order",
                twist.span_order != SpanOrder::Text,
                &[Shape::Spans],
            ),
            ("twist.balance", twist.balance != Balance::None, classes),
            ("twist.upsample", twist.upsample > 0, classes),
            ("twist.downsample", twist.downsample > 0, classes),
        ];
        for (path, is_on, shapes) in dials {
            let key = keys::find(path).expect("a key of the list");
            if let Some(value) = lookup(root, key)
                && is_on
                && !shapes.contains(&recipe.shape)
            {
                let names: Vec<&str> = shapes.iter().map(|shape| shape.name()).collect();
                let advice = format!("Only {} recipes have it: remove it.", listed(&names));
                return Err(self.wrong(key, value, Some(advice)));
            }
        }
        self.check_label_floors(recipe, root)
    }

    /// A floor for a label that the recipe does not have would be ignored.
    fn check_label_floors(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("twist.label_floors").expect("a key of the list");
        let floors = lookup(root, key).and_then(|value| value.get_ref().as_table());
        for name in floors.into_iter().flat_map(|floors| floors.keys()) {
            let label = name.get_ref();
            if !recipe.labels.iter().any(|known| known == label) {
                let labels: Vec<&str> = recipe.labels.iter().map(String::as_str).collect();
                let near = nearest(label, &labels).unwrap_or(labels[0]);
                return Err(TaskError::input(
                    self.place(name.span().start, key.path),
                    quoted(label),
                    "a label of the recipe",
                    format!("Write one of `labels`, such as `{near}`."),
                ));
            }
        }
        Ok(())
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
        Kind::Shares => value.as_table().is_some_and(|shares| {
            let mut shares = shares.values();
            shares.all(|share| accepts(Kind::Share, share.get_ref()))
        }),
        Kind::Labels | Kind::Choice(_) | Kind::Choices(_) => false,
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
