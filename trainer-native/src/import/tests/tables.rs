//! Tables, and what is left out of them.

use super::*;

#[test]
fn tables() {
    let one = options(Shape::SingleLabel);
    let row = r#"{"prompt": "a, \"b\"\nc", "completion": "x"}"#;
    let csv = "id,Text,label\n1,\"a, \"\"b\"\"\nc\",x\n2,b\n3,,x\n4,d,\n";
    let codes = [
        (4, Code::WrongColumns),
        (5, Code::EmptyText),
        (6, Code::EmptyLabel),
    ];
    check("a.csv", csv, &one, &[row], &codes);
    let plain = r#"{"prompt": "a", "completion": "x"}"#;
    check("a.tsv", "label\ttext\nx\ta\n", &one, &[plain], &[]);
    check("a.csv", "text;label\na;x\n", &one, &[plain], &[]);
    // Tabs part cells whatever stands in them: a quotation mark there is text.
    let quoted = r#"{"prompt": "\"a", "completion": "x"}"#;
    check(
        "a.tsv",
        "text\tlabel\n\"a\tx\na\tx\n",
        &one,
        &[quoted, plain],
        &[],
    );
    check("a", "text\tlabel\r\na\tx\r\n", &one, &[plain], &[]);
    check("a.csv", "\u{feff}text,label\na,x\n", &one, &[plain], &[]);
    check("a.csv", "message,label\na,x\n", &one, &[plain], &[]);
    check(
        "a.jsonl",
        r#"{"message": "a", "label": "x"}"#,
        &one,
        &[plain],
        &[],
    );
    let blank_lines = "text,label\n\n\na,x\n\n,x\n";
    check(
        "a.csv",
        blank_lines,
        &one,
        &[plain],
        &[(6, Code::EmptyText)],
    );
    let bytes = b"text,label\n\xff,x\na,x\n";
    let imported = import(Path::new("a.csv"), bytes, &one).unwrap();
    assert_eq!(imported.accepted, [plain]);
    assert_eq!(imported.rejected[0].code, Code::NotUtf8);
}

#[test]
fn a_quote_that_goes_wrong_costs_its_row_and_says_where() {
    let one = options(Shape::SingleLabel);
    let check = |rows: &str, accepted: usize, line: usize, words: &[&str], swallowed: usize| {
        let file = format!("text,label\n{rows}");
        let imported = import(Path::new("a.csv"), file.as_bytes(), &one).unwrap();
        assert_eq!(imported.accepted.len(), accepted, "{file}");
        let [rejected] = imported.rejected.as_slice() else {
            panic!("{file}: {:?}", imported.rejected);
        };
        assert_eq!((rejected.line, rejected.code), (line, Code::StrayQuote));
        for word in words {
            assert!(rejected.detail.contains(word), "{}", rejected.detail);
        }
        let lines: usize = imported.notes.values().sum();
        assert_eq!(lines, swallowed, "{:?}", imported.notes);
        for line in file.lines().skip(line - 1).take(1 + swallowed) {
            assert!(
                rejected.row.contains(line),
                "{line} is not in {}",
                rejected.row
            );
        }
    };
    let open = "a,x\n\"b,x\nc,x\nd,x\n";
    let words = ["opens on line 3 never closes", "up to line 5", "write \"\""];
    check(open, 1, 3, &words, 2);
    check(
        "\"b,x",
        0,
        2,
        &["opens on line 2 never closes", "line 2"],
        0,
    );
    let later = "\"b,x\n\"c\",x\nd,x\n";
    check(
        later,
        1,
        2,
        &["opens on line 2 closes on line 3 with text"],
        1,
    );
    check("\"b \"c\" d\",x\ne,x\n", 1, 2, &["closes on line 2"], 0);
    check("\"b\nc\",\"x\n", 0, 3, &["opens on line 3 never"], 0);
    let header = import(Path::new("a.csv"), b"\"text,label\na,x\n", &one).unwrap_err();
    assert!(
        header.to_string().starts_with("a.csv:1: the quote"),
        "{header}"
    );
}

#[test]
fn what_is_not_read_is_counted() {
    let one = options(Shape::SingleLabel);
    let check = |name: &str, file: &str, expected: &[(&str, usize)]| {
        let imported = import(Path::new(name), file.as_bytes(), &one).unwrap();
        assert!(imported.rejected.is_empty(), "{file}: {imported:?}");
        let notes: Vec<(&str, usize)> = (imported.notes.iter())
            .map(|(note, count)| (note.strip_prefix("rows with a value ").unwrap(), *count))
            .collect();
        assert_eq!(notes, expected, "{file}");
    };
    check("a.csv", "text,label,slice\na,x,s\n", &[]);
    check(
        "a.csv",
        "prompt,text,label\na,b,x\na,,x\na,c,x\n",
        &[("in column \"text\", which is not read", 2)],
    );
    check(
        "a.csv",
        "text,label,label,,category\na,x,y,,\nb,x,,7,z\n",
        &[
            ("in column \"category\", which is not read", 1),
            ("in column 3, another \"label\", which is not read", 1),
            ("in column 4 without a name, which is not read", 1),
        ],
    );
    check("a.tsv", "text\tlabel\tid\na\tx\t\n", &[]);
    check(
        "a.jsonl",
        r#"{"prompt": "a", "text": "b", "label": "x", "slice": 7, "note": null, "tags": []}"#,
        &[
            ("under \"slice\", which is not read", 1),
            ("under \"tags\", which is not read", 1),
            ("under \"text\", which is not read", 1),
        ],
    );
}
