//! One opened recipe as the page sees it: what is loaded, what was answered, what went wrong.
//! Fed with the worker's messages; says nothing about how it is drawn.

use std::sync::Arc;

use crate::{
    error::Problem,
    protocol::{
        Answer, EngineInfo, Event, Message, Opened, Outcome, Phase, Progress, Scored, Speed, Step,
        System,
    },
};

/// Something that is fetched.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Remote<T> {
    /// Not there yet.
    #[default]
    Waiting,
    /// There.
    Ready(T),
    /// Not to be had.
    Failed(Problem),
}

impl<T> Remote<T> {
    /// The value, when it is there.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

/// The model in the worker.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Engine {
    /// Nobody asked for it yet.
    #[default]
    Idle,
    /// On its way.
    Loading(Progress),
    /// Answers.
    Ready(EngineInfo),
    /// Did not come up.
    Failed(Problem),
}

/// The evaluation in the page.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Evaluation {
    /// Not started.
    #[default]
    Idle,
    /// Asked for; no row scored yet.
    Starting,
    /// Rows are being scored.
    Running(Scored),
    /// Stopped by the person; what was scored until then.
    Cancelled(Option<Scored>),
    /// All rows scored and the report rebuilt.
    Done(Scored, Outcome),
    /// Broke off.
    Failed(Problem),
}

impl Evaluation {
    /// Asked for and not over.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Starting | Self::Running(_))
    }

    /// The counts so far.
    pub fn scored(&self) -> Option<Scored> {
        match self {
            Self::Running(scored) | Self::Done(scored, _) => Some(*scored),
            Self::Cancelled(scored) => *scored,
            _ => None,
        }
    }
}

/// One opened recipe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Session {
    /// Number that requests and answers carry.
    pub number: u64,
    /// Recipe id.
    pub recipe: String,
    /// Recipe and report.
    pub bundle: Remote<Arc<Opened>>,
    /// The model.
    pub engine: Engine,
    /// Things to know while everything works.
    pub notes: Vec<String>,
    /// The latest answer shown.
    pub answer: Option<(System, Answer)>,
    /// Why the latest text got no answer.
    pub answer_problem: Option<Problem>,
    /// Id of the request that is being answered.
    pub awaited: Option<u64>,
    last_id: u64,
    /// Evaluation in the page.
    pub evaluation: Evaluation,
    /// Measured speed.
    pub speed: Option<Speed>,
}

impl Session {
    /// The next session, for another recipe.
    pub fn next(&self, recipe: &str) -> Self {
        Self {
            number: self.number + 1,
            recipe: recipe.to_owned(),
            // Ids go on, so that a late answer never fits a newer text.
            last_id: self.last_id,
            ..Self::default()
        }
    }

    /// The person asked for the model (again).
    pub fn load(&mut self) {
        self.notes.clear();
        self.engine = Engine::Loading(Progress {
            phase: Phase::Looking,
            done: 0,
            total: 0,
            resumed: 0,
            rate: 0.0,
        });
    }

    /// A text was sent; gives the id to send with it. Older answers are stale from now on.
    pub fn ask(&mut self) -> u64 {
        self.last_id += 1;
        self.awaited = Some(self.last_id);
        self.answer_problem = None;
        self.last_id
    }

    /// The text was emptied: nothing is shown or awaited.
    pub fn clear_answer(&mut self) {
        self.awaited = None;
        self.answer = None;
        self.answer_problem = None;
    }

    /// The person asked for an evaluation.
    pub fn evaluate(&mut self) {
        self.evaluation = Evaluation::Starting;
    }

    /// Takes in one message; false when it belongs to a session that was left.
    pub fn apply(&mut self, message: Message) -> bool {
        if let Event::Stopped(problem) = message.event {
            self.worker_stopped(problem);
            return true;
        }
        if message.session != self.number {
            return false;
        }
        match message.event {
            Event::Started | Event::Stopped(_) => {}
            Event::Opened(opened) => self.bundle = Remote::Ready(Arc::from(opened)),
            Event::Progress(progress) => self.engine = Engine::Loading(progress),
            Event::Note(note) => {
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
            Event::Ready(info) => self.engine = Engine::Ready(info),
            Event::Classified { id, system, answer } => {
                if self.awaited == Some(id) {
                    self.awaited = None;
                    self.answer = Some((system, answer));
                }
            }
            Event::Scored(scored) => {
                if self.evaluation.is_active() {
                    self.evaluation = Evaluation::Running(scored);
                }
            }
            Event::Evaluated(outcome) => {
                if let Some(scored) = self.evaluation.scored() {
                    self.evaluation = Evaluation::Done(scored, outcome);
                }
            }
            Event::Cancelled => {
                self.evaluation = Evaluation::Cancelled(self.evaluation.scored());
            }
            Event::Measured(speed) => self.speed = Some(speed),
            Event::Failed(step, problem) => self.fail(step, problem),
        }
        true
    }

    /// The worker is gone: whatever was under way will not come.
    pub fn worker_stopped(&mut self, problem: Problem) {
        if self.bundle.ready().is_none() {
            self.bundle = Remote::Failed(problem.clone());
        }
        if self.evaluation.is_active() {
            self.evaluation = Evaluation::Failed(problem.clone());
        }
        self.awaited = None;
        self.engine = Engine::Failed(problem);
    }

    fn fail(&mut self, step: Step, problem: Problem) {
        match step {
            Step::Open => {
                self.bundle = Remote::Failed(problem);
                self.engine = Engine::Idle;
            }
            Step::Load => self.engine = Engine::Failed(problem),
            Step::Classify => {
                self.awaited = None;
                self.answer = None;
                self.answer_problem = Some(problem);
            }
            Step::Evaluate => self.evaluation = Evaluation::Failed(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use slm_task::{LabelPrediction, Prediction};

    use super::*;

    fn opened_session() -> Session {
        Session::default().next("sentiment")
    }

    fn apply(session: &mut Session, event: Event) -> bool {
        let message = Message {
            session: session.number,
            event,
        };
        session.apply(message)
    }

    fn answer(label: &str) -> Answer {
        Answer {
            text: "A text.".into(),
            prediction: Prediction::Label(LabelPrediction {
                label: label.into(),
                probabilities: vec![],
                outside: 0.0,
            }),
            tokens: 9,
            milliseconds: 100.0,
        }
    }

    fn problem() -> Problem {
        Problem {
            what: "It broke.".into(),
            advice: "Retry.".into(),
        }
    }

    fn scored(done: usize) -> Scored {
        Scored {
            done,
            total: 3,
            right: done,
            failures: 0,
            score: 1.0,
            rate: 1.0,
        }
    }

    #[test]
    fn stale_answers_are_dropped() {
        let mut session = opened_session();
        let first = session.ask();
        let second = session.ask();
        let classified = |id, label| Event::Classified {
            id,
            system: System::Tuned,
            answer: answer(label),
        };
        apply(&mut session, classified(first, "old"));
        assert_eq!(session.answer, None);
        apply(&mut session, classified(second, "new"));
        assert_eq!(session.answer, Some((System::Tuned, answer("new"))));
        assert_eq!(session.awaited, None);

        let third = session.ask();
        session.clear_answer();
        apply(&mut session, classified(third, "late"));
        assert_eq!(session.answer, None);
    }

    #[test]
    fn messages_of_a_left_session_change_nothing() {
        let old = opened_session();
        let mut session = old.next("intent");
        let before = session.clone();
        let used = session.apply(Message {
            session: old.number,
            event: Event::Failed(Step::Load, problem()),
        });
        assert!(!used);
        assert_eq!(session, before);
    }

    #[test]
    fn an_evaluation_runs_ends_or_is_cancelled() {
        let mut session = opened_session();
        apply(&mut session, Event::Scored(scored(1)));
        assert_eq!(session.evaluation, Evaluation::Idle, "nobody asked");

        session.evaluate();
        apply(&mut session, Event::Scored(scored(1)));
        apply(&mut session, Event::Cancelled);
        assert_eq!(session.evaluation, Evaluation::Cancelled(Some(scored(1))));
        apply(&mut session, Event::Scored(scored(2)));
        assert_eq!(session.evaluation, Evaluation::Cancelled(Some(scored(1))));

        session.evaluate();
        apply(&mut session, Event::Scored(scored(3)));
        let outcome = Outcome {
            rows: 3,
            seconds: 1.0,
            equal: true,
            bytes: 10,
            sha256: String::new(),
            differences: vec![],
            changed_rows: 0,
        };
        apply(&mut session, Event::Evaluated(outcome.clone()));
        assert_eq!(session.evaluation, Evaluation::Done(scored(3), outcome));
    }

    #[test]
    fn a_failure_lands_where_it_belongs() {
        let check = |step, seen: &dyn Fn(&Session) -> bool| {
            let mut session = opened_session();
            apply(&mut session, Event::Failed(step, problem()));
            assert!(seen(&session), "{step:?}");
        };
        check(Step::Open, &|s| s.bundle == Remote::Failed(problem()));
        check(Step::Load, &|s| s.engine == Engine::Failed(problem()));
        check(Step::Classify, &|s| s.answer_problem == Some(problem()));
        check(Step::Evaluate, &|s| {
            s.evaluation == Evaluation::Failed(problem())
        });
    }

    #[test]
    fn a_stopped_worker_ends_all_that_was_under_way() {
        let mut session = opened_session();
        session.load();
        session.evaluate();
        session.ask();
        session.worker_stopped(problem());
        assert_eq!(session.engine, Engine::Failed(problem()));
        assert_eq!(session.evaluation, Evaluation::Failed(problem()));
        assert_eq!(session.bundle, Remote::Failed(problem()));
        assert_eq!(session.awaited, None);
    }

    #[test]
    fn a_note_is_shown_once() {
        let mut session = opened_session();
        for _ in 0..2 {
            apply(&mut session, Event::Note("kept in memory".into()));
        }
        assert_eq!(session.notes, ["kept in memory"]);
        session.load();
        assert!(session.notes.is_empty());
    }
}
