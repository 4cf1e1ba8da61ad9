//! Spans of a text: the text with each marked and named, and the figures by type.

use std::ops::Range;

use leptos::prelude::*;
use slm_task::report::{LeakMetrics, Spans};
use slm_task::{SpansPrediction, example::Span};

use crate::format;
use crate::table::{Head, Table};

/// A part of a text as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The text of the part.
    pub text: String,
    /// Its span's label; none between spans.
    pub label: Option<String>,
    /// Where the right answer is known: whether it has this span, or says otherwise.
    pub note: Option<&'static str>,
}

/// Cuts a text at labelled spans, which are sorted and do not overlap. Spans that are not in the text
/// are left out.
pub fn parts(text: &str, spans: &[(Range<usize>, String, Option<&'static str>)]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut done = 0;
    let plain = |text: &str| Part {
        text: text.to_owned(),
        label: None,
        note: None,
    };
    for (place, label, note) in spans {
        let (Some(before), Some(own)) = (text.get(done..place.start), text.get(place.clone()))
        else {
            continue;
        };
        if !before.is_empty() {
            parts.push(plain(before));
        }
        parts.push(Part {
            text: own.to_owned(),
            label: Some(label.clone()),
            note: *note,
        });
        done = place.end;
    }
    if let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
        parts.push(plain(rest));
    }
    parts
}

/// `2 spans: EMAIL, PERSON`, or `no span`.
pub fn in_words(found: &SpansPrediction) -> String {
    let labels: std::collections::BTreeSet<&str> =
        found.spans.iter().map(|span| span.label.as_str()).collect();
    match found.spans.len() {
        0 => "no span".into(),
        count => {
            let labels: Vec<&str> = labels.into_iter().collect();
            format!(
                "{}: {}",
                format::counted(count as u64, "span"),
                labels.join(", ")
            )
        }
    }
}

/// What was found, each span with whether it is wanted.
fn found_parts(text: &str, found: &SpansPrediction, wanted: Option<&[Span]>) -> Vec<Part> {
    let note = |place: &Range<usize>, label: &str| {
        let is = |w: &&Span| (w.start, w.end, w.label.as_str()) == (place.start, place.end, label);
        wanted.and_then(|wanted| wanted.iter().find(is).is_none().then_some("not wanted"))
    };
    let mut spans: Vec<_> = (found.spans.iter())
        .map(|span| {
            let place = span.start..span.end;
            let note = note(&place, &span.label);
            (place, span.label.clone(), note)
        })
        .collect();
    spans.sort_by_key(|(place, ..)| place.start);
    parts(text, &spans)
}

/// What is wanted, each span with whether it was found.
fn wanted_parts(text: &str, found: &SpansPrediction, wanted: &[Span]) -> Vec<Part> {
    let is_found = |w: &Span| {
        let same =
            |f: &slm_task::FoundSpan| (f.start, f.end, &f.label) == (w.start, w.end, &w.label);
        found.spans.iter().any(same)
    };
    let spans: Vec<_> = (wanted.iter())
        .map(|w| {
            let note = (!is_found(w)).then_some("missed");
            (w.start..w.end, w.label.clone(), note)
        })
        .collect();
    parts(text, &spans)
}

/// The text with what was found marked, and, where it is known, with what is wanted.
#[component]
pub fn SpansView(
    /// The text.
    text: String,
    /// What the model found.
    found: SpansPrediction,
    /// The right spans, where they are known.
    #[prop(optional_no_strip)]
    wanted: Option<Vec<Span>>,
) -> impl IntoView {
    let marked = found_parts(&text, &found, wanted.as_deref());
    let wanted = wanted.map(|wanted| {
        let parts = wanted_parts(&text, &found, &wanted);
        view! {
            <p class="slm-muted">"Wanted"</p>
            <MarkedText parts/>
        }
    });
    let heading = wanted
        .is_some()
        .then(|| view! { <p class="slm-muted">"Found"</p> });
    let sure = (found.spans.iter()).filter_map(|span| {
        let probability = format::percent(span.probability?);
        let text = text.get(span.start..span.end)?.to_owned();
        Some(view! {
            <li>
                <span class="slm-span-label">{span.label.clone()}</span>
                " "
                <q>{text}</q>
                " "
                <span class="slm-muted">{probability}</span>
            </li>
        })
    });
    let sure: Vec<_> = sure.collect();
    let legend = (!sure.is_empty()).then(|| {
        view! { <ul class="slm-span-list" aria-label="Spans found, with the model's probability">{sure}</ul> }
    });
    let cut = found.cut.then(|| {
        view! { <p class="slm-note">"The list was cut at the limit of tokens; more may be there."</p> }
    });
    view! {
        <div class="slm-prediction">
            {heading}
            <MarkedText parts=marked/>
            {wanted}
            {legend}
            {cut}
        </div>
    }
}

/// A text whose spans are framed and carry their label as text, so that no colour is needed.
#[component]
fn MarkedText(
    /// From [`parts`].
    parts: Vec<Part>,
) -> impl IntoView {
    let parts = parts.into_iter().map(|part| match part.label {
        None => view! { <span>{part.text}</span> }.into_any(),
        Some(label) => {
            let class = match part.note {
                Some(_) => "slm-mark slm-mark-wrong",
                None => "slm-mark",
            };
            let label = match part.note {
                Some(note) => format!("{label}, {note}"),
                None => label,
            };
            view! {
                <mark class=class>
                    {part.text}
                    <span class="slm-span-label">{label}</span>
                </mark>
            }
            .into_any()
        }
    });
    view! { <p class="slm-marked">{parts.collect_view()}</p> }
}

/// One type's figures in every view.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeRow {
    /// Label, or the average's name.
    pub name: String,
    /// Precision, recall, F1 and F2 of exact spans; F1 over words; recall of touched spans.
    pub values: [f64; 6],
    /// Share of the characters that stay readable.
    pub leaked: Option<f64>,
}

/// Types in recipe order, then the micro average.
pub fn type_rows(figures: &Spans) -> Vec<TypeRow> {
    let types = (figures.exact.per_type.iter())
        .zip(&figures.entities.per_type)
        .zip(&figures.overlap.per_type)
        .zip(&figures.leaks);
    let mut rows: Vec<TypeRow> = types
        .map(|(((e, words), touched), leak)| TypeRow {
            name: e.label.clone(),
            values: [e.precision, e.recall, e.f1, e.f2, words.f1, touched.recall],
            leaked: (leak.characters > 0).then_some(leak.share),
        })
        .collect();
    let (e, words) = (&figures.exact.micro, &figures.entities.micro);
    let touched = figures.overlap.micro.recall;
    rows.push(TypeRow {
        name: "Micro average".into(),
        values: [e.precision, e.recall, e.f1, e.f2, words.f1, touched],
        leaked: (figures.leak.characters > 0).then_some(figures.leak.share),
    });
    rows
}

/// How much of what is wanted a redaction would leave readable.
pub fn leak_sentence(leak: &LeakMetrics) -> String {
    format!(
        "{} of {} characters in the wanted spans ({}) are in no span that was found: a redaction \
         would leave them readable.",
        format::count(leak.leaked),
        format::count(leak.characters),
        format::percent(leak.share)
    )
}

/// How many lists the limit cut, if any.
pub fn cut_sentence(figures: &Spans) -> Option<String> {
    (figures.cut > 0).then(|| {
        format!(
            "{} cut at the limit of tokens: whole spans count, the row is not right.",
            format::counted(figures.cut, "list")
        )
    })
}

/// The table of types.
#[component]
pub fn SpanTypeTable(
    /// From [`type_rows`].
    rows: Vec<TypeRow>,
) -> impl IntoView {
    let last = rows.len().saturating_sub(1);
    let rows = rows.into_iter().enumerate().map(move |(at, row)| {
        let cells = row.values.into_iter();
        let cells =
            cells.map(|value| view! { <td class="slm-number">{format::metric(value)}</td> });
        view! {
            <tr class=if at == last { "slm-average" } else { "" }>
                <th scope="row">{row.name}</th>
                {cells.collect_view()}
                <td class="slm-number">{row.leaked.map_or("–".to_string(), format::percent)}</td>
            </tr>
        }
    });
    let measures = [
        "Precision",
        "Recall",
        "F1",
        "F2",
        "F1, words",
        "Touched",
        "Readable",
    ];
    let mut heads = vec![Head::text("Type")];
    heads.extend(measures.map(Head::number));
    view! {
        <Table label="Spans by type" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">
            "Precision to F2: label and both bounds right, to the character. F1, words: the same over \
             words, as seqeval counts (its default and strict conventions agree on spans). Touched: \
             share of the wanted spans that share a character with one of their label that was found. \
             Readable: share of the wanted characters in no span found."
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slm_task::FoundSpan;

    fn found(places: &[(usize, usize)]) -> SpansPrediction {
        let span = |&(start, end): &(usize, usize)| FoundSpan {
            start,
            end,
            label: "NAME".into(),
            probability: Some(0.5),
            stop_log_odds: None,
        };
        SpansPrediction {
            spans: places.iter().map(span).collect(),
            ..SpansPrediction::default()
        }
    }

    fn shown(parts: &[Part]) -> String {
        let one = |part: &Part| match (&part.label, part.note) {
            (None, _) => part.text.clone(),
            (Some(label), None) => format!("[{}|{label}]", part.text),
            (Some(label), Some(note)) => format!("[{}|{label}, {note}]", part.text),
        };
        parts.iter().map(one).collect()
    }

    #[test]
    fn a_text_is_cut_at_its_spans() {
        let check = |places: &[(usize, usize)], expected: &str| {
            let parts = found_parts("Zoë met Bo.", &found(places), None);
            assert_eq!(shown(&parts), expected);
        };
        check(&[], "Zoë met Bo.");
        check(&[(0, 4), (9, 11)], "[Zoë|NAME] met [Bo|NAME].");
        // Inside a character, and beyond the text.
        check(&[(0, 3), (9, 99)], "Zoë met Bo.");
    }

    #[test]
    fn marks_say_what_is_wrong() {
        let wanted = [Span {
            start: 0,
            end: 4,
            label: "NAME".into(),
        }];
        let check = |places: &[(usize, usize)], expected: [&str; 2]| {
            let found = found(places);
            let text = "Zoë met Bo.";
            assert_eq!(
                shown(&found_parts(text, &found, Some(&wanted))),
                expected[0]
            );
            assert_eq!(shown(&wanted_parts(text, &found, &wanted)), expected[1]);
        };
        check(&[(0, 4)], ["[Zoë|NAME] met Bo.", "[Zoë|NAME] met Bo."]);
        check(
            &[(9, 11)],
            [
                "Zoë met [Bo|NAME, not wanted].",
                "[Zoë|NAME, missed] met Bo.",
            ],
        );
    }

    #[test]
    fn answers_in_words() {
        assert_eq!(in_words(&found(&[])), "no span");
        assert_eq!(in_words(&found(&[(0, 4), (9, 11)])), "2\u{a0}spans: NAME");
    }
}
