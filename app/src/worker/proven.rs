//! Models that have proven themselves on their probes, kept for when the person comes back to their
//! recipe: adapter, prefix and all, so that a swap costs nothing.

use super::model::RecipeModel;

/// Models that rest, each with a few megabytes of its own.
const MOST: usize = 6;

/// Resting models, each with the sha256 of its bundle's manifest; the one that rests longest first.
#[derive(Default)]
pub(super) struct Proven(Vec<(String, RecipeModel)>);

impl Proven {
    /// Lets a model rest.
    pub(super) fn keep(&mut self, bundle: String, mut model: RecipeModel) {
        model.rest();
        self.0.retain(|(kept, _)| *kept != bundle);
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push((bundle, model));
    }

    /// The model of a bundle, if it rests here.
    pub(super) fn take(&mut self, bundle: &str) -> Option<RecipeModel> {
        let index = self.0.iter().position(|(kept, _)| kept == bundle)?;
        Some(self.0.remove(index).1)
    }

    /// Lets all go: another base model comes.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
