//! Text becomes model input here and nowhere else. Tokens and loss mask are made together, and the
//! inference prompt is a token prefix of the training sequence.
//!
//! ```text
//! <|im_start|>system⏎ instruction <|im_end|>⏎          ┐ fixed prefix of a recipe
//! (<|im_start|>user⏎ … <|im_end|>⏎ …)  few-shot turns   │ (computed once, KV snapshot reused)
//! <|im_start|>user⏎                                     ┘
//! text <|im_end|>⏎<|im_start|>assistant⏎                  the row
//! answer <|im_end|>                                       supervised
//! ```
//!
//! | shape | answer | tokenized alone |
//! |---|---|---|
//! | single-label | `label` | the label |
//! | multi-label | `label: yes` or `label: no`, a line each, in recipe order | `label:`, ` yes` or ` no`, the line end |
//! | spans | `[{"label":"…","text":"…"},…]`, in the order of the text or a shuffled one | as [`SpanParts`] has it |
//! | structured | compact JSON in the order of the schema, absent fields left out | the whole answer: its grammar allows the tokens of any spelling, these among them (tested) |
//!
//! Each piece of text is tokenized alone, so neither a user's text nor a label can merge with what
//! stands beside it. Text never yields a control token: those come from [`Control`] only.

mod spans;

use std::collections::BTreeSet;

use crate::{
    error::{Place, TaskError, quoted},
    example::{Example, Span, Target},
    recipe::{Recipe, SpanOrder},
    rng::SplitMix64,
};
pub use spans::{SpanPart, SpanParts, escape, escaped};

/// Tokens with a meaning of their own, which text can never produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control {
    /// `<|im_start|>`: a turn begins.
    TurnStart,
    /// `<|im_end|>`: a turn ends. Also the end of every answer.
    TurnEnd,
}

/// What prompts need of a tokenizer. Implemented over the GGUF's vocabulary in `slm-model`.
pub trait Tokenizer {
    /// Token ids of plain text. Never a control token, whatever the text says.
    fn encode(&self, text: &str) -> Vec<u32>;
    /// Text of token ids; control tokens are written out (`<|im_end|>`).
    fn decode(&self, ids: &[u32]) -> String;
    /// Id of a control token.
    fn control(&self, control: Control) -> u32;
}

/// A row for training: token ids and which of them are supervised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Token ids, the recipe's prefix included.
    pub tokens: Vec<u32>,
    /// Length of the inference prompt: `tokens[..prompt]`.
    pub prompt: usize,
    /// `mask[i]`: the loss counts the prediction of `tokens[i]`. Same length as `tokens`.
    pub mask: Vec<bool>,
}

/// A row for inference, split where the recipe's fixed prefix ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Tokens after the fixed prefix ([`Renderer::prefix`]).
    pub tokens: Vec<u32>,
}

/// The tokens that a multi-label answer is made of: a line a label, each ending in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// `label:` of each label, in recipe order.
    pub heads: Vec<Vec<u32>>,
    /// ` yes`
    pub yes: Vec<u32>,
    /// ` no`
    pub no: Vec<u32>,
    /// The line end between two lines.
    pub next: Vec<u32>,
    /// The control token after the last line.
    pub end: u32,
}

impl Lines {
    /// The whole answer: `holds[i]` says whether label `i` does.
    pub fn answer(&self, holds: &[bool]) -> Vec<u32> {
        let mut tokens = Vec::new();
        for (i, (head, &holds)) in self.heads.iter().zip(holds).enumerate() {
            if i > 0 {
                tokens.extend(&self.next);
            }
            tokens.extend(head);
            tokens.extend(if holds { &self.yes } else { &self.no });
        }
        tokens.push(self.end);
        tokens
    }

    /// Tokens of the longest answer.
    pub fn longest(&self) -> usize {
        let heads: usize = self.heads.iter().map(Vec::len).sum();
        let each = self.yes.len().max(self.no.len()) + self.next.len();
        heads + self.heads.len() * each + 1
    }
}

/// Renders rows of one recipe (and a fixed set of few-shot examples) to tokens.
pub struct Renderer<'a, T: Tokenizer + ?Sized> {
    recipe: &'a Recipe,
    tokenizer: &'a T,
    shots: &'a [Example],
}

impl<'a, T: Tokenizer + ?Sized> Renderer<'a, T> {
    /// A renderer. `shots` are the worked examples shown before the row; none for a tuned model.
    ///
    /// # Errors
    /// [`TaskError::Shape`] for a shape that is not built yet.
    pub fn new(
        recipe: &'a Recipe,
        tokenizer: &'a T,
        shots: &'a [Example],
    ) -> Result<Self, TaskError> {
        recipe.shape.built("rendering prompts")?;
        Ok(Self {
            recipe,
            tokenizer,
            shots,
        })
    }

    /// That the vocabulary can write every label. One that has no token for a byte of it gives other
    /// tokens, those of another label among them; labels that can be written all differ.
    ///
    /// # Errors
    /// [`TaskError::Input`] with the first label that comes back as another text.
    pub fn check_labels(&self) -> Result<(), TaskError> {
        let back = |label: &String| self.tokenizer.decode(&self.tokenizer.encode(label));
        let Some(label) = self.recipe.labels.iter().find(|l| back(l) != **l) else {
            return Ok(());
        };
        Err(TaskError::input(
            Place::file("recipe.toml").field("labels"),
            format!(
                "{}, which the model's vocabulary writes as {}",
                quoted(label),
                quoted(&back(label))
            ),
            "labels of characters that the vocabulary has",
            "Name the label with other characters, in the recipe and in its rows.",
        ))
    }

    /// Tokens that open every prompt of the recipe: system turn, worked examples, and the opening
    /// of the user's turn.
    pub fn prefix(&self) -> Vec<u32> {
        let mut tokens = Vec::new();
        self.open(&mut tokens, "system");
        self.text(&mut tokens, &self.recipe.instruction);
        self.close(&mut tokens);
        for shot in self.shots {
            self.open(&mut tokens, "user");
            tokens.extend(self.prompt(&shot.prompt).tokens);
            tokens.extend(self.answer(shot));
            self.text(&mut tokens, "\n");
        }
        self.open(&mut tokens, "user");
        tokens
    }

    /// Tokens of one row after the [`prefix`](Self::prefix), up to where the answer begins.
    pub fn prompt(&self, text: &str) -> Prompt {
        let mut tokens = Vec::new();
        self.text(&mut tokens, text);
        self.close(&mut tokens);
        self.open(&mut tokens, "assistant");
        Prompt { tokens }
    }

    /// A row for training: prefix, prompt and answer. The answer and the control token that ends it
    /// are supervised, nothing else.
    ///
    /// # Errors
    /// [`TaskError::TooLong`] when the row has more than `sft.max_tokens` tokens: cut short, it
    /// would lose what it supervises. The error names the recipe's training file; use
    /// [`TaskError::in_file`] for rows from elsewhere.
    pub fn training(&self, example: &Example) -> Result<Sequence, TaskError> {
        let mut tokens = self.prefix();
        tokens.extend(self.prompt(&example.prompt).tokens);
        let prompt = tokens.len();
        tokens.extend(self.answer(example));
        let limit = self.recipe.sft.max_tokens;
        if tokens.len() > limit {
            return Err(TaskError::TooLong {
                place: Place::line(&self.recipe.data.train, example.line).into(),
                tokens: tokens.len(),
                limit,
            });
        }
        let mask = (0..tokens.len()).map(|i| i >= prompt).collect();
        Ok(Sequence {
            tokens,
            prompt,
            mask,
        })
    }

    /// Tokens of each label with the control token that ends it, in recipe order: the closed
    /// answers of a single-label recipe.
    pub fn answers(&self) -> Vec<Vec<u32>> {
        let labels = self.recipe.labels.iter();
        labels.map(|label| self.label(label)).collect()
    }

    /// The parts of a multi-label recipe's answer.
    pub fn lines(&self) -> Lines {
        let encode = |text: &str| self.tokenizer.encode(text);
        let labels = self.recipe.labels.iter();
        Lines {
            heads: labels.map(|label| encode(&format!("{label}:"))).collect(),
            yes: encode(" yes"),
            no: encode(" no"),
            next: encode("\n"),
            end: self.tokenizer.control(Control::TurnEnd),
        }
    }

    /// The parts of a span recipe's answer.
    pub fn span_parts(&self) -> SpanParts {
        SpanParts::new(&self.recipe.labels, self.tokenizer)
    }

    /// Tokens of a row's right answer with the control token that ends it.
    pub fn answer(&self, row: &Example) -> Vec<u32> {
        match &row.target {
            Target::Label(label) => self.label(label),
            Target::Labels(labels) => {
                let holds = self
                    .recipe
                    .labels
                    .iter()
                    .map(|label| labels.contains(label));
                self.lines().answer(&holds.collect::<Vec<bool>>())
            }
            Target::Object(object) => self.label(&object.to_string()),
            Target::Spans(spans) => {
                let order = self.recipe.twist.span_order;
                let listed = in_order(spans, &row.prompt, order, row.line as u64);
                let listed = listed.into_iter().filter_map(|span| {
                    let text = row.prompt.get(span.start..span.end)?;
                    let label = self.recipe.labels.iter().position(|l| *l == span.label)?;
                    Some((label, self.tokenizer.encode(&escaped(text))))
                });
                self.span_parts().answer(listed)
            }
        }
    }

    fn label(&self, label: &str) -> Vec<u32> {
        let mut tokens = self.tokenizer.encode(label);
        tokens.push(self.tokenizer.control(Control::TurnEnd));
        tokens
    }

    fn text(&self, tokens: &mut Vec<u32>, text: &str) {
        tokens.extend(self.tokenizer.encode(text));
    }

    /// `<|im_start|>role⏎`
    fn open(&self, tokens: &mut Vec<u32>, role: &str) {
        tokens.push(self.tokenizer.control(Control::TurnStart));
        self.text(tokens, &format!("{role}\n"));
    }

    /// `<|im_end|>⏎`
    fn close(&self, tokens: &mut Vec<u32>) {
        tokens.push(self.tokenizer.control(Control::TurnEnd));
        self.text(tokens, "\n");
    }
}

/// The spans of a row in the order in which an answer lists them. A free order is a shuffle by the
/// seed, each pair of label and text once.
fn in_order<'s>(spans: &'s [Span], text: &str, order: SpanOrder, seed: u64) -> Vec<&'s Span> {
    let mut listed: Vec<&Span> = spans.iter().collect();
    if order == SpanOrder::Free {
        let mut seen = BTreeSet::new();
        listed.retain(|span| seen.insert((&span.label, text.get(span.start..span.end))));
        SplitMix64::new(seed).shuffle(&mut listed);
    }
    listed
}

#[cfg(test)]
mod tests;
