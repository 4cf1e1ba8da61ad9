//! `cargo xtask browser`: the test target `browser` of `slm-tests`, against the page as it ships.
//!
//! The tests find everything through the environment: `SLM_APP` (the built page), `SLM_CHECKS` (what
//! runs on pages of its own), `SLM_BIN` (the `slm` command), `CHROMIUM` and `CHROMEDRIVER`.

use anyhow::Result;

use crate::setup::{self, Browser};
use crate::shell::{self, Tests};
use crate::slm::Slm;
use crate::{app, workspace};

/// The command line of `cargo xtask browser`.
#[derive(Default, clap::Args)]
pub struct Options {
    /// Only the tests whose names contain this
    filter: Option<String>,
}

/// Sets up what is missing, builds the page, runs the tests, or those that a filter names.
pub fn tests(options: &Options) -> Result<Tests> {
    setup::for_app()?;
    let browser = Browser::install()?;
    let app = app::build(&app::Options::default())?;
    let checks = app::build_checks()?;
    let slm = Slm::with_tests()?;
    setup::model(&slm)?;
    shell::run_tests(
        workspace::cargo("test")
            .args(workspace::NATIVE)
            .args(["--test", "browser", "--", "--show-output"])
            .args(&options.filter)
            .env("SLM_APP", app)
            .env("SLM_CHECKS", checks)
            .env("SLM_BIN", slm.path())
            .env("CHROMIUM", browser.chromium)
            .env("CHROMEDRIVER", browser.driver),
    )
}
