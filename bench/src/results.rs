//! What was measured: samples round by round, their medians and ratios, as a table and as JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::machine::Machine;

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Tokens a second, more is better.
    TokensPerSecond,
    /// Megabytes, less is better.
    Megabytes,
    /// Seconds, less is better.
    Seconds,
    /// Answers a second, more is better.
    SentencesPerSecond,
    /// Training rows a second, more is better.
    ExamplesPerSecond,
    /// Macro-F1, from 0 to 1, more is better.
    MacroF1,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::TokensPerSecond => "tokens/s",
            Self::Megabytes => "MB",
            Self::Seconds => "s",
            Self::SentencesPerSecond => "sent./s",
            Self::ExamplesPerSecond => "rows/s",
            Self::MacroF1 => "F1",
        }
    }

    /// Digits after the point that mean something.
    fn digits(self) -> usize {
        match self {
            Self::MacroF1 => 3,
            Self::ExamplesPerSecond => 2,
            _ => 1,
        }
    }
}

/// One thing that every contestant did, ours first.
pub struct Case {
    /// Its name in JSON.
    pub key: String,
    /// Its name in the table.
    pub title: String,
    /// What the samples count.
    pub unit: Unit,
    /// Contestant and its samples, one a round; rounds without an answer are NaN.
    pub samples: Vec<(String, Vec<f64>)>,
}

impl Case {
    /// A case without samples.
    pub fn new(key: &str, unit: Unit) -> Self {
        Self {
            key: key.to_owned(),
            title: key.replace('_', " "),
            unit,
            samples: Vec::new(),
        }
    }

    /// As [`Self::new`], at a number of threads. One, the figure that is compared most, is not in the
    /// key.
    pub fn at(name: &str, threads: usize, unit: Unit) -> Self {
        let mut case = Self::new(name, unit);
        if threads > 1 {
            case.key += &format!("_{threads}_threads");
        }
        case.title += &format!(", {threads} thr.");
        case
    }

    /// Adds a sample of a contestant.
    pub fn add(&mut self, contestant: &str, sample: f64) {
        match self.samples.iter_mut().find(|(name, _)| name == contestant) {
            Some((_, samples)) => samples.push(sample),
            None => self.samples.push((contestant.to_owned(), vec![sample])),
        }
    }

    /// Ours over theirs, round by round, then the median: a machine that is slow for a while is slow
    /// for both.
    fn ratio(&self, theirs: &[f64]) -> f64 {
        let ours = self.samples.first().map_or(&[][..], |(_, ours)| ours);
        median(ours.iter().zip(theirs).map(|(a, b)| a / b).collect())
    }

    fn json(&self) -> Value {
        let by_name = |value: &dyn Fn(&[f64]) -> Value| -> Map<String, Value> {
            let pair = |(name, samples): &(String, Vec<f64>)| (name.clone(), value(samples));
            self.samples.iter().map(pair).collect()
        };
        let mut ratios = by_name(&|samples| json!(self.ratio(samples)));
        if let Some((ours, _)) = self.samples.first() {
            ratios.remove(ours);
        }
        json!({
            "case": self.key,
            "title": self.title,
            "unit": self.unit.name(),
            "median": by_name(&|samples| json!(median(samples.to_vec()))),
            "ratio": ratios,
            "samples": by_name(&|samples| json!(samples)),
        })
    }
}

/// The middle one, or the mean of the middle two; NaN of none.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.retain(|sample| !sample.is_nan());
    samples.sort_by(f64::total_cmp);
    match samples.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => samples[n / 2],
        n => (samples[n / 2 - 1] + samples[n / 2]) / 2.0,
    }
}

/// Prints the table of a benchmark and, where a file is named, writes it as JSON. There, `ratio`
/// has each case's key with ours over that of the first other contestant.
///
/// # Errors
/// The file cannot be written.
pub fn show(bench: &str, cases: &[Case], json: Option<&Path>) -> Result<()> {
    let machine = Machine::this();
    println!("{machine}");
    for line in table(cases) {
        println!("{line}");
    }
    let Some(file) = json else {
        return Ok(());
    };
    let ratio: Map<String, Value> = cases
        .iter()
        .filter_map(|case| {
            let (_, theirs) = case.samples.get(1)?;
            Some((case.key.clone(), json!(case.ratio(theirs))))
        })
        .collect();
    let cases: Vec<Value> = cases.iter().map(Case::json).collect();
    let text = json!({"bench": bench, "machine": machine, "ratio": ratio, "cases": cases});
    fs::write(file, format!("{text:#}\n")).with_context(|| format!("writing {}", file.display()))
}

/// A line a contestant: medians, the range, and ours over theirs.
fn table(cases: &[Case]) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<28} {:<38} {:>9} {:>19} {:>12} {:<8}",
        "", "", "median", "range", "ours/theirs", ""
    )];
    for case in cases {
        for (index, (name, samples)) in case.samples.iter().enumerate() {
            let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
            let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let ratio = match index {
                0 => String::new(),
                _ => format!("{:.2}", case.ratio(samples)),
            };
            let digits = case.unit.digits();
            lines.push(format!(
                "{:<28} {name:<38} {:>9.digits$} {:>19} {ratio:>12} {:<8}",
                if index == 0 { &case.title } else { "" },
                median(samples.clone()),
                format!("{low:.digits$} to {high:.digits$}"),
                case.unit.name(),
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        let check = |samples: &[f64], expected: f64| {
            assert_eq!(median(samples.to_vec()), expected, "{samples:?}");
        };
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        check(&[f64::NAN, 5.0], 5.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let mut case = Case::at("prefill", 1, Unit::TokensPerSecond);
        for (ours, theirs) in [(10.0, 5.0), (2.0, 1.0), (30.0, 10.0)] {
            case.add("ours", ours);
            case.add("theirs", theirs);
        }
        // The ratio of the medians would be 10 / 5 as well; that of the last round is 3.
        assert_eq!(case.ratio(&case.samples[1].1), 2.0);
        assert_eq!(case.json()["ratio"], json!({"theirs": 2.0}));
        assert_eq!(case.json()["median"], json!({"ours": 10.0, "theirs": 5.0}));
    }
}
