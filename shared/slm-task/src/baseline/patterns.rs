//! Personal data by its form alone: what a page of rules finds without a model. Mail addresses, IBANs
//! and card numbers with a right checksum, IP addresses, and what looks like a phone number.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::prediction::{FoundSpan, SpansPrediction};

/// A form of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Email,
    Iban,
    Card,
    Ip,
    Phone,
}

/// The forms, the surest first: where two match, the first one has it.
const FORMS: [(Form, &str); 5] = [
    (Form::Email, "EMAIL"),
    (Form::Iban, "IBAN"),
    (Form::Card, "CARD"),
    (Form::Ip, "IP"),
    (Form::Phone, "PHONE"),
];

/// The forms that a recipe has labels for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patterns {
    forms: Vec<(Form, String)>,
}

impl Patterns {
    /// The forms whose name stands in a label (`IP_ADDRESS`), each with the first such label; `None`
    /// when no label has one.
    pub(super) fn for_labels(labels: &[String]) -> Option<Self> {
        let fits = |label: &str, name: &str| {
            let label = label.to_uppercase();
            let mut words = label.split(|c: char| !c.is_alphanumeric());
            // `IP` alone, as it stands in many other words.
            words.any(|word| word == name || name.len() > 2 && word.contains(name))
        };
        let label = |name: &str| labels.iter().find(|label| fits(label, name));
        let forms: Vec<(Form, String)> = FORMS
            .iter()
            .filter_map(|&(form, name)| Some((form, label(name)?.clone())))
            .collect();
        (!forms.is_empty()).then_some(Self { forms })
    }

    /// What is found in a text, in its order.
    pub(super) fn find(&self, text: &str) -> SpansPrediction {
        let mut spans: Vec<FoundSpan> = Vec::new();
        for (form, label) in &self.forms {
            let mut at = 0;
            while at < text.len() {
                let end = form.match_at(text, at);
                let free = |end: usize| spans.iter().all(|s| end <= s.start || s.end <= at);
                match end.filter(|&end| free(end)) {
                    Some(end) => {
                        spans.push(FoundSpan {
                            start: at,
                            end,
                            label: label.clone(),
                            probability: None,
                            stop_log_odds: None,
                        });
                        at = end;
                    }
                    None => at += 1,
                }
            }
        }
        spans.sort_by_key(|span| span.start);
        SpansPrediction {
            spans,
            ..SpansPrediction::default()
        }
    }
}

impl Form {
    /// Where a match that begins at byte `at` ends. Matches begin and end at ASCII characters.
    fn match_at(self, text: &str, at: usize) -> Option<usize> {
        let before = text.get(..at)?.chars().next_back();
        let rest = &text[at..];
        let length = match self {
            Self::Email => email(before, rest),
            Self::Iban => grouped(before, rest, is_iban, 15..=34),
            Self::Card => grouped(before, rest, is_card, 13..=19),
            Self::Ip => ip(before, rest),
            Self::Phone => phone(before, rest),
        };
        length.map(|length| at + length)
    }
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

/// `local@name.tld`.
fn email(before: Option<char>, rest: &str) -> Option<usize> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if before.is_some_and(is_local) || rest.starts_with(['.', '-']) {
        return None;
    }
    let local = rest.find(|c| !is_local(c))?;
    let domain = rest[local..].strip_prefix('@').filter(|_| local > 0)?;
    let length = domain.find(|c| !is_domain(c)).unwrap_or(domain.len());
    let domain = domain[..length].trim_end_matches(['.', '-']);
    let (name, top) = domain.rsplit_once('.')?;
    let is_top = top.len() > 1 && top.chars().all(|c| c.is_ascii_alphabetic());
    (is_top && !name.is_empty() && !domain.contains("..")).then_some(local + 1 + domain.len())
}

/// The longest run of letters and digits, in groups with one space or dash between, of which `is`
/// holds without these. The run has a number of characters in `lengths` and ends where a word does.
fn grouped(
    before: Option<char>,
    rest: &str,
    is: fn(&str) -> bool,
    lengths: std::ops::RangeInclusive<usize>,
) -> Option<usize> {
    if is_word(before) || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let mut compact = String::new();
    let mut longest = None;
    let mut separated = false;
    for (at, c) in rest.char_indices() {
        match c {
            ' ' | '-' if !separated => separated = true,
            _ if c.is_ascii_alphanumeric() && compact.len() < *lengths.end() => {
                compact.push(c);
                separated = false;
                let end = at + 1;
                let whole = !is_word(rest[end..].chars().next());
                if whole && lengths.contains(&compact.len()) && is(&compact) {
                    longest = Some(end);
                }
            }
            _ => break,
        }
    }
    longest
}

/// ISO 13616: the remainder by 97 of country and check digits moved to the end, letters as 10 to 35.
fn is_iban(compact: &str) -> bool {
    let bytes = compact.as_bytes();
    let opens =
        bytes[..2].iter().all(u8::is_ascii_uppercase) && bytes[2..4].iter().all(u8::is_ascii_digit);
    let moved = compact[4..].chars().chain(compact[..4].chars());
    let remainder = moved.fold(0, |sum: u32, c| match c.to_digit(36) {
        Some(value) if value >= 10 => (sum * 100 + value) % 97,
        value => (sum * 10 + value.unwrap_or(0)) % 97,
    });
    opens && remainder == 1
}

/// Digits with a right check digit by Luhn's formula (ISO/IEC 7812-1).
fn is_card(compact: &str) -> bool {
    let digits: Option<Vec<u32>> = compact.chars().rev().map(|c| c.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        let one = |(place, &digit): (usize, &u32)| match place % 2 {
            0 => digit,
            _ => digit * 2 / 10 + digit * 2 % 10,
        };
        digits.iter().enumerate().map(one).sum::<u32>() % 10 == 0
    })
}

/// An IPv4 or IPv6 address in full.
fn ip(before: Option<char>, rest: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    if is_word(before) || before.is_some_and(is_part) {
        return None;
    }
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if is_word(rest[length..].chars().next()) {
        return None;
    }
    let run = &rest[..length];
    let trimmed = run.trim_end_matches(['.', ':']);
    let v4 = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    // A port may follow, but not in an IPv6 address, where it could be anything.
    let host = trimmed.split(':').next().filter(|host| v4(host));
    let v6 = || {
        [run, trimmed]
            .into_iter()
            .find(|text| text.parse::<Ipv6Addr>().is_ok())
    };
    host.or_else(v6).map(str::len)
}

/// Seven to fifteen digits that open with `+`, `(` or `0`, with the signs between that people write.
fn phone(before: Option<char>, rest: &str) -> Option<usize> {
    let joins = |c: char| c.is_alphanumeric() || "+-./:_#".contains(c);
    if before.is_some_and(joins) || !rest.starts_with(['+', '(', '0']) {
        return None;
    }
    let (mut digits, mut end, mut signs) = (0, 0, 0);
    for (at, c) in rest.char_indices() {
        match c {
            '0'..='9' => {
                (digits, end, signs) = (digits + 1, at + 1, 0);
            }
            '+' if at == 0 => {}
            ' ' | '-' | '.' | '/' | '(' | ')' if signs < 2 => signs += 1,
            _ => break,
        }
    }
    let whole = !is_word(rest[end..].chars().next());
    (whole && (7..=15).contains(&digits)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_found_where_they_stand() {
        let labels = [
            "PERSON",
            "EMAIL",
            "PHONE",
            "CREDIT_CARD",
            "IBAN",
            "IP_ADDRESS",
        ];
        let patterns = Patterns::for_labels(&labels.map(String::from)).unwrap();
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = patterns.find(text).spans;
            let found: Vec<(&str, &str)> = (found.iter())
                .map(|s| (s.label.as_str(), &text[s.start..s.end]))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("", &[]);
        check(
            "Mail jo.b+x@mail.example.org.",
            &[("EMAIL", "jo.b+x@mail.example.org")],
        );
        check("<é@example.com> @example.com a@b a@b.c1", &[]);
        check("x@a..com", &[]);
        check(
            "from 203.0.113.64:8080, then 2001:db8::5f.",
            &[
                ("IP_ADDRESS", "203.0.113.64"),
                ("IP_ADDRESS", "2001:db8::5f"),
            ],
        );
        check("256.1.1.1 v10.2.0.1 1.2.3.4.5 12:30", &[]);
        check(
            "pay GB82 WEST 1234 5698 7654 32 or DE89370400440532013000",
            &[
                ("IBAN", "GB82 WEST 1234 5698 7654 32"),
                ("IBAN", "DE89370400440532013000"),
            ],
        );
        check("GB83 WEST 1234 5698 7654 32", &[]);
        check(
            "card 4111 1111 1111 1111, 4111-1111-1111-1112",
            &[("CREDIT_CARD", "4111 1111 1111 1111")],
        );
        check(
            "ring +44 (0)20 7946 0018 or 07700 900655, not 900655",
            &[("PHONE", "+44 (0)20 7946 0018"), ("PHONE", "07700 900655")],
        );
        check("12/01/2024 order 40170021 0.5", &[]);
    }

    #[test]
    fn only_labels_of_the_recipe_are_used() {
        let check = |labels: &[&str], forms: usize| {
            let labels: Vec<String> = labels.iter().map(|label| label.to_string()).collect();
            let found = Patterns::for_labels(&labels).map_or(0, |patterns| patterns.forms.len());
            assert_eq!(found, forms, "{labels:?}");
        };
        check(&["PERSON", "DESCRIPTION", "ZIP"], 0);
        check(&["email_address", "Ip"], 2);
        check(&["DEBIT_CARD", "PHONE_NUMBER", "IBAN"], 3);
    }
}
