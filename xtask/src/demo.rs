//! `cargo xtask demo`: from a clone to a page in the browser, with the sentiment recipe.
//!
//! One line a step. Every step can be stopped and done again: cargo and the page's build skip what
//! is built, `slm` skips what is pulled, trained and evaluated.

use std::ffi::OsStr;

use anyhow::{Context, Result};

use crate::shell::say;
use crate::slm::Slm;
use crate::{app, bundles, setup, workspace};

/// The recipe that is trained, and the folder that training leaves.
const RECIPE: &str = "sentiment";
const RUN: &str = "runs/demo-sentiment";

/// The command line of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// Where the page is served on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Do everything but serving
    #[arg(long)]
    no_serve: bool,
}

/// The command.
pub fn run(options: &Options) -> Result<()> {
    setup::for_app()?;
    let app = app::build(&app::Options::default())?;
    let slm = Slm::release()?;
    setup::model(&slm)?;

    slm.run(["train", RECIPE, "--out", RUN, "--resume"])
        .with_context(|| {
            format!("training stopped; {RUN} keeps what was done, remove it to start anew")
        })?;
    slm.run(["eval", RUN])?;
    let report = format!("{RUN}/report.html");
    slm.run(["report", RUN, "--html", &report])?;

    let gallery = workspace::target_dir()?.join("gallery");
    let mut ship: Vec<&OsStr> = vec![
        "ship".as_ref(),
        "--runs".as_ref(),
        RUN.as_ref(),
        "--app".as_ref(),
        app.as_ref(),
        "--to".as_ref(),
        gallery.as_ref(),
    ];
    // The other recipes as they are kept: trained before, checked again now.
    let kept = bundles::kept()?;
    for bundle in &kept {
        ship.extend(["--bundles".as_ref(), bundle.as_os_str()]);
    }
    slm.run(ship)?;
    say(format!("report: {report}"));

    if options.no_serve {
        say(format!("gallery: {}", gallery.display()));
        return Ok(());
    }
    let port = options.port.to_string();
    slm.run([
        "serve".as_ref(),
        gallery.as_os_str(),
        "--port".as_ref(),
        port.as_ref(),
    ])
}
