//! A recipe's rows answered by a model: the one place where the shape of a task decides how the
//! engine is asked. Trainer and page answer through it, so both answer alike.

use std::sync::Arc;

use slm_task::{
    Example, Failure, LabelsPrediction, Prediction, Recipe, Renderer, Shape, Target, prompt::Lines,
    recall::StopBias,
};

use crate::{
    adapter::LoraAdapter,
    base::BaseModel,
    constraint::{json::JsonGrammar, spans::SpanGrammar},
    engine::Engine,
    error::ModelError,
    tokenizer::GgufTokenizer,
};

mod objects;
mod spans;

/// An engine with a recipe: texts in, predictions out, in the `serve` numerics.
pub struct Answerer {
    engine: Engine,
    recipe: Recipe,
    shots: Vec<Example>,
    form: Form,
    prefix: Vec<u32>,
    /// Most tokens of a row after the prefix, so that the longest answer still fits.
    room: usize,
    /// Nats that are added to the logit of stopping a list of spans.
    stop_bias: StopBias,
    /// Whether objects are written without their grammar.
    free: bool,
}

/// What can be answered.
enum Form {
    /// One of some closed answers, as tokens.
    Labels(Vec<Vec<u32>>),
    /// Yes or no to each label.
    Lines(Lines),
    /// A list of spans, of a number of tokens at most.
    Spans(Arc<SpanGrammar>, usize),
    /// A JSON object, of a number of tokens at most.
    Object(Arc<JsonGrammar>, usize),
}

/// One row, answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The answer, or why there is none.
    pub prediction: Prediction,
    /// Tokens that it took to compute, after the prefix.
    pub tokens: usize,
    /// Log-probability of each closed answer under the full softmax, in the recipe's order; empty
    /// for a row without an answer and for answers that are not closed.
    pub log_probabilities: Vec<f64>,
}

impl Answered {
    /// An answer that is not closed, or a failure.
    fn open(prediction: Prediction, tokens: usize) -> Self {
        Self {
            prediction,
            tokens,
            log_probabilities: Vec::new(),
        }
    }
}

impl Answerer {
    /// An answerer; computes the recipe's prefix once. `shots` are worked examples shown before
    /// every row.
    ///
    /// # Errors
    /// When the prefix does not fit the model, the recipe's shape is not built yet, a label cannot be
    /// written with the model's vocabulary, or decoding cannot be held to the recipe's schema.
    pub fn new(
        base: Arc<BaseModel>,
        adapter: Option<&LoraAdapter>,
        recipe: &Recipe,
        shots: Vec<Example>,
    ) -> Result<Self, ModelError> {
        let (prefix, form) = {
            let renderer = Renderer::new(recipe, base.tokenizer(), &shots)?;
            renderer.check_labels()?;
            let form = match recipe.shape {
                Shape::MultiLabel => Form::Lines(renderer.lines()),
                Shape::Spans => {
                    let grammar = SpanGrammar::new(&base, &recipe.labels, recipe.twist.span_order)?;
                    Form::Spans(Arc::new(grammar), recipe.scoring.max_tokens)
                }
                Shape::Structured => {
                    let schema = recipe.answer_schema()?;
                    let grammar = JsonGrammar::new(&base, schema.document())?;
                    Form::Object(Arc::new(grammar), recipe.scoring.max_tokens)
                }
                // A renderer is made for shapes that are built, and no others are.
                _ => Form::Labels(renderer.answers()),
            };
            (renderer.prefix(), form)
        };
        let mut engine = Engine::new(base);
        engine.set_adapter(adapter);
        engine.set_prefix(&prefix)?;
        Ok(Self {
            room: engine.room(form.longest()),
            engine,
            recipe: recipe.clone(),
            shots,
            form,
            prefix,
            stop_bias: StopBias::default(),
            free: false,
        })
    }

    /// Another adapter, or none; the prefix is computed again with it.
    pub fn set_adapter(&mut self, adapter: Option<&LoraAdapter>) {
        self.engine.set_adapter(adapter);
    }

    /// Nats that are added from now on to the logit of stopping wherever another span could come:
    /// negative for more spans. Answers of other shapes do not depend on it.
    pub fn set_stop_bias(&mut self, bias: StopBias) {
        self.stop_bias = bias;
    }

    /// Whether objects are written from now on without the grammar of their schema. Answers of other
    /// shapes do not depend on it.
    pub fn set_free(&mut self, free: bool) {
        self.free = free;
    }

    /// The engine behind it, its cache cut back to the prefix.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.rewind();
        &mut self.engine
    }

    /// Tokens that every prompt begins with.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// Tokens of a text after the prefix, up to where the answer begins.
    ///
    /// # Errors
    /// None for a recipe that an answerer was made for.
    pub fn prompt(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self.renderer()?.prompt(text).tokens)
    }

    /// Answers texts, in order. A text that does not fit the context is a counted failure.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub async fn answer(&mut self, texts: &[&str]) -> Result<Vec<Answered>, ModelError> {
        let mut prompts = Vec::with_capacity(texts.len());
        let mut inputs = Vec::with_capacity(texts.len());
        let mut failures = Vec::with_capacity(texts.len());
        for text in texts {
            let tokens = self.prompt(text)?;
            let failure = self.too_long(tokens.len());
            if failure.is_none() {
                prompts.push(tokens);
                inputs.push(*text);
            }
            failures.push(failure);
        }
        let mut answered = match &self.form {
            Form::Labels(answers) => self.label(&prompts, &answers.clone()).await?,
            Form::Lines(lines) => self.lines(&prompts, &lines.clone()).await?,
            Form::Spans(grammar, limit) => {
                let (grammar, limit) = (grammar.clone(), *limit);
                self.spans(&prompts, &inputs, &grammar, limit).await?
            }
            Form::Object(grammar, limit) => {
                let (grammar, limit) = (grammar.clone(), *limit);
                let grammar = Some(&*grammar).filter(|_| !self.free);
                self.objects(&prompts, grammar, limit).await?
            }
        }
        .into_iter();
        let in_order = |failure: Option<Failure>| match failure {
            None => answered.next(),
            Some(failure) => Some(Answered::open(Prediction::Failed(failure), 0)),
        };
        Ok(failures.into_iter().filter_map(in_order).collect())
    }

    /// Answers rows, each with the -log p of its right answer as [`Self::losses`] has it. Closed
    /// answers cost one pass for both.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub async fn evaluate(
        &mut self,
        rows: &[Example],
    ) -> Result<Vec<(Prediction, Option<f64>)>, ModelError> {
        let texts: Vec<&str> = rows.iter().map(|row| row.prompt.as_str()).collect();
        let answered = self.answer(&texts).await?;
        let losses = match &self.form {
            Form::Labels(_) => {
                let gold = |row: &Example| self.place(row);
                let loss = |(row, a): (&Example, &Answered)| {
                    a.log_probabilities.get(gold(row)?).map(|log| -log)
                };
                rows.iter().zip(&answered).map(loss).collect()
            }
            Form::Lines(_) | Form::Spans(..) | Form::Object(..) => self.losses(rows).await?,
        };
        let predictions = answered.into_iter().map(|a| a.prediction);
        Ok(predictions.zip(losses).collect())
    }

    /// Place of a row's right label among the recipe's.
    fn place(&self, row: &Example) -> Option<usize> {
        let Target::Label(gold) = &row.target else {
            return None;
        };
        self.recipe.labels.iter().position(|label| label == gold)
    }

    /// -log p of the right answer of each row under the full softmax; none for a row that does not
    /// fit the context.
    ///
    /// # Errors
    /// When the engine fails as a whole.
    pub async fn losses(&mut self, rows: &[Example]) -> Result<Vec<Option<f64>>, ModelError> {
        let mut losses = Vec::with_capacity(rows.len());
        for row in rows {
            let (prompt, answer) = {
                let renderer = self.renderer()?;
                let prompt = renderer.prompt(&row.prompt).tokens;
                (prompt, renderer.answer(row))
            };
            let whole = self.prefix.len() + prompt.len() + answer.len();
            losses.push(match whole > self.engine.model().config().context {
                true => None,
                false => {
                    let scores = self.engine.score(&[prompt], &[answer]).await?;
                    scores.first().and_then(|row| row.first()).map(|log| -log)
                }
            });
        }
        Ok(losses)
    }

    fn renderer(&self) -> Result<Renderer<'_, GgufTokenizer>, ModelError> {
        let tokenizer = self.engine.model().tokenizer();
        Ok(Renderer::new(&self.recipe, tokenizer, &self.shots)?)
    }

    fn too_long(&self, tokens: usize) -> Option<Failure> {
        (tokens > self.room).then(|| Failure::TooLong {
            tokens: self.prefix.len() + tokens,
            limit: self.prefix.len() + self.room,
        })
    }

    async fn label(
        &mut self,
        prompts: &[Vec<u32>],
        answers: &[Vec<u32>],
    ) -> Result<Vec<Answered>, ModelError> {
        let nodes = crate::trie::AnswerTrie::new(answers).nodes.len();
        let scores = self.engine.score(prompts, answers).await?;
        let one = |(prompt, logs): (&Vec<u32>, Vec<f64>)| Answered {
            prediction: Prediction::from_log_probabilities(&self.recipe.labels, &logs),
            tokens: prompt.len() + nodes,
            log_probabilities: logs,
        };
        Ok(prompts.iter().zip(scores).map(one).collect())
    }

    /// Each label is decided after what was decided for those before it.
    async fn lines(
        &mut self,
        prompts: &[Vec<u32>],
        lines: &Lines,
    ) -> Result<Vec<Answered>, ModelError> {
        let choices = [lines.yes.clone(), lines.no.clone()];
        let mut answered = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            self.engine.rewind();
            let mut next = prompt.clone();
            let mut scores = Vec::with_capacity(lines.heads.len());
            let mut tokens = 0;
            for head in &lines.heads {
                next.extend(head);
                tokens += next.len();
                let found = self.engine.choose(&next, &choices).await?;
                let pair = [found[0], found[1]];
                next = choices[usize::from(pair[0] < pair[1])].clone();
                next.extend(&lines.next);
                scores.push(pair);
            }
            let labels = &self.recipe.labels;
            let prediction = match LabelsPrediction::from_log_probabilities(labels, &scores) {
                Ok(prediction) => Prediction::Labels(prediction),
                Err(failure) => Prediction::Failed(failure),
            };
            answered.push(Answered::open(prediction, tokens));
        }
        self.engine.rewind();
        Ok(answered)
    }
}

impl Form {
    /// Tokens of the longest answer.
    fn longest(&self) -> usize {
        match self {
            Self::Labels(answers) => answers.iter().map(Vec::len).max().unwrap_or(0),
            Self::Lines(lines) => lines.longest(),
            Self::Spans(_, limit) | Self::Object(_, limit) => *limit,
        }
    }
}
