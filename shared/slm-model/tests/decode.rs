//! Decoding against itself: cached or computed again, free or constrained, within its limit.

use std::sync::Arc;

use futures::executor::block_on;
use slm_model::{BaseModel, Constraint, Decoded, Engine, ModelError, TokenSet, testing};

const END: u32 = 2;

fn engine(seed: u64) -> Engine {
    let bytes = testing::tiny_gguf_with_toy_vocab(seed);
    Engine::new(Arc::new(BaseModel::from_gguf(&bytes).unwrap()))
}

fn tokens(n: usize, seed: u32) -> Vec<u32> {
    (0..n as u32)
        .map(|i| (i * 37 + seed * 11 + 5) % 200 + 3)
        .collect()
}

/// Allows the tokens listed for each place, and the end after the last.
struct Listed {
    places: Vec<Vec<u32>>,
    written: usize,
    bias: Option<(u32, f32)>,
}

impl Constraint for Listed {
    fn allow(&mut self, allowed: &mut TokenSet) -> Result<(), ModelError> {
        let end = vec![END];
        let place = self.places.get(self.written).unwrap_or(&end);
        place.iter().for_each(|&token| allowed.insert(token));
        Ok(())
    }

    fn bias(&self) -> Option<(u32, f32)> {
        self.bias
    }

    fn commit(&mut self, _: u32) -> Result<(), ModelError> {
        self.written += 1;
        Ok(())
    }
}

fn listed(places: &[&[u32]], bias: Option<(u32, f32)>) -> Listed {
    Listed {
        places: places.iter().map(|place| place.to_vec()).collect(),
        written: 0,
        bias,
    }
}

/// Greedy decoding with the whole row computed again for every token, forced ones too.
fn slowly(
    engine: &mut Engine,
    prompt: &[u32],
    mut constraint: Option<&mut Listed>,
    limit: usize,
) -> Decoded {
    let mut row = prompt.to_vec();
    let mut answer = Decoded {
        tokens: Vec::new(),
        choices: Vec::new(),
        ended: false,
        steps: 0,
    };
    while answer.tokens.len() < limit && !answer.ended {
        let logits = block_on(engine.logits(&row)).unwrap();
        let mut allowed = TokenSet::new(logits.len());
        match constraint.as_deref_mut() {
            Some(constraint) => constraint.allow(&mut allowed).unwrap(),
            None => (0..logits.len() as u32).for_each(|token| allowed.insert(token)),
        }
        let bias = constraint.as_ref().and_then(|constraint| constraint.bias);
        let probability = |token: u32| {
            let sum: f64 = logits.iter().map(|&x| f64::from(x).exp()).sum();
            f64::from(logits[token as usize]).exp() / sum
        };
        let biased = |token: u32| {
            logits[token as usize] + bias.filter(|b| b.0 == token).map_or(0.0, |b| b.1)
        };
        let mut order: Vec<u32> = allowed.iter().collect();
        order.sort_by(|&a, &b| biased(b).total_cmp(&biased(a)).then(a.cmp(&b)));
        let best = order[0];
        if order.len() > 1 {
            let rival = order[1..]
                .iter()
                .map(|&t| probability(t))
                .fold(0.0, f64::max);
            let kept: f64 = order.iter().map(|&token| probability(token)).sum();
            answer.choices.push(slm_model::Choice {
                at: answer.tokens.len(),
                log_prob: probability(best).ln(),
                lead: (probability(best) / rival).ln(),
                removed: 1.0 - kept,
            });
        }
        if let Some(constraint) = constraint.as_deref_mut() {
            constraint.commit(best).unwrap();
        }
        answer.tokens.push(best);
        row.push(best);
        answer.ended = best == END;
    }
    answer
}

fn assert_same(fast: &Decoded, slow: &Decoded) {
    assert_eq!((&fast.tokens, fast.ended), (&slow.tokens, slow.ended));
    assert_eq!(fast.choices.len(), slow.choices.len());
    for (fast, slow) in fast.choices.iter().zip(&slow.choices) {
        assert_eq!(fast.at, slow.at);
        for (fast, slow) in [
            (fast.log_prob, slow.log_prob),
            (fast.lead, slow.lead),
            (fast.removed, slow.removed),
        ] {
            assert!((fast - slow).abs() < 1e-5, "{fast} against {slow}");
        }
    }
}

#[test]
fn free_answers_equal_full_recomputation() {
    for seed in 0..6 {
        let mut engine = engine(seed);
        engine.set_prefix(&tokens(7, 90)).unwrap();
        let prompt = tokens(5 + seed as usize, seed as u32);
        let fast = block_on(engine.decode(&prompt, None, 12)).unwrap();
        assert_same(&fast, &slowly(&mut engine, &prompt, None, 12));
        assert_eq!(fast.ended, fast.tokens.contains(&END));
        assert_eq!((fast.steps, fast.forced()), (fast.tokens.len(), 0));
        assert!(fast.ended || fast.tokens.len() == 12);
        assert!(fast.mean_removed() < 1e-9);
    }
}

#[test]
fn constrained_answers_equal_full_recomputation() {
    let places: [&[u32]; 6] = [&[9], &[8], &[30, 40, 50], &[11], &[60, END], &[7]];
    for seed in 0..20 {
        let mut engine = engine(seed);
        let prompt = tokens(9, seed as u32);
        for bias in [None, Some((END, 50.0)), Some((END, -50.0)), Some((40, 0.1))] {
            let mut constraint = listed(&places, bias);
            let fast = block_on(engine.decode(&prompt, Some(&mut constraint), 20)).unwrap();
            let slow = slowly(&mut engine, &prompt, Some(&mut listed(&places, bias)), 20);
            assert_same(&fast, &slow);
            assert!(fast.ended);
            assert_eq!(
                fast.steps, 2,
                "a run of forced tokens shares a forward pass"
            );
            assert_eq!(fast.choices.len(), 2);
            match bias {
                Some((END, nats)) => assert_eq!(fast.tokens.len() == 5, nats > 0.0),
                _ => assert!(
                    fast.choices
                        .iter()
                        .all(|choice| bias.is_some() || choice.lead >= 0.0)
                ),
            }
            let sum: f64 = fast.choices.iter().map(|choice| choice.log_prob).sum();
            assert_eq!(fast.log_prob(), sum);
            assert!(fast.mean_removed() > 0.0 && fast.mean_removed() < 1.0);
        }
    }
}

#[test]
fn limits_and_impossible_requests() {
    let mut engine = engine(3);
    let prompt = tokens(4, 1);
    let places: [&[u32]; 3] = [&[9], &[10, 11], &[12]];
    for limit in 0..5 {
        let mut constraint = listed(&places, None);
        let answer = block_on(engine.decode(&prompt, Some(&mut constraint), limit)).unwrap();
        assert_eq!(answer.tokens.len(), limit.min(4));
        assert_eq!(answer.ended, limit >= 4);
        assert_eq!(answer.steps, usize::from(limit > 1));
    }
    let mut check = |prompt: &[u32], constraint: Option<&mut dyn Constraint>, limit, part: &str| {
        let error = block_on(engine.decode(prompt, constraint, limit)).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    check(&[], None, 5, "empty prompt");
    check(&prompt, None, 1021, "1025 tokens do not fit");
    check(&[9_999], None, 5, "token 9999");
    check(
        &prompt,
        Some(&mut listed(&[&[]], None)),
        5,
        "no token may come next",
    );
}
