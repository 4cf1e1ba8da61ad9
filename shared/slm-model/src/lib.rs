//! A llama in a GGUF file: reading it, its tokenizer, its LoRA adapters, its forward and backward.
//!
//! Bytes in, numbers out: no files, no network, no threads of its own, no platform. The same code
//! runs in the trainer and in the page.

#![warn(missing_docs)]

pub mod adapter;
mod answer;
mod base;
mod buffers;
mod cache;
pub mod config;
pub mod constraint;
mod decode;
mod engine;
pub mod error;
pub mod gguf;
pub mod llama;
mod serve;
#[doc(hidden)]
pub mod testing;
pub mod tokenizer;
pub mod train;
mod trie;

pub use adapter::{LayerAdapter, LoraAdapter, LoraPair};
pub use answer::{Answered, Answerer};
pub use base::{BaseModel, PROJECTIONS};
pub use buffers::Floats;
pub use config::Config;
pub use constraint::{
    Constraint, TokenSet,
    json::{JsonConstraint, JsonGrammar},
    spans::{FoundSpan, FoundSpans, SpanGrammar, SpanOrder},
};
pub use decode::{Choice, Decoded};
pub use engine::{Engine, logits_digest};
pub use error::ModelError;
pub use gguf::Gguf;
pub use tokenizer::GgufTokenizer;

/// Version of the `serve` numerics that reports and probes are made with.
pub const NUMERICS: u32 = slm_kernels::serve::NUMERICS;
