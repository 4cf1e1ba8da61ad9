//! The JSON object that a model wrote.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An answer that parsed as a JSON object. Whether it fits the recipe's schema is the scorer's to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectPrediction {
    /// The object as written, its keys in their order.
    pub object: Value,
    /// Probability of the answer as a whole: the product over what the model chose, forced tokens
    /// counting as certain. None for a system without probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Tokens of the answer, its end included; 0 for a system that writes none.
    #[serde(default)]
    pub tokens: usize,
    /// Of these, the ones that the grammar forced.
    #[serde(default)]
    pub forced: usize,
    /// Mean, over the choices, of the probability that the grammar took away; none without a grammar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<f64>,
}

impl ObjectPrediction {
    /// An object that no model wrote.
    pub fn fixed(object: Value) -> Self {
        Self {
            object,
            probability: None,
            tokens: 0,
            forced: 0,
            outside: None,
        }
    }
}
