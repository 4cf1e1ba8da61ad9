//! The recall dial: what each bias tried gave on the dev rows, and which one is in force.

use leptos::prelude::*;
use slm_task::recall::{RecallDial, RecallPoint};

use crate::format;

/// What a bias gives, in words.
pub fn sentence(point: &RecallPoint) -> String {
    format!(
        "{} of the wanted spans are found, {} of those found are right (F2 {}).",
        format::percent(point.recall),
        format::percent(point.precision),
        format::metric(point.f2)
    )
}

/// The dial and its curve.
#[component]
pub fn RecallView(
    /// What to show.
    dial: RecallDial,
) -> impl IntoView {
    let goal = format!(
        "Set to {} on {} dev rows: the best F2 with a recall of at least {}.",
        dial.stop_bias,
        format::count(dial.dev_rows as u64),
        format::percent(dial.floor)
    );
    let missed = (!dial.reached).then(|| {
        view! { <p class="slm-failure">"No bias reached that recall; this one has the most."</p> }
    });
    let rows = dial.curve.iter().map(|point| {
        let in_force = point.bias == dial.stop_bias;
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
    view! {
        <p>{goal}</p>
        {missed}
        <div class="slm-scroll" tabindex="0" role="group" aria-label="Recall dial">
            <table class="slm-table">
                <thead>
                    <tr>
                        <th scope="col">"Bias on stopping, nats"</th>
                        <th scope="col" class="slm-number">"Precision"</th>
                        <th scope="col" class="slm-number">"Recall"</th>
                        <th scope="col" class="slm-number">"F2"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <p class="slm-note">"On the dev rows. The lower the bias, the later a list of spans stops."</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
