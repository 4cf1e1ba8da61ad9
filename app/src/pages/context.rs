//! The signals that pages share, and what a person can ask for.

use leptos::prelude::*;
use slm_task::bundle::{Gallery, GalleryEntry};

use crate::{
    error::{AppError, Problem},
    platform::{clock, fetch, link::Link, offline, page, spawn_local},
    protocol::{Command, Message, Request, System},
    state::{
        integrity,
        route::Route,
        session::{Remote, Session},
    },
};

/// The worker's script, beside the page.
const WORKER: &str = "engine.js";

/// What the typing must pause for before the model is asked, in milliseconds.
const DEBOUNCE: f64 = 150.0;

/// Everything shared. Copies are the same context.
#[derive(Clone, Copy)]
pub(super) struct AppContext {
    pub(super) route: RwSignal<Route>,
    pub(super) gallery: RwSignal<Remote<Gallery>>,
    pub(super) session: RwSignal<Session>,
    /// What the person has typed; outlives a restart of the model.
    pub(super) draft: RwSignal<String>,
    link: StoredValue<Option<Link>, LocalStorage>,
}

impl AppContext {
    /// Follows the address and fetches the gallery.
    pub(super) fn start() -> Self {
        let context = Self {
            route: RwSignal::new(Route::parse(&page::hash())),
            gallery: RwSignal::new(Remote::Waiting),
            session: RwSignal::new(Session::default()),
            draft: RwSignal::new(String::new()),
            link: StoredValue::new_local(None),
        };
        page::on_hash_change(move || context.route.set(Route::parse(&page::hash())));
        context.fetch_gallery();
        context
    }

    pub(super) fn fetch_gallery(self) {
        self.gallery.set(Remote::Waiting);
        spawn_local(async move {
            let gallery = fetch_gallery().await;
            self.gallery.set(match gallery {
                Ok(gallery) => Remote::Ready(gallery),
                Err(error) => Remote::Failed(error.into()),
            });
        });
    }

    /// The card of a recipe, once the gallery is there.
    pub(super) fn entry(self, id: &str) -> Option<GalleryEntry> {
        self.gallery.with(|gallery| {
            let entries = &gallery.ready()?.bundles;
            entries.iter().find(|entry| entry.id == id).cloned()
        })
    }

    /// Comes to a recipe: begins a session, unless the running one is about it and sound.
    pub(super) fn enter(self, entry: &GalleryEntry) {
        let is_open = self.session.with_untracked(|session| {
            session.recipe == entry.id && session.bundle.ready().is_some()
        });
        if !is_open {
            self.open(entry);
        }
    }

    /// Begins a session with a recipe of the gallery.
    pub(super) fn open(self, entry: &GalleryEntry) {
        let base = self
            .gallery
            .with_untracked(|gallery| gallery.ready().map(|gallery| gallery.base.clone()));
        let Some(base) = base else { return };
        if self
            .session
            .with_untracked(|session| session.recipe != entry.id)
        {
            self.draft.set(String::new());
        }
        self.session
            .update(|session| *session = session.next(&entry.id));
        self.send(Command::Open {
            path: entry.path.clone(),
            base,
        });
    }

    /// Asks for the model.
    pub(super) fn load(self) {
        self.session.update(Session::load);
        self.send(Command::Load);
    }

    /// Asks for an answer once the typing pauses; at once with `now`.
    pub(super) fn ask(self, text: String, system: System, stop_bias: Option<f64>, now: bool) {
        let Some(id) = self.session.try_update(Session::ask) else {
            return;
        };
        let command = Command::Classify {
            id,
            text,
            system,
            stop_bias,
        };
        if now {
            self.send(command);
            return;
        }
        spawn_local(async move {
            clock::sleep(DEBOUNCE).await;
            let is_current = self
                .session
                .try_with_untracked(|session| session.awaited == Some(id));
            if is_current == Some(true) {
                self.send(command);
            }
        });
    }

    /// After a failure: the model again, and the bundle too if it or the worker is gone.
    pub(super) fn retry(self) {
        let (recipe, has_bundle) = self
            .session
            .with_untracked(|session| (session.recipe.clone(), session.bundle.ready().is_some()));
        if has_bundle && self.link.with_value(Option::is_some) {
            self.load();
        } else if let Some(entry) = untrack(|| self.entry(&recipe)) {
            // The tab that needs the model asks for it once the bundle is open.
            self.open(&entry);
        }
    }

    pub(super) fn evaluate(self) {
        self.session.update(Session::evaluate);
        self.send(Command::Evaluate);
    }

    pub(super) fn cancel(self) {
        self.send(Command::Cancel);
    }

    pub(super) fn measure(self) {
        self.send(Command::Measure);
    }

    /// Sends to the worker, which starts if it does not run.
    fn send(self, command: Command) {
        if self.link.with_value(Option::is_none) {
            match self.start_worker() {
                Ok(link) => self.link.set_value(Some(link)),
                Err(error) => {
                    self.session
                        .update(|session| session.worker_stopped(error.into()));
                    return;
                }
            }
        }
        let request = Request {
            session: self.session.with_untracked(|session| session.number),
            command,
        };
        self.link.with_value(|link| {
            if let Some(link) = link {
                link.send(&request);
            }
        });
    }

    fn start_worker(self) -> Result<Link, AppError> {
        Link::start(
            WORKER,
            move |message: Message| self.receive(message),
            move |reason| self.stop_worker(AppError::Engine { reason }.into()),
        )
    }

    fn receive(self, message: Message) {
        use crate::protocol::Event;
        let is_fatal = matches!(message.event, Event::Stopped(_));
        if let Event::Opened(opened) = &message.event {
            offline::keep(&opened.files);
        }
        self.session.update(|session| {
            session.apply(message);
        });
        if is_fatal {
            self.drop_link();
        }
    }

    fn stop_worker(self, problem: Problem) {
        self.session.update(|session| {
            // What the worker itself said is more than what the browser says after it.
            if self.link.with_value(Option::is_some) {
                session.worker_stopped(problem);
            }
        });
        self.drop_link();
    }

    /// Not at once: we may stand inside one of the link's own callbacks.
    fn drop_link(self) {
        let link = self.link.try_update_value(Option::take);
        spawn_local(async move { drop(link) });
    }
}

async fn fetch_gallery() -> Result<Gallery, AppError> {
    let name = "gallery.json";
    let bytes = fetch::bytes(name).await?;
    Ok(Gallery::parse(&integrity::text(&bytes), name)?)
}
