use super::{super::answer::Answers, *};

const SMALL: &str = r#"
    rows = 2
    style = "plain"
    [[form]]
    answer = "positive"
    slice = "rare"
    weight = 1
    text = ["{thing} is [good|{how}]."]
    [shared]
    how = ["fine"]
    [[domain]]
    id = "a"
    thing = ["tea", "cake"]
    [[domain]]
    id = "b"
    slice = "out_of_domain"
    other = ["x"]
"#;

fn bank(text: &str) -> Bank {
    let labels = vec!["positive".to_owned()];
    Bank::parse(text, "bank.toml", &Answers::Label(labels)).unwrap()
}

#[test]
fn writes_only_in_domains_that_have_the_words() {
    let bank = bank(SMALL);
    let mut writer = Writer::new(&bank, SplitMix64::new(1));
    let rows: Vec<Draft> = (0..4).map(|_| writer.row()).collect();
    for row in &rows {
        let (thing, how) = row.text.split_once(" is ").unwrap();
        assert!(["tea", "cake"].contains(&thing) && ["good.", "fine."].contains(&how));
        assert_eq!((row.form_index, row.slice), (0, Some("rare")));
    }
    let tea = rows.iter().filter(|row| row.text.starts_with("tea"));
    assert_eq!(
        tea.count(),
        2,
        "every word is drawn before one is drawn twice"
    );
}

#[test]
fn says_nothing_twice_in_a_row_of_text() {
    let bank = bank(&SMALL.replace("{thing} is", "{thing}, {thing}, not"));
    let mut writer = Writer::new(&bank, SplitMix64::new(2));
    for _ in 0..50 {
        let text = writer.row().text;
        let both = text.contains("tea, cake") || text.contains("cake, tea");
        assert!(both, "{text}");
    }
}

#[test]
fn puts_captures_back_with_their_places() {
    let capture = |text: &str| Capture {
        key: "k",
        text: text.to_owned(),
        value: String::new(),
    };
    let captures = [capture("Ü. Ltd."), capture("b")];
    let check = |text: &str, expected: &str, places: &[(usize, usize)]| {
        let (found, at) = put_back(text, &captures);
        assert_eq!((found.as_str(), at.as_slice()), (expected, places));
    };
    check(
        "🙂 \u{e000}. \u{e000}.",
        "🙂 Ü. Ltd. b.",
        &[(2, 9), (10, 11)],
    );
    check("\u{e000}, \u{e000}..", "Ü. Ltd., b..", &[(0, 7), (9, 10)]);
}
