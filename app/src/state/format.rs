//! Numbers as people read them. Rounding happens here and nowhere before.

/// `98.4 MB`: powers of ten, as download sizes are given.
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    if count < 1e3 {
        format!("{count} B")
    } else if count < 1e6 {
        format!("{:.0} kB", count / 1e3)
    } else if count < 1e9 {
        format!("{:.1} MB", count / 1e6)
    } else {
        format!("{:.2} GB", count / 1e9)
    }
}

/// `42 s`, `3 min 5 s`, `2 h 10 min`.
pub fn seconds(seconds: f64) -> String {
    let whole = seconds.ceil().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `850 ms`, `1.2 s`.
pub fn milliseconds(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

/// `0.712`: metrics.
pub fn metric(value: f64) -> String {
    format!("{value:.3}")
}

/// `+0.221` or `−0.030`, with a true minus sign.
pub fn difference(value: f64) -> String {
    format!("{value:+.3}").replace('-', "\u{2212}")
}

/// `71.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `3.4`, `34`: tokens or rows a second.
pub fn rate(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// `macro_f1` as `Macro F1`.
pub fn metric_name(name: &str) -> String {
    let spaced = name.replace('_', " ").replace("f1", "F1");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => spaced,
    }
}

/// `1 row`, `2 rows`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(bytes(999), "999 B");
        check(bytes(98_362_432), "98.4 MB");
        check(bytes(1_500), "2 kB");
        check(bytes(2_500_000_000), "2.50 GB");
        check(seconds(0.2), "1 s");
        check(seconds(185.0), "3 min 5 s");
        check(seconds(7_800.0), "2 h 10 min");
        check(milliseconds(849.6), "850 ms");
        check(milliseconds(1_234.0), "1.2 s");
        check(metric(0.71249), "0.712");
        check(difference(-0.03), "\u{2212}0.030");
        check(difference(0.2), "+0.200");
        check(percent(0.5), "50.0 %");
        check(rate(3.44), "3.4");
        check(rate(34.4), "34");
        check(metric_name("macro_f1"), "Macro F1");
        check(count(1, "row"), "1 row");
        check(count(0, "row"), "0 rows");
    }
}
