//! The one error type of this crate: what was found, where, what was expected, and what to do.

use std::fmt;

use crate::shape::Shape;

/// Where in an input file something is wrong. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// File name as the user gave it.
    pub file: String,
    /// Line in the file, where one is known.
    pub line: Option<usize>,
    /// Field, as a dotted path (`sft.lr`).
    pub field: Option<String>,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: &str) -> Self {
        Self {
            file: file.to_string(),
            ..Self::default()
        }
    }

    /// A line of a file.
    pub fn line(file: &str, line: usize) -> Self {
        Self {
            line: Some(line),
            ..Self::file(file)
        }
    }

    /// The same place, narrowed to one field.
    pub fn field(self, field: &str) -> Self {
        Self {
            field: Some(field.to_string()),
            ..self
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        Ok(())
    }
}

/// Everything that can be wrong with what a user hands us.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// A value in a file is not what it must be.
    #[error("{place}: found {found}; expected {expected}. {advice}")]
    Input {
        /// File, line and field.
        place: Box<Place>,
        /// What stands there, shortened for display.
        found: String,
        /// What must stand there.
        expected: String,
        /// What the user can do about it, a whole sentence.
        advice: String,
    },
    /// A key that nothing reads, most often a slip of the finger.
    #[error("{place}: unknown key; {advice}")]
    UnknownKey {
        /// File, line and the key as written.
        place: Box<Place>,
        /// The nearest known key, or the list of them.
        advice: String,
    },
    /// A row does not fit the model's context or the recipe's limit.
    #[error(
        "{place}: the row has {tokens} tokens; the limit is {limit}. Shorten the text or raise `sft.max_tokens`."
    )]
    TooLong {
        /// The row.
        place: Box<Place>,
        /// Tokens it renders to.
        tokens: usize,
        /// The limit in force.
        limit: usize,
    },
    /// The recipe's shape is known, but this step is not built for it.
    #[error(
        "`{shape}` recipes can be read, but {what} is not built for them yet; it is for `single-label`, `multi-label`, `spans` and `structured`"
    )]
    Shape {
        /// The recipe's shape.
        shape: Shape,
        /// The step, in words (`rendering prompts`).
        what: &'static str,
    },
    /// Metrics, reports: inputs whose lengths or kinds do not belong together.
    #[error("{0}")]
    Mismatch(String),
}

impl TaskError {
    /// The same error, its place moved to another file. For errors on rows, which know their line
    /// but not the file they were read from.
    pub fn in_file(mut self, name: &str) -> Self {
        match &mut self {
            Self::Input { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::TooLong { place, .. } => place.file = name.to_string(),
            Self::Shape { .. } | Self::Mismatch(_) => {}
        }
        self
    }

    pub(crate) fn input(
        place: Place,
        found: impl Into<String>,
        expected: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Input {
            place: Box::new(place),
            found: found.into(),
            expected: expected.into(),
            advice: advice.into(),
        }
    }
}

/// Characters of a user's text that an error message shows.
const SHOWN: usize = 60;

/// A user's text in quotes, safe for a terminal: control characters escaped, long text cut.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::from("`");
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.push('`');
    shown
}

/// `` `a`, `b` and 7 more ``: names for an error message.
pub(crate) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 20;
    let shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|n| quoted(n.as_ref()))
        .collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The candidate that the user most likely meant, if one is near: a few letters wrong, missing or
/// swapped, or the beginning of it. Case and white space at the ends do not matter.
pub(crate) fn nearest<'a, S: AsRef<str>>(written: &str, candidates: &'a [S]) -> Option<&'a str> {
    let written = written.trim().to_lowercase();
    let nearness = |name: &str| {
        let name = name.to_lowercase();
        let edits = strsim::normalized_damerau_levenshtein(&written, &name);
        let beginning = strsim::jaro_winkler(&written, &name);
        (edits >= 0.6 || beginning >= 0.85).then_some(edits + beginning)
    };
    let names = candidates.iter().map(AsRef::as_ref);
    names
        .filter_map(|name| Some((nearness(name)?, name)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_nothing_far() {
        let check = |written: &str, expected: Option<&str>| {
            let known = ["positive", "negative", "neutral", "sft"];
            assert_eq!(nearest(written, &known), expected, "{written}");
        };
        check("postive", Some("positive"));
        check(" Neutral ", Some("neutral"));
        check("negitive", Some("negative"));
        check("stf", Some("sft"));
        check("pos", Some("positive"));
        check("banana", None);
        check("", None);
    }

    #[test]
    fn quoted_is_short_and_has_no_control_characters() {
        assert_eq!(quoted("a\u{1b}[31mb"), "`a\\u{1b}[31mb`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), SHOWN + 3);
    }
}
