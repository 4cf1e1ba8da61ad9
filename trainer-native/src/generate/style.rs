//! How people type: sentence capitals first, then, in chat, now and then American spelling, no
//! capitals, no full stop, an emoji, a slip of the finger. Captured texts are one [`CAPTURE`] each
//! here, and stay as they are.

use serde::Deserialize;
use slm_task::rng::SplitMix64;

use super::template::CAPTURE;

/// British words whose American spelling or word differs.
const AMERICAN: [(&str, &str); 17] = [
    ("centimetres", "centimeters"),
    ("colour", "color"),
    ("colours", "colors"),
    ("favourite", "favorite"),
    ("fibre", "fiber"),
    ("grey", "gray"),
    ("honour", "honor"),
    ("humour", "humor"),
    ("learnt", "learned"),
    ("metres", "meters"),
    ("mum", "mom"),
    ("neighbour", "neighbor"),
    ("neighbours", "neighbors"),
    ("pavement", "sidewalk"),
    ("petrol", "gasoline"),
    ("rubbish", "garbage"),
    ("theatre", "theater"),
];

/// How the people of a bank type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Sentence capitals and tidy punctuation, nothing else.
    Plain,
    /// As on a phone.
    Chat,
}

/// A feeling that shows in typing: shouted, or with an emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feeling {
    /// Glad.
    Positive,
    /// Cross.
    Negative,
}

/// The text as somebody would send it.
pub fn finish(draft: &str, style: Style, feeling: Option<Feeling>, rng: &mut SplitMix64) -> String {
    let text = sentence_case(&tidy(draft));
    match style {
        Style::Plain => text,
        Style::Chat => typed(text, feeling, rng),
    }
}

fn typed(mut text: String, feeling: Option<Feeling>, rng: &mut SplitMix64) -> String {
    if rng.below(4) == 0 {
        text = map_words(&text, american);
    }
    match (rng.below(100), feeling) {
        (0..12, _) => without_full_stop(&text.to_lowercase()),
        (12..17, _) => without_full_stop(&text.to_lowercase().replace('\'', "")),
        (17..25, _) => with_typo(&text, rng),
        (25..33, _) => without_full_stop(&text),
        (33..36, Some(_)) => format!("{}!!", without_full_stop(&text)),
        (36..41, Some(feeling)) => with_emoji(&text, feeling, rng),
        (41..43, Some(_)) if text.len() < 60 => text.to_uppercase(),
        _ => text,
    }
}

/// A mark or an emoji after which a sentence begins. Pictographs start at U+2600; the heart and
/// some others carry a variation selector behind them.
fn ends_sentence(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '\u{2600}'..='\u{27bf}' | '\u{fe0f}' | '\u{1f300}'..)
}

/// One mark at the end of a sentence where clause and form both brought one, and single spaces.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        let last = out.chars().next_back();
        let doubled = c == '.' && last.is_some_and(ends_sentence);
        let spaced = c == ' ' && last == Some(' ');
        if !doubled && !spaced {
            out.push(c);
        }
    }
    out
}

/// A capital at the start of every sentence.
fn sentence_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    let mut ended = false;
    for c in text.chars() {
        if starts && (c.is_alphanumeric() || c == CAPTURE) {
            out.extend(c.to_uppercase());
            starts = false;
        } else {
            out.push(c);
        }
        starts |= ended && c.is_whitespace();
        ended = ends_sentence(c);
    }
    out
}

/// The text with every run of letters replaced by `change`.
fn map_words(text: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(letters);
        out.push_str(&change(word).unwrap_or_else(|| word.to_owned()));
        let others = after.find(char::is_alphabetic).unwrap_or(after.len());
        out.push_str(&after[..others]);
        rest = &after[others..];
    }
    out
}

fn american(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let (_, american) = AMERICAN.iter().find(|(british, _)| *british == lower)?;
    let capital = word.starts_with(char::is_uppercase);
    Some(if capital {
        sentence_case(american)
    } else {
        (*american).to_owned()
    })
}

fn without_full_stop(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}

fn with_emoji(text: &str, feeling: Feeling, rng: &mut SplitMix64) -> String {
    let emoji = match feeling {
        Feeling::Positive => ["😊", "🎉", "💛", "👌", "😍"],
        Feeling::Negative => ["😠", "😞", "💔", "🙄", "🤦"],
    };
    format!(
        "{} {}",
        without_full_stop(text),
        emoji[rng.below(emoji.len())]
    )
}

/// One slip in one word of five letters or more: two letters swapped, one lost, or one doubled,
/// never the first or the last.
fn with_typo(text: &str, rng: &mut SplitMix64) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let plain = |word: &String| word.len() >= 5 && word.bytes().all(|b| b.is_ascii_lowercase());
    let candidates: Vec<usize> = (0..words.len()).filter(|&i| plain(&words[i])).collect();
    if candidates.is_empty() {
        return text.to_owned();
    }
    let word = &mut words[candidates[rng.below(candidates.len())]];
    let at = 1 + rng.below(word.len() - 3);
    let slip = word[at..at + 2].to_owned();
    let (first, second) = slip.split_at(1);
    let typed = match rng.below(3) {
        0 => format!("{second}{first}"),
        1 => second.to_owned(),
        _ => format!("{first}{first}{second}"),
    };
    word.replace_range(at..at + 2, &typed);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_sentences() {
        for (draft, text) in [
            ("it works.", "It works."),
            (
                "\"no\", she said. then left!. why?.",
                "\"No\", she said. Then left! Why?",
            ),
            ("at 7.50 it  left. fine", "At 7.50 it left. Fine"),
            (
                "drinks on me 🥂. so happy. ❤️ it.",
                "Drinks on me 🥂 So happy. ❤️ It.",
            ),
            (
                "\u{e000} said so. \u{e000}. fine",
                "\u{e000} said so. \u{e000}. Fine",
            ),
        ] {
            assert_eq!(sentence_case(&tidy(draft)), text);
        }
    }

    #[test]
    fn leaves_captures_where_they_are() {
        let mut rng = SplitMix64::new(3);
        let draft = "my colour is \u{e000}, from \u{e000} on.";
        for feeling in [None, Some(Feeling::Positive), Some(Feeling::Negative)] {
            for _ in 0..300 {
                let text = finish(draft, Style::Chat, feeling, &mut rng);
                assert_eq!(text.matches(CAPTURE).count(), 2, "{text}");
            }
        }
        let plain = finish(draft, Style::Plain, None, &mut rng);
        assert_eq!(plain, "My colour is \u{e000}, from \u{e000} on.");
    }

    #[test]
    fn spells_whole_words_the_american_way() {
        let text = "Mum, mumbling about grey colours. Rubbish!";
        assert_eq!(
            map_words(text, american),
            "Mom, mumbling about gray colors. Garbage!"
        );
    }

    #[test]
    fn a_typo_changes_one_word_and_keeps_its_ends() {
        let mut rng = SplitMix64::new(5);
        for _ in 0..200 {
            let typed = with_typo("The kettle, a bargain.", &mut rng);
            assert!(
                typed == "The kettle, a bargain.",
                "punctuation is not a letter: {typed}"
            );
            let typed = with_typo("the kettle is ok", &mut rng);
            let word = typed.split(' ').nth(1).unwrap();
            assert!(word.starts_with('k') && word.ends_with('e'), "{typed}");
        }
    }
}
