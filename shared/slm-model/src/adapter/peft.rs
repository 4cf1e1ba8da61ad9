//! Adapters as PEFT saves them: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use slm_task::recipe::Projection;

use super::{LayerAdapter, LoraAdapter, LoraPair, rope_order, settings};
use crate::{PROJECTIONS, config::Config, error::ModelError};

/// Name of the weights' file in messages.
const FILE: &str = "adapter_model.safetensors";

/// What PEFT puts before a llama's own module names.
const PREFIX: &str = "base_model.model.model.layers.";

const OTHER_BASE: &str = "Use an adapter that was trained on this base model.";
const DAMAGED: &str = "The file is truncated or corrupted: copy or train the adapter again.";

/// Which of the two matrices a tensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    A,
    B,
}

impl LoraAdapter {
    /// Reads PEFT's two files for the base of this `config` and `base_sha256`. The scale goes into
    /// `B`, and the rows of query and key projections into the GGUF's order.
    ///
    /// # Errors
    /// [`ModelError::WrongBase`] if the adapter names another base; [`ModelError::Adapter`] for
    /// damaged files, variants other than plain LoRA, tensors that are unknown, missing, of another
    /// size, or not finite.
    pub fn from_peft(
        config_json: &[u8],
        safetensors: &[u8],
        config: &Config,
        base_sha256: &str,
    ) -> Result<Self, ModelError> {
        let settings = settings::parse(config_json, base_sha256)?;
        let tensors = SafeTensors::deserialize(safetensors).map_err(|error| {
            let expected = "the safetensors format";
            settings::refused(FILE.into(), error.to_string(), expected, DAMAGED)
        })?;
        // The crate's own order differs from run to run; the first error must not.
        let tensors: BTreeMap<&str, TensorView<'_>> = tensors.iter().collect();
        let mut halves = BTreeMap::new();
        for (key, view) in tensors {
            let (layer, projection, half) = parse_key(key, config)?;
            let (input, output) = config.projection_dims(projection);
            let shape = match half {
                Half::A => [settings.rank, input],
                Half::B => [output, settings.rank],
            };
            let values = read_tensor(key, &view, shape)?;
            halves.insert((layer, projection, half), values);
        }
        pair_up(halves, &settings, config)
    }

    /// PEFT's two files, weights in f16, `lora_alpha` equal to the rank: the contents of
    /// `adapter_config.json` and `adapter_model.safetensors`. The bytes depend on nothing but the
    /// arguments.
    ///
    /// # Errors
    /// [`ModelError::Adapter`] for weights that are not finite in f16 (training diverged).
    pub fn to_peft(
        &self,
        config: &Config,
        base_name: &str,
        base_sha256: &str,
    ) -> Result<(Vec<u8>, Vec<u8>), ModelError> {
        let mut tensors = BTreeMap::new();
        let mut modules = BTreeSet::new();
        let mut layers = Vec::new();
        for (layer, pairs) in self.layers.iter().enumerate() {
            if !pairs.is_empty() {
                layers.push(layer);
            }
            for (&projection, pair) in pairs {
                let (input, output) = config.projection_dims(projection);
                let b = match rope_order::rotated(projection) {
                    true => &rope_order::to_halves(&pair.b, config.head_dim, self.rank),
                    false => &pair.b,
                };
                for (half, values, shape) in [
                    (Half::A, &pair.a, vec![self.rank, input]),
                    (Half::B, b, vec![output, self.rank]),
                ] {
                    let key = write_key(layer, projection, half);
                    tensors.insert(key.clone(), (shape, to_f16(&key, values)?));
                }
                modules.insert(module(projection).1);
            }
        }
        let views = tensors.iter().map(|(key, (shape, bytes))| {
            let view = TensorView::new(Dtype::F16, shape.clone(), bytes);
            view.map(|view| (key, view)).map_err(|error| {
                ModelError::Input(format!("{key} does not fit the base model: {error}"))
            })
        });
        let views: Vec<_> = views.collect::<Result<_, _>>()?;
        let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let weights = safetensors::serialize(views, Some(format))
            .map_err(|error| ModelError::Input(format!("writing {FILE}: {error}")))?;
        let modules: Vec<_> = modules.into_iter().collect();
        let all = layers.len() == config.layers;
        let settings = settings::write(self.rank, &modules, &layers, all, base_name, base_sha256);
        Ok((settings, weights))
    }
}

/// Parent and name of a projection's module in Hugging Face's llama.
fn module(projection: Projection) -> (&'static str, &'static str) {
    match projection {
        Projection::QProj => ("self_attn", "q_proj"),
        Projection::KProj => ("self_attn", "k_proj"),
        Projection::VProj => ("self_attn", "v_proj"),
        Projection::OProj => ("self_attn", "o_proj"),
        Projection::GateProj => ("mlp", "gate_proj"),
        Projection::UpProj => ("mlp", "up_proj"),
        Projection::DownProj => ("mlp", "down_proj"),
    }
}

fn write_key(layer: usize, projection: Projection, half: Half) -> String {
    let (parent, name) = module(projection);
    format!("{PREFIX}{layer}.{parent}.{name}.lora_{half:?}.weight")
}

fn parse_key(key: &str, config: &Config) -> Result<(usize, Projection, Half), ModelError> {
    let refuse = |expected: &str| {
        let place = format!("{FILE}: {}", key.chars().take(120).collect::<String>());
        let advice = if key.contains("lora_magnitude_vector") {
            "It is a DoRA adapter: train it again as plain LoRA."
        } else {
            OTHER_BASE
        };
        settings::refused(place, "a tensor of that name".into(), expected, advice)
    };
    let layer = key
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('.')?.0.parse().ok());
    let Some(layer) = layer else {
        return Err(refuse(&format!("names that begin with {PREFIX}N.")));
    };
    if layer >= config.layers {
        return Err(refuse(&format!("layers 0 to {}", config.layers - 1)));
    }
    PROJECTIONS
        .into_iter()
        .flat_map(|projection| [(projection, Half::A), (projection, Half::B)])
        .find(|&(projection, half)| write_key(layer, projection, half) == key)
        .map(|(projection, half)| (layer, projection, half))
        .ok_or_else(|| refuse("lora_A.weight or lora_B.weight of a linear layer of a llama"))
}

fn read_tensor(
    key: &str,
    view: &TensorView<'_>,
    shape: [usize; 2],
) -> Result<Vec<f32>, ModelError> {
    let refuse = |found: String, expected: &str, advice: &str| {
        settings::refused(format!("{FILE}: {key}"), found, expected, advice)
    };
    if view.shape() != shape {
        let expected = format!("shape {shape:?}");
        return Err(refuse(
            format!("shape {:?}", view.shape()),
            &expected,
            OTHER_BASE,
        ));
    }
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F16 => pairs(data)
            .map(|b| f16::from_le_bytes(b).to_f32())
            .collect(),
        Dtype::BF16 => pairs(data)
            .map(|b| bf16::from_le_bytes(b).to_f32())
            .collect(),
        Dtype::F32 => {
            let fours = data.as_chunks::<4>().0;
            fours.iter().map(|&b| f32::from_le_bytes(b)).collect()
        }
        other => {
            let advice = "Save the adapter in one of these.";
            return Err(refuse(format!("{other:?}"), "F16, BF16 or F32", advice));
        }
    };
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(at) => Err(refuse(
            format!("{} at [{}, {}]", values[at], at / shape[1], at % shape[1]),
            "finite numbers",
            "Its training diverged: train it again with a lower learning rate.",
        )),
    }
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}

/// Puts each `A` with its `B`, scaled and in the GGUF's row order.
fn pair_up(
    mut halves: BTreeMap<(usize, Projection, Half), Vec<f32>>,
    settings: &settings::Settings,
    config: &Config,
) -> Result<LoraAdapter, ModelError> {
    let mut layers = vec![LayerAdapter::new(); config.layers];
    while let Some(((layer, projection, half), first)) = halves.pop_first() {
        // `A` sorts before `B`: a `B` that comes first has no `A`.
        let second = halves.remove(&(layer, projection, Half::B));
        let (Half::A, Some(mut b)) = (half, second) else {
            let other = if half == Half::A { Half::B } else { Half::A };
            return Err(settings::refused(
                format!("{FILE}: {}", write_key(layer, projection, other)),
                "no such tensor".into(),
                "both matrices of every adapted layer",
                DAMAGED,
            ));
        };
        b.iter_mut().for_each(|value| *value *= settings.scale);
        if rope_order::rotated(projection) {
            b = rope_order::to_neighbours(&b, config.head_dim, settings.rank);
        }
        layers[layer].insert(projection, LoraPair { a: first, b });
    }
    if layers.iter().all(LayerAdapter::is_empty) {
        return Err(settings::refused(
            FILE.into(),
            "no tensor".into(),
            "the matrices of at least one layer",
            DAMAGED,
        ));
    }
    Ok(LoraAdapter {
        rank: settings.rank,
        layers,
    })
}

fn to_f16(key: &str, values: &[f32]) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::with_capacity(2 * values.len());
    for &value in values {
        let stored = f16::from_f32(value);
        if !stored.is_finite() {
            return Err(settings::refused(
                format!("adapter weight {key}"),
                value.to_string(),
                "numbers that f16 holds",
                "Training diverged: lower `sft.lr`.",
            ));
        }
        bytes.extend_from_slice(&stored.to_le_bytes());
    }
    Ok(bytes)
}
