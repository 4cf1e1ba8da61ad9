//! `metrics.jsonl` as it grows, and the figures that stand beside the progress bar.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{files, run::Metric};

/// Steps that the shown figures are averaged over.
const WINDOW: usize = 20;

/// The metrics file, opened for appending.
pub struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
    recent: VecDeque<(f64, usize, f64)>,
}

impl Log {
    /// Opens the file and cuts off what came after the checkpoint.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(path: &Path, bytes: u64) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            file.set_len(bytes.min(file.metadata()?.len()))?;
            Ok(file)
        };
        Ok(Self {
            file: open().map_err(|error| files::write_error(path, error))?,
            path: path.to_path_buf(),
            bytes,
            recent: VecDeque::new(),
        })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn write(&mut self, metric: &Metric) -> Result<()> {
        if let Metric::Step {
            loss,
            tokens,
            seconds,
            ..
        } = metric
        {
            self.recent.push_back((*loss, *tokens, *seconds));
            if self.recent.len() > WINDOW {
                self.recent.pop_front();
            }
        }
        let mut line = serde_json::to_string(metric)?;
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| files::write_error(&self.path, error))?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Puts the file on the disk; gives its length.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn sync(&mut self) -> Result<u64> {
        self.file
            .sync_data()
            .map_err(|error| files::write_error(&self.path, error))?;
        Ok(self.bytes)
    }

    /// Mean loss of the last steps.
    pub fn smooth_loss(&self) -> f64 {
        self.recent.iter().map(|(loss, ..)| loss).sum::<f64>() / self.recent.len().max(1) as f64
    }

    /// Tokens of rows (prefix included) a second over the last steps.
    pub fn tokens_per_second(&self) -> f64 {
        let tokens: usize = self.recent.iter().map(|(_, tokens, _)| tokens).sum();
        let seconds: f64 = self.recent.iter().map(|(.., seconds)| seconds).sum();
        tokens as f64 / seconds.max(1e-9)
    }
}
