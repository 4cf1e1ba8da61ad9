//! Scores of spans of a text, on rows that a hand can count.

use slm_task::metrics::spans::{Convention, Counts, EntityScores, Span, entities, tags, words};

const LABELS: [&str; 2] = ["name", "mail"];
/// Bytes: `Ann` 0..3, `Lee` 4..7, `ü@x` 8..12, `Bo` 13..15. 14 characters.
const TEXT: &str = "Ann Lee ü@x Bo";

fn span((start, end, label): (usize, usize, usize)) -> Span {
    Span { start, end, label }
}

fn row(gold: &[(usize, usize, usize)], predicted: &[(usize, usize, usize)]) -> Counts {
    let spans = |places: &[(usize, usize, usize)]| -> Vec<Span> {
        places.iter().copied().map(span).collect()
    };
    let mut counts = Counts::new(&LABELS);
    counts
        .add(TEXT, &spans(gold), Some(&spans(predicted)))
        .unwrap();
    counts
}

/// Matched gold spans, gold spans, matched predicted spans and predicted spans, over all labels.
fn matched(matches: &slm_task::metrics::spans::Matches) -> [u64; 4] {
    let types = matches.types().iter();
    types.fold([0; 4], |[a, b, c, d], t| {
        [a + t.found, b + t.support, c + t.right, d + t.predicted]
    })
}

#[test]
fn views_differ_where_bounds_do() {
    // Spans; then entities, exact and overlap as `matched` gives them; then characters and leaked.
    let check = |gold: &[(usize, usize, usize)],
                 predicted: &[(usize, usize, usize)],
                 expected: [[u64; 4]; 3],
                 leak: [u64; 2]| {
        let counts = row(gold, predicted);
        let got = [&counts.entities, &counts.exact, &counts.overlap].map(matched);
        assert_eq!(got, expected, "{gold:?} {predicted:?}");
        let got = [counts.leak.characters, counts.leak.leaked];
        assert_eq!(got, leak, "{gold:?} {predicted:?}");
    };
    let name = (0, 7, 0);
    check(&[], &[], [[0; 4]; 3], [0, 0]);
    check(&[name], &[name], [[1; 4]; 3], [7, 0]);
    // Equal spans count once, in gold and prediction.
    check(&[name, name], &[name, name, name], [[1; 4]; 3], [7, 0]);
    // Space at the end: the same words, other characters.
    check(
        &[name],
        &[(0, 8, 0)],
        [[1; 4], [0, 1, 0, 1], [1; 4]],
        [7, 0],
    );
    // Too short by a word, and two halves that both overlap.
    check(
        &[name],
        &[(0, 3, 0)],
        [[0, 1, 0, 1], [0, 1, 0, 1], [1; 4]],
        [7, 4],
    );
    check(
        &[name],
        &[(0, 3, 0), (4, 7, 0)],
        [[0, 1, 0, 2], [0, 1, 0, 2], [1, 1, 2, 2]],
        [7, 1],
    );
    // One predicted span over two gold ones.
    check(
        &[(0, 3, 0), (4, 7, 0)],
        &[name],
        [[0, 2, 0, 1], [0, 2, 0, 1], [2, 2, 1, 1]],
        [6, 0],
    );
    // The wrong label is wrong, but leaks nothing.
    check(&[name], &[(0, 7, 1)], [[0, 1, 0, 1]; 3], [7, 0]);
    // Neighbours do not overlap; characters, not bytes, leak.
    check(&[(8, 12, 1)], &[(12, 15, 1)], [[0, 1, 0, 1]; 3], [3, 3]);
    // A span without a character is none.
    check(&[name], &[(3, 3, 0)], [[0, 1, 0, 0]; 3], [7, 7]);
    // Gold spans of two labels over one another: each character leaks once.
    check(
        &[name, (4, 12, 1)],
        &[(4, 12, 1)],
        [[0, 2, 0, 1], [1, 2, 1, 1], [1, 2, 1, 1]],
        [11, 4],
    );
}

#[test]
fn scores_follow_from_counts() {
    let mut counts = row(
        &[(0, 7, 0), (13, 15, 0), (8, 12, 1)],
        &[(0, 7, 0), (8, 10, 1)],
    );
    // A row without a prediction costs recall.
    let gold = [span((8, 12, 1))];
    counts.add(TEXT, &gold, None).unwrap();
    assert_eq!((counts.rows, counts.failures), (2, 1));
    let check = |got: EntityScores, [precision, recall, f1, f2]: [f64; 4], support| {
        let want = EntityScores {
            precision,
            recall,
            f1,
            f2,
            support,
        };
        assert_eq!(got, want);
    };
    let [name, mail] = [0, 1].map(|label| counts.exact.types()[label].scores());
    check(name, [1.0, 0.5, 2.0 / 3.0, 2.5 / 4.5], 2);
    check(mail, [0.0; 4], 2);
    check(
        counts.exact.micro_average(),
        [0.5, 0.25, 0.25 / 0.75, 0.625 / 2.25],
        4,
    );
    check(
        counts.exact.macro_average(),
        [0.5, 0.25, 1.0 / 3.0, 1.25 / 4.5],
        4,
    );
    check(
        counts.overlap.micro_average(),
        [1.0, 0.5, 2.0 / 3.0, 2.5 / 4.5],
        4,
    );
    assert_eq!(
        counts.leaks.iter().map(|l| l.share()).collect::<Vec<_>>(),
        [2.0 / 9.0, 5.0 / 6.0]
    );
    assert_eq!(counts.leak.share(), 7.0 / 15.0);
}

#[test]
fn merged_rows_are_the_rows() {
    let (gold, predicted) = ([(0, 7, 0), (8, 12, 1)], [(0, 7, 0), (13, 15, 0)]);
    let mut merged = row(&gold, &predicted);
    merged.merge(&row(&predicted, &gold));
    let mut added = row(&gold, &predicted);
    let (gold, predicted) = (gold.map(span), predicted.map(span));
    added.add(TEXT, &predicted, Some(&gold)).unwrap();
    assert_eq!(merged, added);
}

#[test]
fn tags_of_spans_mean_the_same_under_both_conventions() {
    let spans = [(0, 3, 0), (2, 7, 1), (8, 10, 1), (10, 12, 1), (13, 15, 0)].map(span);
    let tags = tags(&words(TEXT), &spans);
    let default = entities(&tags, Convention::Default);
    assert_eq!(default.len(), 5);
    assert_eq!(default, entities(&tags, Convention::Strict));
}

#[test]
fn spans_that_do_not_fit_are_refused() {
    let check = |(start, end, label): (usize, usize, usize)| {
        let mut counts = Counts::new(&LABELS);
        let error = counts
            .add(TEXT, &[span((start, end, label))], None)
            .unwrap_err();
        let expected = format!(
            "row 1: gold span {start}..{end} of label index {label}: the text has 15 bytes, and \
             there are 2 labels"
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(counts, Counts::new(&LABELS));
    };
    check((0, 3, 2));
    check((0, 16, 0));
    check((3, 0, 0));
    // Inside `ü`.
    check((0, 9, 0));
}
