//! The bytes of a resumable training state.
//!
//! ```text
//! "slm-train state\n"   16 bytes
//! version               u32
//! length of the header  u32
//! header                JSON
//! parameters            f32 × n, little-endian
//! first moments         f32 × n
//! second moments        f32 × n
//! ```
//!
//! The order of the data is not in it: it follows from the seed and the step.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

const MAGIC: &[u8; 16] = b"slm-train state\n";
const VERSION: u32 = 1;
/// Magic, version and header length.
const FIXED: usize = 24;

/// The small part of a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Optimizer steps taken.
    pub step: usize,
    /// Optimizer steps in all, as resolved.
    pub total_steps: usize,
    /// What the state belongs to: base, rows, weights and settings.
    pub fingerprint: u64,
    /// Number of adapter parameters.
    pub parameters: usize,
}

/// A whole state, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Counters and identity.
    pub header: Header,
    /// Adapter parameters, all tensors in the adapter's order.
    pub parameters: Vec<f32>,
    /// AdamW's first moments.
    pub first: Vec<f32>,
    /// AdamW's second moments.
    pub second: Vec<f32>,
}

impl State {
    /// Writes the bytes.
    pub fn encode(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&self.header).expect("a struct of integers is JSON");
        let mut bytes = Vec::with_capacity(FIXED + header.len() + 12 * self.parameters.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        for values in [&self.parameters, &self.first, &self.second] {
            for value in values {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads the bytes back, to the bit.
    ///
    /// # Errors
    /// When they are no state, of another version, or cut short.
    pub fn decode(bytes: &[u8]) -> Result<State, TrainError> {
        let fail = |what: String| TrainError::State(what);
        if bytes.len() < FIXED || &bytes[..16] != MAGIC {
            return Err(fail("these bytes are not a training state".into()));
        }
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        if word(16) != VERSION {
            return Err(fail(format!(
                "written as version {}; this program reads version {VERSION}",
                word(16)
            )));
        }
        let body = FIXED + word(20) as usize;
        let header = bytes
            .get(FIXED..body)
            .ok_or_else(|| fail("cut short in its header".into()))?;
        let header: Header = serde_json::from_slice(header)
            .map_err(|error| fail(format!("its header does not parse: {error}")))?;
        let expected = header.parameters.checked_mul(12);
        if expected != Some(bytes.len() - body) {
            return Err(fail(format!(
                "{} bytes of parameters and moments; expected {} for {} parameters",
                bytes.len() - body,
                header.parameters.saturating_mul(12),
                header.parameters
            )));
        }
        let part = |index: usize| {
            let from = body + index * header.parameters * 4;
            bytes[from..from + header.parameters * 4]
                .chunks_exact(4)
                .map(|word| f32::from_le_bytes(word.try_into().expect("4 bytes")))
                .collect()
        };
        Ok(State {
            parameters: part(0),
            first: part(1),
            second: part(2),
            header,
        })
    }
}

/// Fowler, Noll and Vo's 64-bit hash (FNV-1a): guards against mistakes, not against malice.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fingerprint {
    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// The hash so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            header: Header {
                step: 7,
                total_steps: 30,
                fingerprint: u64::MAX,
                parameters: 3,
            },
            parameters: vec![1.5, -0.0, f32::MIN_POSITIVE],
            first: vec![0.1, 0.2, 0.3],
            second: vec![1e-30, 1e-38, 1e-44],
        }
    }

    #[test]
    fn a_state_comes_back_to_the_bit() {
        let bytes = state().encode();
        assert_eq!(State::decode(&bytes).unwrap().encode(), bytes);
    }

    #[test]
    fn damaged_states_are_refused() {
        let bytes = state().encode();
        for length in 0..bytes.len() {
            assert!(State::decode(&bytes[..length]).is_err(), "{length}");
        }
        let mut other = bytes.clone();
        other[16] = 9;
        let error = State::decode(&other).unwrap_err().to_string();
        assert!(error.contains("version 9"), "{error}");
    }

    #[test]
    fn fingerprints_are_fnv_1a() {
        let mut hash = Fingerprint::default();
        hash.add(b"foobar");
        assert_eq!(hash.value(), 0x8594_4171_F739_67E8);
    }
}
