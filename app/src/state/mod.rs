//! What the page and the worker decide, as plain structs: no browser, no drawing, all of it tested
//! natively.

pub mod evaluation;
pub mod format;
pub mod inbox;
pub mod integrity;
#[cfg(feature = "model")]
pub mod probe;
pub mod route;
pub mod session;
pub mod transfer;
