//! Numbers and names as people read them. The only place where a number is rounded.

/// A no-break space, so that a value and its unit stay together.
const NBSP: char = '\u{a0}';

/// What stands in for a number that is not finite.
const NOT_A_NUMBER: &str = "n/a";

/// A metric with three decimals (`0.686`).
pub fn metric(value: f64) -> String {
    decimals(value, 3)
}

/// A difference with its sign (`+0.195`, `−0.010`; zero has none).
pub fn signed(value: f64) -> String {
    let text = metric(value);
    let is_zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if is_zero || value < 0.0 || !value.is_finite() {
        text
    } else {
        format!("+{text}")
    }
}

/// An interval of metrics (`0.612 to 0.741`).
pub fn interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", metric(low), metric(high))
}

/// An interval of differences (`−0.010 to +0.120`).
pub fn signed_interval([low, high]: [f64; 2]) -> String {
    format!("{} to {}", signed(low), signed(high))
}

/// A share of one in percent (`12.3 %`).
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NOT_A_NUMBER.into();
    }
    format!("{}{NBSP}%", decimals(share * 100.0, 1))
}

/// A p-value; below 0.001 only the bound is worth reading.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        format!("<{NBSP}0.001")
    } else {
        metric(p)
    }
}

/// A count, its thousands apart from 10 000 on.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(NBSP);
        }
        out.push(digit);
    }
    out
}

/// `1 row`, `200 rows`.
pub fn counted(n: u64, one: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{}{NBSP}{one}{plural}", count(n))
}

/// Seconds as `0.8 s`, `47 s`, `12 min 5 s` or `2 h 3 min`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NOT_A_NUMBER.into();
    }
    if seconds < 10.0 {
        return format!("{}{NBSP}s", decimals(seconds, 1));
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}{NBSP}s"),
        (0, _) => format!("{minutes}{NBSP}min {rest}{NBSP}s"),
        _ => format!("{hours}{NBSP}h {minutes}{NBSP}min"),
    }
}

/// A metric's name for people.
pub fn metric_name(name: &str) -> String {
    let known = match name {
        "macro_f1" => "Macro-F1",
        "micro_f1" => "Micro-F1",
        "weighted_f1" => "Weighted F1",
        "accuracy" => "Accuracy",
        "mcc" => "MCC",
        "rare_recall" => "Recall on rare classes",
        "span_f2" => "F2 of spans",
        "span_f1" => "F1 of spans",
        "exact_object" => "Exact objects",
        "field_f1" => "F1 of fields",
        "field_accuracy" => "Accuracy of fields",
        "valid_json" => "Valid JSON",
        "ece" => "Calibration error",
        _ => return capitalized(&name.replace('_', " ")),
    };
    known.into()
}

/// A system's name for people.
pub fn system_name(name: &str) -> String {
    let known = match name {
        "tuned" => "Tuned",
        "zero-shot" => "Base, zero-shot",
        "few-shot" => "Base, few-shot",
        "majority" => "Majority class",
        "all-no" => "No to everything",
        "none" => "No span at all",
        "patterns" => "Patterns",
        "empty" => "Nothing, always {}",
        "majority-set" => "Commonest set of labels",
        _ => return name.into(),
    };
    known.into()
}

/// The verdict on a difference in words.
pub fn verdict(decisive: bool) -> &'static str {
    if decisive { "decisive" } else { "not decisive" }
}

/// At most `limit` characters, the last an ellipsis where something was cut.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.into();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn decimals(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return NOT_A_NUMBER.into();
    }
    let text = format!("{:.places$}", value.abs());
    let is_zero = !text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if value < 0.0 && !is_zero {
        format!("−{text}")
    } else {
        text
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_for_display() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(metric(0.68649), "0.686");
        check(metric(-0.0004), "0.000");
        check(metric(f64::NAN), "n/a");
        check(signed(0.1951), "+0.195");
        check(signed(-0.0101), "−0.010");
        check(signed(0.0004), "0.000");
        check(signed(-0.0004), "0.000");
        check(signed(f64::INFINITY), "n/a");
        check(interval([0.6, 0.75]), "0.600 to 0.750");
        check(signed_interval([-0.01, 0.12]), "−0.010 to +0.120");
        check(percent(0.1234), "12.3\u{a0}%");
        check(percent(f64::NAN), "n/a");
        check(p_value(0.0), "<\u{a0}0.001");
        check(p_value(0.0421), "0.042");
        check(p_value(f64::NAN), "n/a");
    }

    #[test]
    fn counts_and_times() {
        let check = |found: String, expected: &str| assert_eq!(found.replace(NBSP, " "), expected);
        check(count(9999), "9999");
        check(count(10_000), "10 000");
        check(count(1_234_567), "1 234 567");
        check(counted(1, "row"), "1 row");
        check(counted(0, "row"), "0 rows");
        check(duration(0.84), "0.8 s");
        check(duration(47.2), "47 s");
        check(duration(725.0), "12 min 5 s");
        check(duration(7380.0), "2 h 3 min");
        check(duration(-1.0), "n/a");
    }

    #[test]
    fn names_and_cuts() {
        assert_eq!(metric_name("macro_f1"), "Macro-F1");
        assert_eq!(metric_name("rare_recall"), "Recall on rare classes");
        assert_eq!(metric_name("mean_cost"), "Mean cost");
        assert_eq!(metric_name(""), "");
        assert_eq!(system_name("zero-shot"), "Base, zero-shot");
        assert_eq!(system_name("mine"), "mine");
        assert_eq!(shortened("négatif", 7), "négatif");
        assert_eq!(shortened("négatif", 4), "nég…");
    }
}
