//! `slm predict`.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use slm_task::{FoundSpan, Prediction, example::code_points};

use crate::{
    exit::bad_input,
    files,
    predictor::{CHUNK, Predictor},
    subject::Subject,
    terminal::Bar,
};

/// Answer texts from a file: one prediction a line, as JSON.
///
/// A line of input is a JSON object with a `prompt` or a `text`, or plain text. Bounds of spans in the
/// output count Unicode code points, as in data files.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: slm predict runs/mine --input texts.txt --output answers.jsonl
         echo 'I love it' | slm predict runs/mine --input - --output -"
)]
pub struct Args {
    /// Run folder, bundle folder, or `base` (or a GGUF file)
    subject: String,
    /// Texts, one a line; - for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Predictions, one a line; - for standard output
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Recipe, where the subject does not have one
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// Base model, where it has moved
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
}

impl Args {
    /// Predicts.
    ///
    /// # Errors
    /// Bad input, or a failing engine or disk.
    pub fn run(self) -> Result<()> {
        files::keep_inputs(&self.output, &[&self.input])?;
        let texts = read_texts(&self.input)?;
        let subject = Subject::open(&self.subject, self.recipe.as_deref(), self.base.as_deref())?;
        let adapter = subject.adapter.as_ref().map(|(adapter, _)| &**adapter);
        let mut predictor =
            Predictor::new(subject.base.clone(), adapter, &subject.recipe, Vec::new())?;
        predictor.set_stop_bias(subject.dials.stop_bias());
        let mut output = open_output(&self.output)?;
        let mut bar = Bar::new("predict", texts.len());
        let mut done = 0;
        for chunk in texts.chunks(CHUNK) {
            let prompts: Vec<&str> = chunk.iter().map(|(_, text)| text.as_str()).collect();
            for ((line, text), prediction) in chunk.iter().zip(predictor.predict(&prompts)?) {
                let answer = line_of(&subject, *line, text, &prediction);
                writeln!(output, "{answer}")
                    .map_err(|error| files::write_error(&self.output, error))?;
            }
            done += chunk.len();
            bar.set(done, "");
        }
        bar.finish();
        output
            .flush()
            .map_err(|error| files::write_error(&self.output, error))
    }
}

fn open_output(path: &Path) -> Result<Box<dyn Write>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let file = File::create(path).map_err(|error| files::write_error(path, error))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// Texts with their line numbers; empty lines are left out.
fn read_texts(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        text
    } else {
        files::read_text(path)?
    };
    let shown = path.display().to_string();
    let texts: Vec<(usize, String)> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| Ok((index + 1, read_line(&shown, index + 1, line)?)))
        .collect::<Result<_>>()?;
    if texts.is_empty() {
        return Err(bad_input(format!(
            "{shown}: found no text; expected one a line."
        )));
    }
    Ok(texts)
}

/// The text of a line: the `prompt` or `text` of a JSON object, or the line itself.
fn read_line(file: &str, number: usize, line: &str) -> Result<String> {
    if !line.trim_start().starts_with('{') {
        return Ok(line.to_string());
    }
    match serde_json::from_str::<Map<String, Value>>(line) {
        // Plain text may begin with a brace, too.
        Err(_) => Ok(line.to_string()),
        Ok(object) => match (object.get("prompt").or(object.get("text"))).and_then(Value::as_str) {
            Some(prompt) => Ok(prompt.to_string()),
            None => Err(bad_input(format!(
                "{file}:{number}: prompt: found none; expected a text. Name the field `prompt`."
            ))),
        },
    }
}

fn line_of(subject: &Subject, line: usize, text: &str, prediction: &Prediction) -> Value {
    let mut answer = json!({"line": line, "prompt": text});
    let mut put = |key: &str, value: Value| {
        answer[key] = value;
    };
    match prediction {
        Prediction::Label(found) => {
            put("label", json!(found.label));
            put("probabilities", by_label(subject, &found.probabilities));
            put("outside", json!(found.outside));
        }
        Prediction::Labels(found) => {
            put("labels", json!(found.labels));
            put("probabilities", by_label(subject, &found.probabilities));
            put("outside", json!(found.outside));
        }
        Prediction::Spans(found) => {
            let spans: Vec<Value> = found.spans.iter().map(|span| listed(text, span)).collect();
            put("spans", json!(spans));
        }
        Prediction::Object(found) => {
            put("object", found.object.clone());
            put("probability", json!(found.probability));
        }
        Prediction::Failed(failure) => put("failed", json!(failure)),
    }
    if let Some(threshold) = &subject.dials.routing {
        let fallback = &subject.recipe.routing.fallback;
        let route = match prediction.label() {
            Some(label) if !threshold.routes(prediction, fallback) => label,
            _ => fallback,
        };
        put("route", json!(route));
    }
    answer
}

/// A span as data files have it, with its text.
fn listed(text: &str, span: &FoundSpan) -> Value {
    let place = code_points(text, span.start..span.end);
    json!({
        "start": place.start,
        "end": place.end,
        "label": span.label,
        "text": text.get(span.start..span.end),
        "probability": span.probability,
    })
}

fn by_label(subject: &Subject, probabilities: &[f64]) -> Value {
    let pairs = subject.recipe.labels.iter().zip(probabilities);
    pairs
        .map(|(label, &probability)| (label.clone(), json!(probability)))
        .collect::<Map<String, Value>>()
        .into()
}
