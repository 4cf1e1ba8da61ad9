//! Does this browser compute what the trainer computed? Tokens and logits must be the same, bit for
//! bit.

use slm_model::logits_digest;
use slm_task::bundle::Probe;

/// Compares rendered tokens.
///
/// # Errors
/// What differs, in words.
pub fn same_tokens(probe: &Probe, rendered: &[u32]) -> Result<(), String> {
    if probe.tokens == rendered {
        return Ok(());
    }
    let at = probe
        .tokens
        .iter()
        .zip(rendered)
        .position(|(expected, found)| expected != found);
    Err(match at {
        Some(at) => format!(
            "token {} of the prompt is {}, expected {}",
            at + 1,
            rendered[at],
            probe.tokens[at]
        ),
        None => format!(
            "the prompt has {} tokens, expected {}",
            rendered.len(),
            probe.tokens.len()
        ),
    })
}

/// Compares the largest logits, which say what differs, then all of them.
///
/// # Errors
/// What differs, in words.
pub fn same_logits(probe: &Probe, logits: &[f32]) -> Result<(), String> {
    for &(token, bits) in &probe.top {
        let found = logits.get(token as usize).copied();
        if found.map(f32::to_bits) != Some(bits) {
            let found = found.map_or("missing".to_owned(), |logit| logit.to_string());
            let expected = f32::from_bits(bits);
            return Err(format!(
                "the logit of token {token} is {found}, expected {expected}"
            ));
        }
    }
    if logits_digest(logits) != probe.digest {
        return Err("the largest logits are as expected, others are not".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> Probe {
        Probe {
            prompt: "a".into(),
            tokens: vec![1, 2, 3],
            top: vec![(2, 3.5f32.to_bits()), (0, 1.5f32.to_bits())],
            digest: logits_digest(&[1.5, 0.0, 3.5, -1.0]),
        }
    }

    #[test]
    fn tokens_must_be_the_same() {
        let check = |rendered: &[u32], expected: Option<&str>| {
            let found = same_tokens(&probe(), rendered).err();
            assert_eq!(found.as_deref(), expected);
        };
        check(&[1, 2, 3], None);
        check(&[1, 5, 3], Some("token 2 of the prompt is 5, expected 2"));
        check(&[1, 2], Some("the prompt has 2 tokens, expected 3"));
    }

    #[test]
    fn logits_must_be_the_same_to_the_bit() {
        let check = |logits: &[f32], expected: Option<&str>| {
            let found = same_logits(&probe(), logits).err();
            assert_eq!(found.as_deref(), expected);
        };
        check(&[1.5, 0.0, 3.5, -1.0], None);
        check(
            &[1.5, 0.0, 3.500_000_2, -1.0],
            Some("the logit of token 2 is 3.5000002, expected 3.5"),
        );
        check(
            &[1.5],
            Some("the logit of token 2 is missing, expected 3.5"),
        );
        check(
            &[1.5, 0.0, 3.5, -2.0],
            Some("the largest logits are as expected, others are not"),
        );
    }
}
