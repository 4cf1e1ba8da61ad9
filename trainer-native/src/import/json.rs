//! Rows in JSON: an object a line, or one list of them. Which keys hold text and answer depends on
//! the format.

use serde_json::{Map, Value};

use super::{
    Format, Item, Notes, Options, names,
    reason::{Code, Reason},
    row::{Answer, Candidate, first_of},
    spans,
};

/// A row's place and what it says, if it is JSON.
pub(super) struct Line {
    number: usize,
    raw: String,
    value: Result<Value, Reason>,
}

impl Line {
    /// A row that stands in the file as something other than text.
    pub(super) fn of(number: usize, value: Value) -> Self {
        Self {
            number,
            raw: value.to_string(),
            value: Ok(value),
        }
    }
}

/// What every line says in a format.
pub(super) fn read(
    lines: Vec<Line>,
    format: Format,
    options: &Options,
    notes: &mut Notes,
) -> Vec<Item> {
    let item = |line: Line| Item {
        line: line.number,
        raw: line.raw,
        candidate: line
            .value
            .and_then(|value| candidate(value, format, options, notes)),
    };
    lines.into_iter().map(item).collect()
}

/// The format by the first row that is JSON.
pub(super) fn guess(lines: &[Line]) -> Format {
    let first = lines.iter().find_map(|line| line.value.as_ref().ok());
    match first {
        Some(Value::Array(_)) => Format::Spacy,
        Some(Value::Object(fields)) if fields.contains_key("full_text") => Format::Presidio,
        Some(Value::Object(fields)) if is_conversation(fields) => Format::Messages,
        Some(Value::Object(fields)) if first_of(fields, &["entities", "ents"]).is_some() => {
            Format::Spacy
        }
        _ => Format::Jsonl,
    }
}

fn is_conversation(fields: &Map<String, Value>) -> bool {
    fields.contains_key("messages") || fields.get("prompt").is_some_and(Value::is_array)
}

/// The elements of a file that is one list, or else its lines that are not blank.
pub(super) fn lines(bytes: &[u8]) -> Vec<Line> {
    if let Ok(Value::Array(items)) = serde_json::from_slice(bytes)
        && !is_spacy_pair(&items)
    {
        let lossless = match parse(bytes) {
            Ok(Value::Array(items)) => items,
            whole => {
                let raw = String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
                return vec![Line {
                    number: 1,
                    raw,
                    value: whole,
                }];
            }
        };
        let numbered = lossless.into_iter().enumerate();
        return numbered
            .map(|(index, value)| Line::of(index + 1, value))
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
    slm_task::json::value(text).map_err(|error| Reason::new(Code::NotJson, error.to_string()))
}

/// `["text", {"entities": …}]`: a row of its own, and no list of rows.
fn is_spacy_pair(items: &[Value]) -> bool {
    matches!(items, [Value::String(_), Value::Object(_)])
}

fn candidate(
    value: Value,
    format: Format,
    options: &Options,
    notes: &mut Notes,
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
    if format == Format::Messages {
        let (text, answer) = conversation(&fields, notes)?;
        let mut read = match fields.contains_key("messages") {
            true => vec!["messages"],
            false => vec!["prompt", "completion"],
        };
        read.extend(slice.is_some().then_some("slice"));
        unread(&fields, &read, notes);
        return Ok(Candidate {
            text,
            answer,
            slice,
        });
    }
    let names = names::of(format, options);
    let text = field(&fields, &names.text)?;
    let answer = field(&fields, &names.answer)?;
    let mut read = vec![text.0, answer.0];
    read.extend(slice.is_some().then_some("slice"));
    unread(&fields, &read, notes);
    Ok(Candidate {
        text: written(text.1)?,
        answer: match format {
            Format::Spacy | Format::Presidio => Answer::Spans(spans::read(answer.1)?),
            _ => Answer::Value(answer.1.clone()),
        },
        slice,
    })
}

/// Counts the keys that hold something and are not read.
fn unread(fields: &Map<String, Value>, read: &[&str], notes: &mut Notes) {
    let holds =
        |value: &Value| !value.is_null() && value.as_str().is_none_or(|t| !t.trim().is_empty());
    let others = fields
        .iter()
        .filter(|(key, value)| !read.contains(&key.as_str()) && holds(value));
    for (key, _) in others {
        let note = format!("rows with a value under {key:?}, which is not read");
        *notes.entry(note).or_default() += 1;
    }
}

/// The first of some keys that an object has, with its value.
fn field<'a>(
    fields: &'a Map<String, Value>,
    names: &[&'a str],
) -> Result<(&'a str, &'a Value), Reason> {
    let named = |name: &&'a str| Some((*name, fields.get(*name)?));
    names.iter().find_map(named).ok_or_else(|| {
        let keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        let found = match keys.is_empty() {
            true => "no key".to_string(),
            false => keys.join(", "),
        };
        Reason::new(
            Code::MissingField,
            format!("found {found}; expected {}", names.join(" or ")),
        )
    })
}

fn written(value: &Value) -> Result<String, Reason> {
    let wrong = || Reason::new(Code::WrongType, format!("{value} is no text"));
    value.as_str().map(str::to_string).ok_or_else(wrong)
}

/// The last turn of the user and the answer after it. TRL also puts turns under `prompt` and
/// `completion`.
fn conversation(
    fields: &Map<String, Value>,
    notes: &mut Notes,
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
    for (count, what) in [
        (system, "system message was"),
        (earlier, "earlier turns were"),
    ] {
        if count > 0 {
            *notes
                .entry(format!("rows whose {what} dropped"))
                .or_default() += 1;
        }
    }
    Ok((text, Answer::Written(answer)))
}
