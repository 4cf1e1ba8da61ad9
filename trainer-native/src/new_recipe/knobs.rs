//! Settings of training suggested from how many rows there are and how long they are.

/// Row visits that a small adapter takes to learn a closed task.
const VISITS: f64 = 12_000.0;
/// The same where answers are written token by token: each row teaches more, and is learned by heart
/// sooner.
const VISITS_WRITTEN: f64 = 6_000.0;
/// Tokens of the chat template around a prompt and an answer.
const TEMPLATE: f64 = 32.0;
/// Room above the estimate: a tokenizer knows some texts worse than others.
const HEAD_ROOM: f64 = 1.25;
/// Share of the rows that must fit.
const FITTING: f64 = 0.995;

/// The suggestions.
#[derive(Debug, PartialEq)]
pub struct Knobs {
    /// Passes over the rows.
    pub epochs: f64,
    /// Rows a step.
    pub batch: usize,
    /// Longest row in tokens.
    pub max_tokens: usize,
}

/// Suggestions for training on rows of which each is prompt and answer; `written` for answers that
/// are written token by token.
pub fn suggest(instruction: &str, rows: &[String], written: bool) -> Knobs {
    let visits = if written { VISITS_WRITTEN } else { VISITS };
    let visits = visits / rows.len().max(1) as f64;
    let mut lengths: Vec<f64> = rows.iter().map(|row| tokens(row)).collect();
    lengths.sort_by(f64::total_cmp);
    let place = (FITTING * lengths.len() as f64).ceil() as usize;
    let long = lengths.get(place.saturating_sub(1)).copied().unwrap_or(0.0);
    let longest = HEAD_ROOM * (long + tokens(instruction)) + TEMPLATE;
    Knobs {
        epochs: ((2.0 * visits).round() / 2.0).clamp(1.0, 8.0),
        batch: match rows.len() {
            0..200 => 4,
            200..1000 => 8,
            _ => 16,
        },
        max_tokens: ((longest / 64.0).ceil() as usize * 64).clamp(128, 2048),
    }
}

/// Tokens that an answer may have where it is written token by token: what the longest needs, with
/// room above it. A base that does not know when to stop writes on to this limit.
pub fn answer_tokens<'a>(answers: impl Iterator<Item = &'a str>) -> usize {
    let longest = answers.map(tokens).fold(0.0, f64::max);
    ((HEAD_ROOM * longest / 16.0).ceil() as usize * 16 + 16).clamp(32, 1024)
}

/// Tokens of a text, by guess: 3.5 letters each, digits one each (as the base's tokenizer has
/// them), one and a half for a character outside ASCII.
fn tokens(text: &str) -> f64 {
    let token = |c: char| match c {
        '0'..='9' => 1.0,
        c if c.is_ascii() => 1.0 / 3.5,
        _ => 1.5,
    };
    text.chars().map(token).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follow_size_and_length() {
        let check = |rows: usize, length: usize, epochs, batch, max_tokens| {
            let rows = vec!["x".repeat(length); rows];
            let expected = Knobs {
                epochs,
                batch,
                max_tokens,
            };
            assert_eq!(suggest("Say it.", &rows, false), expected);
            let half = Knobs {
                epochs: suggest("Say it.", &rows, true).epochs,
                ..expected
            };
            assert!(half.epochs <= epochs && half == suggest("Say it.", &rows, true));
        };
        check(50, 70, 8.0, 4, 128);
        check(600, 350, 8.0, 8, 192);
        check(6000, 350, 2.0, 16, 192);
        check(100_000, 70, 1.0, 16, 128);
        check(10, 1_000_000, 8.0, 4, 2048);
        assert_eq!(
            suggest("Say it.", &vec![String::new(); 6000], true).epochs,
            1.0
        );
    }
}
