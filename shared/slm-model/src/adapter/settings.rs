//! `adapter_config.json`: what of PEFT's settings this program follows, and what it refuses.

use serde_json::{Map, Value, json};

use crate::error::ModelError;

/// Name of the file in messages.
pub(super) const FILE: &str = "adapter_config.json";

/// Our own field: sha256 of the base's GGUF file.
const BASE_SHA256: &str = "base_model_sha256";

const PLAIN_LORA: &str = "Train it again as plain LoRA (no variants, bias \"none\").";

/// Settings that say nothing about how the saved matrices are applied, or that are read apart.
const HARMLESS: [&str; 18] = [
    "auto_mapping",
    "base_model_name_or_path",
    BASE_SHA256,
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "megatron_core",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "revision",
    "target_modules",
    "exclude_modules",
    "task_type",
];

/// Ways to start training that leave the base's own weights as they are. Others (PiSSA, OLoRA,
/// LoftQ, …) change the base, so that the saved matrices do not belong to it.
const STARTS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// What the weights need to be read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) rank: usize,
    /// `B` is multiplied by this.
    pub(super) scale: f32,
}

/// Reads and checks the settings.
pub(super) fn parse(json: &[u8], base_sha256: &str) -> Result<Settings, ModelError> {
    let settings: Map<String, Value> = serde_json::from_slice(json).map_err(|error| {
        refused(
            FILE.into(),
            error.to_string(),
            "a JSON object",
            "Take the file as PEFT wrote it.",
        )
    })?;
    check_base(&settings, base_sha256)?;
    check_variant(&settings)?;
    let rank = settings
        .get("r")
        .and_then(Value::as_u64)
        .and_then(|rank| usize::try_from(rank).ok())
        .filter(|&rank| rank > 0)
        .ok_or_else(|| wrong(&settings, "r", "the rank, a positive integer"))?;
    let alpha = settings
        .get("lora_alpha")
        .and_then(Value::as_f64)
        .filter(|alpha| alpha.is_finite())
        .ok_or_else(|| wrong(&settings, "lora_alpha", "a number"))?;
    let divisor = match settings.get("use_rslora") {
        None | Some(Value::Null | Value::Bool(false)) => rank as f64,
        Some(Value::Bool(true)) => (rank as f64).sqrt(),
        Some(_) => return Err(wrong(&settings, "use_rslora", "true or false")),
    };
    Ok(Settings {
        rank,
        scale: (alpha / divisor) as f32,
    })
}

/// An adapter that names its base must name this one. PEFT's own files do not name it by hash.
fn check_base(settings: &Map<String, Value>, base: &str) -> Result<(), ModelError> {
    match settings.get(BASE_SHA256) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(adapter)) if adapter == base => Ok(()),
        Some(Value::String(adapter)) => Err(ModelError::WrongBase {
            adapter: adapter.chars().take(64).collect(),
            base: base.into(),
        }),
        Some(_) => Err(wrong(settings, BASE_SHA256, "a sha256 in hex")),
    }
}

/// Plain LoRA only: every setting that is not known to be harmless must be at rest.
fn check_variant(settings: &Map<String, Value>) -> Result<(), ModelError> {
    if settings.get("peft_type").and_then(Value::as_str) != Some("LORA") {
        return Err(wrong(settings, "peft_type", "\"LORA\""));
    }
    if let Some(Value::String(start)) = settings.get("init_lora_weights")
        && !STARTS.contains(&start.as_str())
    {
        return Err(wrong(
            settings,
            "init_lora_weights",
            "a start that leaves the base's weights as they are",
        ));
    }
    for (field, value) in settings {
        let at_rest = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => field == "bias" && text == "none",
            _ => false,
        };
        let followed = field == "use_rslora" || HARMLESS.contains(&field.as_str());
        if !at_rest && !followed {
            return Err(wrong(settings, field, "plain LoRA, without this setting"));
        }
    }
    Ok(())
}

/// The settings of an adapter whose scale is in `B`: alpha equals the rank.
pub(super) fn write(
    rank: usize,
    modules: &[&str],
    layers: &[usize],
    all_layers: bool,
    base_name: &str,
    base_sha256: &str,
) -> Vec<u8> {
    let settings = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_name,
        BASE_SHA256: base_sha256,
        "inference_mode": true,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "use_rslora": false,
        "use_dora": false,
        "modules_to_save": null,
        "target_modules": modules,
        "layers_to_transform": (!all_layers).then_some(layers),
    });
    let mut text = format!("{settings:#}");
    text.push('\n');
    text.into_bytes()
}

fn wrong(settings: &Map<String, Value>, field: &str, expected: &str) -> ModelError {
    let found = settings.get(field).map_or("nothing".into(), |value| {
        value.to_string().chars().take(60).collect()
    });
    refused(format!("{FILE}: {field}"), found, expected, PLAIN_LORA)
}

/// An [`ModelError::Adapter`].
pub(super) fn refused(place: String, found: String, expected: &str, advice: &str) -> ModelError {
    ModelError::Adapter {
        place,
        found,
        expected: expected.into(),
        advice: advice.into(),
    }
}
