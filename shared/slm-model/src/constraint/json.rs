//! JSON under a schema: which tokens keep an answer on the way to a valid document, by llguidance.
//!
//! Documents are compact, properties come in the schema's order, and the end-of-turn token follows
//! the last byte. llguidance gets time from the `instant` crate, which asks the page's
//! `performance.now()` in a browser; it measures with it and decides nothing.

use std::{collections::VecDeque, sync::Arc};

use llguidance::{
    JsonCompileOptions, Matcher, ParserFactory,
    api::TopLevelGrammar,
    toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenizerEnv},
};
use serde_json::Value;
use slm_task::{Control, Tokenizer as _};

use crate::{
    base::BaseModel,
    constraint::{Constraint, TokenSet},
    error::ModelError,
    tokenizer::GgufTokenizer,
};

/// A schema, compiled for one base model.
pub struct JsonGrammar {
    /// Before the first token; every answer goes on from a copy, and the copies share what the
    /// lexer has learned.
    start: Matcher,
    end: u32,
}

impl JsonGrammar {
    /// Compiles a JSON Schema (draft 2020-12, without remote references). What it does not forbid is
    /// allowed: give objects `"additionalProperties": false`.
    ///
    /// # Errors
    /// [`ModelError::Constraint`] with the reason for a schema that cannot be compiled.
    pub fn new(model: &BaseModel, schema: &Value) -> Result<Self, ModelError> {
        Ok(Self {
            start: compile(model.json_parsers(), schema)?,
            end: model.tokenizer().control(Control::TurnEnd),
        })
    }

    /// Whether a schema can be compiled, for which no model is needed: over a vocabulary of bytes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn check(schema: &Value) -> Result<(), ModelError> {
        compile(&factory(&ApproximateTokEnv::single_byte_env()), schema).map(drop)
    }

    /// The constraint for one answer.
    pub fn constrain(&self) -> JsonConstraint {
        JsonConstraint {
            matcher: self.start.clone(),
            end: self.end,
            forced: VecDeque::new(),
            over: false,
        }
    }
}

fn compile(parsers: &ParserFactory, schema: &Value) -> Result<Matcher, ModelError> {
    let refused = |reason: String| {
        ModelError::constraint(
            format!("the recipe's `schema` ({})", reason.trim()),
            "a JSON Schema object with keywords that decoding can hold an answer to",
            "Simplify the schema where the reason says.",
        )
    };
    let mut schema = schema.clone();
    if !schema.is_object() {
        return Err(refused(format!("{schema} is no object")));
    }
    let options = JsonCompileOptions {
        whitespace_flexible: false,
        ..JsonCompileOptions::default()
    };
    options.apply_to(&mut schema);
    let grammar = TopLevelGrammar::from_json_schema(schema);
    let start = Matcher::new(parsers.create_parser(grammar));
    match start.get_error() {
        Some(reason) => Err(refused(reason)),
        None => Ok(start),
    }
}

/// Holds an answer to a schema.
pub struct JsonConstraint {
    matcher: Matcher,
    end: u32,
    /// Tokens that must come next, the first of them allowed alone.
    forced: VecDeque<u32>,
    over: bool,
}

impl Constraint for JsonConstraint {
    fn allow(&mut self, allowed: &mut TokenSet) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        if self.forced.is_empty() && !self.matcher.is_stopped() {
            self.forced = self.matcher.compute_ff_tokens().into();
        }
        if let Some(&token) = self.forced.front() {
            allowed.insert(token);
            return Ok(());
        }
        let mask = self.matcher.compute_mask_or_eos().map_err(gave_up)?;
        mask.iter().for_each(|token| allowed.insert(token));
        Ok(())
    }

    fn commit(&mut self, token: u32) -> Result<(), ModelError> {
        let stray = |token| gave_up(format!("token {token} is not allowed here"));
        if self.over
            || self
                .forced
                .pop_front()
                .is_some_and(|forced| forced != token)
        {
            return Err(stray(token));
        }
        if token != self.end {
            return self.matcher.consume_token(token).map_err(gave_up);
        }
        self.over = self.matcher.is_accepting().map_err(gave_up)?;
        match self.over {
            true => Ok(()),
            false => Err(stray(token)),
        }
    }
}

fn gave_up(reason: impl std::fmt::Display) -> ModelError {
    ModelError::constraint(
        format!("JSON decoding stopped ({reason})"),
        "tokens that keep the answer on the way to a valid document",
        "Write allowed tokens only, or simplify the schema.",
    )
}

/// What compiles schemas for a model's vocabulary; costly, so made once for a model.
pub(crate) fn parsers(tokenizer: &Arc<GgufTokenizer>) -> ParserFactory {
    let environment: TokEnv = Arc::new(Environment::new(tokenizer.clone()));
    factory(&environment)
}

/// What compiles schemas for a vocabulary.
///
/// # Panics
/// Never for a vocabulary that was read from a file: llguidance fails here on its own constants only.
fn factory(environment: &TokEnv) -> ParserFactory {
    let capabilities = InferenceCapabilities {
        ff_tokens: true,
        ..InferenceCapabilities::default()
    };
    let slices = llguidance::earley::SlicedBiasComputer::general_slices();
    let mut parsers = ParserFactory::new(environment, capabilities, &slices)
        .expect("llguidance's own slices suit every vocabulary");
    parsers.quiet();
    parsers.limits_mut().verbose_errors = false;
    parsers
}

/// A tokenizer as llguidance wants it.
struct Environment {
    tokenizer: Arc<GgufTokenizer>,
    trie: TokTrie,
}

impl Environment {
    fn new(tokenizer: Arc<GgufTokenizer>) -> Self {
        let word = |id: u32| {
            let bytes = tokenizer.bytes(id);
            if tokenizer.is_text(id) {
                bytes.to_vec()
            } else if tokenizer.is_control(id) {
                [&[TokTrie::SPECIAL_TOKEN_MARKER], bytes].concat()
            } else {
                Vec::new()
            }
        };
        let words: Vec<Vec<u8>> = (0..tokenizer.vocab() as u32).map(word).collect();
        let info = TokRxInfo::new(words.len() as u32, tokenizer.control(Control::TurnEnd));
        let trie = TokTrie::from(&info, &words);
        Self { tokenizer, trie }
    }
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        let encode = |text: &str| self.tokenizer.encode(text);
        self.trie.tokenize_with_greedy_fallback(bytes, encode)
    }
}
