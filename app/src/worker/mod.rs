//! The worker: owns the model, answers the page. One request at a time, the freshest text first;
//! an evaluation advances row by row in between, so that typing and cancelling always get through.

mod base;
mod bundle;
mod model;
mod outbox;
mod proven;

use std::sync::Arc;

use futures::{
    StreamExt,
    channel::mpsc::UnboundedReceiver,
    future::{Either, LocalBoxFuture, select},
};
use slm_model::BaseModel;

use self::{base::Base, bundle::Bundle, model::RecipeModel, outbox::Outbox, proven::Proven};
use crate::{
    error::AppError,
    platform::{clock, link, memory_bytes, threads},
    protocol::{Command, EngineInfo, Event, Kept, Request, Step, System},
    state::{
        evaluation::{Evaluator, Shipped},
        inbox::Inbox,
    },
};

/// Serves the page for ever.
pub async fn run() {
    let mut worker = Worker::new(link::inbox());
    worker.outbox.tell(Event::Started);
    loop {
        worker.turn().await;
    }
}

/// Tells the page why the worker is about to stop.
pub fn report_panic(reason: String) {
    Outbox::default().stopped(AppError::Engine { reason });
}

struct Worker {
    arrivals: UnboundedReceiver<Request>,
    inbox: Inbox,
    outbox: Outbox,
    /// Being fetched.
    loading: Option<LocalBoxFuture<'static, Result<Base, AppError>>>,
    load_started: f64,
    base: Option<Base>,
    bundle: Option<Bundle>,
    model: Option<RecipeModel>,
    /// Models of other recipes.
    proven: Proven,
    evaluator: Option<Evaluator>,
}

impl Worker {
    fn new(arrivals: UnboundedReceiver<Request>) -> Self {
        Self {
            arrivals,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            loading: None,
            load_started: 0.0,
            base: None,
            bundle: None,
            model: None,
            proven: Proven::default(),
            evaluator: None,
        }
    }

    /// Takes in what arrived, then does the most urgent thing.
    async fn turn(&mut self) {
        if self.evaluator.is_some() {
            clock::breathe().await;
        }
        while let Ok(request) = self.arrivals.try_recv() {
            self.inbox.push(request);
        }
        if let Some(request) = self.inbox.pop() {
            self.serve(request).await;
        } else if self.evaluator.is_some() {
            self.score_a_row().await;
        } else {
            self.wait().await;
        }
    }

    /// Until a request arrives or the base model is there.
    async fn wait(&mut self) {
        let Some(loading) = &mut self.loading else {
            if let Some(request) = self.arrivals.next().await {
                self.inbox.push(request);
            }
            return;
        };
        match select(self.arrivals.next(), loading).await {
            Either::Left((Some(request), _)) => self.inbox.push(request),
            Either::Left((None, _)) => {}
            Either::Right((loaded, _)) => {
                self.loading = None;
                match loaded {
                    Ok(base) => {
                        self.base = Some(base);
                        self.make_ready().await;
                    }
                    Err(error) => self.outbox.failed(Step::Load, &error),
                }
            }
        }
    }

    async fn serve(&mut self, request: Request) {
        self.outbox.enter(request.session);
        match request.command {
            Command::Open { path, base } => {
                if let (Some(bundle), Some(model)) = (self.bundle.take(), self.model.take()) {
                    self.proven.keep(bundle.sha256, model);
                }
                self.evaluator = None;
                match bundle::open(&path, &base).await {
                    Ok((bundle, opened)) => {
                        self.bundle = Some(bundle);
                        self.outbox.tell(Event::Opened(Box::new(opened)));
                    }
                    Err(error) => self.outbox.failed(Step::Open, &error),
                }
            }
            Command::Load => self.load().await,
            Command::Classify {
                id,
                text,
                system,
                stop_bias,
            } => self.classify(id, &text, system, stop_bias).await,
            Command::Evaluate => self.start_evaluation(),
            Command::Cancel => {
                if self.evaluator.take().is_some() {
                    self.outbox.tell(Event::Cancelled);
                }
            }
            Command::Measure => self.measure().await,
        }
    }

    /// Starts to fetch the base model, unless it is there or on its way.
    async fn load(&mut self) {
        let Some(bundle) = &self.bundle else { return };
        if self.loading.is_some() {
            return;
        }
        self.load_started = clock::now_ms();
        let wanted = &bundle.base;
        if self
            .base
            .as_ref()
            .is_some_and(|base| base.model.sha256() == wanted.sha256)
        {
            self.make_ready().await;
            return;
        }
        // The old one goes first: two do not fit everywhere.
        self.base = None;
        self.proven.clear();
        self.loading = Some(Box::pin(base::load(wanted.clone(), self.outbox.clone())));
    }

    /// Base and bundle become a model that has proven itself on the probes.
    async fn make_ready(&mut self) {
        let (Some(base), Some(bundle)) = (&self.base, &self.bundle) else {
            return;
        };
        let proven = match self.proven.take(&bundle.sha256) {
            Some(model) => Ok(model),
            None => RecipeModel::proven(base.model.clone(), bundle, &self.outbox).await,
        };
        match proven {
            Ok(model) => {
                let info = engine_info(
                    base.kept,
                    &base.model,
                    bundle,
                    clock::now_ms() - self.load_started,
                );
                self.model = Some(model);
                self.outbox.tell(Event::Ready(info));
            }
            Err(error) => self.outbox.failed(Step::Load, &error),
        }
    }

    async fn classify(&mut self, id: u64, text: &str, system: System, stop_bias: Option<f64>) {
        let Some(model) = &mut self.model else { return };
        match model.answer(text, system, stop_bias).await {
            Ok(answer) => self.outbox.tell(Event::Classified { id, system, answer }),
            Err(error) => self.outbox.failed(Step::Classify, &error),
        }
    }

    fn start_evaluation(&mut self) {
        if let (Some(bundle), Some(_)) = (&self.bundle, &self.model) {
            self.evaluator = Some(Evaluator::new(
                bundle.recipe.clone(),
                bundle.rows.clone(),
                clock::now_ms(),
            ));
        }
    }

    async fn score_a_row(&mut self) {
        let (Some(evaluator), Some(model)) = (&mut self.evaluator, &mut self.model) else {
            self.evaluator = None;
            return;
        };
        let Some(text) = evaluator.next_prompt() else {
            self.finish_evaluation();
            return;
        };
        let scored = match model.answer(&text, System::Tuned, None).await {
            Ok(answer) => evaluator
                .push(answer.prediction, clock::now_ms())
                .map_err(AppError::from),
            Err(error) => Err(error),
        };
        match scored {
            Ok(scored) => self.outbox.tell(Event::Scored(scored)),
            Err(error) => {
                self.evaluator = None;
                self.outbox.failed(Step::Evaluate, &error);
            }
        }
    }

    fn finish_evaluation(&mut self) {
        let (Some(evaluator), Some(bundle)) = (self.evaluator.take(), &self.bundle) else {
            return;
        };
        let shipped = Shipped {
            report: &bundle.report,
            report_file: &bundle.report_file,
            predictions: &bundle.predictions,
        };
        match evaluator.finish(&shipped, clock::now_ms()) {
            Ok(outcome) => self.outbox.tell(Event::Evaluated(outcome)),
            Err(error) => self.outbox.failed(Step::Evaluate, &error.into()),
        }
    }

    async fn measure(&mut self) {
        let Some(model) = &mut self.model else { return };
        match model.measure().await {
            Ok(speed) => self.outbox.tell(Event::Measured(speed)),
            Err(error) => self.outbox.failed(Step::Classify, &error),
        }
    }
}

fn engine_info(
    kept: Kept,
    model: &Arc<BaseModel>,
    bundle: &Bundle,
    milliseconds: f64,
) -> EngineInfo {
    EngineInfo {
        base: bundle.base.name.clone(),
        backend: "CPU, WebAssembly SIMD".to_owned(),
        threads: threads::count(),
        numerics: slm_model::NUMERICS,
        memory: memory_bytes(),
        context: model.config().context,
        probes: bundle.probes.probes.len(),
        kept,
        milliseconds,
    }
}
