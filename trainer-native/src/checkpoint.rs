//! `checkpoint.bin`: the training state with what the run knows about it, and a checksum.
//!
//! ```text
//! "slm-checkpoint 1\n"    17 bytes
//! length of the progress  u32, little-endian
//! progress                JSON
//! training state          bytes of slm-train
//! sha256 of all before    32 bytes
//! ```

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{exit::bad_input, files, run::DevScore};

const MAGIC: &[u8; 17] = b"slm-checkpoint 1\n";

/// What a run knows beyond the training state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimizer steps taken.
    pub step: usize,
    /// Optimizer steps in all.
    pub total_steps: usize,
    /// Bytes of `metrics.jsonl` that belong to this state.
    pub metrics_bytes: u64,
    /// The base on the dev rows, before the first step.
    pub start: Option<DevScore>,
    /// The best evaluation so far and its step.
    pub best: Option<(usize, DevScore)>,
    /// Evaluations since the best.
    pub waited: usize,
    /// Seconds spent, over all sittings.
    pub seconds: f64,
    /// Seconds of steps alone, and steps timed: the pace.
    pub step_seconds: f64,
    /// Why training ended, once it has.
    pub ended: Option<String>,
}

impl Progress {
    /// Before the first step.
    pub fn start(total_steps: usize) -> Self {
        Self {
            step: 0,
            total_steps,
            metrics_bytes: 0,
            start: None,
            best: None,
            waited: 0,
            seconds: 0.0,
            step_seconds: 0.0,
            ended: None,
        }
    }
}

/// Writes a checkpoint, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, progress: &Progress, state: &[u8]) -> Result<()> {
    let header = serde_json::to_vec(progress)?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + header.len() + state.len() + 32);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(state);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    files::write_atomic(path, &bytes)
}

/// Reads a checkpoint: the progress and the training state.
///
/// # Errors
/// Bad input when it is damaged.
pub fn load(path: &Path) -> Result<(Progress, Vec<u8>)> {
    let bytes = files::read(path)?;
    decode(&bytes).ok_or_else(|| {
        bad_input(format!(
            "{}: damaged (its checksum does not match). Start a new run.",
            path.display()
        ))
    })
}

fn decode(bytes: &[u8]) -> Option<(Progress, Vec<u8>)> {
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if Sha256::digest(body).as_slice() != sum {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let (header, state) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(header).ok()?, state.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_comes_back_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.bin");
        let mut progress = Progress::start(10);
        progress.seconds = 1.25;
        save(&path, &progress, b"state").unwrap();
        assert_eq!(load(&path).unwrap(), (progress, b"state".to_vec()));
        let bytes = std::fs::read(&path).unwrap();
        for (at, length) in [(0, bytes.len()), (40, bytes.len()), (0, 20), (0, 0)] {
            let mut damaged = bytes[..length].to_vec();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1;
            }
            std::fs::write(&path, damaged).unwrap();
            assert!(load(&path).is_err(), "{at} {length}");
        }
    }
}
