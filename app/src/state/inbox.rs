//! What the worker still has to do: requests folded so that stale ones vanish.

use std::collections::VecDeque;

use crate::protocol::{Command, Request};

/// Requests in the order they should be served.
///
/// Answers come before rows of an evaluation, and of several texts only the latest counts: the
/// person has typed on.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: VecDeque<Request>,
}

impl Inbox {
    /// Adds a request; drops what it makes pointless.
    pub fn push(&mut self, request: Request) {
        let drops_old_texts = matches!(
            request.command,
            Command::Classify { .. } | Command::Open { .. }
        );
        if drops_old_texts {
            self.waiting
                .retain(|old| !matches!(old.command, Command::Classify { .. }));
        }
        self.waiting.push_back(request);
    }

    /// The next request to serve.
    pub fn pop(&mut self) -> Option<Request> {
        self.waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::System;

    fn text(id: u64) -> Command {
        Command::Classify {
            id,
            text: String::new(),
            system: System::Tuned,
            stop_bias: None,
        }
    }

    #[test]
    fn only_the_latest_text_is_served() {
        let mut inbox = Inbox::default();
        for command in [
            text(1),
            Command::Evaluate,
            text(2),
            text(3),
            Command::Cancel,
        ] {
            inbox.push(Request {
                session: 1,
                command,
            });
        }
        let order: Vec<Command> =
            std::iter::from_fn(|| inbox.pop().map(|request| request.command)).collect();
        assert_eq!(order, [Command::Evaluate, text(3), Command::Cancel]);
    }
}
