//! Predictions and reports as leptos components: mounted in the page, rendered to static HTML by
//! the trainer.
//!
//! Each file holds one part of the picture: a plain struct that turns report data into what is
//! shown (tested without a browser), and a thin component over it. Numbers are rounded here and
//! nowhere earlier. This crate reads no file, knows no route and no worker, and turns on neither
//! leptos `csr` nor `ssr`: its user does. No component writes a `style` attribute (lengths are SVG
//! attributes), so that a strict content security policy holds.

#![warn(missing_docs)]

pub mod chart;
pub mod classes;
pub mod confusion;
pub mod curve;
pub mod fields;
pub mod format;
pub mod headline;
pub mod lift;
pub mod mistakes;
pub mod objects;
pub mod prediction;
pub mod provenance;
pub mod recall;
pub mod reliability;
pub mod report;
pub mod routing;
pub mod slices;
pub mod spans;
pub mod systems;
mod table;

pub use headline::HeadlineCard;
pub use prediction::PredictionView;
pub use report::ReportView;

/// The stylesheet of every component here; its classes begin with `slm-`.
pub const CSS: &str = include_str!("view.css");
