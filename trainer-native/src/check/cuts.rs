//! Spans that cut a word: what offsets look like that were counted in other units, or from 1.

use slm_task::{Target, example::Span};

use super::findings::{Code, Finding};
use crate::rows::Rows;

/// The first character of the scripts in which words follow each other without spaces (Thai and what
/// comes after it): there, a word may end anywhere.
const WITHOUT_SPACES: char = '\u{0e00}';

/// A finding for each row with a span that begins or ends inside a word.
pub fn words(splits: &[(&str, &Rows)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, rows) in splits {
        for row in &rows.examples {
            let Target::Spans(spans) = &row.target else {
                continue;
            };
            let text = row.prompt.as_str();
            let cut = |span: &&Span| {
                is_inside_a_word(text, span.start) || is_inside_a_word(text, span.end)
            };
            let Some(span) = spans.iter().find(cut) else {
                continue;
            };
            let place = format!("{name}:{}", row.line);
            found.push(Finding {
                code: Code::CutsWord,
                message: format!(
                    "{place}: {:?} begins or ends inside a word; offsets count characters (Unicode code \
                     points) from 0, not bytes or UTF-16 units",
                    &text[span.start..span.end]
                ),
                places: vec![place],
            });
        }
    }
    found
}

/// Whether a letter or number stands on both sides.
fn is_inside_a_word(text: &str, at: usize) -> bool {
    let joins = |c: char| c.is_alphanumeric() && c < WITHOUT_SPACES;
    let (before, after) = text.split_at(at);
    before.chars().next_back().is_some_and(joins) && after.chars().next().is_some_and(joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_between_letters_and_numbers_only() {
        let check = |before: &str, after: &str, expected: bool| {
            let text = format!("{before}{after}");
            assert_eq!(is_inside_a_word(&text, before.len()), expected, "{text}");
        };
        check("A", "nn Lee", true);
        check("Bob Smi", "th", true);
        check("07700 9006", "55", true);
        check("Zo", "ë", true);
        check("Ann", " Lee", false);
        check("Ann", "'s", false);
        check("", "Ann", false);
        check("Ann", "", false);
        check("西村", "さん", false);
        check("👋", "Ann", false);
    }
}
