//! An answer against its schema: every place where it is not what the schema wants. It must not know
//! where the answer comes from.

use serde_json::Value;

use super::{Kind, Node, Range, Schema, Size};
use crate::{error::quoted, json::kind, metrics::structured::Compare};

/// A place where an answer is not what the schema wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Keys with `.` between them and `[i]` for elements, from 0; empty for the answer as a whole.
    pub path: String,
    /// What stands there, in words.
    pub found: String,
    /// What must stand there, in words.
    pub expected: String,
}

impl Schema {
    /// Everything that is wrong with an answer, in the order of the answer; none for a valid one.
    pub fn violations(&self, answer: &Value) -> Vec<Violation> {
        self.root.violations(answer, true)
    }
}

impl Node {
    /// Everything that is wrong with a value that stands here. One that is not `whole` may lack what
    /// is required.
    pub fn violations(&self, value: &Value, whole: bool) -> Vec<Violation> {
        let mut check = Check {
            whole,
            violations: Vec::new(),
        };
        check.node(self, value, "");
        check.violations
    }

    /// What must stand here, in words that follow "expected".
    pub fn expected(&self) -> String {
        if let Some(choices) = &self.choices {
            let shown = |choice: &Value| match choice.as_str() {
                Some(text) => text.to_owned(),
                None => choice.to_string(),
            };
            let choices: Vec<String> = choices.iter().map(shown).collect();
            return match choices.as_slice() {
                [only] => quoted(only),
                several => format!("one of {}", crate::error::listed(several)),
            };
        }
        let kinds = self.kinds.iter().map(|&kind| match kind {
            Kind::String => self.text_in_words(),
            Kind::Array => format!("a list{}", self.size.in_words("element", "elements")),
            Kind::Number | Kind::Integer => {
                format!("{}{}", kind.in_words(), self.range.in_words())
            }
            other => other.in_words().to_owned(),
        });
        kinds.collect::<Vec<_>>().join(" or ")
    }

    fn text_in_words(&self) -> String {
        let mut words = match self.format {
            Some(format) => format.in_words().to_owned(),
            None => "a text".to_owned(),
        };
        words.push_str(&self.size.in_words("character", "characters"));
        if let Some(pattern) = &self.pattern {
            words.push_str(" that matches ");
            words.push_str(&quoted(pattern.as_str()));
        }
        words
    }

    /// Whether a value is one that may stand here, what is in it left aside.
    fn accepts(&self, value: &Value) -> bool {
        let chosen = |choices: &Vec<Value>| {
            let mut choices = choices.iter();
            choices.any(|choice| Compare::Exact.same(choice, value))
        };
        // Without a type there are choices.
        let is_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.has(value));
        self.choices.as_ref().is_none_or(chosen)
            && is_kind
            && match value {
                Value::String(text) => {
                    self.size.has(text.chars().count())
                        && self.format.is_none_or(|format| format.has(text))
                        && self.pattern.as_ref().is_none_or(|p| p.is_match(text))
                }
                Value::Array(elements) => self.size.has(elements.len()),
                Value::Number(number) => number.as_f64().is_some_and(|n| self.range.has(n)),
                _ => true,
            }
    }
}

struct Check {
    whole: bool,
    violations: Vec<Violation>,
}

impl Check {
    fn node(&mut self, node: &Node, value: &Value, path: &str) {
        if !node.accepts(value) {
            self.wrong(path, kind(value), node.expected());
        }
        match value {
            Value::Object(found) if node.kinds.contains(&Kind::Object) => {
                let inside = |name: &str| match path {
                    "" => name.to_owned(),
                    path => format!("{path}.{name}"),
                };
                for (name, value) in found {
                    match node.property(name) {
                        Some(property) => self.node(property, value, &inside(name)),
                        None => {
                            let names: Vec<&str> = node
                                .properties
                                .iter()
                                .map(|(name, _)| name.as_str())
                                .collect();
                            let expected = match names.is_empty() {
                                true => "no property".to_owned(),
                                false => format!("a property of {}", crate::error::listed(&names)),
                            };
                            self.wrong(path, quoted(name), expected);
                        }
                    }
                }
                let missing = node
                    .required
                    .iter()
                    .filter(|name| !found.contains_key(*name));
                for name in missing.filter(|_| self.whole).collect::<Vec<_>>() {
                    let expected = node.property(name).map_or_else(String::new, Node::expected);
                    self.wrong(&inside(name), "nothing".into(), expected);
                }
            }
            Value::Array(elements) => {
                let Some(items) = &node.items else { return };
                for (i, element) in elements.iter().enumerate() {
                    self.node(items, element, &format!("{path}[{i}]"));
                }
            }
            _ => {}
        }
    }

    fn wrong(&mut self, path: &str, found: String, expected: String) {
        self.violations.push(Violation {
            path: path.to_owned(),
            found,
            expected,
        });
    }
}

impl Size {
    fn has(self, count: usize) -> bool {
        let count = count as u64;
        self.least.is_none_or(|least| count >= least) && self.most.is_none_or(|most| count <= most)
    }

    /// ` of 1 to 3 elements`, nothing without bounds.
    fn in_words(self, one: &str, more: &str) -> String {
        let noun = |n: u64| if n == 1 { one } else { more };
        match (self.least, self.most) {
            (None, None) => String::new(),
            (Some(least), None) => format!(" of at least {least} {}", noun(least)),
            (None, Some(most)) => format!(" of at most {most} {}", noun(most)),
            (Some(least), Some(most)) if least == most => format!(" of {least} {}", noun(least)),
            (Some(least), Some(most)) => format!(" of {least} to {most} {}", noun(most)),
        }
    }
}

impl Range {
    /// Whether no number is within, or no `whole` one.
    pub(super) fn is_empty(self, whole: bool) -> bool {
        let low = self.minimum.into_iter().chain(self.above).reduce(f64::max);
        let high = self.maximum.into_iter().chain(self.below).reduce(f64::min);
        let (Some(low), Some(high)) = (low, high) else {
            return false;
        };
        match whole {
            true => ![low.ceil(), low.floor() + 1.0, high.floor()]
                .iter()
                .any(|&n| self.has(n)),
            // Between two numbers there is always another.
            false => low >= high && !self.has(low),
        }
    }

    fn has(self, n: f64) -> bool {
        self.minimum.is_none_or(|bound| n >= bound)
            && self.maximum.is_none_or(|bound| n <= bound)
            && self.above.is_none_or(|bound| n > bound)
            && self.below.is_none_or(|bound| n < bound)
    }

    /// ` of at least 0 and below 10`, nothing without bounds.
    fn in_words(self) -> String {
        let bounds = [
            ("at least", self.minimum),
            ("above", self.above),
            ("at most", self.maximum),
            ("below", self.below),
        ];
        let words: Vec<String> = bounds
            .iter()
            .filter_map(|(words, bound)| bound.map(|bound| format!("{words} {bound}")))
            .collect();
        match words.is_empty() {
            true => String::new(),
            false => format!(" of {}", words.join(" and ")),
        }
    }
}
