//! Prefill and decode: what every engine is asked, and the cases that its answers go into.

use anyhow::Result;
use slm_model::BaseModel;

use crate::contestant::{Answer, Request};
use crate::prompt::{self, Prompt};
use crate::results::{Case, Unit};

/// Tokens that are written after the shorter prompt.
const DECODE: usize = 64;

/// The prompts.
pub struct Work {
    short: Prompt,
    long: Prompt,
}

impl Work {
    /// Prompts of 128 and 512 tokens.
    ///
    /// # Errors
    /// As [`prompt::plain`].
    pub fn new(base: &BaseModel) -> Result<Self> {
        Ok(Self {
            short: prompt::plain(base, 128)?,
            long: prompt::plain(base, 512)?,
        })
    }

    /// What is asked in one round.
    pub fn requests(&self) -> [Request; 2] {
        let request = |prompt: &Prompt, decode| Request {
            text: prompt.text.clone(),
            tokens: prompt.tokens.clone(),
            decode,
        };
        [request(&self.short, DECODE), request(&self.long, 0)]
    }
}

/// The cases at one number of threads.
pub struct Speeds {
    prefill: Case,
    prefill_long: Case,
    decode: Case,
}

impl Speeds {
    /// Without samples.
    pub fn new(threads: usize) -> Self {
        let case = |key| Case::at(key, threads, Unit::TokensPerSecond);
        Self {
            prefill: case("prefill"),
            prefill_long: case("prefill_512"),
            decode: case("decode"),
        }
    }

    /// Counts an answer. Those of round 0 warm up and are left out.
    pub fn add(&mut self, round: usize, name: &str, request: &Request, answer: &Answer) {
        if round == 0 {
            return;
        }
        let prefill = match request.decode {
            0 => &mut self.prefill_long,
            _ => &mut self.prefill,
        };
        prefill.add(name, request.tokens.len() as f64 / answer.prefill);
        if request.decode > 0 {
            self.decode.add(name, answer.decoded as f64 / answer.decode);
        }
    }

    /// The cases with their samples.
    pub fn into_cases(self) -> Vec<Case> {
        vec![self.prefill, self.prefill_long, self.decode]
    }
}
