//! What a failure means to the caller of `slm`: the exit code.

use std::process::ExitCode;

use slm_model::ModelError;
use slm_task::TaskError;
use slm_train::TrainError;

/// Wrong usage or bad input: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// A gate is not met: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GateNotMet(pub String);

/// Bad input as an `anyhow` error.
pub fn bad_input(message: impl Into<String>) -> anyhow::Error {
    BadInput(message.into()).into()
}

/// 1 for a failure, 2 for wrong usage or bad input, 3 for a gate that is not met.
pub fn code(error: &anyhow::Error) -> u8 {
    let gate = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<GateNotMet>() || matches!(cause.downcast_ref(), Some(TrainError::Gate(_)))
    };
    let input = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<BadInput>()
            || cause.is::<TaskError>()
            || matches!(
                cause.downcast_ref(),
                Some(
                    TrainError::NoRows
                        | TrainError::Row { .. }
                        | TrainError::Setting { .. }
                        | TrainError::State(_)
                )
            )
            || matches!(
                cause.downcast_ref(),
                Some(
                    ModelError::File { .. }
                        | ModelError::Unsupported { .. }
                        | ModelError::Adapter { .. }
                        | ModelError::WrongBase { .. }
                        | ModelError::TooLong { .. }
                        | ModelError::Constraint { .. }
                )
            )
    };
    if error.chain().any(gate) {
        3
    } else if error.chain().any(input) {
        2
    } else {
        1
    }
}

/// Prints an error with its causes, one a line, and gives the exit code.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Transparent wrappers repeat their source word for word.
        if !said.contains(&cause) {
            eprintln!("  because: {cause}");
        }
        said = cause;
    }
    ExitCode::from(code(error))
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn codes() {
        let check = |error: anyhow::Error, expected| assert_eq!(code(&error), expected);
        check(anyhow::anyhow!("disk"), 1);
        check(bad_input("typo"), 2);
        check(TrainError::NoRows.into(), 2);
        check(TrainError::Gate("no gradient".into()).into(), 3);
        check(GateNotMet("duplicates".into()).into(), 3);
        let wrapped: anyhow::Result<()> = Err(TrainError::NoRows).context("while training");
        check(wrapped.unwrap_err(), 2);
    }
}
