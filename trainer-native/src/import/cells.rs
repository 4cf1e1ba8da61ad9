//! Records of a table and their cells, as RFC 4180 has them. Every record knows where it stands, and
//! whether its quotes can be what the writer meant.

/// One record.
#[derive(Debug, PartialEq)]
pub(super) struct Record<'a> {
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    /// As it stands in the file, without its line end.
    pub(super) raw: &'a [u8],
    /// Its cells, quotes taken off.
    pub(super) cells: Vec<Vec<u8>>,
    /// A quote that goes wrong.
    pub(super) stray: Option<Stray>,
}

/// A quote that opens a cell and does not close at the cell's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stray {
    /// The line where it opens.
    pub(super) line: usize,
    /// The line where it closes with text behind it; none where it never does.
    pub(super) closes: Option<usize>,
    /// The last line that it swallows.
    pub(super) last: usize,
}

/// Reads a table.
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    delimiter: u8,
    quoting: bool,
}

impl<'a> Records<'a> {
    /// The records of a file; quotes are text where there is no quoting.
    pub(super) fn new(bytes: &'a [u8], delimiter: u8, quoting: bool) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
            delimiter,
            quoting,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn is_end(byte: u8) -> bool {
        matches!(byte, b'\n' | b'\r')
    }

    /// Passes a line end, if one stands here; `\r\n` is one.
    fn line_end(&mut self) -> bool {
        let length = match self.bytes[self.at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return false,
        };
        self.at += length;
        self.line += 1;
        true
    }

    /// Passes what stands up to the next delimiter or line end.
    fn plain(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let ends = |byte: &u8| *byte == self.delimiter || Self::is_end(*byte);
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Passes a cell; a stray quote in it is left in `stray`.
    fn cell(&mut self, stray: &mut Option<Stray>) -> Vec<u8> {
        if !self.quoting || self.peek() != Some(b'"') {
            return self.plain().to_vec();
        }
        let opened = self.line;
        let (mut cell, closed) = self.quoted();
        let closes = closed.then_some(self.line);
        let behind = self.plain();
        let last = match self.bytes.ends_with(b"\n") {
            true if !closed => self.line - 1,
            _ => self.line,
        };
        if !closed || !behind.trim_ascii().is_empty() {
            stray.get_or_insert(Stray {
                line: opened,
                closes,
                last,
            });
            cell.extend(behind);
        }
        cell
    }

    /// Passes a quote, the text behind it and the quote that closes it; whether there was one.
    fn quoted(&mut self) -> (Vec<u8>, bool) {
        let mut cell = Vec::new();
        self.at += 1;
        while let Some(byte) = self.peek() {
            let from = self.at;
            match (byte, self.bytes.get(self.at + 1)) {
                (b'"', Some(b'"')) => {
                    cell.push(b'"');
                    self.at += 2;
                }
                (b'"', _) => {
                    self.at += 1;
                    return (cell, true);
                }
                _ if self.line_end() => cell.extend(&self.bytes[from..self.at]),
                _ => {
                    cell.push(byte);
                    self.at += 1;
                }
            }
        }
        (cell, false)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.line_end() {}
        self.peek()?;
        let (from, line) = (self.at, self.line);
        let (mut cells, mut stray) = (Vec::new(), None);
        cells.push(self.cell(&mut stray));
        while self.peek() == Some(self.delimiter) {
            self.at += 1;
            cells.push(self.cell(&mut stray));
        }
        let raw = &self.bytes[from..self.at];
        self.line_end();
        Some(Record {
            line,
            raw,
            cells,
            stray,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_lines() {
        let check = |table: &str, expected: &[(usize, &[&str])]| {
            let records: Vec<(usize, Vec<String>)> = Records::new(table.as_bytes(), b',', true)
                .map(|record| {
                    assert_eq!(record.stray, None, "{table}");
                    let text = |cell| String::from_utf8(cell).unwrap();
                    (record.line, record.cells.into_iter().map(text).collect())
                })
                .collect();
            let expected: Vec<(usize, Vec<String>)> = (expected.iter())
                .map(|(line, cells)| (*line, cells.iter().map(ToString::to_string).collect()))
                .collect();
            assert_eq!(records, expected, "{table}");
        };
        check("", &[]);
        check("a", &[(1, &["a"])]);
        check("a,b\r\nc,\r\n", &[(1, &["a", "b"]), (2, &["c", ""])]);
        check("a\rb\r", &[(1, &["a"]), (2, &["b"])]);
        check("\n\na\n\n,\n", &[(3, &["a"]), (5, &["", ""])]);
        check("\"a\nb\",c\nd", &[(1, &["a\nb", "c"]), (3, &["d"])]);
        check("\"a, \"\"b\"\"\" ,c", &[(1, &["a, \"b\"", "c"])]);
        check("\"\",\"\"\n", &[(1, &["", ""])]);
        check("a \"b\",5\" c", &[(1, &["a \"b\"", "5\" c"])]);
    }

    #[test]
    fn stray_quotes() {
        let check = |table: &str, expected: &[(usize, Option<Stray>)]| {
            let records: Vec<_> = Records::new(table.as_bytes(), b',', true)
                .map(|record| (record.line, record.stray))
                .collect();
            assert_eq!(records, expected, "{table}");
        };
        let stray = |line, closes, last| Some(Stray { line, closes, last });
        check("a,b\n\"c,d\ne,f\n", &[(1, None), (2, stray(2, None, 3))]);
        check("\"c", &[(1, stray(1, None, 1))]);
        check("\"a\"b,c\nd", &[(1, stray(1, Some(1), 1)), (2, None)]);
        check("\"a\n\"b\",c\nd", &[(1, stray(1, Some(2), 2)), (3, None)]);
        check("\"a\nb\",\"c\nd\n", &[(1, stray(2, None, 3))]);
    }
}
