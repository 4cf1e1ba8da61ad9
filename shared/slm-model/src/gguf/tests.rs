use super::*;

/// A small file with a value of every kind and a tensor of a few types.
fn sample() -> Vec<u8> {
    let mut writer = Writer::default();
    let values = [
        ("u8", Value::U8(200)),
        ("i8", Value::I8(-3)),
        ("u16", Value::U16(60_000)),
        ("i16", Value::I16(-300)),
        ("u32", Value::U32(7)),
        ("i32", Value::I32(-7)),
        ("f32", Value::F32(0.5)),
        ("bool", Value::Bool(true)),
        ("string", Value::String("naïve".into())),
        ("strings", Value::Array(Array::of_strings(["a", "", "ö"]))),
        ("integers", Value::Array(Array::of_integers(&[1, -2, 3]))),
        ("u64", Value::U64(1 << 40)),
        ("i64", Value::I64(-1)),
        ("f64", Value::F64(0.25)),
    ];
    writer.metadata = values.map(|(k, v)| (k.to_owned(), v)).into();
    writer.tensor("norm", &[3], GgmlType::F32, vec![1; 12]);
    writer.tensor("linear", &[64, 2], GgmlType::Q4_1, vec![2; 80]);
    writer.tensor("table", &[32, 5], GgmlType::Q8_0, vec![3; 170]);
    writer.finish()
}

#[test]
fn what_is_written_is_read() {
    let file = sample();
    let gguf = Gguf::parse(&file).unwrap();
    assert_eq!(gguf.version, 3);
    assert_eq!(gguf.integer("u8").unwrap(), 200);
    assert_eq!(gguf.float("f32").unwrap(), 0.5);
    assert_eq!(gguf.float("f64").unwrap(), 0.25);
    assert_eq!(gguf.string("string").unwrap(), "naïve");
    assert_eq!(gguf.strings("strings").unwrap(), ["a", "", "ö"]);
    assert_eq!(gguf.integers("integers").unwrap(), [1, -2, 3]);
    let linear = gguf.tensor("linear").unwrap();
    assert_eq!(
        (linear.dims.as_slice(), linear.elements()),
        (&[64, 2][..], 128)
    );
    assert_eq!(file[linear.range.clone()], [2; 80]);
    assert_eq!(file[gguf.tensor("table").unwrap().range.clone()], [3; 170]);

    let mut copy = Writer::default();
    copy.metadata = gguf.metadata.clone();
    for tensor in &gguf.tensors {
        let bytes = file[tensor.range.clone()].to_vec();
        copy.tensor(&tensor.name, &tensor.dims, tensor.ggml_type, bytes);
    }
    assert_eq!(copy.finish(), file);
}

#[test]
fn every_truncation_is_refused_in_words() {
    let file = sample();
    for length in 0..file.len() {
        let error = Gguf::parse(&file[..length]).unwrap_err().to_string();
        assert!(error.contains("fetch it again"), "{length}: {error}");
    }
}

/// Any byte replaced by any of a few values: refused or read, never a panic, and ranges stay
/// inside the file.
#[test]
fn damaged_bytes_never_panic() {
    let file = sample();
    for at in 0..file.len() {
        for value in [0, 1, 9, 0x7f, 0x80, 0xff, file[at] ^ 1, file[at] ^ 0x40] {
            let mut damaged = file.clone();
            damaged[at] = value;
            if let Ok(gguf) = Gguf::parse(&damaged) {
                for tensor in &gguf.tensors {
                    assert!(tensor.range.end <= damaged.len());
                    assert!(tensor.elements() > 0);
                }
                for key in gguf.metadata.keys() {
                    let _ = (gguf.integer(key), gguf.float(key), gguf.string(key));
                    let _ = (gguf.strings(key), gguf.integers(key));
                }
            }
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let check = |damage: &dyn Fn(&mut Vec<u8>), expected: &[&str]| {
        let mut file = sample();
        damage(&mut file);
        let error = Gguf::parse(&file).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{part:?} not in {error:?}");
        }
    };
    let put = |at: usize, bytes: &'static [u8]| {
        move |file: &mut Vec<u8>| file[at..at + bytes.len()].copy_from_slice(bytes)
    };
    check(&put(0, b"PK\x03\x04"), &["no GGUF model", "slm model pull"]);
    check(&put(4, &[1, 0, 0, 0]), &["version 1", "llama.cpp"]);
    check(&put(4, &[0, 0, 0, 3]), &["big-endian"]);
    check(
        &put(8, &[0xff; 8]),
        &["number of tensors", "fetch it again"],
    );
    check(&put(16, &[0xff; 7]), &["number of metadata entries"]);
    check(
        &|file| file.clear(),
        &["first four bytes", "end of the file at byte 0"],
    );
    check(
        &|file| file.truncate(file.len() - 1),
        &["table", "ends beyond"],
    );
}

#[test]
fn tensors_with_impossible_shapes_are_refused() {
    let check = |dims: &[usize], expected: &str| {
        let mut writer = Writer::default();
        writer.tensor("t", dims, GgmlType::Q4_1, vec![0; 20]);
        let error = Gguf::parse(&writer.finish()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[31], "multiple of 32");
    check(&[0, 4], "above zero");
    check(&[32, 0], "above zero");
    check(&[], "0 dimensions");
    check(&[32, 1, 1, 1, 1], "5 dimensions");
    check(&[32, usize::MAX / 4], "sizes above zero");
    check(&[32, usize::MAX / 40], "ends beyond");
}

#[test]
fn accessors_name_key_and_kind() {
    let gguf = Gguf::parse(&sample()).unwrap();
    let check = |error: ModelError, expected: [&str; 2]| {
        let error = error.to_string();
        assert!(expected.iter().all(|part| error.contains(part)), "{error}");
    };
    check(
        gguf.integer("absent").unwrap_err(),
        ["absent", "no such key"],
    );
    check(
        gguf.integer("i32").unwrap_err(),
        ["-7", "non-negative integer"],
    );
    check(
        gguf.string("u8").unwrap_err(),
        ["u8: found 200", "a string"],
    );
    check(
        gguf.strings("integers").unwrap_err(),
        ["3 I32", "array of strings"],
    );
}

#[cfg(not(feature = "candle"))]
#[test]
fn other_block_types_need_candle() {
    let error = dequantize_with_candle(GgmlType::Q4_K, &[0; 144], 256).unwrap_err();
    assert!(error.to_string().contains("Q4_K"), "{error}");
}

#[cfg(feature = "candle")]
#[test]
fn candle_dequantizes_unaligned_bytes() {
    // Two Q8_0 blocks: scale 2 and 0.5 (f16), values counting up from -16.
    let mut bytes = vec![0_u8; 1];
    for scale in [[0, 0x40], [0, 0x38]] {
        bytes.extend(scale);
        bytes.extend((-16_i8..16).map(|n| n as u8));
    }
    let values = dequantize_with_candle(GgmlType::Q8_0, &bytes[1..], 64).unwrap();
    let expected = [2.0, 0.5].map(|scale| (-16..16).map(move |n| n as f32 * scale));
    assert!(values.into_iter().eq(expected.into_iter().flatten()));
    assert!(dequantize_with_candle(GgmlType::Q8_0, &bytes, 64).is_err());
    let k_quant = dequantize_with_candle(GgmlType::Q4_K, &[0; 145][1..], 256).unwrap();
    assert_eq!(k_quant, [0.0; 256]);
}
