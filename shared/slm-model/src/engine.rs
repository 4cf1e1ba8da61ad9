//! Answers from a model: scoring closed answers, logits after a prompt, decoding step by step.
//!
//! A recipe's fixed prefix is computed once and stays in the cache; prompts branch off it and are
//! cut away again. Results are the same, to the bit, whether rows are computed alone or together.

use std::{ops::Range, sync::Arc};

use sha2::{Digest, Sha256};
use slm_kernels::{
    Visible,
    serve::{self, RopeTable},
};

use crate::{
    adapter::LoraAdapter,
    base::BaseModel,
    buffers::Floats,
    cache::KvCache,
    error::ModelError,
    llama::{self, Heads},
    serve::{Layout, Scratch, Serve, ServeAdapter},
    trie::{AnswerTrie, Place},
};

/// New tokens of one forward pass, at most (unless a single row has more): bounds the memory of
/// activations.
const BATCH_TOKENS: usize = 512;

/// A model with at most one adapter, a fixed prefix, and the cache behind them.
pub struct Engine {
    model: Arc<BaseModel>,
    adapter: Option<ServeAdapter>,
    cache: KvCache,
    rope: RopeTable,
    scratch: Scratch,
    /// Of the tokens that follow in a row; a buffer.
    layout: Layout,
    prefix: Vec<u32>,
    /// The prefix's slots hold what model and adapter make of it now.
    prefix_ready: bool,
}

impl Engine {
    /// An engine without adapter and with an empty prefix.
    pub fn new(model: Arc<BaseModel>) -> Self {
        let config = model.config();
        Self {
            adapter: None,
            cache: KvCache::new(config.layers, config.kv_width()),
            rope: RopeTable::new(config.head_dim, config.rope_base.into(), 0),
            scratch: Scratch::default(),
            layout: Layout::default(),
            prefix: Vec::new(),
            prefix_ready: true,
            model,
        }
    }

    /// The base model.
    pub fn model(&self) -> &Arc<BaseModel> {
        &self.model
    }

    /// Applies an adapter beside the base, or none. The prefix is computed again when next needed.
    pub fn set_adapter(&mut self, adapter: Option<&LoraAdapter>) {
        self.adapter =
            adapter.map(|adapter| ServeAdapter::new(adapter, self.model.config().layers));
        self.prefix_ready = false;
    }

    /// Sets the tokens that every prompt begins with and computes them.
    ///
    /// # Errors
    /// [`ModelError::TooLong`] when the prefix alone leaves no room in the context.
    pub fn set_prefix(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        self.check_length(tokens.len() + 1)?;
        self.check_tokens(tokens)?;
        if self.prefix != tokens {
            self.prefix = tokens.to_vec();
            self.prefix_ready = false;
        }
        self.prepare();
        Ok(())
    }

    /// Log-probability of each answer after prefix and prompt: `[prompts][answers]`, natural
    /// logarithms of exact full-softmax probabilities, the product over an answer's tokens.
    ///
    /// # Errors
    /// A row that does not fit the context, an empty prompt or answer, or logits that are not finite.
    pub async fn score(
        &mut self,
        prompts: &[Vec<u32>],
        answers: &[Vec<u32>],
    ) -> Result<Vec<Vec<f64>>, ModelError> {
        if answers.iter().chain(prompts).any(Vec::is_empty) {
            return Err(ModelError::Input(
                "an empty prompt or answer cannot be scored".into(),
            ));
        }
        let longest = answers.iter().map(Vec::len).max().unwrap_or(0);
        for prompt in prompts {
            self.check_length(self.prefix.len() + prompt.len() + longest)?;
        }
        for tokens in prompts.iter().chain(answers) {
            self.check_tokens(tokens)?;
        }
        let trie = AnswerTrie::new(answers);
        let mut scores = Vec::with_capacity(prompts.len());
        for batch in batches(prompts, trie.nodes.len()) {
            scores.extend(self.score_batch(&prompts[batch], &trie)?);
        }
        Ok(scores)
    }

    /// Appends tokens to what the cache holds and scores each option as what follows them, as
    /// [`Self::score`] does. The options leave no trace: the caller appends the one it takes.
    ///
    /// # Errors
    /// As [`Self::score`].
    pub async fn choose(
        &mut self,
        tokens: &[u32],
        options: &[Vec<u32>],
    ) -> Result<Vec<f64>, ModelError> {
        self.prepare();
        if tokens.is_empty() || options.iter().any(Vec::is_empty) {
            return Err(ModelError::Input(
                "nothing to choose after, or an empty option".into(),
            ));
        }
        let seen = self.cache.len();
        let longest = options.iter().map(Vec::len).max().unwrap_or(0);
        self.check_length(seen + tokens.len() + longest)?;
        for tokens in options.iter().map(Vec::as_slice).chain([tokens]) {
            self.check_tokens(tokens)?;
        }
        let trie = AnswerTrie::new(options);
        let forest = Forest::new(seen, &[tokens.to_vec()], &trie);
        let logits = self.forward(&forest.tokens, &forest.layout, &forest.wanted);
        self.cache.truncate(seen + tokens.len());
        finite(&logits)?;
        Ok(answer_scores(&logits, self.model.config().vocab, &trie))
    }

    /// Logits `[vocab]` after prefix and `tokens`.
    ///
    /// # Errors
    /// As [`Self::score`].
    pub async fn logits(&mut self, tokens: &[u32]) -> Result<Floats, ModelError> {
        self.rewind();
        self.extend(tokens).await
    }

    /// Cuts the cache back to the prefix.
    pub fn rewind(&mut self) {
        self.prepare();
        self.cache.truncate(self.prefix.len());
    }

    /// Gives back all memory but that of adapter and prefix. For an engine that may rest for long.
    pub fn rest(&mut self) {
        self.rewind();
        self.cache.shrink();
        self.scratch = Scratch::default();
    }

    /// Appends tokens to what the cache holds and returns the logits `[vocab]` after the last one:
    /// prefill with many tokens, decoding with one.
    ///
    /// # Errors
    /// As [`Self::score`].
    pub async fn extend(&mut self, tokens: &[u32]) -> Result<Floats, ModelError> {
        self.prepare();
        let seen = self.cache.len();
        self.check_length(seen + tokens.len())?;
        self.check_tokens(tokens)?;
        let end = tokens.len().saturating_sub(1) / BATCH_TOKENS * BATCH_TOKENS;
        let (before, last) = tokens.split_at(end);
        if last.is_empty() {
            return Err(ModelError::Input("no tokens to compute".into()));
        }
        for chunk in before.chunks(BATCH_TOKENS) {
            self.follow(chunk, &[]);
        }
        let logits = self.follow(last, &[last.len() - 1]);
        finite(&logits)?;
        Ok(logits)
    }

    /// Runs tokens that follow what the cache holds.
    fn follow(&mut self, tokens: &[u32], wanted: &[usize]) -> Floats {
        let mut layout = std::mem::take(&mut self.layout);
        layout.follow(self.cache.len(), tokens.len());
        let logits = self.forward(tokens, &layout, wanted);
        self.layout = layout;
        logits
    }

    /// Length of the prefix in tokens.
    pub(crate) fn prefix_len(&self) -> usize {
        self.prefix.len()
    }

    /// Tokens that a prompt may have after the prefix when its longest answer has `answer` tokens.
    pub fn room(&self, answer: usize) -> usize {
        self.model
            .config()
            .context
            .saturating_sub(self.prefix.len() + answer)
    }

    fn prepare(&mut self) {
        if self.prefix_ready {
            return;
        }
        self.cache.truncate(0);
        let prefix = std::mem::take(&mut self.prefix);
        for chunk in prefix.chunks(BATCH_TOKENS) {
            self.follow(chunk, &[]);
        }
        self.prefix = prefix;
        self.prefix_ready = true;
    }

    fn score_batch(
        &mut self,
        prompts: &[Vec<u32>],
        trie: &AnswerTrie,
    ) -> Result<Vec<Vec<f64>>, ModelError> {
        self.rewind();
        let forest = Forest::new(self.prefix.len(), prompts, trie);
        let logits = self.forward(&forest.tokens, &forest.layout, &forest.wanted);
        self.cache.truncate(self.prefix.len());
        finite(&logits)?;
        let vocab = self.model.config().vocab;
        let places = 1 + trie.nodes.len();
        Ok(logits
            .chunks_exact(places * vocab)
            .map(|rows| answer_scores(rows, vocab, trie))
            .collect())
    }

    /// Runs new tokens, adds them to the cache, and returns the logits of the `wanted` ones.
    fn forward(&mut self, tokens: &[u32], layout: &Layout, wanted: &[usize]) -> Floats {
        let config = self.model.config();
        let end = layout
            .positions
            .iter()
            .max()
            .map_or(0, |&position| position as usize + 1);
        self.rope.grow(end);
        let mut serve = Serve {
            model: &self.model,
            adapter: self.adapter.as_ref(),
            cache: &mut self.cache,
            rope: &self.rope,
            layout,
            scratch: &mut self.scratch,
        };
        let heads = Heads {
            query: config.heads,
            key: config.kv_heads,
        };
        let x = llama::forward(&mut serve, config.layers, heads, tokens, |_, _| ());
        let logits = serve.logits(&x, wanted);
        self.cache.commit(tokens.len());
        logits
    }

    pub(crate) fn check_length(&self, tokens: usize) -> Result<(), ModelError> {
        let context = self.model.config().context;
        if tokens > context {
            Err(ModelError::TooLong { tokens, context })
        } else {
            Ok(())
        }
    }

    fn check_tokens(&self, tokens: &[u32]) -> Result<(), ModelError> {
        let vocab = self.model.config().vocab;
        match tokens.iter().find(|&&token| token as usize >= vocab) {
            Some(token) => Err(ModelError::Input(format!(
                "token {token} is not in the vocabulary of {vocab}"
            ))),
            None => Ok(()),
        }
    }
}

/// Prompts and the answers' tree after each of them, as one list of new tokens.
struct Forest {
    tokens: Vec<u32>,
    layout: Layout,
    /// Tokens whose logits are wanted: each prompt's last, then its tree's nodes.
    wanted: Vec<usize>,
}

impl Forest {
    fn new(prefix: usize, prompts: &[Vec<u32>], trie: &AnswerTrie) -> Self {
        let mut forest = Self {
            tokens: Vec::new(),
            layout: Layout::default(),
            wanted: Vec::new(),
        };
        for prompt in prompts {
            forest.plant(prefix, prompt, trie);
        }
        forest
    }

    fn plant(&mut self, prefix: usize, prompt: &[u32], trie: &AnswerTrie) {
        let row = self.tokens.len();
        let end = row + prompt.len();
        for (i, &token) in prompt.iter().enumerate() {
            let seen = [0..prefix, prefix + row..prefix + row + i + 1];
            self.push(token, prefix + i, seen.into_iter().collect());
        }
        self.wanted.push(end - 1);
        for (index, node) in trie.nodes.iter().enumerate() {
            let mut visible: Visible = [0..prefix, prefix + row..prefix + end]
                .into_iter()
                .collect();
            for ancestor in trie.path(Place::Node(index)) {
                let slot = prefix + end + ancestor;
                visible.push(slot..slot + 1);
            }
            self.wanted.push(end + index);
            self.push(node.token, prefix + prompt.len() + node.depth, visible);
        }
    }

    fn push(&mut self, token: u32, position: usize, visible: Visible) {
        self.tokens.push(token);
        self.layout.positions.push(position as u32);
        self.layout.visible.push(visible);
    }
}

/// Cuts prompts into runs whose tokens (with the answers' nodes) fit one forward pass.
fn batches(prompts: &[Vec<u32>], nodes: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, prompt) in prompts.iter().enumerate() {
        let cost = prompt.len() + nodes;
        if index > start && tokens + cost > BATCH_TOKENS {
            batches.push(start..index);
            (start, tokens) = (index, 0);
        }
        tokens += cost;
    }
    if start < prompts.len() {
        batches.push(start..prompts.len());
    }
    batches
}

/// Log-probabilities of the answers from one prompt's logits `[1 + nodes, vocab]`.
fn answer_scores(logits: &[f32], vocab: usize, trie: &AnswerTrie) -> Vec<f64> {
    let rows: Vec<&[f32]> = logits.chunks_exact(vocab).collect();
    let totals: Vec<f64> = rows.iter().map(|row| serve::log_sum_exp(row)).collect();
    let step = |&(place, token): &(Place, u32)| {
        let row = match place {
            Place::Prompt => 0,
            Place::Node(node) => 1 + node,
        };
        f64::from(rows[row][token as usize]) - totals[row]
    };
    trie.answers
        .iter()
        .map(|path| path.iter().map(step).fold(0.0, |sum, x| sum + x))
        .collect()
}

/// sha256 in hex over the little-endian bytes of `logits`: what a probe compares.
pub fn logits_digest(logits: &[f32]) -> String {
    let mut hash = Sha256::new();
    for logit in logits {
        hash.update(logit.to_le_bytes());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn finite(logits: &[f32]) -> Result<(), ModelError> {
    if logits.iter().all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(ModelError::Input(
            "the model's logits are not finite: the adapter or the model file is broken. Verify the files or train again.".into(),
        ))
    }
}
