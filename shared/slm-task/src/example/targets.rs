//! The right answer of a row, read in the form that the recipe's shape has on disk.

use serde_json::Value;

use super::{Target, jsonl::Row, objects, spans};
use crate::{
    error::{TaskError, listed, nearest, quoted},
    json::kind,
    recipe::Recipe,
    schema::Schema,
    shape::Shape,
};

/// Reads the targets of one recipe's rows.
pub(super) struct TargetReader<'a> {
    recipe: &'a Recipe,
    /// Of a structured recipe.
    schema: Option<Schema>,
}

impl<'a> TargetReader<'a> {
    /// A reader, where rows of the recipe's shape can be read.
    ///
    /// # Errors
    /// [`TaskError::Shape`]; [`TaskError::Mismatch`] for a schema that was not read.
    pub(super) fn new(recipe: &'a Recipe) -> Result<Self, TaskError> {
        recipe.shape.built("reading rows")?;
        let schema = (recipe.shape == Shape::Structured).then(|| recipe.answer_schema());
        let schema = schema.transpose()?;
        Ok(Self { recipe, schema })
    }

    /// Keys of a row.
    pub(super) fn keys(&self) -> &'static [&'static str] {
        match self.recipe.shape {
            Shape::Spans => &["text", "spans", "slice"],
            _ => &["prompt", "completion", "slice"],
        }
    }

    /// The key of a row's text.
    pub(super) fn prompt(&self) -> &'static str {
        self.keys()[0]
    }

    /// A row to show where none was found.
    pub(super) fn sample(&self) -> &'static str {
        match self.recipe.shape {
            Shape::MultiLabel => r#"{"prompt": "…", "completion": ["…"]}"#,
            Shape::Spans => r#"{"text": "…", "spans": [{"start": 0, "end": 1, "label": "…"}]}"#,
            Shape::Structured => r#"{"prompt": "…", "completion": {"…": "…"}}"#,
            _ => r#"{"prompt": "…", "completion": "…"}"#,
        }
    }

    /// The target of a row.
    ///
    /// # Errors
    /// A field that is missing or of the wrong kind, a label that the recipe lacks.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<Target, TaskError> {
        if let Some(schema) = &self.schema {
            return objects::read(row, schema).map(Target::Object);
        }
        match self.recipe.shape {
            Shape::MultiLabel => self.labels(row).map(Target::Labels),
            Shape::Spans => {
                let text = row.text(self.prompt())?;
                spans::read(row, &text, &self.recipe.labels).map(Target::Spans)
            }
            Shape::SingleLabel | Shape::Structured | Shape::Grounded | Shape::ToolCall => {
                let written = row.text("completion")?;
                self.label(row, &written).map(Target::Label)
            }
        }
    }

    fn label(&self, row: &Row<'_>, written: &str) -> Result<String, TaskError> {
        let labels = &self.recipe.labels;
        if labels.iter().any(|label| label == written) {
            return Ok(written.to_owned());
        }
        let advice = match nearest(written, labels) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Correct the row, or add the label to the recipe.".to_string(),
        };
        let expected = format!("one of {}", listed(labels));
        let place = row.place("completion");
        Err(TaskError::input(place, quoted(written), expected, advice))
    }

    /// A list of labels, or one label alone; in recipe order whatever the row's.
    fn labels(&self, row: &Row<'_>) -> Result<Vec<String>, TaskError> {
        let wrong = |found: &str| {
            TaskError::input(
                row.place("completion"),
                found,
                "a list of labels",
                r#"Write `"completion": ["…", "…"]`; `[]` when no label holds."#,
            )
        };
        let written: Vec<&str> = match row.field("completion") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().ok_or_else(|| wrong(&kind(item))))
                .collect::<Result<_, _>>()?,
            Some(other) => return Err(wrong(&kind(other))),
            None => return Err(wrong("nothing")),
        };
        for (i, label) in written.iter().enumerate() {
            self.label(row, label)?;
            if written[..i].contains(label) {
                return Err(wrong(&format!("{} twice", quoted(label))));
            }
        }
        let in_order = self.recipe.labels.iter();
        Ok(in_order
            .filter(|label| written.contains(&label.as_str()))
            .cloned()
            .collect())
    }
}
