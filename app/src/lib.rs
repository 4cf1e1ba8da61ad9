//! The gallery page and the worker that owns the model.
//!
//! Two WebAssembly binaries share this library. `page` draws ([`pages`]) and holds no model;
//! `worker` downloads, verifies and runs it ([`worker`]) and draws nothing. They exchange the
//! messages of [`protocol`]. What can be decided without a browser stands in [`state`] as plain
//! structs and is tested natively; every browser API is called in [`platform`] and nowhere else.
//!
//! Every URL is relative to the page, so the folder works from any host and under any path.

#![warn(missing_docs)]

pub mod error;
pub mod pages;
pub mod platform;
pub mod protocol;
pub mod state;
#[cfg(feature = "model")]
pub mod worker;
