//! `slm serve`.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// Serve a shipped folder at http://127.0.0.1, for this machine alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: slm serve dist --port 8080")]
pub struct Args {
    /// Folder that `slm ship` made
    dir: PathBuf,
    /// Port; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

impl Args {
    /// Serves until Ctrl-C.
    ///
    /// # Errors
    /// A folder that is not a shipped one, or a port that is taken.
    pub fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start the server")?;
        runtime.block_on(crate::serve::serve(&self.dir, self.port))
    }
}
