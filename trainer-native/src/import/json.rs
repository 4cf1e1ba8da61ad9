//! Rows in JSON: an object a line, or one list of them. Which keys hold text and answer depends on
//! the format.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use slm_task::Shape;

use super::{
    Format, Item, Options,
    reason::{Code, Reason},
    row::{Answer, Candidate, first_of},
    spans,
};

const TEXTS: [&str; 8] = [
    "prompt",
    "text",
    "input",
    "sentence",
    "question",
    "query",
    "utterance",
    "content",
];
const ANSWERS: [&str; 10] = [
    "completion",
    "label",
    "labels",
    "output",
    "answer",
    "response",
    "category",
    "intent",
    "target",
    "class",
];
const ENTITIES: [&str; 3] = ["spans", "entities", "ents"];

/// A row's place and what it says, if it is JSON.
struct Line {
    number: usize,
    raw: String,
    value: Result<Value, Reason>,
}

/// Every row of the file.
pub(super) fn read(
    bytes: &[u8],
    format: Format,
    options: &Options,
    notes: &mut BTreeMap<&'static str, usize>,
) -> Vec<Item> {
    let rows = lines(bytes).into_iter();
    rows.map(|line| Item {
        line: line.number,
        raw: line.raw,
        candidate: line
            .value
            .and_then(|value| candidate(value, format, options, notes)),
    })
    .collect()
}

/// The format by the first row that is JSON.
pub(super) fn guess(bytes: &[u8]) -> Format {
    let first = lines(bytes).into_iter().find_map(|line| line.value.ok());
    match first {
        Some(Value::Array(_)) => Format::Spacy,
        Some(Value::Object(fields)) if fields.contains_key("full_text") => Format::Presidio,
        Some(Value::Object(fields)) if is_conversation(&fields) => Format::Messages,
        Some(Value::Object(fields)) if first_of(&fields, &["entities", "ents"]).is_some() => {
            Format::Spacy
        }
        _ => Format::Jsonl,
    }
}

fn is_conversation(fields: &Map<String, Value>) -> bool {
    fields.contains_key("messages") || fields.get("prompt").is_some_and(Value::is_array)
}

/// The elements of a file that is one list, or else its lines that are not blank.
fn lines(bytes: &[u8]) -> Vec<Line> {
    if let Ok(Value::Array(items)) = serde_json::from_slice(bytes)
        && !is_spacy_pair(&items)
    {
        let numbered = items.into_iter().enumerate();
        return numbered
            .map(|(index, value)| Line {
                number: index + 1,
                raw: value.to_string(),
                value: Ok(value),
            })
            .collect();
    }
    let numbered = bytes.split(|byte| *byte == b'\n').enumerate();
    numbered
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(index, line)| Line {
            number: index + 1,
            raw: String::from_utf8_lossy(line.trim_ascii()).into_owned(),
            value: parse(line),
        })
        .collect()
}

fn parse(line: &[u8]) -> Result<Value, Reason> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to() + 1;
        Reason::new(Code::NotUtf8, format!("byte {at} is not UTF-8"))
    })?;
    serde_json::from_str(text).map_err(|error| Reason::new(Code::NotJson, error.to_string()))
}

/// `["text", {"entities": …}]`: a row of its own, and no list of rows.
fn is_spacy_pair(items: &[Value]) -> bool {
    matches!(items, [Value::String(_), Value::Object(_)])
}

fn candidate(
    value: Value,
    format: Format,
    options: &Options,
    notes: &mut BTreeMap<&'static str, usize>,
) -> Result<Candidate, Reason> {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) if is_spacy_pair(&items) => {
            let mut items = items.into_iter();
            let text = items.next().unwrap_or_default();
            let mut fields = match items.next() {
                Some(Value::Object(fields)) => fields,
                _ => Map::new(),
            };
            fields.insert("text".to_string(), text);
            fields
        }
        _ => return Err(Reason::new(Code::NotARow, "the row is no JSON object")),
    };
    let slice = fields.get("slice").and_then(Value::as_str);
    let slice = slice
        .filter(|slice| !slice.trim().is_empty())
        .map(str::to_string);
    let (text, answer) = match format {
        Format::Messages => conversation(&fields, notes)?,
        Format::Spacy => (text(&fields, &["text"])?, entities(&fields, &ENTITIES)?),
        Format::Presidio => (
            text(&fields, &["full_text"])?,
            entities(&fields, &["spans"])?,
        ),
        _ => plain(&fields, options)?,
    };
    Ok(Candidate {
        text,
        answer,
        slice,
    })
}

/// A text and its answer, by the columns asked for or the usual names.
fn plain(fields: &Map<String, Value>, options: &Options) -> Result<(String, Answer), Reason> {
    let texts = options.text_column.as_deref();
    let text = match texts {
        Some(name) => text(fields, &[name])?,
        None => text(fields, &TEXTS)?,
    };
    let names: &[&str] = match options.shape {
        Shape::Spans => &ENTITIES,
        _ => &ANSWERS,
    };
    let named = options.label_column.as_deref();
    let answer = match named {
        Some(name) => field(fields, &[name])?,
        None => field(fields, names)?,
    };
    Ok((text, Answer::Value(answer.clone())))
}

fn field<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Result<&'a Value, Reason> {
    first_of(fields, names).ok_or_else(|| {
        let found: Vec<&str> = fields.keys().map(String::as_str).collect();
        Reason::new(
            Code::MissingField,
            format!(
                "found {}; expected {}",
                found.join(", "),
                names.join(" or ")
            ),
        )
    })
}

fn text(fields: &Map<String, Value>, names: &[&str]) -> Result<String, Reason> {
    let value = field(fields, names)?;
    let wrong = || Reason::new(Code::WrongType, format!("{value} is no text"));
    value.as_str().map(str::to_string).ok_or_else(wrong)
}

fn entities(fields: &Map<String, Value>, names: &[&str]) -> Result<Answer, Reason> {
    spans::read(field(fields, names)?).map(Answer::Spans)
}

/// The last turn of the user and the answer after it. TRL also puts turns under `prompt` and
/// `completion`.
fn conversation(
    fields: &Map<String, Value>,
    notes: &mut BTreeMap<&'static str, usize>,
) -> Result<(String, Answer), Reason> {
    let turns: Vec<&Value> = match fields.get("messages") {
        Some(messages) => messages.as_array().into_iter().flatten().collect(),
        None => ["prompt", "completion"]
            .iter()
            .filter_map(|name| fields.get(*name)?.as_array())
            .flatten()
            .collect(),
    };
    if turns.is_empty() {
        return Err(Reason::new(Code::MissingField, "no list under `messages`"));
    }
    let role = |turn: &Value| turn["role"].as_str().unwrap_or_default().to_string();
    let [before @ .., answer] = turns.as_slice() else {
        return Err(Reason::new(Code::NoAssistantTurn, "no turns"));
    };
    if role(answer) != "assistant" {
        let detail = format!("the last turn is of {:?}", role(answer));
        return Err(Reason::new(Code::NoAssistantTurn, detail));
    }
    let Some(user) = before.iter().rposition(|turn| role(turn) == "user") else {
        return Err(Reason::new(Code::NoUserTurn, "no turn of the user"));
    };
    let content = |turn: &Value| {
        let text = turn["content"].as_str().map(str::to_string);
        text.ok_or_else(|| Reason::new(Code::WrongType, "a turn's content is no text"))
    };
    let (text, answer) = (content(before[user])?, content(answer)?);
    let is_system = |turn: &&&Value| ["system", "developer"].contains(&role(turn).as_str());
    let system = before.iter().filter(is_system).count();
    let earlier = before.len() - 1 - system;
    if system > 0 {
        *notes
            .entry("rows whose system message was dropped")
            .or_default() += 1;
    }
    if earlier > 0 {
        *notes
            .entry("rows whose earlier turns were dropped")
            .or_default() += 1;
    }
    Ok((text, Answer::Written(answer)))
}
