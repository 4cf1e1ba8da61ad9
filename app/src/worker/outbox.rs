//! What the worker sends, under the session that the page is in now.

use std::{cell::Cell, rc::Rc};

use crate::{
    error::AppError,
    platform::link,
    protocol::{Event, Message, Phase, Progress, Step},
    state::transfer::Transfer,
};

/// Sends events to the page. Clones share the session.
#[derive(Clone, Default)]
pub(super) struct Outbox {
    session: Rc<Cell<u64>>,
}

impl Outbox {
    /// From now on events belong to `session`.
    pub(super) fn enter(&self, session: u64) {
        self.session.set(session);
    }

    pub(super) fn tell(&self, event: Event) {
        link::post(&Message {
            session: self.session.get(),
            event,
        });
    }

    pub(super) fn failed(&self, step: Step, error: &AppError) {
        self.tell(Event::Failed(step, error.into()));
    }

    /// The worker cannot go on, whatever the session is.
    pub(super) fn stopped(&self, error: AppError) {
        self.tell(Event::Stopped(error.into()));
    }

    /// A phase without a measure of its own.
    pub(super) fn phase(&self, phase: Phase) {
        self.steps(phase, 0, 0);
    }

    /// A phase counted in steps.
    pub(super) fn steps(&self, phase: Phase, done: u64, total: u64) {
        self.tell(Event::Progress(Progress {
            phase,
            done,
            total,
            resumed: 0,
            rate: 0.0,
        }));
    }

    /// A phase counted in bytes.
    pub(super) fn bytes(&self, phase: Phase, transfer: &Transfer) {
        self.tell(Event::Progress(Progress {
            phase,
            done: transfer.done,
            total: transfer.total,
            resumed: transfer.resumed,
            rate: transfer.rate(),
        }));
    }
}
