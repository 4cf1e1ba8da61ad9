//! Every key of a `recipe.toml`, with what it accepts. The one list behind error messages,
//! suggestions and `--set`; a test holds it equal to the types.

use crate::shape::Shape;

/// What a key accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Text that is not empty.
    Text,
    /// Text that may be empty.
    FreeText,
    /// Lower-case letters, digits and `-`.
    Id,
    /// A path inside the recipe's folder.
    Path,
    /// Such a path, or the text of a JSON Schema.
    Schema,
    /// Any texts.
    Texts,
    /// Distinct texts of one line, none empty, none with white space at its ends.
    Labels,
    /// A whole number, bounds included.
    Integer { min: i64, max: i64 },
    /// A finite number of at least 0.
    NotNegative,
    /// A finite number above 0.
    Positive,
    /// Passes over data: a number above 0, within reason.
    Passes,
    /// A number from 0 to 1.
    Share,
    /// A section of numbers from 0 to 1.
    Shares,
    /// One of some names.
    Choice(&'static [&'static str]),
    /// A list of some names, at least one, none twice.
    Choices(&'static [&'static str]),
    /// Whole numbers of at least 0, none twice.
    Layers,
}

impl Kind {
    /// What is accepted, in words that follow "expected".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text => "a text that is not empty".into(),
            Self::FreeText => "a text".into(),
            Self::Id => "lower-case letters, digits and `-`, with `-` only between others".into(),
            Self::Path => "a file name inside the recipe's folder".into(),
            Self::Schema => "a file name inside the recipe's folder, or a JSON Schema".into(),
            Self::Texts => "a list of texts".into(),
            Self::Labels => {
                "a list of at least two different texts of one line, without white space at \
                 their ends"
                    .into()
            }
            Self::Integer { min, max } if max >= i64::from(u32::MAX) => {
                format!("a whole number of at least {min}")
            }
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::NotNegative => "a number of at least 0".into(),
            Self::Positive => "a number above 0".into(),
            Self::Passes => "a number above 0, at most 1000000".into(),
            Self::Share => "a number from 0 to 1".into(),
            Self::Shares => "numbers from 0 to 1, each for a label".into(),
            Self::Choice(names) => format!("one of {}", crate::error::listed(names)),
            Self::Choices(names) => {
                format!("a list of one or more of {}", crate::error::listed(names))
            }
            Self::Layers => "a list of different layers, numbered from 0".into(),
        }
    }
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// Dotted path.
    pub(super) path: &'static str,
    /// What it accepts.
    pub(super) kind: Kind,
    /// Whether a recipe must have it.
    pub(super) required: bool,
    /// A value for error messages to show, in TOML.
    pub(super) sample: &'static str,
}

impl Key {
    /// The section, empty for a key at the top, and the key in it.
    pub(super) fn split(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }

    /// Lines that set the key, for a file that lacks it.
    pub(super) fn sample_lines(&self) -> String {
        match self.split() {
            ("", name) => format!("`{name} = {}`", self.sample),
            (section, name) => format!("`{name} = {}` under `[{section}]`", self.sample),
        }
    }
}

const fn required(path: &'static str, kind: Kind, sample: &'static str) -> Key {
    Key {
        path,
        kind,
        required: true,
        sample,
    }
}

const fn optional(path: &'static str, kind: Kind, sample: &'static str) -> Key {
    Key {
        path,
        kind,
        required: false,
        sample,
    }
}

const fn at_least(min: i64) -> Kind {
    Kind::Integer { min, max: i64::MAX }
}

const PROJECTIONS: &[&str] = &[
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

/// Every section.
pub(super) const SECTIONS: &[&str] = &["data", "lora", "sft", "scoring", "routing", "twist"];

/// Every key, in file order.
pub(super) const KEYS: &[Key] = &[
    required("id", Kind::Id, "\"sentiment\""),
    required("title", Kind::Text, "\"Sentiment\""),
    required("summary", Kind::Text, "\"How a sentence feels.\""),
    required("shape", Kind::Choice(&Shape::NAMES), "\"single-label\""),
    required("instruction", Kind::Text, "\"Say how the text feels.\""),
    optional("labels", Kind::Labels, "[\"negative\", \"positive\"]"),
    optional("schema", Kind::Schema, "\"schema.json\""),
    optional("examples", Kind::Texts, "[\"What a day!\"]"),
    required("data.train", Kind::Path, "\"train.jsonl\""),
    required("data.dev", Kind::Path, "\"dev.jsonl\""),
    required("data.test", Kind::Path, "\"test.jsonl\""),
    optional("data.licence", Kind::FreeText, "\"CC0-1.0\""),
    optional("lora.rank", Kind::Integer { min: 1, max: 4096 }, "8"),
    optional("lora.alpha", Kind::Positive, "16.0"),
    optional(
        "lora.targets",
        Kind::Choices(PROJECTIONS),
        "[\"q_proj\", \"v_proj\"]",
    ),
    optional(
        "lora.first_layer",
        Kind::Integer {
            min: -10_000,
            max: 10_000,
        },
        "0",
    ),
    optional("lora.layers", Kind::Layers, "[0, 3]"),
    optional("sft.epochs", Kind::Passes, "2.0"),
    optional("sft.minutes", Kind::NotNegative, "10.0"),
    optional("sft.batch", at_least(1), "16"),
    optional("sft.micro_tokens", at_least(1), "2048"),
    optional("sft.lr", Kind::Positive, "1e-3"),
    optional("sft.warmup", Kind::Share, "0.05"),
    optional("sft.weight_decay", Kind::NotNegative, "0.0"),
    optional("sft.clip", Kind::NotNegative, "1.0"),
    optional("sft.seed", at_least(0), "0"),
    optional("sft.max_tokens", at_least(1), "384"),
    optional("sft.evals_per_epoch", Kind::Positive, "2.0"),
    optional("sft.patience", at_least(0), "4"),
    optional("scoring.dev_rows", at_least(0), "0"),
    optional("scoring.max_tokens", at_least(1), "256"),
    optional("scoring.shots", at_least(0), "4"),
    optional("scoring.resamples", at_least(1), "1000"),
    optional("scoring.seed", at_least(0), "0"),
    optional("routing.fallback", Kind::FreeText, "\"talk_to_human\""),
    optional("routing.accuracy", Kind::Share, "0.95"),
    optional("routing.cost_wrong", Kind::NotNegative, "5.0"),
    optional("routing.cost_human", Kind::NotNegative, "1.0"),
    optional(
        "twist.balance",
        Kind::Choice(&["none", "sqrt", "inverse"]),
        "\"sqrt\"",
    ),
    optional(
        "twist.upsample",
        Kind::Integer {
            min: 0,
            max: 1_000_000,
        },
        "40",
    ),
    optional("twist.downsample", at_least(0), "400"),
    optional("twist.recall_floor", Kind::Share, "0.95"),
    optional("twist.label_floors", Kind::Shares, "{ IBAN = 0.95 }"),
    optional(
        "twist.span_order",
        Kind::Choice(&["text", "free"]),
        "\"free\"",
    ),
];

/// The key at a dotted path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.path == path)
}

/// What to do about a key that nothing reads: the same name in another section, the nearest key of
/// its section, or the section's keys.
pub(super) fn advice(path: &str) -> String {
    let (section, name) = path.split_once('.').unwrap_or(("", path));
    if let Some(key) = KEYS.iter().find(|k| k.split().1 == name) {
        return format!("did you mean `{}`? Write {}.", key.path, key.sample_lines());
    }
    let inside = KEYS.iter().filter(|k| k.split().0 == section);
    let mut here: Vec<&str> = inside.map(|k| k.split().1).collect();
    if section.is_empty() {
        here.extend(SECTIONS);
    }
    if let Some(near) = crate::error::nearest(name, &here) {
        return format!("did you mean `{near}`?");
    }
    let of = match section {
        "" => "a recipe".to_string(),
        section => format!("`[{section}]`"),
    };
    format!("{of} has {}.", crate::error::listed(&here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::recipe;

    #[test]
    fn the_keys_are_those_of_the_types() {
        let mut recipe = recipe();
        recipe.data.licence = Some("MIT".to_string());
        recipe.schema = Some("schema.json".to_string());
        let written: toml::Table = toml::from_str(&recipe.to_toml()).unwrap();
        let mut paths = Vec::new();
        for (name, value) in &written {
            match value.as_table() {
                Some(section) => paths.extend(section.keys().map(|key| format!("{name}.{key}"))),
                None => paths.push(name.clone()),
            }
        }
        paths.sort();
        let mut known: Vec<&str> = KEYS.iter().map(|k| k.path).collect();
        known.sort();
        assert_eq!(paths, known);
    }

    #[test]
    fn samples_are_accepted() {
        for key in KEYS {
            let mut recipe = recipe();
            match key.path {
                "twist.recall_floor" | "twist.span_order" => recipe.shape = Shape::Spans,
                "twist.label_floors" => {
                    recipe.shape = Shape::Spans;
                    recipe.labels[0] = "IBAN".into();
                }
                "schema" => {
                    recipe.shape = Shape::Structured;
                    recipe.labels = Vec::new();
                    recipe.schema = Some("other.json".into());
                }
                _ => {}
            }
            recipe.set(key.path, key.sample).unwrap();
        }
    }
}
