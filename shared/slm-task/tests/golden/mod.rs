//! Reading goldens, and comparing with them bit for bit.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;

use serde::{Deserialize, de::DeserializeOwned};

/// A number, or the text `nan`.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
pub enum Number {
    Finite(f64),
    Nan(Nan),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum Nan {
    Nan,
}

/// A file of `tests/goldens`.
pub fn read<T: DeserializeOwned>(name: &str) -> T {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

pub fn same(got: f64, want: Number, what: &str) {
    match want {
        Number::Finite(want) => assert_eq!(got.to_bits(), want.to_bits(), "{what}: {got} {want}"),
        Number::Nan(Nan::Nan) => assert!(got.is_nan(), "{what}: {got} is not NaN"),
    }
}

pub fn same_all<const N: usize>(got: [f64; N], want: [Number; N], what: &str) {
    for (got, want) in got.into_iter().zip(want) {
        same(got, want, what);
    }
}
