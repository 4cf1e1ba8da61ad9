//! `slm ship`.

use std::path::PathBuf;

use anyhow::Result;

use crate::ship::{ShipInput, ship};

/// Write a static folder that any web server hosts: the page, the base model, one bundle a run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: slm ship --recipes sentiment --to dist
         slm ship --runs runs/mine --to dist")]
pub struct Args {
    /// Recipes whose newest run ships
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        required_unless_present_any = ["runs", "bundles"]
    )]
    recipes: Vec<String>,
    /// Runs to ship, one a recipe
    #[arg(long, value_name = "RUN,RUN", value_delimiter = ',')]
    runs: Vec<String>,
    /// Bundles that were made before; a run of the same recipe takes the place of one
    #[arg(long, value_name = "DIR,DIR", value_delimiter = ',')]
    bundles: Vec<PathBuf>,
    /// Folder to make; one that an earlier ship made is replaced
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The built page, where it is not in its usual place
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,
    /// Base model, where it has moved
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
}

impl Args {
    /// Ships.
    ///
    /// # Errors
    /// Bad input, or a failing disk.
    pub fn run(self) -> Result<()> {
        let mut runs = self.recipes;
        runs.extend(self.runs);
        ship(ShipInput {
            runs,
            bundles: self.bundles,
            to: self.to,
            app: self.app,
            base: self.base,
        })
    }
}
