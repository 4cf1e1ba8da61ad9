//! What a recipe may say only if it is of some shape. What its shape does not have would be ignored, or
//! stop an evaluation after training.

use toml::de::DeTable;

use super::{Source, lookup};
use crate::{
    error::{TaskError, listed, nearest, quoted},
    recipe::{Balance, Recipe, SpanOrder, keys},
    shape::Shape,
};

/// Shapes whose answers are made of labels.
const LABELLED: &[Shape] = &[Shape::SingleLabel, Shape::MultiLabel, Shape::Spans];

impl Source<'_> {
    /// That the recipe has what its shape needs, and nothing that only others have.
    pub(super) fn check_shape(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        self.check_labels_of(recipe, root)?;
        self.check_schema(recipe, root)?;
        self.check_dials(recipe, root)?;
        self.check_label_floors(recipe, root)
    }

    /// Labels where answers are made of them, and not beside a schema. One is enough where it may hold
    /// or not; where one must be chosen, two are needed.
    fn check_labels_of(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("labels").expect("a key of the list");
        match (lookup(root, key), recipe.labels.len()) {
            (_, 0) if recipe.shape.needs_labels() => Err(self.missing(key)),
            (Some(value), 1) if recipe.shape == Shape::SingleLabel => {
                let advice = "A task with one answer has nothing to learn.".to_string();
                Err(self.wrong(key, value, Some(advice)))
            }
            (Some(value), 1..) if recipe.shape == Shape::Structured => Err(TaskError::input(
                self.place(value.span().start, key.path),
                self.found(value),
                "no labels in a `structured` recipe",
                format!(
                    "Remove them: what an answer may be stands in the schema. Labels are for {} recipes.",
                    names(LABELLED)
                ),
            )),
            _ => Ok(()),
        }
    }

    /// A schema where answers have one, and nowhere else.
    fn check_schema(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("schema").expect("a key of the list");
        match (lookup(root, key), recipe.shape == Shape::Structured) {
            (None, true) => Err(self.missing(key)),
            (Some(value), false) => {
                let advice = "Only `structured` recipes have it: remove it.".to_string();
                Err(self.wrong(key, value, Some(advice)))
            }
            (Some(value), true) if recipe.schema_file().is_none() => {
                let place = self.place(value.span().start, key.path);
                recipe
                    .answer_schema()
                    .map(drop)
                    .map_err(|error| match error {
                        TaskError::Input {
                            place: inner,
                            found,
                            expected,
                            advice,
                        } => {
                            let field = [Some(key.path.to_string()), inner.field]
                                .into_iter()
                                .flatten();
                            let field = field.collect::<Vec<_>>().join(": ");
                            TaskError::input(place.field(&field), found, expected, advice)
                        }
                        other => other,
                    })
            }
            _ => Ok(()),
        }
    }

    fn check_dials(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let twist = &recipe.twist;
        let dials = [
            ("routing.fallback", recipe.routing.is_on(), &LABELLED[..1]),
            (
                "twist.recall_floor",
                twist.recall_floor > 0.0,
                &[Shape::Spans],
            ),
            (
                "twist.label_floors",
                !twist.label_floors.is_empty(),
                &[Shape::Spans],
            ),
            (
                "twist.span_order",
                twist.span_order != SpanOrder::Text,
                &[Shape::Spans],
            ),
            ("twist.balance", twist.balance != Balance::None, LABELLED),
            ("twist.upsample", twist.upsample > 0, LABELLED),
            ("twist.downsample", twist.downsample > 0, LABELLED),
        ];
        for (path, is_on, shapes) in dials {
            let key = keys::find(path).expect("a key of the list");
            if let Some(value) = lookup(root, key)
                && is_on
                && !shapes.contains(&recipe.shape)
            {
                let advice = format!("Only {} recipes have it: remove it.", names(shapes));
                return Err(self.wrong(key, value, Some(advice)));
            }
        }
        Ok(())
    }

    /// A floor for a label that the recipe does not have would be ignored.
    fn check_label_floors(&self, recipe: &Recipe, root: &DeTable<'_>) -> Result<(), TaskError> {
        let key = keys::find("twist.label_floors").expect("a key of the list");
        let floors = lookup(root, key).and_then(|value| value.get_ref().as_table());
        for (name, value) in floors.into_iter().flatten() {
            let label = name.get_ref();
            if !recipe.labels.iter().any(|known| known == label) {
                let labels: Vec<&str> = recipe.labels.iter().map(String::as_str).collect();
                let near = nearest(label, &labels).unwrap_or(labels[0]);
                return Err(TaskError::input(
                    self.place(name.span().start, key.path),
                    format!("{} for {}", self.found(value), quoted(label)),
                    "a floor for a label of the recipe",
                    format!("Write one of `labels`, such as {}.", quoted(near)),
                ));
            }
        }
        Ok(())
    }
}

fn names(shapes: &[Shape]) -> String {
    let names: Vec<&str> = shapes.iter().map(|shape| shape.name()).collect();
    listed(&names)
}
