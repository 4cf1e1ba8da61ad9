//! The word split, and BIO tags from spans of a text.
//!
//! A text is cut into extended grapheme clusters (Unicode, UAX #29), so that a combining mark stays
//! with its letter. A cluster is *alphanumeric* if any of its characters is (Unicode's `Alphabetic`,
//! or a number), else *space* if it begins with `White_Space`. A word is a longest run of
//! alphanumeric clusters; every other cluster that is no space is a word of its own. `_` and `'` are
//! such words, and scripts without spaces give one word a run.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Span, Tag};

/// The words of a text as half-open ranges of bytes, in order.
pub fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    // Whether the cluster before was alphanumeric, so that the last word may go on.
    let mut running = false;
    for (start, cluster) in text.grapheme_indices(true) {
        let end = start + cluster.len();
        let alphanumeric = cluster.chars().any(char::is_alphanumeric);
        match words.last_mut() {
            Some(last) if running && alphanumeric => last.end = end,
            _ if alphanumeric || !cluster.starts_with(char::is_whitespace) => {
                words.push(start..end)
            }
            _ => {}
        }
        running = alphanumeric;
    }
    words
}

/// One tag a word. A word belongs to the first span that shares a byte with it, by start, then the
/// longest, then label; of equal spans and of overlapping ones, BIO tags can tell one only. The first
/// word of a span is its `B-`.
pub fn tags(words: &[Range<usize>], spans: &[Span]) -> Vec<Tag> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|s| (s.start, usize::MAX - s.end, s.label));
    let mut tags = vec![Tag::Outside; words.len()];
    for span in sorted {
        let mut begun = false;
        for (word, tag) in words.iter().zip(&mut tags) {
            let shared = word.start < span.end && span.start < word.end;
            if shared && *tag == Tag::Outside {
                *tag = if begun {
                    Tag::Inside(span.label)
                } else {
                    Tag::Begin(span.label)
                };
                begun = true;
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_numbers_and_single_signs() {
        let check = |text: &str, expected: &[&str]| {
            let words: Vec<&str> = words(text).into_iter().map(|w| &text[w]).collect();
            assert_eq!(words, expected, "{text:?}");
        };
        check("", &[]);
        check(" \t\r\n\u{a0}\u{3000}", &[]);
        check("Call Ann.", &["Call", "Ann", "."]);
        check(
            "a.b@x-1.com",
            &["a", ".", "b", "@", "x", "-", "1", ".", "com"],
        );
        check("don't a_b", &["don", "'", "t", "a", "_", "b"]);
        check("--", &["-", "-"]);
        check("+49 (0)30", &["+", "49", "(", "0", ")", "30"]);
        // Letters with combining marks, the second and third without a composed form.
        check("cafe\u{301} q\u{303}x", &["cafe\u{301}", "q\u{303}x"]);
        check("हिन्दी भाषा", &["हिन्दी", "भाषा"]);
        check("Müller，東京", &["Müller", "，", "東京"]);
        check("ok👩‍👧!", &["ok", "👩‍👧", "!"]);
        check("x²½Ⅳ", &["x²½Ⅳ"]);
    }

    fn tagged(text: &str, spans: &[(usize, usize, usize)]) -> String {
        let spans: Vec<Span> = spans
            .iter()
            .map(|&(start, end, label)| Span { start, end, label })
            .collect();
        let one = |tag: Tag| match tag {
            Tag::Outside => "O".to_string(),
            Tag::Begin(label) => format!("B{label}"),
            Tag::Inside(label) => format!("I{label}"),
        };
        let tags = tags(&words(text), &spans);
        tags.into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn spans_become_tags_of_the_words_they_share_a_byte_with() {
        let check = |spans: &[(usize, usize, usize)], expected: &str| {
            assert_eq!(tagged("Ann Lee a@b", spans), expected, "{spans:?}");
        };
        check(&[], "O O O O O");
        check(&[(0, 7, 0)], "B0 I0 O O O");
        check(&[(8, 11, 1)], "O O B1 I1 I1");
        // Adjacent, in any order.
        check(&[(4, 7, 0), (0, 3, 0)], "B0 B0 O O O");
        // Part of a word, and spaces around words.
        check(&[(1, 2, 0)], "B0 O O O O");
        check(&[(3, 8, 0)], "O B0 O O O");
        check(&[(3, 4, 0)], "O O O O O");
        // Overlaps and repetitions: the first, then the longest, then the smaller label.
        check(&[(4, 11, 1), (0, 7, 0)], "B0 I0 B1 I1 I1");
        check(&[(0, 3, 0), (0, 7, 1)], "B1 I1 O O O");
        check(&[(0, 3, 1), (0, 3, 0), (0, 3, 1)], "B0 O O O O");
        // Nothing, and beyond the text.
        check(&[(4, 4, 0), (90, 99, 1)], "O O O O O");
    }
}
