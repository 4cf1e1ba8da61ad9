//! The recall dial: what each bias tried gave on the dev rows, and which one is in force.

use leptos::prelude::*;
use slm_task::recall::{LabelFloor, RecallDial, RecallPoint};

use crate::format;
use crate::table::{Head, Table};

/// What a bias gives, in words.
pub fn sentence(point: &RecallPoint) -> String {
    format!(
        "{} of the wanted spans are found, {} of those found are right (F2 {}).",
        format::percent(point.recall),
        format::percent(point.precision),
        format::metric(point.f2)
    )
}

/// What the dial was set to, and why, labels with a floor of their own included.
pub fn advice(dial: &RecallDial) -> String {
    let missed = if dial.reached {
        ""
    } else {
        ", which none reached: it has the best F2"
    };
    let mut advice = format!(
        "Set to {} on {} dev rows, for a recall of at least {}{missed}.",
        dial.bias.all,
        format::count(dial.dev_rows as u64),
        format::percent(dial.floor)
    );
    for (label, nats) in &dial.bias.labels {
        advice += &format!(" {label} goes on at {nats}, for its own floor.");
    }
    advice
}

/// The dial and its curve.
#[component]
pub fn RecallView(
    /// What to show.
    dial: RecallDial,
) -> impl IntoView {
    let goal = advice(&dial);
    let class = if dial.reached { "" } else { "slm-failure" };
    let floors = (!dial.labels.is_empty())
        .then(|| view! { <LabelFloors labels=dial.labels.clone() in_force=dial.in_force/> });
    let bias = dial.bias.all;
    let rows = dial.curve.into_iter().map(move |point| {
        let in_force = point.bias == bias;
        let cells = [point.precision, point.recall, point.f2];
        let cells =
            cells.map(|value| view! { <td class="slm-number">{format::metric(value)}</td> });
        view! {
            <tr class=if in_force { "slm-subject" } else { "" }>
                <th scope="row">
                    {point.bias}
                    {in_force.then(|| view! { <span class="slm-tag">"in force"</span> })}
                </th>
                {cells.collect_view()}
            </tr>
        }
    });
    let heads = vec![
        Head::text("Bias on stopping, nats"),
        Head::number("Precision"),
        Head::number("Recall"),
        Head::number("F2"),
    ];
    view! {
        <p class=class>{goal}</p>
        <Table label="Recall dial" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">"On the dev rows. The lower the bias, the later a list of spans stops."</p>
        {floors}
    }
}

/// Labels with a floor of their own.
#[component]
fn LabelFloors(labels: Vec<LabelFloor>, in_force: RecallPoint) -> impl IntoView {
    let rows = labels.into_iter().map(|label| {
        view! {
            <tr>
                <th scope="row">{label.label}</th>
                <td class="slm-number">{format::percent(label.floor)}</td>
                <td class=if label.reached { "slm-number" } else { "slm-number slm-failure" }>
                    {format::percent(label.recall)}
                </td>
                <td class="slm-number">{label.bias}</td>
                <td class="slm-number">{format::count(label.spans)}</td>
            </tr>
        }
    });
    let heads = vec![
        Head::text("Label"),
        Head::number("Floor"),
        Head::number("Recall"),
        Head::number("Bias"),
        Head::number("Dev spans"),
    ];
    view! {
        <Table label="Labels with a floor of their own" heads>
            {rows.collect_view()}
        </Table>
        <p class="slm-note">"With these, on the dev rows: " {sentence(&in_force)}</p>
    }
}

#[cfg(test)]
mod tests {
    use slm_task::recall::StopBias;

    use super::*;

    #[test]
    fn the_advice_names_what_was_missed_and_single_labels() {
        let point = RecallPoint {
            bias: -1.0,
            precision: 0.5,
            recall: 0.75,
            f2: 0.682,
        };
        let mut dial = RecallDial {
            bias: StopBias::of(-1.0),
            floor: 0.9,
            dev_rows: 12,
            reached: true,
            curve: vec![point],
            labels: Vec::new(),
            in_force: point,
        };
        let set = "Set to -1 on 12 dev rows, for a recall of at least 90.0\u{a0}%";
        assert_eq!(advice(&dial), format!("{set}."));
        dial.reached = false;
        dial.bias.labels.insert("IBAN".into(), -3.0);
        assert_eq!(
            advice(&dial),
            format!(
                "{set}, which none reached: it has the best F2. IBAN goes on at -3, for its own floor."
            )
        );
    }

    #[test]
    fn a_point_in_words() {
        let point = RecallPoint {
            bias: -1.0,
            precision: 0.5,
            recall: 0.75,
            f2: 0.682,
        };
        assert_eq!(
            sentence(&point),
            "75.0\u{a0}% of the wanted spans are found, 50.0\u{a0}% of those found are right (F2 0.682)."
        );
    }
}
