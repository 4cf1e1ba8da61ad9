//! What is found in data files, each with a code that scripts can rely on.

use serde::Serialize;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A text occurs in two files.
    DuplicateAcross,
    /// A text has most of its runs of five words in a text of another file.
    NearDuplicateAcross,
    /// A text occurs twice with different answers.
    Contradiction,
    /// A row has more tokens than `sft.max_tokens`: training drops it.
    TooLong,
    /// Right answers have more tokens than `scoring.max_tokens`: they cannot be written to the end.
    AnswerTooLong,
    /// A span begins or ends inside a word: its offsets are most likely shifted.
    CutsWord,
    /// Two labels are most likely one, written in two ways.
    LookAlikeLabels,
    /// Rows have keys that nothing reads.
    KeyIgnored,
    /// A label of the recipe has no row in a file.
    LabelWithoutRows,
    /// The base model is not on this machine, so that lengths were not counted.
    LengthsUnchecked,
}

impl Code {
    /// The code as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuplicateAcross => "duplicate_across",
            Self::NearDuplicateAcross => "near_duplicate_across",
            Self::Contradiction => "contradiction",
            Self::TooLong => "too_long",
            Self::AnswerTooLong => "answer_too_long",
            Self::CutsWord => "cuts_word",
            Self::LookAlikeLabels => "look_alike_labels",
            Self::KeyIgnored => "key_ignored",
            Self::LabelWithoutRows => "label_without_rows",
            Self::LengthsUnchecked => "lengths_unchecked",
        }
    }

    /// What findings of the code mean, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::DuplicateAcross => "texts that occur in two files",
            Self::NearDuplicateAcross => "texts that nearly occur in another file",
            Self::Contradiction => "texts with different answers",
            Self::TooLong => "rows over sft.max_tokens, which training drops",
            Self::AnswerTooLong => "files with right answers over scoring.max_tokens",
            Self::CutsWord => "rows with a span that cuts a word",
            Self::LookAlikeLabels => "pairs of labels that look alike",
            Self::KeyIgnored => "keys that nothing reads",
            Self::LabelWithoutRows => "labels without rows",
            Self::LengthsUnchecked => "lengths not checked",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub code: Code,
    /// Rows it is about, as `file:line`.
    pub places: Vec<String>,
    /// It, in words.
    pub message: String,
}

/// Findings as lines, by code; of each code a few.
pub fn text(findings: &[Finding]) -> String {
    const SHOWN: usize = 5;
    let mut codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut text = String::new();
    for code in codes {
        let of: Vec<&Finding> = findings.iter().filter(|f| f.code == code).collect();
        text += &format!("\n{} {} ({})\n", of.len(), code.meaning(), code.name());
        for finding in of.iter().take(SHOWN) {
            text += &format!("  {}\n", finding.message);
        }
        if of.len() > SHOWN {
            text += &format!("  and {} more\n", of.len() - SHOWN);
        }
    }
    text
}
