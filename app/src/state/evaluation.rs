//! Scoring the bundled test rows in the page, and building the shipped report again from what this
//! browser answered.

use slm_task::{
    Example, Prediction, Recipe, Report, TaskError,
    bundle::Predictions,
    report::{self, Body, ReportInput, System},
    score::{self, Summary},
};

use crate::{
    protocol::{Outcome, Scored},
    state::integrity,
};

/// The selection metric is taken again once the rows grew by one in this many: it costs a pass over
/// all of them.
const SCORED_EVERY: usize = 20;

/// A running evaluation of the subject on the test rows.
pub struct Evaluator {
    recipe: Recipe,
    rows: Vec<Example>,
    predictions: Vec<Prediction>,
    right: usize,
    failures: usize,
    /// The selection metric, and the number of rows with which it is due again.
    score: f64,
    due: usize,
    /// Milliseconds, as the caller's clock gives them.
    started: f64,
}

impl Evaluator {
    /// Begins at `now` (milliseconds).
    pub fn new(recipe: Recipe, rows: Vec<Example>, now: f64) -> Self {
        Self {
            predictions: Vec::with_capacity(rows.len()),
            right: 0,
            failures: 0,
            score: 0.0,
            due: 1,
            started: now,
            recipe,
            rows,
        }
    }

    /// The text of the next row; `None` when all are answered.
    pub fn next_prompt(&self) -> Option<String> {
        let row = self.rows.get(self.predictions.len())?;
        Some(row.prompt.clone())
    }

    /// Takes in the answer to [`Evaluator::next_prompt`]. Counts are of all rows so far; the metric
    /// is as of a twentieth of them ago at most, and of all rows with the last.
    ///
    /// # Errors
    /// An answer that does not belong to the recipe.
    pub fn push(&mut self, prediction: Prediction, now: f64) -> Result<Scored, TaskError> {
        self.predictions.push(prediction);
        let done = self.predictions.len();
        match self.summary(done - 1) {
            Ok(row) => {
                self.right += row.right;
                self.failures += row.failures;
            }
            // Among all rows, the error names the row's place.
            Err(error) => return Err(self.summary(0).err().unwrap_or(error)),
        }
        if done >= self.due || done == self.rows.len() {
            self.score = self.summary(0)?.score;
            self.due = done + 1 + done / SCORED_EVERY;
        }
        Ok(Scored {
            done,
            total: self.rows.len(),
            right: self.right,
            failures: self.failures,
            score: self.score,
            rate: 1000.0 * done as f64 / (now - self.started).max(1.0),
        })
    }

    /// How the rows from `first` on are answered so far.
    fn summary(&self, first: usize) -> Result<Summary, TaskError> {
        let done = first..self.predictions.len();
        let predictions = self.predictions[done.clone()].to_vec();
        score::summary(&self.recipe, &self.rows[done], predictions)
    }

    /// Builds the report again from these predictions and the baselines' stored ones, and compares
    /// it with the shipped file, byte for byte.
    ///
    /// # Errors
    /// Rows and stored predictions do not belong together.
    pub fn finish(self, shipped: &Shipped<'_>, now: f64) -> Result<Outcome, TaskError> {
        let seconds = (now - self.started) / 1000.0;
        let stored = &shipped.predictions.systems;
        let before = stored.first().map_or(&[][..], |system| &system.predictions);
        let changed_rows = before
            .iter()
            .zip(&self.predictions)
            .filter(|(before, now)| before != now)
            .count();
        let rows = self.rows.len();
        let body = self.rebuild(shipped)?;
        let text = Report {
            body: body.clone(),
            ..shipped.report.clone()
        }
        .to_json();
        Ok(Outcome {
            rows,
            seconds,
            equal: text.as_bytes() == shipped.report_file,
            bytes: text.len(),
            sha256: integrity::sha256(text.as_bytes()),
            differences: differences(&shipped.report.body, &body),
            changed_rows,
        })
    }

    fn rebuild(self, shipped: &Shipped<'_>) -> Result<Body, TaskError> {
        let stored = shipped.predictions;
        let mut systems = vec![System {
            name: shipped.report.body.subject.clone(),
            predictions: self.predictions,
        }];
        systems.extend(stored.systems.iter().skip(1).cloned());
        report::build(ReportInput {
            recipe: &self.recipe,
            rows: &self.rows,
            rows_in_file: shipped.report.body.rows_in_file,
            systems,
            train_classes: stored.train_classes.clone(),
            dials: stored.dials.clone(),
            free: stored.free.clone(),
            provenance: shipped.report.body.provenance.clone(),
            warnings: stored.warnings.clone(),
        })
    }
}

/// What was shipped, to compare with.
#[derive(Clone, Copy)]
pub struct Shipped<'a> {
    /// `report.json`, parsed.
    pub report: &'a Report,
    /// `report.json`, as it came.
    pub report_file: &'a [u8],
    /// `predictions.json`.
    pub predictions: &'a Predictions,
}

/// Names of the parts of the body that differ.
fn differences(shipped: &Body, rebuilt: &Body) -> Vec<String> {
    let parts = [
        ("headline", shipped.headline == rebuilt.headline),
        ("systems", shipped.systems == rebuilt.systems),
        ("lift", shipped.lift == rebuilt.lift),
        ("slices", shipped.slices == rebuilt.slices),
        ("routing", shipped.routing == rebuilt.routing),
        ("recall", shipped.recall == rebuilt.recall),
        ("decoding", shipped.decoding == rebuilt.decoding),
        ("mistakes", shipped.mistakes == rebuilt.mistakes),
        ("warnings", shipped.warnings == rebuilt.warnings),
        ("provenance", shipped.provenance == rebuilt.provenance),
        (
            "rows",
            (shipped.rows, shipped.rows_in_file) == (rebuilt.rows, rebuilt.rows_in_file),
        ),
        ("subject", shipped.subject == rebuilt.subject),
        (
            "recipe",
            (&shipped.recipe, &shipped.title) == (&rebuilt.recipe, &rebuilt.title),
        ),
    ];
    parts
        .into_iter()
        .filter(|(_, equal)| !equal)
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use slm_task::{LabelPrediction, example, report::Provenance, routing::Dials};

    use super::*;

    const RECIPE: &str = r#"
id = "mood"
title = "Mood"
shape = "single-label"
summary = "Good or bad?"
instruction = "Good or bad?"
labels = ["bad", "good"]

[data]
train = "train.jsonl"
dev = "dev.jsonl"
test = "test.jsonl"
"#;

    const ROWS: &str = r#"{"prompt": "fine", "completion": "good"}
{"prompt": "awful", "completion": "bad"}
{"prompt": "meh", "completion": "bad"}
"#;

    fn label(label: &str, bad: f64) -> Prediction {
        Prediction::Label(LabelPrediction {
            label: label.into(),
            probabilities: vec![bad, 1.0 - bad],
            outside: 0.25,
        })
    }

    struct Fixture {
        recipe: Recipe,
        rows: Vec<Example>,
        predictions: Predictions,
        report: Report,
    }

    fn fixture() -> Fixture {
        let recipe = Recipe::parse(RECIPE, "recipe.toml").unwrap();
        let rows = example::read_jsonl(ROWS.as_bytes(), "test.jsonl", &recipe).unwrap();
        let system = |name: &str, predictions| System {
            name: name.into(),
            predictions,
        };
        let predictions = Predictions {
            systems: vec![
                system(
                    "tuned",
                    vec![label("good", 0.1), label("bad", 0.9), label("good", 0.4)],
                ),
                system("zero-shot", vec![label("good", 0.3); 3]),
            ],
            train_classes: None,
            dials: Dials::default(),
            free: None,
            warnings: vec!["given".into()],
        };
        let body = report::build(ReportInput {
            recipe: &recipe,
            rows: &rows,
            rows_in_file: rows.len(),
            systems: predictions.systems.clone(),
            train_classes: None,
            dials: Dials::default(),
            free: None,
            provenance: Provenance::default(),
            warnings: predictions.warnings.clone(),
        })
        .unwrap();
        Fixture {
            recipe,
            rows,
            predictions,
            report: Report::new(body, None),
        }
    }

    fn outcome(fixture: &Fixture, answers: &[Prediction]) -> Outcome {
        let mut evaluator = Evaluator::new(fixture.recipe.clone(), fixture.rows.clone(), 0.0);
        for answer in answers {
            assert!(evaluator.next_prompt().is_some());
            evaluator.push(answer.clone(), 1.0).unwrap();
        }
        assert_eq!(evaluator.next_prompt(), None);
        // The file is read as the worker reads it.
        let file = fixture.report.to_json();
        let report = Report::parse(&file, "report.json").unwrap();
        let shipped = Shipped {
            report: &report,
            report_file: file.as_bytes(),
            predictions: &fixture.predictions,
        };
        evaluator.finish(&shipped, 2000.0).unwrap()
    }

    #[test]
    fn the_same_answers_make_the_same_bytes() {
        let fixture = fixture();
        let answers = fixture.predictions.systems[0].predictions.clone();
        let outcome = outcome(&fixture, &answers);
        assert!(outcome.equal, "{outcome:?}");
        assert_eq!(outcome.differences, Vec::<String>::new());
        assert_eq!(outcome.changed_rows, 0);
        assert_eq!(outcome.seconds, 2.0);
    }

    #[test]
    fn a_changed_probability_is_seen_and_named() {
        let fixture = fixture();
        let mut answers = fixture.predictions.systems[0].predictions.clone();
        answers[2] = label("good", 0.400_000_000_000_000_1);
        let outcome = outcome(&fixture, &answers);
        assert!(!outcome.equal);
        assert_eq!(outcome.changed_rows, 1);
        assert!(
            outcome.differences.contains(&"mistakes".to_owned()),
            "{outcome:?}"
        );
    }

    #[test]
    fn counts_run_along() {
        let fixture = fixture();
        let mut evaluator = Evaluator::new(fixture.recipe, fixture.rows, 0.0);
        let first = evaluator.push(label("good", 0.1), 500.0).unwrap();
        assert_eq!((first.done, first.total, first.right), (1, 3, 1));
        assert_eq!(first.rate, 2.0);
        let failed = Prediction::Failed(slm_task::Failure::TooLong {
            tokens: 9,
            limit: 8,
        });
        let second = evaluator.push(failed, 1000.0).unwrap();
        assert_eq!((second.right, second.failures), (1, 1));
    }

    /// However many rows there are, each is scored a few dozen times, and the figures with the last
    /// are those of all rows.
    #[test]
    fn the_metric_follows_and_ends_exact() {
        let Fixture { recipe, rows, .. } = fixture();
        let check = |count: usize| {
            let rows: Vec<Example> = rows.iter().cycle().take(count).cloned().collect();
            let answers: Vec<Prediction> = (0..count)
                .map(|i| label(["good", "bad"][i / 3 % 2], 0.5))
                .collect();
            let mut evaluator = Evaluator::new(recipe.clone(), rows.clone(), 0.0);
            let (mut passes, mut due) = (0, evaluator.due);
            let mut last = None;
            for (index, answer) in answers.iter().enumerate() {
                last = Some(evaluator.push(answer.clone(), 1.0).unwrap());
                if evaluator.due != due {
                    (passes, due) = (passes + index + 1, evaluator.due);
                }
            }
            assert!(passes <= 21 * count + 1, "{passes} rows scored for {count}");
            let (last, whole) = (
                last.unwrap(),
                score::summary(&recipe, &rows, answers).unwrap(),
            );
            assert_eq!(
                (last.score, last.right, last.failures),
                (whole.score, whole.right, whole.failures)
            );
        };
        for count in [1, 2, 3, 41, 1000] {
            check(count);
        }
    }

    #[test]
    fn an_error_names_the_rows_place() {
        let fixture = fixture();
        let mut evaluator = Evaluator::new(fixture.recipe, fixture.rows, 0.0);
        evaluator.push(label("good", 0.1), 1.0).unwrap();
        let error = evaluator.push(label("odd", 0.1), 1.0).unwrap_err();
        assert!(error.to_string().starts_with("row 2:"), "{error}");
    }
}
