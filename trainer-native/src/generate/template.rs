//! The notation of a word bank's texts: what stands between brackets, and what an entry means.

/// Stands for a captured text while the rest of a row is written: a private-use character, so that
/// no rule of spelling or punctuation touches it.
pub const CAPTURE: char = '\u{e000}';

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as it is.
    Plain(&'a str),
    /// `{name}`: an entry of a list.
    List(&'a str),
    /// `[a|b]`: one of these templates.
    OneOf(Vec<&'a str>),
    /// `<KEY template>`: text that is part of the answer.
    Capture {
        /// A label, or the path of a field.
        key: &'a str,
        /// What is written there.
        text: &'a str,
    },
}

/// The parts of a template in order.
///
/// # Errors
/// In words: a bracket that is never closed, a mark that is no text, a capture without text.
pub fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find(['{', '[', '<']) {
        let open = &rest[start..=start];
        let close = match open {
            "{" => '}',
            "[" => ']',
            _ => '>',
        };
        let Some(length) = rest[start..].find(close) else {
            return Err(format!(
                "`{open}` in `{template}` is never closed. Add `{close}`; brackets of one kind do not nest."
            ));
        };
        let inside = &rest[start + 1..start + length];
        found.push(plain(&rest[..start], template)?);
        found.push(match open {
            "{" => Piece::List(inside),
            "[" => Piece::OneOf(inside.split('|').collect()),
            _ => capture(inside)?,
        });
        rest = &rest[start + length + 1..];
    }
    found.push(plain(rest, template)?);
    Ok(found)
}

fn plain<'a>(text: &'a str, template: &str) -> Result<Piece<'a>, String> {
    match text.find(['}', ']', '>', '|', CAPTURE]) {
        None => Ok(Piece::Plain(text)),
        Some(at) => Err(format!(
            "`{}` in `{template}` belongs to no bracket. Open one, or reword: the marks <>{{}}[]| are no text of a bank.",
            &text[at..].chars().next().unwrap_or_default()
        )),
    }
}

fn capture(inside: &str) -> Result<Piece<'_>, String> {
    match inside.split_once(' ') {
        Some((key, text)) if !key.is_empty() && !text.trim().is_empty() => {
            Ok(Piece::Capture { key, text })
        }
        _ => Err(format!(
            "`<{inside}>` captures nothing. Write `<KEY text>`."
        )),
    }
}

/// The two sides of an entry: the template that the text shows, and, after ` => `, the value that
/// an answer gets in its place.
pub fn entry(text: &str) -> (&str, Option<&str>) {
    match text.split_once(" => ") {
        Some((surface, value)) => (surface.trim_end(), Some(value.trim())),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_templates_apart() {
        use Piece::*;
        let check = |text, expected: &[Piece]| assert_eq!(pieces(text).unwrap(), expected);
        check("as it is", &[Plain("as it is")]);
        check("{who}!", &[Plain(""), List("who"), Plain("!")]);
        check(
            "a [b {c}|]",
            &[Plain("a "), OneOf(vec!["b {c}", ""]), Plain("")],
        );
        let (key, text) = ("items+.name", "[two |]{thing}");
        check(
            "<items+.name [two |]{thing}>",
            &[Plain(""), Capture { key, text }, Plain("")],
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_template() {
        for (text, says) in [
            ("a {b", "`{` in `a {b` is never closed. Add `}`"),
            ("<a b", "Add `>`"),
            ("a] b", "`]` in `a] b` belongs to no bracket"),
            ("3 > 2", "`>`"),
            ("a\u{e000}", "belongs to no bracket"),
            ("<a>", "`<a>` captures nothing. Write `<KEY text>`."),
            ("< a>", "captures nothing"),
        ] {
            let error = pieces(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn an_entry_may_carry_a_value() {
        assert_eq!(
            entry("the third => 2024-05-03"),
            ("the third", Some("2024-05-03"))
        );
        assert_eq!(entry("the third"), ("the third", None));
    }
}
