//! Threads that help the one that computes.
//!
//! A pass through a small model is hundreds of short jobs, tens of microseconds each: a helper that
//! slept between two of them would miss most. Helpers therefore watch for the next job for a while
//! before they sleep, and the caller works with them but never waits for one that has not begun.
//!
//! Where the system has threads they are started here, as many as it has cores unless
//! [`set_count`] says otherwise. In a browser only a worker's script can start one: its program calls
//! [`help`]. This module knows nothing of what is computed.

use std::{
    cell::UnsafeCell,
    hint,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, Once, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering::*},
    },
    thread::{self, Thread},
};

/// Looks at the state that a helper without work takes before it sleeps: some tens of microseconds in
/// a browser, some hundreds elsewhere, where it pauses between two looks.
const LOOKS: usize = 1 << 14;

/// In [`Team::state`]: how many helpers are at work, and whether another may begin. The rest counts
/// jobs.
const INSIDE: usize = OPEN - 1;
const OPEN: usize = 1 << 10;
const JOB: usize = OPEN << 1;

static TEAM: Team = Team::new();

/// How many threads compute, the caller included.
pub fn count() -> usize {
    TEAM.start_once();
    1 + TEAM.helpers()
}

/// The most helpers: short jobs are not worth more, and their count has room for them.
const MOST_HELPERS: usize = 255;

/// From now on `threads` threads compute, the caller included, up to 256. Threads that are missing are
/// started where the system can; in a browser they come by [`help`].
///
/// # Errors
/// The system gives no more threads.
pub fn set_count(threads: usize) -> std::io::Result<()> {
    TEAM.started.call_once(|| ());
    TEAM.set_helpers(threads.max(1) - 1)
}

/// Makes the calling thread a helper, for ever.
pub fn help() -> ! {
    TEAM.started.call_once(|| ());
    let index = TEAM.joined.fetch_add(1, SeqCst);
    if index >= MOST_HELPERS {
        loop {
            thread::park();
        }
    }
    TEAM.wanted.fetch_max(index + 1, SeqCst);
    TEAM.help(index)
}

/// To be called where a helper is about to end by a panic that cannot be caught: the thread that waits
/// for it panics in turn, where it would wait for ever.
pub fn give_up() {
    TEAM.broken.store(true, SeqCst);
}

/// Calls `work` with each of `0..pieces`, shared out among all threads; returns when all are done.
pub(crate) fn share(pieces: usize, work: &(dyn Fn(usize) + Sync)) {
    TEAM.share(pieces, work);
}

#[derive(Clone, Copy)]
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    pieces: usize,
}

/// One caller at a time and its helpers.
struct Team {
    started: Once,
    /// Held while helpers are started.
    starting: Mutex<()>,
    /// Helpers that may work: those whose index is below.
    wanted: AtomicUsize,
    /// Helpers that exist.
    joined: AtomicUsize,
    /// Held while a job runs.
    caller: Mutex<()>,
    state: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    /// The next piece to be taken.
    next: AtomicUsize,
    asleep: AtomicUsize,
    sleepers: Mutex<Vec<Thread>>,
    /// A helper of the latest job panicked.
    broken: AtomicBool,
}

// SAFETY: `job` is written by the holder of `caller` while no helper is inside, and read by helpers
// that entered after it was published through `state`.
unsafe impl Sync for Team {}

impl Team {
    const fn new() -> Self {
        Self {
            started: Once::new(),
            starting: Mutex::new(()),
            wanted: AtomicUsize::new(0),
            joined: AtomicUsize::new(0),
            caller: Mutex::new(()),
            state: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            asleep: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::new()),
            broken: AtomicBool::new(false),
        }
    }

    fn helpers(&self) -> usize {
        self.wanted.load(Relaxed).min(self.joined.load(Relaxed))
    }

    fn start_once(&'static self) {
        self.started.call_once(|| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            // Fewer threads are slower, not wrong.
            let _ = self.set_helpers(cores - 1);
        });
    }

    /// Where not as many can be started, those that were take part.
    fn set_helpers(&'static self, helpers: usize) -> std::io::Result<()> {
        let helpers = helpers.min(MOST_HELPERS);
        // Two that start helpers at a time would count them twice.
        let _starting = lock(&self.starting);
        let mut missing = self.joined.load(SeqCst)..helpers;
        let started = missing.try_for_each(|index| {
            thread::Builder::new()
                .name(format!("kernels {}", index + 1))
                .spawn(move || self.help(index))?;
            self.joined.fetch_add(1, SeqCst);
            Ok(())
        });
        self.wanted.store(helpers, SeqCst);
        started
    }

    fn share(&'static self, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        self.start_once();
        let caller = match self.caller.try_lock() {
            Ok(caller) if pieces > 1 && self.helpers() > 0 => caller,
            Err(TryLockError::Poisoned(caller)) if pieces > 1 => caller.into_inner(),
            // Another thread has the helpers, or none are needed.
            _ => return (0..pieces).for_each(work),
        };
        let job = Job {
            // SAFETY: only the lifetime changes, and no helper is inside when `opened` is dropped.
            work: unsafe {
                std::mem::transmute::<
                    *const (dyn Fn(usize) + Sync + '_),
                    *const (dyn Fn(usize) + Sync),
                >(work)
            },
            pieces,
        };
        let opened = self.open(job);
        self.take_pieces(job);
        drop(opened);
        // Before the next caller's job begins with a clean slate.
        let broken = self.broken.load(SeqCst);
        drop(caller);
        assert!(!broken, "a thread that helped to compute panicked");
    }

    fn open(&self, job: Job) -> Opened<'_> {
        // SAFETY: this thread holds `caller`, and no helper is inside between two jobs.
        unsafe { *self.job.get() = Some(job) };
        self.next.store(0, Relaxed);
        self.broken.store(false, Relaxed);
        let job = (self.state.load(Relaxed) & !(JOB - 1)).wrapping_add(JOB);
        self.state.store(job | OPEN, SeqCst);
        if self.asleep.load(SeqCst) > 0 {
            for sleeper in lock(&self.sleepers).drain(..) {
                sleeper.unpark();
            }
        }
        Opened(self)
    }

    fn take_pieces(&self, job: Job) {
        // SAFETY: the caller keeps what `work` borrows until every helper has left.
        let work = unsafe { &*job.work };
        loop {
            let piece = self.next.fetch_add(1, Relaxed);
            if piece >= job.pieces {
                return;
            }
            work(piece);
        }
    }

    fn help(&'static self, index: usize) -> ! {
        let mut seen = 0;
        loop {
            let state = self.await_other_than(seen);
            seen = state & !(JOB - 1);
            if index < self.wanted.load(Relaxed) && self.enter(seen) {
                // SAFETY: published before the job was opened, and left alone while this is inside.
                if let Some(job) = unsafe { *self.job.get() } {
                    // The caller panics in its place, and nothing of the job is used any more.
                    let work = AssertUnwindSafe(|| self.take_pieces(job));
                    if catch_unwind(work).is_err() {
                        self.broken.store(true, SeqCst);
                    }
                }
                self.state.fetch_sub(1, Release);
            }
        }
    }

    /// Waits for a job other than `seen` and gives the state that showed it.
    fn await_other_than(&self, seen: usize) -> usize {
        let is_new = |state: usize| state & !(JOB - 1) != seen;
        loop {
            for _ in 0..LOOKS {
                let state = self.state.load(Acquire);
                if is_new(state) {
                    return state;
                }
                hint::spin_loop();
            }
            lock(&self.sleepers).push(thread::current());
            self.asleep.fetch_add(1, SeqCst);
            // Looked at once more after the caller could see the sleeper.
            if !is_new(self.state.load(SeqCst)) {
                thread::park();
            }
            self.asleep.fetch_sub(1, SeqCst);
        }
    }

    /// Begins to work on `job` unless it is closed already.
    fn enter(&self, job: usize) -> bool {
        let mut state = self.state.load(Acquire);
        while state & !(JOB - 1) == job && state & OPEN != 0 {
            match self
                .state
                .compare_exchange_weak(state, state + 1, AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}

/// A job that helpers may begin to work on. Dropped, also by a panic of the caller's piece, it lets no
/// more in and waits for those inside.
struct Opened<'a>(&'a Team);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        let team = self.0;
        team.state.fetch_and(!OPEN, AcqRel);
        while team.state.load(Acquire) & INSIDE != 0 {
            // Where a panic unwinds, helpers leave all the same, and are waited for.
            if cfg!(panic = "abort") && team.broken.load(Relaxed) {
                panic!("a thread that helped to compute panicked");
            }
            hint::spin_loop();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn team(helpers: usize) -> &'static Team {
        let team = Box::leak(Box::new(Team::new()));
        team.started.call_once(|| ());
        team.set_helpers(helpers).expect("threads");
        team
    }

    /// How often each piece was done.
    fn done(team: &'static Team, pieces: usize) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
        team.share(pieces, &|piece| {
            counts[piece].fetch_add(1, Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn every_piece_is_done_once() {
        for helpers in [0, 1, 3] {
            let team = team(helpers);
            for round in 0..300 {
                let pieces = round % 9;
                assert_eq!(done(team, pieces), vec![1; pieces], "{helpers} helpers");
                if round % 100 == 0 {
                    // Long enough that helpers sleep.
                    thread::sleep(Duration::from_millis(30));
                }
            }
        }
    }

    #[test]
    fn helpers_take_part() {
        let team = team(1);
        // The caller's piece ends only when another thread has begun the other.
        let begun = AtomicUsize::new(0);
        team.share(2, &|_| {
            begun.fetch_add(1, SeqCst);
            while begun.load(SeqCst) < 2 {
                thread::yield_now();
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_rest_in_order() {
        let team = team(2);
        for guilty in 0..4 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                team.share(4, &|piece| assert_ne!(piece, guilty));
            }));
            assert!(outcome.is_err());
            assert_eq!(done(team, 5), vec![1; 5]);
        }
    }
}
