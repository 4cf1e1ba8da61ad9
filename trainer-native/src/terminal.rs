//! Progress for people: a bar on a terminal, plain lines elsewhere. On standard error, so that
//! standard output stays for results.

use std::{
    io::{ErrorKind, IsTerminal, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::clock;

/// Seconds between plain lines.
const PLAIN_EVERY: f64 = 10.0;

/// Progress of one long step.
pub struct Bar {
    name: String,
    total: usize,
    done: usize,
    /// Units that were done before this sitting; they say nothing about the pace.
    before: usize,
    started: Instant,
    fancy: Option<ProgressBar>,
    last_line: Option<Instant>,
    message: String,
}

impl Bar {
    /// A bar over `total` units.
    pub fn new(name: &str, total: usize) -> Self {
        let fancy = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  {msg}")
                .expect("the template is fixed")
                .progress_chars("━╸─");
            bar.set_style(style);
            bar.set_prefix(name.to_string());
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self {
            name: name.to_string(),
            total,
            done: 0,
            before: 0,
            started: Instant::now(),
            fancy,
            last_line: None,
            message: String::new(),
        }
    }

    /// Starts at `done` units: they were done earlier.
    pub fn starting_at(mut self, done: usize) -> Self {
        self.done = done;
        self.before = done;
        if let Some(bar) = &self.fancy {
            bar.set_position(done as u64);
        }
        self
    }

    /// Counts the pace from here: what came before was something else.
    pub fn restart(&mut self) {
        self.before = self.done;
        self.started = Instant::now();
    }

    /// Changes the number of units in all.
    pub fn set_total(&mut self, total: usize) {
        self.total = total;
        if let Some(bar) = &self.fancy {
            bar.set_length(total as u64);
        }
    }

    /// `done` units are done; `message` stands beside the bar.
    pub fn set(&mut self, done: usize, message: &str) {
        self.done = done;
        self.message = match self.remaining() {
            Some(left) if done < self.total => {
                format!("{message}  {} left", clock::duration(left))
            }
            _ => message.to_string(),
        };
        if let Some(bar) = &self.fancy {
            bar.set_position(done as u64);
            bar.set_message(self.message.trim_start().to_string());
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed().as_secs_f64() >= PLAIN_EVERY)
            || done == self.total
        {
            self.line();
        }
    }

    /// A line of its own, above the bar.
    pub fn say(&self, text: &str) {
        match &self.fancy {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.fancy {
            bar.finish_and_clear();
        }
    }

    fn line(&mut self) {
        self.last_line = Some(Instant::now());
        let message = self.message.trim_start();
        eprintln!("{} {}/{}  {message}", self.name, self.done, self.total);
    }

    /// Seconds left at the pace so far.
    fn remaining(&self) -> Option<f64> {
        let done = self.done.checked_sub(self.before).filter(|&n| n > 0)?;
        let pace = self.started.elapsed().as_secs_f64() / done as f64;
        Some(pace * self.total.saturating_sub(self.done) as f64)
    }
}

/// Whether standard output takes colours: a terminal does, unless `NO_COLOR` is set, and anything
/// else does where `CLICOLOR_FORCE` is.
pub fn colours() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && (set("CLICOLOR_FORCE") || std::io::stdout().is_terminal())
}

/// Writes a result to standard output. A reader that has seen enough (`slm … | head`) is no error.
///
/// # Errors
/// When standard output cannot be written for another reason, a full disk for one.
pub fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
