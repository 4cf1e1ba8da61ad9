//! [`Value`]s and tensors to bytes: enough to make small model files for tests.

use std::collections::BTreeMap;

use super::{DEFAULT_ALIGNMENT, GgmlType, MAGIC, Value};

/// A GGUF (version 3) in the making. The caller answers for shapes that fit their bytes:
/// [`Gguf::parse`](super::Gguf::parse) of the result says so if they do not.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// Metadata; `general.alignment` must be absent (32 is used).
    pub metadata: BTreeMap<String, Value>,
    tensors: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    dims: Vec<usize>,
    ggml_type: GgmlType,
    bytes: Vec<u8>,
}

impl Writer {
    /// Adds a tensor; `dims` fastest first.
    pub fn tensor(&mut self, name: &str, dims: &[usize], ggml_type: GgmlType, bytes: Vec<u8>) {
        self.tensors.push(Entry {
            name: name.to_owned(),
            dims: dims.to_vec(),
            ggml_type,
            bytes,
        });
    }

    /// The file.
    pub fn finish(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&3_u32.to_le_bytes());
        put_size(&mut out, self.tensors.len());
        put_size(&mut out, self.metadata.len());
        for (key, value) in &self.metadata {
            put_string(&mut out, key);
            out.extend_from_slice(&(value.kind() as u32).to_le_bytes());
            put_value(&mut out, value);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            put_string(&mut out, &tensor.name);
            out.extend_from_slice(&(tensor.dims.len() as u32).to_le_bytes());
            for &dim in &tensor.dims {
                put_size(&mut out, dim);
            }
            out.extend_from_slice(&(tensor.ggml_type as u32).to_le_bytes());
            put_size(&mut out, offset);
            offset += tensor.bytes.len().next_multiple_of(DEFAULT_ALIGNMENT);
        }
        for tensor in &self.tensors {
            out.resize(out.len().next_multiple_of(DEFAULT_ALIGNMENT), 0);
            out.extend_from_slice(&tensor.bytes);
        }
        out
    }
}

fn put_size(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(&(size as u64).to_le_bytes());
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    put_size(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::I8(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::U16(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::I16(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::U32(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::I32(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::F32(x) => out.extend_from_slice(&x.to_le_bytes()),
        Value::Bool(flag) => out.push(u8::from(*flag)),
        Value::String(text) => put_string(out, text),
        Value::Array(array) => {
            out.extend_from_slice(&(array.kind() as u32).to_le_bytes());
            put_size(out, array.len());
            out.extend_from_slice(array.bytes());
        }
        Value::U64(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::I64(n) => out.extend_from_slice(&n.to_le_bytes()),
        Value::F64(x) => out.extend_from_slice(&x.to_le_bytes()),
    }
}
