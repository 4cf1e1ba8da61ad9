//! Rows of a Parquet file, as the JSON objects that they would be. A row's number counts as its line.

use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
};

use ::parquet::{
    errors::Result as ParquetResult,
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use anyhow::Result;
use serde_json::{Map, Value};

use super::json::Line;
use crate::exit::bad_input;

/// Whether the bytes are a Parquet file.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PAR1")
}

/// Every row of the file.
///
/// # Errors
/// Bad input: a file that is damaged, or compressed or typed in a way that is not read.
pub(super) fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<Line>> {
    let why = match quietly(|| read(bytes)) {
        Some(Ok(rows)) => {
            let numbered = rows.into_iter().enumerate();
            let line = |(index, value)| Line::of(index + 1, value);
            return Ok(numbered.map(line).collect());
        }
        Some(Err(error)) => error.to_string(),
        None => "it holds what its own index does not announce, or a type that is not read".into(),
    };
    Err(bad_input(format!(
        "{}: cannot be read as Parquet ({why}); expected a whole file, plain or compressed with \
         snappy, gzip or zstd. Fetch or write it again, or turn it into JSONL first: \
         python -c \"import pandas; pandas.read_parquet('in.parquet').to_json('out.jsonl', \
         orient='records', lines=True)\"",
        path.display()
    )))
}

fn read(bytes: &[u8]) -> ParquetResult<Vec<Value>> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))?;
    let rows = reader.get_row_iter(None)?;
    rows.map(|row| Ok(object(row?.get_column_iter()))).collect()
}

/// The reader trusts a file's index, and panics over some that are damaged: none is no answer, and
/// nothing is printed.
fn quietly<T>(read: impl FnOnce() -> T) -> Option<T> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    panic::set_hook(hook);
    read.ok()
}

fn object<'a>(fields: impl Iterator<Item = (&'a String, &'a Field)>) -> Value {
    let fields: Map<String, Value> = fields
        .map(|(key, field)| (key.clone(), value(field)))
        .collect();
    Value::Object(fields)
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Float(value) => (*value).into(),
        Field::Double(value) => (*value).into(),
        Field::Str(text) => text.as_str().into(),
        // A text that the file does not call one; other bytes are no text, and rejected as such.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(_) => bytes.data().into(),
        },
        Field::Group(row) => object(row.get_column_iter()),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, own): &(Field, Field)| match value(key) {
                Value::String(key) => (key, value(own)),
                key => (key.to_string(), value(own)),
            };
            Value::Object(map.entries().iter().map(entry).collect())
        }
        // Dates, times and decimals, as they are written.
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::{
        basic::Compression,
        data_type::{ByteArray, ByteArrayType},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    use slm_task::Shape;

    use crate::import::{Code, Format, Imported, Options, import};

    use super::*;

    /// A column: texts, and of each value the definition and repetition level, where there are any.
    struct Column {
        values: Vec<ByteArray>,
        defined: Option<Vec<i16>>,
        repeated: Option<Vec<i16>>,
    }

    fn column(values: &[&str]) -> Column {
        Column {
            values: values.iter().map(|text| ByteArray::from(*text)).collect(),
            defined: None,
            repeated: None,
        }
    }

    fn file(fields: &str, columns: &[Column], compression: Compression) -> Vec<u8> {
        let schema = parse_message_type(&format!("message rows {{ {fields} }}")).unwrap();
        let properties = WriterProperties::builder().set_compression(compression);
        let mut bytes = Vec::new();
        let properties = Arc::new(properties.build());
        let mut writer =
            SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for Column {
            values,
            defined,
            repeated,
        } in columns
        {
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<ByteArrayType>();
            typed
                .write_batch(values, defined.as_deref(), repeated.as_deref())
                .unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    fn read_as(shape: Shape, bytes: &[u8]) -> Result<Imported> {
        let options = Options {
            shape,
            format: Format::Auto,
            text_column: None,
            label_column: None,
            recipe: None,
        };
        import(Path::new("rows"), bytes, &options)
    }

    /// Two texts, of which the second has no label.
    fn labelled(compression: Compression) -> Vec<u8> {
        let label = Column {
            defined: Some(vec![1, 0]),
            ..column(&["x"])
        };
        let fields = "required binary text (UTF8); optional binary label;";
        file(fields, &[column(&["a é", "b"]), label], compression)
    }

    #[test]
    fn rows_as_in_json() {
        let check = |compression| {
            let imported = read_as(Shape::SingleLabel, &labelled(compression)).unwrap();
            assert_eq!(imported.format, Format::Parquet);
            assert_eq!(
                imported.accepted,
                [r#"{"prompt": "a é", "completion": "x"}"#]
            );
            let rejected = &imported.rejected[0];
            assert_eq!((rejected.line, rejected.code), (2, Code::EmptyLabel));
            assert_eq!(rejected.row, r#"{"text":"b","label":null}"#);
        };
        check(Compression::UNCOMPRESSED);
        check(Compression::SNAPPY);
        check(Compression::GZIP(Default::default()));
        check(Compression::ZSTD(Default::default()));
    }

    #[test]
    fn lists_and_groups_as_in_json() {
        let element = |values: &[&str]| Column {
            defined: Some(vec![2; values.len()]),
            repeated: Some(vec![0, 1]),
            ..column(values)
        };
        let list = "optional group labels (LIST) { repeated group list { required binary element \
                    (UTF8); } }";
        let fields = format!("required binary text (UTF8); {list}");
        let labels = [column(&["a"]), element(&["x", "y"])];
        let bytes = file(&fields, &labels, Compression::SNAPPY);
        let imported = read_as(Shape::MultiLabel, &bytes).unwrap();
        assert_eq!(
            imported.accepted,
            [r#"{"prompt": "a", "completion": ["x","y"]}"#]
        );

        let turns = "optional group messages (LIST) { repeated group list { required group element { \
                     required binary role (UTF8); required binary content (UTF8); } } }";
        let turns = file(
            turns,
            &[element(&["user", "assistant"]), element(&["a", "x"])],
            Compression::SNAPPY,
        );
        let imported = read_as(Shape::SingleLabel, &turns).unwrap();
        assert_eq!(imported.accepted, [r#"{"prompt": "a", "completion": "x"}"#]);
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        let whole = labelled(Compression::SNAPPY);
        for end in 4..whole.len() {
            let error = read_as(Shape::SingleLabel, &whole[..end]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("rows: cannot be read as Parquet (")
            );
        }
        for place in 4..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x55;
            // A changed letter of a text is a changed text: only that nothing panics is sure.
            let _ = read_as(Shape::SingleLabel, &damaged);
        }
    }
}
