//! How people type: sentence capitals first, then now and then American spelling, no capitals, no
//! full stop, an emoji, a slip of the finger.

use slm_task::rng::SplitMix64;

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

/// The text as somebody would send it. `label` chooses the emoji; only feelings are shouted.
pub fn finish(draft: &str, label: &str, rng: &mut SplitMix64) -> String {
    let mut text = sentence_case(&tidy(draft));
    if rng.below(4) == 0 {
        text = map_words(&text, american);
    }
    match rng.below(100) {
        0..12 => without_full_stop(&text.to_lowercase()),
        12..17 => without_full_stop(&text.to_lowercase().replace('\'', "")),
        17..25 => with_typo(&text, rng),
        25..33 => without_full_stop(&text),
        33..36 if label != "neutral" => format!("{}!!", without_full_stop(&text)),
        36..41 => with_emoji(&text, label, rng),
        41..43 if label != "neutral" && text.len() < 60 => text.to_uppercase(),
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
        if starts && c.is_alphanumeric() {
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

fn with_emoji(text: &str, label: &str, rng: &mut SplitMix64) -> String {
    let emoji: &[&str] = match label {
        "positive" => &["😊", "🎉", "💛", "👌", "😍"],
        "negative" => &["😠", "😞", "💔", "🙄", "🤦"],
        _ => return text.to_owned(),
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
        ] {
            assert_eq!(sentence_case(&tidy(draft)), text);
        }
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
