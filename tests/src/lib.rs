//! Tests of what no single crate can show: each file or folder in `tests/` is one target. The crate
//! itself holds nothing, and nothing depends on it.
