//! Spans from end to end: what the renderer trains on is what the grammar allows, and an answerer
//! gives spans of the text.

use std::{fs, path::Path};

use futures::executor::block_on;
use slm_model::{Answerer, Constraint, SpanGrammar, SpanOrder, TokenSet, testing};
use slm_task::{Example, Prediction, Recipe, Renderer, Target, example, recall::StopBias};

/// The recipe of the gallery, and its rows for training.
fn pii() -> (Recipe, Vec<Example>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static/recipes/pii");
    let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
    let recipe = Recipe::parse(&text, "recipe.toml").unwrap();
    let rows = fs::read(folder.join("train.jsonl")).unwrap();
    let rows = example::read_jsonl(&rows, "train.jsonl", &recipe).unwrap();
    (recipe, rows)
}

#[test]
fn every_training_answer_is_allowed() {
    let (mut recipe, rows) = pii();
    let base = testing::tiny_base(3);
    for order in [SpanOrder::Text, SpanOrder::Free] {
        recipe.twist.span_order = order;
        let grammar = SpanGrammar::new(&base, &recipe.labels, order).unwrap();
        let renderer = Renderer::new(&recipe, base.tokenizer(), &[]).unwrap();
        let mut shuffled = 0;
        for row in &rows {
            let answer = renderer.answer(row);
            let Target::Spans(spans) = &row.target else {
                panic!("{:?}", row.target);
            };
            let places: Vec<_> = (spans.iter())
                .map(|span| (span.label.as_str(), span.start..span.end))
                .collect();
            let in_text_order = grammar.answer(&row.prompt, &places).unwrap();
            shuffled += usize::from(in_text_order != answer);
            let mut constraint = grammar.constrain(&row.prompt, 0.0);
            for &token in &answer {
                let mut allowed = TokenSet::new(base.config().vocab);
                constraint.allow(&mut allowed).unwrap();
                assert!(allowed.contains(token), "line {}: token {token}", row.line);
                constraint.commit(token).unwrap();
            }
        }
        // In the order of the text there is one answer; of the others a good part is shuffled.
        assert_eq!(shuffled == 0, order == SpanOrder::Text, "{shuffled}");
        assert!(
            order == SpanOrder::Text || shuffled > rows.len() / 10,
            "{shuffled}"
        );
    }
}

#[test]
fn an_answerer_lists_spans_of_the_text() {
    let (mut recipe, rows) = pii();
    recipe.twist.span_order = SpanOrder::Text;
    recipe.instruction = "List.".into();
    let base = testing::tiny_base(3);
    let texts = ["Zoë met Bo.", "…", "a b"];
    let mut answerer = Answerer::new(base.clone(), None, &recipe, Vec::new()).unwrap();
    // A strong will to stop, and none at all.
    answerer.set_stop_bias(StopBias::of(1e6));
    for answered in block_on(answerer.answer(&texts)).unwrap() {
        let Prediction::Spans(found) = answered.prediction else {
            panic!("{:?}", answered.prediction);
        };
        assert!(found.spans.is_empty());
        assert!(found.stop_log_odds.is_some());
    }
    answerer.set_stop_bias(StopBias::of(-1e6));
    for (text, answered) in texts.iter().zip(block_on(answerer.answer(&texts)).unwrap()) {
        let Prediction::Spans(found) = &answered.prediction else {
            panic!("{:?}", answered.prediction);
        };
        assert!(!found.spans.is_empty());
        assert!(
            found
                .spans
                .iter()
                .all(|s| text.get(s.start..s.end).is_some())
        );
        assert!(
            found
                .spans
                .windows(2)
                .all(|pair| pair[0].end <= pair[1].start)
        );
        let confidence = answered.prediction.confidence().unwrap();
        assert!((0.0..=1.0).contains(&confidence));
    }
    let losses = block_on(answerer.losses(&rows[..3])).unwrap();
    assert!(
        losses
            .iter()
            .all(|loss| loss.is_some_and(|loss| loss > 0.0))
    );

    recipe.scoring.max_tokens = 4;
    let mut short = Answerer::new(base, None, &recipe, Vec::new()).unwrap();
    short.set_stop_bias(StopBias::of(-1e6));
    let answered = block_on(short.answer(&texts[..1])).unwrap().remove(0);
    let Prediction::Spans(found) = answered.prediction else {
        panic!("{:?}", answered.prediction);
    };
    assert!(found.cut && found.spans.is_empty());
}

/// A dial is set from one answer a row, cut or not: it must tell what each higher bias gives.
#[test]
fn a_long_answer_tells_the_shorter_ones() {
    let (mut recipe, rows) = pii();
    let texts: Vec<&str> = rows[..40].iter().map(|row| row.prompt.as_str()).collect();
    let (mut cut, mut stopped, mut edge) = (0, 0, 0);
    for order in [SpanOrder::Text, SpanOrder::Free] {
        recipe.twist.span_order = order;
        recipe.instruction = "List.".into();
        recipe.scoring.max_tokens = 24;
        let mut answerer = Answerer::new(testing::tiny_base(3), None, &recipe, Vec::new()).unwrap();
        let mut spans = |bias: &StopBias| {
            answerer.set_stop_bias(bias.clone());
            let answered = block_on(answerer.answer(&texts)).unwrap().into_iter();
            let spans = |row: slm_model::Answered| match row.prediction {
                Prediction::Spans(found) => found,
                other => panic!("{other:?}"),
            };
            answered.map(spans).collect::<Vec<_>>()
        };
        let long = spans(&StopBias::of(-9.0));
        for bias in [-9.0, -1.0, 0.0, 2.0].map(StopBias::of) {
            for (long, found) in long.iter().zip(spans(&bias)) {
                let told = long.stopped_at(&bias);
                assert_eq!(told.spans, found.spans);
                assert_eq!(told.stop_log_odds, found.stop_log_odds);
                stopped += usize::from(long.cut && !told.cut);
                // The tokens that close the list may have been beyond the limit.
                assert!(found.cut || !told.cut);
                edge += usize::from(found.cut && !told.cut);
            }
        }
        cut += long.iter().filter(|row| row.cut).count();
    }
    assert!(
        cut > 10 && stopped > 10 && edge < stopped,
        "{cut} {stopped} {edge}"
    );
}
