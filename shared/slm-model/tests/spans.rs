//! Span answers: what the constraint allows against a slow reference, and what comes out of it.

use std::{ops::Range, sync::Arc};

use futures::executor::block_on;
use slm_model::{
    BaseModel, Constraint, Engine, SpanGrammar, SpanOrder, TokenSet, constraint::spans::Alignment,
    testing,
};
use slm_task::{Tokenizer as _, rng::SplitMix64};

const END: u32 = 2;
const LABELS: [&str; 4] = ["good", "goo", "the \"bad\"", "é"];
const INPUTS: [&str; 6] = [
    "the good, the bad",
    " \"ba\\d\"\n\u{1}é bad ",
    "aa aa",
    "é🦀",
    "x",
    " \t",
];

fn toy(seed: u64) -> Arc<BaseModel> {
    let bytes = testing::tiny_gguf_with_toy_vocab(seed);
    Arc::new(BaseModel::from_gguf(&bytes).unwrap())
}

fn grammar(model: &Arc<BaseModel>, order: SpanOrder) -> SpanGrammar {
    SpanGrammar::new(model, &LABELS.map(String::from), order).unwrap()
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Every way an answer may go on, found by going through all of them.
struct Reference<'a> {
    model: &'a BaseModel,
    input: &'a str,
    order: SpanOrder,
}

impl Reference<'_> {
    /// Places that a span may have.
    fn places(&self) -> Vec<Range<usize>> {
        let cuts = || (0..=self.input.len()).filter(|&at| self.input.is_char_boundary(at));
        let pairs = cuts().flat_map(|start| cuts().map(move |end| start..end));
        let visible = |place: &Range<usize>| {
            let text = self.input.get(place.clone()).unwrap_or_default();
            !text.is_empty() && text.trim() == text
        };
        pairs.filter(visible).collect()
    }

    /// Texts that may follow `before`, (label, text) pairs already written.
    fn texts(&self, before: &[(usize, String)], label: usize) -> Vec<String> {
        let mut alignment = Alignment::new(self.input, self.order);
        let end = (before.iter())
            .map(|(_, text)| alignment.place(text).unwrap().end)
            .last()
            .unwrap_or(0);
        let places = self.places().into_iter();
        let texts = places
            .filter(|place| self.order == SpanOrder::Free || place.start >= end)
            .map(|place| self.input[place].to_owned());
        texts
            .filter(|text| {
                self.order == SpanOrder::Text || !before.contains(&(label, text.clone()))
            })
            .collect()
    }

    /// Tokens that may follow `tokens`, lowest first.
    fn next(&self, tokens: &[u32]) -> Vec<u32> {
        let mut next = Vec::new();
        self.list(tokens, &[], &mut next);
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Goes on where a span or the end may come.
    fn list(&self, tokens: &[u32], before: &[(usize, String)], next: &mut Vec<u32>) {
        let tokenizer = self.model.tokenizer();
        let (go, stop) = match before.is_empty() {
            true => ("[{\"label\":\"", "[]"),
            false => (",{\"label\":\"", "]"),
        };
        let stop = [tokenizer.encode(stop), vec![END]].concat();
        follow(tokens, &stop, next);
        for (label, name) in LABELS.iter().enumerate() {
            let texts = self.texts(before, label);
            let head = [
                tokenizer.encode(go),
                tokenizer.encode(&escaped(name)),
                tokenizer.encode("\",\"text\":\""),
            ];
            if texts.is_empty() {
                continue;
            }
            if let Some(rest) = follow(tokens, &head.concat(), next) {
                self.text(rest, before, label, &texts, next);
            }
        }
    }

    /// Goes on inside the text of a span.
    fn text(
        &self,
        tokens: &[u32],
        before: &[(usize, String)],
        label: usize,
        texts: &[String],
        next: &mut Vec<u32>,
    ) {
        let tokenizer = self.model.tokenizer();
        let close = tokenizer.encode("\"}");
        for text in texts {
            let whole = escaped(text);
            let mut left = whole.as_bytes();
            let mut at = 0;
            while let Some(&token) = tokens.get(at)
                && let Some(rest) = left.strip_prefix(tokenizer.bytes(token))
                && !left.is_empty()
            {
                (left, at) = (rest, at + 1);
            }
            if left.is_empty()
                && let Some(rest) = follow(&tokens[at..], &close, next)
            {
                let mut before = before.to_vec();
                before.push((label, text.clone()));
                self.list(rest, &before, next);
            } else if at == tokens.len() {
                let ids = 0..tokenizer.vocab() as u32;
                next.extend(ids.filter(|&id| {
                    !tokenizer.is_control(id)
                        && !left.is_empty()
                        && left.starts_with(tokenizer.bytes(id))
                }));
            }
        }
    }
}

/// What is left of `tokens` after `part`; where they end inside it, its next token goes to `next`.
fn follow<'a>(tokens: &'a [u32], part: &[u32], next: &mut Vec<u32>) -> Option<&'a [u32]> {
    if let Some(rest) = tokens.strip_prefix(part) {
        return Some(rest);
    }
    if part.starts_with(tokens) {
        next.push(part[tokens.len()]);
    }
    None
}

#[test]
fn masks_equal_a_slow_reference() {
    let model = toy(1);
    let mut rng = SplitMix64::new(5);
    let mut ended = 0;
    for (input, order) in INPUTS
        .iter()
        .flat_map(|i| [(i, SpanOrder::Text), (i, SpanOrder::Free)])
    {
        let grammar = grammar(&model, order);
        let reference = Reference {
            model: &model,
            input,
            order,
        };
        for _ in 0..12 {
            let mut constraint = grammar.constrain(input, 0.0);
            let mut tokens = Vec::new();
            while tokens.len() < 120 && tokens.last() != Some(&END) {
                let mut allowed = TokenSet::new(model.config().vocab);
                constraint.allow(&mut allowed).unwrap();
                let allowed: Vec<u32> = allowed.iter().collect();
                let shown = model.tokenizer().decode(&tokens);
                assert_eq!(
                    allowed,
                    reference.next(&tokens),
                    "{input:?} {order:?} {shown}"
                );
                let token = allowed[rng.below(allowed.len())];
                constraint.commit(token).unwrap();
                tokens.push(token);
            }
            ended += usize::from(tokens.last() == Some(&END));
        }
    }
    assert!(ended > 60, "{ended} of 144 random answers came to an end");
}

#[test]
fn answers_are_valid_on_any_weights() {
    let mut whole = 0;
    let mut found = 0;
    for seed in 0..12 {
        let model = toy(seed);
        let mut engine = Engine::new(model.clone());
        for order in [SpanOrder::Text, SpanOrder::Free] {
            let grammar = grammar(&model, order);
            for (bias, input) in INPUTS
                .iter()
                .flat_map(|input| [(0.0, input), (-2.0, input)])
            {
                let prompt = model.tokenizer().encode(&format!("{input}{seed}"));
                let decoding = engine.decode_spans(&prompt, &grammar, input, bias, 150);
                let (spans, answer) = block_on(decoding).unwrap();
                let mut alignment = Alignment::new(input, order);
                for span in &spans.spans {
                    assert_eq!(alignment.place(&span.text), Some(span.place.clone()));
                    assert_eq!(input[span.place.clone()], span.text);
                    assert_eq!(span.text.trim(), span.text);
                    assert!(span.probability > 0.0 && span.probability < 1.0);
                    assert!(span.stop_log_odds + f64::from(bias) <= 1e-5);
                }
                found += spans.spans.len();
                if answer.ended {
                    whole += 1;
                    let text = &answer.tokens[..answer.tokens.len() - 1];
                    assert_eq!(
                        pairs(&model.tokenizer().decode(text)),
                        written(&spans.spans)
                    );
                }
            }
        }
    }
    assert!(
        whole > 50 && found > 50,
        "{whole} whole answers, {found} spans"
    );
}

/// Labels and texts of a JSON answer.
fn pairs(json: &str) -> Vec<(String, String)> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Span {
        label: String,
        text: String,
    }
    let spans: Vec<Span> =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    spans
        .into_iter()
        .map(|span| (span.label, span.text))
        .collect()
}

fn written(spans: &[slm_model::FoundSpan]) -> Vec<(String, String)> {
    let pair = |span: &slm_model::FoundSpan| (LABELS[span.label].to_owned(), span.text.clone());
    spans.iter().map(pair).collect()
}

#[test]
fn a_lower_bias_only_adds_spans() {
    let mut longer = 0;
    for seed in 0..10 {
        let model = toy(seed);
        let mut engine = Engine::new(model.clone());
        let input = INPUTS[0];
        let grammar = grammar(&model, SpanOrder::Text);
        let prompt = model.tokenizer().encode(input);
        let mut decode = |bias| {
            let decoding = engine.decode_spans(&prompt, &grammar, input, bias, 400);
            block_on(decoding).unwrap()
        };
        let (all, answer) = decode(f32::NEG_INFINITY);
        assert!(
            answer.ended && all.stop_log_odds.is_none(),
            "nothing but stopping was left"
        );
        for bias in [-3.0, -1.0, 0.0, 1.0, f32::INFINITY] {
            let (some, _) = decode(bias);
            let stops = |span: &slm_model::FoundSpan| span.stop_log_odds + f64::from(bias) > 0.0;
            let kept = all.spans.iter().position(stops).unwrap_or(all.spans.len());
            assert_eq!(some.spans, all.spans[..kept]);
            let stop = all.spans.get(kept).map(|span| span.stop_log_odds);
            assert_eq!(some.stop_log_odds, stop);
            longer += usize::from(kept < all.spans.len());
        }
    }
    assert!(longer > 10);
}

#[test]
fn probabilities_are_those_of_the_choices() {
    let model = toy(4);
    let mut engine = Engine::new(model.clone());
    let grammar = grammar(&model, SpanOrder::Free);
    let prompt = model.tokenizer().encode("good");
    let decoding = engine.decode_spans(&prompt, &grammar, INPUTS[2], -1e9, 90);
    let (found, answer) = block_on(decoding).unwrap();
    assert!(found.spans.len() > 1);
    // Each choice belongs to one span, or to the one that the limit cut.
    let of_spans: f64 = found.spans.iter().map(|span| span.probability.ln()).sum();
    let text = model.tokenizer().decode(&answer.tokens);
    let cut = text.rfind("\"}").unwrap();
    let tokens_before = |at: usize| model.tokenizer().decode(&answer.tokens[..at]).len();
    let of_choices: f64 = (answer.choices.iter())
        .filter(|choice| tokens_before(choice.at) <= cut)
        .map(|choice| choice.log_prob)
        .sum();
    assert!(
        (of_spans - of_choices).abs() < 1e-9,
        "{of_spans} {of_choices} {text}"
    );
}

/// Feeds an answer for training to the constraint, token by token.
fn accept(grammar: &SpanGrammar, model: &BaseModel, input: &str, answer: &[u32]) {
    let mut constraint = grammar.constrain(input, 0.0);
    for (at, &token) in answer.iter().enumerate() {
        let mut allowed = TokenSet::new(model.config().vocab);
        constraint.allow(&mut allowed).unwrap();
        let shown = model.tokenizer().decode(&answer[..at]);
        assert!(
            allowed.contains(token),
            "token {token} after {shown} for {input:?}"
        );
        constraint.commit(token).unwrap();
    }
    assert!(constraint.commit(answer[0]).is_err(), "the answer is over");
}

#[test]
fn answers_for_training_are_allowed_token_by_token() {
    let real = testing::tiny_base(1);
    let texts = [
        "the good, the bad\nand \"the ugly\" \\ éé🦀 ana@example.org +49 170 1234567, ana",
        "x",
        "\u{1}\u{7f} \t|",
    ];
    let mut rng = SplitMix64::new(9);
    for model in [toy(0), real] {
        for order in [SpanOrder::Text, SpanOrder::Free] {
            let grammar = grammar(&model, order);
            for round in 0..60 {
                let input = texts[round % 3];
                let reference = Reference {
                    model: &model,
                    input,
                    order,
                };
                let places = reference.places();
                let mut spans: Vec<(&str, Range<usize>)> = Vec::new();
                for _ in 0..rng.below(6).min(places.len()) {
                    let place = places[rng.below(places.len())].clone();
                    let apart = |(_, other): &(&str, Range<usize>)| {
                        place.end <= other.start || other.end <= place.start
                    };
                    if order == SpanOrder::Free || spans.iter().all(apart) {
                        spans.push((LABELS[rng.below(4)], place));
                    }
                }
                let answer = grammar.answer(input, &spans).unwrap();
                accept(&grammar, &model, input, &answer);
                let end = answer.len() - 1;
                let mut expected: Vec<(String, String)> = Vec::new();
                if order == SpanOrder::Text {
                    spans.sort_by_key(|(_, place)| place.start);
                }
                for (label, place) in spans {
                    let pair = (label.to_owned(), input[place].to_owned());
                    if order == SpanOrder::Text || !expected.contains(&pair) {
                        expected.push(pair);
                    }
                }
                assert_eq!(pairs(&model.tokenizer().decode(&answer[..end])), expected);
            }
        }
    }
}

#[test]
fn impossible_spans_and_labels_are_refused_with_the_reason() {
    let model = toy(0);
    let check = |spans: &[(&str, Range<usize>)], order, part: &str| {
        let error = grammar(&model, order).answer("é good", spans).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    use SpanOrder::{Free, Text};
    check(
        &[("bad", 0..2)],
        Free,
        "the label \"bad\"; expected one of good, goo, ",
    );
    check(&[("good", 0..1)], Text, "at bytes 0..1 of a text of 7");
    check(&[("good", 3..9)], Text, "at bytes 3..9 of a text of 7");
    check(
        &[("good", 2..7)],
        Text,
        "\" good\" at bytes 2..7; expected a part",
    );
    check(&[("good", 4..4)], Text, "\"\" at bytes 4..4");
    check(
        &[("good", 3..7), ("goo", 3..6)],
        Text,
        "bytes 3..6 and 3..7",
    );
    assert!(
        grammar(&model, Free)
            .answer("é good", &[("good", 3..7), ("goo", 3..6)])
            .is_ok()
    );

    let refused = |labels: &[&str], part: &str| {
        let labels: Vec<String> = labels.iter().map(|&label| label.into()).collect();
        let error = SpanGrammar::new(&model, &labels, Text).err().unwrap();
        assert!(error.to_string().contains(part), "{error}");
    };
    refused(&[], "no labels");
    refused(&["a", " "], "the label \" \"");
    refused(&["a", "b", "a"], "the label \"a\" twice");

    let stray = grammar(&model, Text)
        .constrain("good", 0.0)
        .commit(END)
        .unwrap_err();
    assert!(
        stray.to_string().contains("token 2 after 0 tokens"),
        "{stray}"
    );
}
