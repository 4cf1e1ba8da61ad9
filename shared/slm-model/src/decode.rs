//! Answers written token by token: greedy, free or under a constraint.
//!
//! Every choice is the allowed token with the highest logit, ties to the lowest id, so an answer is
//! a function of model, prompt and constraint. What the constraint forces is not asked of the model.

use slm_kernels::serve;
use slm_task::{Control, Tokenizer as _};

use crate::{
    constraint::{Constraint, TokenSet},
    engine::Engine,
    error::ModelError,
};

/// An answer that was written token by token.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Every token, the end-of-turn token included where the answer got that far.
    pub tokens: Vec<u32>,
    /// The tokens that the model chose; the others were forced by the constraint.
    pub choices: Vec<Choice>,
    /// Whether the answer ended by itself, not at the limit.
    pub ended: bool,
    /// Forward passes, the one over the prompt included.
    pub steps: usize,
}

/// One choice among several allowed tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Place of the chosen token in [`Decoded::tokens`].
    pub at: usize,
    /// Log-probability of the chosen token under the full softmax, natural logarithm.
    pub log_prob: f64,
    /// Log-odds, in nats, of the chosen token against the best other allowed one, before any bias:
    /// negative only where a bias turned the choice.
    pub lead: f64,
    /// Probability of all tokens that the constraint did not allow.
    pub removed: f64,
}

impl Decoded {
    /// Log-probability of the answer: the sum over its choices. Forced tokens count as certain.
    pub fn log_prob(&self) -> f64 {
        self.choices.iter().map(|choice| choice.log_prob).sum()
    }

    /// Number of tokens that the constraint forced.
    pub fn forced(&self) -> usize {
        self.tokens.len() - self.choices.len()
    }

    /// Probability that the constraint took away, mean over the choices; 0 without any.
    pub fn mean_removed(&self) -> f64 {
        let sum: f64 = self.choices.iter().map(|choice| choice.removed).sum();
        sum / self.choices.len().max(1) as f64
    }
}

impl Engine {
    /// Writes the answer to prefix and prompt: at most `limit` tokens, the end-of-turn token
    /// included, each allowed by `constraint` where there is one.
    ///
    /// # Errors
    /// An empty prompt, a prompt and limit that do not fit the context, logits that are not finite,
    /// or a constraint that gives up.
    pub async fn decode(
        &mut self,
        prompt: &[u32],
        mut constraint: Option<&mut dyn Constraint>,
        limit: usize,
    ) -> Result<Decoded, ModelError> {
        if prompt.is_empty() {
            return Err(ModelError::Input("an empty prompt has no answer".into()));
        }
        self.check_length(self.prefix_len() + prompt.len() + limit)?;
        let model = self.model().clone();
        let end = model.tokenizer().control(Control::TurnEnd);
        let mut chooser = Chooser::new(model.config().vocab);
        let mut answer = Decoded {
            tokens: Vec::new(),
            choices: Vec::new(),
            ended: false,
            steps: 0,
        };
        // Written, but not yet computed.
        let mut pending = prompt.to_vec();
        self.rewind();
        while !answer.ended && answer.tokens.len() < limit {
            let token = match chooser.forced(constraint.as_deref_mut())? {
                Some(token) => token,
                None => {
                    let logits = self.extend(&pending).await?;
                    pending.clear();
                    answer.steps += 1;
                    let bias = constraint.as_ref().and_then(|constraint| constraint.bias());
                    let at = answer.tokens.len();
                    let (token, choice) = chooser.choose(&logits, bias, at);
                    answer.choices.push(choice);
                    token
                }
            };
            if let Some(constraint) = constraint.as_deref_mut() {
                constraint.commit(token)?;
            }
            answer.tokens.push(token);
            pending.push(token);
            answer.ended = token == end;
        }
        Ok(answer)
    }
}

/// Chooses tokens; its buffers live as long as one answer.
struct Chooser {
    allowed: TokenSet,
    /// Whether the set holds anything back.
    constrained: bool,
    /// Logits of the allowed tokens.
    logits: Vec<f32>,
}

impl Chooser {
    fn new(vocab: usize) -> Self {
        Self {
            allowed: TokenSet::new(vocab),
            constrained: false,
            logits: Vec::new(),
        }
    }

    /// Asks the constraint for what may come next; returns the token that must, if only one may.
    fn forced(
        &mut self,
        constraint: Option<&mut (dyn Constraint + '_)>,
    ) -> Result<Option<u32>, ModelError> {
        self.constrained = constraint.is_some();
        let Some(constraint) = constraint else {
            return Ok(None);
        };
        self.allowed.clear();
        constraint.allow(&mut self.allowed)?;
        if self.allowed.is_empty() {
            return Err(ModelError::constraint(
                "no token may come next",
                "at least the end of the answer",
                "The vocabulary cannot spell what the constraint asks for: use another base model or constraint.",
            ));
        }
        Ok(self.allowed.only())
    }

    /// The best allowed token by `logits` `[vocab]` and bias, and what can be said of that choice.
    fn choose(&mut self, logits: &[f32], bias: Option<(u32, f32)>, at: usize) -> (u32, Choice) {
        let total = serve::log_sum_exp(logits);
        let (token, rival, kept) = if self.constrained {
            let logit = |token: u32| logits[token as usize];
            self.logits.clear();
            self.logits.extend(self.allowed.iter().map(logit));
            let (token, rival) = best_two(self.allowed.iter().map(|t| (t, logit(t))), bias);
            (token, rival, serve::log_sum_exp(&self.logits) - total)
        } else {
            let (token, rival) = best_two((0..).zip(logits.iter().copied()), bias);
            (token, rival, 0.0)
        };
        let logit = f64::from(logits[token as usize]);
        let choice = Choice {
            at,
            log_prob: logit - total,
            lead: logit - f64::from(rival),
            removed: (1.0 - libm::exp(kept)).max(0.0),
        };
        (token, choice)
    }
}

/// The token with the highest logit plus bias, the first of equals, and the highest logit, without
/// bias, among the others.
fn best_two(tokens: impl Iterator<Item = (u32, f32)>, bias: Option<(u32, f32)>) -> (u32, f32) {
    let (mut best, mut best_logit, mut best_biased) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    let mut rival = f32::NEG_INFINITY;
    for (token, logit) in tokens {
        let nats = bias.filter(|&(biased, _)| biased == token);
        let biased = logit + nats.map_or(0.0, |(_, nats)| nats);
        if biased > best_biased {
            rival = rival.max(best_logit);
            (best, best_logit, best_biased) = (token, logit, biased);
        } else {
            rival = rival.max(logit);
        }
    }
    (best, rival)
}
