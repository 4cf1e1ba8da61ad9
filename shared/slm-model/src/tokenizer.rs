//! The byte-level BPE tokenizer that a GGUF carries, over the `tokenizers` crate with the same
//! regex engine in every build.
//!
//! The files' merges work on a printable alphabet of 256 characters, one a byte (GPT-2's). Text is
//! first cut into words by the rule that `tokenizer.ggml.pre` names, so that merges never cross
//! them.
//!
//! Text never yields a control token: those are left out of the vocabulary that merges work on, and
//! nothing looks for their spelling in text. A user who writes `<|im_end|>` gets ordinary tokens.

use std::collections::HashMap;

use slm_task::Control;
use tokenizers::{
    Tokenizer,
    models::bpe::BPE,
    pre_tokenizers::{
        PreTokenizerWrapper, byte_level::ByteLevel, digits::Digits, sequence::Sequence,
    },
};

use crate::{error::ModelError, gguf::Gguf};

/// `tokenizer.ggml.token_type` of a token that text may yield.
const NORMAL: i32 = 1;
/// … of a token that only the program may write.
const CONTROL: i32 = 3;
/// … of a token matched in text before words are cut.
const USER_DEFINED: i32 = 4;

const OTHER_MODEL: &str = "Use a model with SmolLM2's or GPT-2's kind of vocabulary.";

/// Text to token ids and back.
pub struct GgufTokenizer {
    tokenizer: Tokenizer,
    /// The bytes each token stands for; a control token's are its spelling.
    bytes: Vec<Box<[u8]>>,
    /// Which tokens only the program may write.
    control: Vec<bool>,
    turn_start: u32,
    turn_end: u32,
}

impl GgufTokenizer {
    /// Builds the tokenizer from `tokenizer.ggml.*`.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for other kinds of vocabulary, unknown word rules and models
    /// without ChatML's turn tokens; [`ModelError::File`] for missing or contradicting entries.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ModelError> {
        check_kind(gguf)?;
        let tokens = gguf.strings("tokenizer.ggml.tokens")?;
        let types = gguf.integers("tokenizer.ggml.token_type")?;
        check_types(&tokens, &types)?;
        let alphabet = byte_alphabet();
        let control: Vec<bool> = types.iter().map(|&kind| kind == CONTROL).collect();
        let control_id = |spelling: &str| {
            let id =
                (tokens.iter().zip(&control)).position(|(&t, &control)| control && t == spelling);
            id.map(|id| id as u32).ok_or_else(|| {
                ModelError::unsupported(
                    format!("a vocabulary without the control token {spelling}"),
                    "prompts are written in ChatML turns",
                    "Use an instruction-tuned model with the ChatML template, such as SmolLM2-Instruct.",
                )
            })
        };
        let mut tokenizer = Tokenizer::new(merges(gguf, &tokens, &types)?);
        tokenizer.with_pre_tokenizer(Some(word_rule(gguf)?));
        Ok(Self {
            tokenizer,
            turn_start: control_id("<|im_start|>")?,
            turn_end: control_id("<|im_end|>")?,
            bytes: (tokens.iter().zip(&control))
                .map(|(token, &control)| token_bytes(token, control, &alphabet))
                .collect(),
            control,
        })
    }

    /// Number of tokens.
    pub fn vocab(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that token `id` stands for (a control token's spelling); empty for an id beyond
    /// the vocabulary. A token need not be whole UTF-8.
    pub fn bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], |bytes| bytes)
    }

    /// Whether text may yield `id`.
    pub(crate) fn is_text(&self, id: u32) -> bool {
        self.tokenizer.id_to_token(id).is_some()
    }

    /// Whether text can never yield `id`.
    pub fn is_control(&self, id: u32) -> bool {
        self.control.get(id as usize).copied().unwrap_or(false)
    }
}

impl slm_task::Tokenizer for GgufTokenizer {
    fn encode(&self, text: &str) -> Vec<u32> {
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            // Byte-level BPE has a token or a skip for every byte, and the word rules match any
            // text: the crate's error type is for other models than this one.
            Err(error) => unreachable!("byte-level BPE failed: {error}"),
        }
    }

    fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn control(&self, control: Control) -> u32 {
        match control {
            Control::TurnStart => self.turn_start,
            Control::TurnEnd => self.turn_end,
        }
    }
}

impl std::fmt::Debug for GgufTokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GgufTokenizer({} tokens)", self.vocab())
    }
}

/// Refuses what is not byte-level BPE, and settings that would change its output.
fn check_kind(gguf: &Gguf) -> Result<(), ModelError> {
    let kind = gguf.string("tokenizer.ggml.model")?;
    if kind != "gpt2" {
        return Err(ModelError::unsupported(
            format!("tokenizer model {kind:?}"),
            "only byte-level BPE (\"gpt2\") is known",
            OTHER_MODEL,
        ));
    }
    let key = "tokenizer.ggml.add_space_prefix";
    if gguf
        .get(key)
        .is_some_and(|value| *value != crate::gguf::Value::Bool(false))
    {
        return Err(ModelError::unsupported(
            key,
            "text is tokenized as it stands, without a space put before it",
            OTHER_MODEL,
        ));
    }
    Ok(())
}

fn check_types(tokens: &[&str], types: &[i32]) -> Result<(), ModelError> {
    if tokens.len() != types.len() {
        return Err(ModelError::damaged(
            "tokenizer.ggml.token_type",
            format!("{} types", types.len()),
            format!("one for each of the {} tokens", tokens.len()),
        ));
    }
    match types.iter().position(|&kind| kind == USER_DEFINED) {
        None => Ok(()),
        Some(at) => Err(ModelError::unsupported(
            format!("the user-defined token {:?}", tokens[at]),
            "tokens are found in text by merging only",
            OTHER_MODEL,
        )),
    }
}

/// How text is cut into words before merging, by `tokenizer.ggml.pre`.
fn word_rule(gguf: &Gguf) -> Result<PreTokenizerWrapper, ModelError> {
    let gpt2 = ByteLevel::new(false, false, true);
    match gguf.string("tokenizer.ggml.pre")? {
        // Every numeric character is a word of its own; the rest as GPT-2.
        "smollm" => Ok(Sequence::new(vec![Digits::new(true).into(), gpt2.into()]).into()),
        "gpt-2" => Ok(gpt2.into()),
        other => Err(ModelError::unsupported(
            format!("word rule {other:?} (tokenizer.ggml.pre)"),
            "\"smollm\" and \"gpt-2\" are known, and a wrong rule changes what the model reads",
            OTHER_MODEL,
        )),
    }
}

/// The merges over the tokens that text may yield.
fn merges(gguf: &Gguf, tokens: &[&str], types: &[i32]) -> Result<BPE, ModelError> {
    let key = "tokenizer.ggml.merges";
    let merges = gguf
        .strings(key)?
        .into_iter()
        .enumerate()
        .map(|(at, merge)| {
            merge
                .split_once(' ')
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or_else(|| {
                    ModelError::damaged(
                        format!("{key}[{at}]"),
                        format!("{:?}", merge.chars().take(40).collect::<String>()),
                        "two tokens with a space between them",
                    )
                })
        });
    let merges = merges.collect::<Result<_, _>>()?;
    let mut vocab = HashMap::with_capacity(tokens.len());
    for (id, token) in tokens
        .iter()
        .enumerate()
        .filter(|&(id, _)| types[id] == NORMAL)
    {
        if vocab.insert((*token).to_owned(), id as u32).is_some() {
            return Err(ModelError::damaged(
                format!("tokenizer.ggml.tokens[{id}]"),
                format!("{token:?} a second time"),
                "each token once",
            ));
        }
    }
    let vocab: tokenizers::models::bpe::Vocab = vocab.into_iter().collect();
    BPE::builder()
        .vocab_and_merges(vocab, merges)
        .build()
        .map_err(|error| ModelError::damaged(key, error.to_string(), "merges of known tokens"))
}

/// GPT-2's printable alphabet: printable Latin-1 stands for itself, the other bytes, in order, for
/// the characters from U+0100.
pub(crate) fn byte_alphabet() -> HashMap<char, u8> {
    let mut next = 0x100;
    (0..=255_u8)
        .map(|byte| {
            let printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let character = if printable {
                char::from(byte)
            } else {
                next += 1;
                char::from_u32(next - 1).expect("U+0100 to U+0143 are characters")
            };
            (character, byte)
        })
        .collect()
}

fn token_bytes(token: &str, control: bool, alphabet: &HashMap<char, u8>) -> Box<[u8]> {
    let decoded: Option<Box<[u8]>> = match control {
        true => None,
        false => token.chars().map(|c| alphabet.get(&c).copied()).collect(),
    };
    decoded.unwrap_or_else(|| token.as_bytes().into())
}

#[cfg(test)]
mod tests;
