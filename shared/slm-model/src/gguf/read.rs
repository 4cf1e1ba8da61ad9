//! Bytes to [`Gguf`]. Each function reads one part of the format and trusts nothing it reads.

use std::collections::{BTreeMap, HashSet};

use super::{Array, DEFAULT_ALIGNMENT, GgmlType, Gguf, Kind, MAGIC, Tensor, Value};
use crate::error::{FETCH_AGAIN, ModelError};

/// Most dimensions ggml gives a tensor.
const MAX_DIMS: u32 = 4;

/// Smallest entries the format allows, to refuse absurd counts before allocating: a metadata entry
/// is a length, a kind and one byte; a directory entry a length, two counts, one size, an offset.
const MIN_ENTRY: usize = 8 + 4 + 1;
const MIN_TENSOR: usize = 8 + 4 + 8 + 4 + 8;

/// A tensor as the directory gives it: its range needs the end of the directory.
struct Listed {
    name: String,
    dims: Vec<usize>,
    ggml_type: GgmlType,
    bytes: usize,
    offset: usize,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Gguf, ModelError> {
    let mut cursor = Cursor { bytes, at: 0 };
    let version = read_version(&mut cursor)?;
    let tensors = cursor.count("number of tensors", MIN_TENSOR)?;
    let entries = cursor.count("number of metadata entries", MIN_ENTRY)?;
    let metadata = read_metadata(&mut cursor, entries)?;
    let mut listed = Vec::with_capacity(tensors);
    for _ in 0..tensors {
        listed.push(read_tensor(&mut cursor)?);
    }
    let tensors = place_tensors(listed, cursor.at, alignment(&metadata)?, bytes.len())?;
    Ok(Gguf {
        version,
        metadata,
        tensors,
    })
}

fn read_version(cursor: &mut Cursor) -> Result<u32, ModelError> {
    let magic = cursor.take(4, "first four bytes")?;
    if magic != MAGIC {
        return Err(ModelError::File {
            place: "first four bytes".into(),
            found: format!("{:?}", String::from_utf8_lossy(magic)),
            expected: "\"GGUF\"".into(),
            advice: "This is no GGUF model: give a `.gguf` file, or `slm model pull` the default."
                .into(),
        });
    }
    let version = cursor.u32("version")?;
    match version {
        2 | 3 => Ok(version),
        _ if matches!(version.swap_bytes(), 2 | 3) => Err(ModelError::unsupported(
            "a big-endian GGUF",
            "numbers are read as little endian",
            "Use the little-endian conversion of the model.",
        )),
        _ => Err(ModelError::unsupported(
            format!("GGUF version {version}"),
            "versions 2 and 3 are known",
            "Convert the model with a current llama.cpp.",
        )),
    }
}

fn read_metadata(
    cursor: &mut Cursor,
    entries: usize,
) -> Result<BTreeMap<String, Value>, ModelError> {
    let mut metadata = BTreeMap::new();
    for _ in 0..entries {
        let key = cursor.string("metadata key")?;
        let kind = cursor.kind(&key)?;
        let value = cursor.value(kind, &key)?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(ModelError::damaged(key, "the key twice", "each key once"));
        }
    }
    Ok(metadata)
}

fn alignment(metadata: &BTreeMap<String, Value>) -> Result<usize, ModelError> {
    let Some(value) = metadata.get("general.alignment") else {
        return Ok(DEFAULT_ALIGNMENT);
    };
    value
        .as_usize()
        .filter(|n| n.is_power_of_two())
        .ok_or_else(|| {
            ModelError::damaged("general.alignment", value.to_string(), "a power of two")
        })
}

fn read_tensor(cursor: &mut Cursor) -> Result<Listed, ModelError> {
    let name = cursor.string("tensor name")?;
    let count = cursor.u32(&name)?;
    if count == 0 || count > MAX_DIMS {
        let found = format!("{count} dimensions");
        return Err(ModelError::damaged(name, found, "1 to 4 dimensions"));
    }
    let mut dims = Vec::with_capacity(count as usize);
    for _ in 0..count {
        dims.push(cursor.size(&name)?);
    }
    let number = cursor.u32(&name)?;
    let ggml_type = GgmlType::from_number(number).ok_or_else(|| {
        ModelError::unsupported(
            format!("tensor type {number} of {name}"),
            "no type with that number is known",
            "Use a Q4_1 or Q8_0 conversion of the model; if its numbers look absurd, fetch it again.",
        )
    })?;
    let offset = cursor.size(&name)?;
    let bytes = tensor_bytes(&dims, ggml_type).ok_or_else(|| {
        ModelError::damaged(
            name.as_str(),
            format!("shape {dims:?} of {ggml_type}"),
            format!(
                "sizes above zero, rows of a multiple of {} values",
                ggml_type.block_values()
            ),
        )
    })?;
    Ok(Listed {
        name,
        dims,
        ggml_type,
        bytes,
        offset,
    })
}

/// Bytes of a tensor; `None` for empty, ragged or overflowing shapes.
fn tensor_bytes(dims: &[usize], ggml_type: GgmlType) -> Option<usize> {
    let row = ggml_type.bytes_of(*dims.first()?)?;
    let bytes = dims[1..]
        .iter()
        .try_fold(row, |bytes, &n| bytes.checked_mul(n))?;
    // The element count must fit as well: a row of Q4_1 has more values than bytes.
    dims.iter()
        .try_fold(1_usize, |n, &dim| n.checked_mul(dim))?;
    (bytes > 0).then_some(bytes)
}

fn place_tensors(
    listed: Vec<Listed>,
    directory_end: usize,
    alignment: usize,
    file_len: usize,
) -> Result<Vec<Tensor>, ModelError> {
    let too_short = |name: &str| {
        ModelError::damaged(
            name,
            format!("a tensor that ends beyond the file's {file_len} bytes"),
            "a file that holds all of it",
        )
    };
    let mut names = HashSet::new();
    let mut tensors = Vec::with_capacity(listed.len());
    for tensor in listed {
        if !names.insert(tensor.name.clone()) {
            return Err(ModelError::damaged(
                tensor.name,
                "the tensor twice",
                "each tensor once",
            ));
        }
        if !tensor.offset.is_multiple_of(alignment) {
            return Err(ModelError::damaged(
                tensor.name,
                format!("offset {}", tensor.offset),
                format!("a multiple of {alignment}"),
            ));
        }
        let start = directory_end
            .checked_next_multiple_of(alignment)
            .and_then(|data| data.checked_add(tensor.offset));
        let range = start
            .and_then(|start| Some(start..start.checked_add(tensor.bytes)?))
            .filter(|range| range.end <= file_len)
            .ok_or_else(|| too_short(&tensor.name))?;
        tensors.push(Tensor {
            name: tensor.name,
            dims: tensor.dims,
            ggml_type: tensor.ggml_type,
            range,
        });
    }
    Ok(tensors)
}

/// A place in the file. Every read names what it reads, for the message.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8], ModelError> {
        if n > self.left() {
            return Err(ModelError::damaged(
                what,
                format!("the end of the file at byte {}", self.bytes.len()),
                format!("{n} bytes from byte {}", self.at),
            ));
        }
        let taken = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ModelError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    fn u32(&mut self, what: &str) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// A 64-bit size that this machine can address.
    fn size(&mut self, what: &str) -> Result<usize, ModelError> {
        let size = u64::from_le_bytes(self.array(what)?);
        usize::try_from(size).map_err(|_| {
            ModelError::damaged(what, format!("size {size}"), "one that fits in memory")
        })
    }

    /// A count of things of at least `each` bytes: no more than the rest of the file can hold.
    fn count(&mut self, what: &str, each: usize) -> Result<usize, ModelError> {
        let count = self.size(what)?;
        if count > self.left() / each {
            return Err(ModelError::damaged(
                what,
                format!("{count} in the {} bytes that are left", self.left()),
                format!("at most {}", self.left() / each),
            ));
        }
        Ok(count)
    }

    fn string(&mut self, what: &str) -> Result<String, ModelError> {
        let bytes = self.string_bytes(what)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(ModelError::damaged(
                what,
                "bytes that are not UTF-8",
                "text",
            )),
        }
    }

    fn string_bytes(&mut self, what: &str) -> Result<&'a [u8], ModelError> {
        let length = self.count(what, 1)?;
        self.take(length, what)
    }

    fn kind(&mut self, key: &str) -> Result<Kind, ModelError> {
        let number = self.u32(key)?;
        Kind::from_number(number)
            .ok_or_else(|| ModelError::damaged(key, format!("value kind {number}"), "0 to 12"))
    }

    fn value(&mut self, kind: Kind, key: &str) -> Result<Value, ModelError> {
        Ok(match kind {
            Kind::U8 => Value::U8(u8::from_le_bytes(self.array(key)?)),
            Kind::I8 => Value::I8(i8::from_le_bytes(self.array(key)?)),
            Kind::U16 => Value::U16(u16::from_le_bytes(self.array(key)?)),
            Kind::I16 => Value::I16(i16::from_le_bytes(self.array(key)?)),
            Kind::U32 => Value::U32(self.u32(key)?),
            Kind::I32 => Value::I32(i32::from_le_bytes(self.array(key)?)),
            Kind::F32 => Value::F32(f32::from_le_bytes(self.array(key)?)),
            Kind::Bool => match self.array::<1>(key)? {
                [flag @ (0 | 1)] => Value::Bool(flag == 1),
                [other] => {
                    let found = format!("byte {other}");
                    return Err(ModelError::damaged(key, found, "0 or 1 for a bool"));
                }
            },
            Kind::String => Value::String(self.string(key)?),
            Kind::Array => Value::Array(self.list(key)?),
            Kind::U64 => Value::U64(u64::from_le_bytes(self.array(key)?)),
            Kind::I64 => Value::I64(i64::from_le_bytes(self.array(key)?)),
            Kind::F64 => Value::F64(f64::from_le_bytes(self.array(key)?)),
        })
    }

    fn list(&mut self, key: &str) -> Result<Array, ModelError> {
        let kind = self.kind(key)?;
        let (len, start);
        match kind.width() {
            Some(width) => {
                len = self.count(key, width)?;
                start = self.at;
                self.take(len * width, key)?;
            }
            None if kind == Kind::String => {
                len = self.count(key, 8)?;
                start = self.at;
                for _ in 0..len {
                    self.string_bytes(key)?;
                }
            }
            None => {
                return Err(ModelError::File {
                    place: key.into(),
                    found: "an array of arrays".into(),
                    expected: "an array of strings or numbers".into(),
                    advice: FETCH_AGAIN.into(),
                });
            }
        }
        Ok(Array::checked(
            kind,
            len,
            self.bytes[start..self.at].to_vec(),
        ))
    }
}
