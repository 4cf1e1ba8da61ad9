//! Metadata values with the exact kind they have in the file, so that a copy is a true copy.

use std::fmt;

/// Kind of a metadata value, by the number the file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)]
pub enum Kind {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl Kind {
    /// Every kind, indexed by its number in the file.
    const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Bool,
        Self::String,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// The kind with this number.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Bytes of one value; `None` for kinds of varying length.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::String | Self::Array => None,
        }
    }
}

/// One metadata value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    Array(Array),
    U64(u64),
    I64(i64),
    F64(f64),
}

impl Value {
    /// The value's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::U8(_) => Kind::U8,
            Self::I8(_) => Kind::I8,
            Self::U16(_) => Kind::U16,
            Self::I16(_) => Kind::I16,
            Self::U32(_) => Kind::U32,
            Self::I32(_) => Kind::I32,
            Self::F32(_) => Kind::F32,
            Self::Bool(_) => Kind::Bool,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::U64(_) => Kind::U64,
            Self::I64(_) => Kind::I64,
            Self::F64(_) => Kind::F64,
        }
    }

    /// A non-negative integer of any width.
    pub fn as_usize(&self) -> Option<usize> {
        match *self {
            Self::U8(n) => Some(n.into()),
            Self::I8(n) => n.try_into().ok(),
            Self::U16(n) => Some(n.into()),
            Self::I16(n) => n.try_into().ok(),
            Self::U32(n) => n.try_into().ok(),
            Self::I32(n) => n.try_into().ok(),
            Self::U64(n) => n.try_into().ok(),
            Self::I64(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// A float of either width.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::F32(x) => Some(x.into()),
            Self::F64(x) => Some(x),
            _ => None,
        }
    }
}

/// For messages: short whatever the value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U8(n) => write!(f, "{n}"),
            Self::I8(n) => write!(f, "{n}"),
            Self::U16(n) => write!(f, "{n}"),
            Self::I16(n) => write!(f, "{n}"),
            Self::U32(n) => write!(f, "{n}"),
            Self::I32(n) => write!(f, "{n}"),
            Self::F32(x) => write!(f, "{x}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::String(text) => {
                let short: String = text.chars().take(60).collect();
                write!(f, "{short:?}")
            }
            Self::Array(array) => write!(f, "an array of {} {:?}", array.len(), array.kind()),
            Self::U64(n) => write!(f, "{n}"),
            Self::I64(n) => write!(f, "{n}"),
            Self::F64(x) => write!(f, "{x}"),
        }
    }
}

/// An array kept as the file has it: a vocabulary of 49,152 strings costs its bytes, not 49,152
/// allocations. The reader has checked that the bytes hold exactly `len` values.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    kind: Kind,
    len: usize,
    bytes: Vec<u8>,
}

impl Array {
    /// An array whose bytes the reader has walked.
    pub(super) fn checked(kind: Kind, len: usize, bytes: Vec<u8>) -> Self {
        Self { kind, len, bytes }
    }

    /// An array of strings.
    pub fn of_strings<S: AsRef<str>>(strings: impl IntoIterator<Item = S>) -> Self {
        let mut bytes = Vec::new();
        let mut len = 0;
        for text in strings {
            let text = text.as_ref();
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
            len += 1;
        }
        Self::checked(Kind::String, len, bytes)
    }

    /// An array of `i32`.
    pub fn of_integers(numbers: &[i32]) -> Self {
        let bytes = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        Self::checked(Kind::I32, numbers.len(), bytes)
    }

    /// Kind of the elements.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements as the file has them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements of an array of strings, or the index of the first that is not UTF-8.
    pub(super) fn strings(&self) -> Result<Vec<&str>, usize> {
        let mut rest = self.bytes.as_slice();
        let mut strings = Vec::with_capacity(self.len);
        while let Some((length, tail)) = rest.split_first_chunk::<8>() {
            // The reader walked these lengths, so they fit.
            let (text, tail) = tail.split_at(u64::from_le_bytes(*length) as usize);
            strings.push(std::str::from_utf8(text).map_err(|_| strings.len())?);
            rest = tail;
        }
        Ok(strings)
    }

    /// The elements of an array of 32-bit integers.
    pub(super) fn integers(&self) -> Vec<i32> {
        self.bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|four| i32::from_le_bytes(*four))
            .collect()
    }
}
