//! The confusion matrix as a heat map: counts, shares of each gold row, and the same as text.

use leptos::prelude::*;
use slm_task::report::Classification;

use crate::chart::px;
use crate::format;
use crate::table::{Head, Table};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Rows.
    pub count: u64,
    /// Share of the gold class's rows, in `[0, 1]`.
    pub share: f64,
    /// On the diagonal.
    pub right: bool,
}

/// One gold class.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixRow {
    /// Gold label.
    pub label: String,
    /// Gold rows.
    pub support: u64,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

/// The matrix: a row a gold label, a column a predicted label, and one more column when some rows
/// have no prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Column heads.
    pub columns: Vec<String>,
    /// Recipe order.
    pub rows: Vec<MatrixRow>,
}

/// Head of the column of rows without a prediction.
const NO_ANSWER: &str = "no answer";

impl Matrix {
    /// From a system's classification.
    pub fn new(classification: &Classification) -> Self {
        let labels = &classification.labels;
        let has_failures = classification
            .per_class
            .iter()
            .zip(&classification.confusion)
            .any(|(class, counts)| class.support > counts.iter().sum());
        let mut columns = labels.clone();
        if has_failures {
            columns.push(NO_ANSWER.into());
        }
        let rows = classification
            .per_class
            .iter()
            .zip(&classification.confusion)
            .enumerate()
            .map(|(gold, (class, counts))| {
                let mut counts = counts.clone();
                counts.resize(labels.len(), 0);
                if has_failures {
                    counts.push(class.support.saturating_sub(counts.iter().sum()));
                }
                MatrixRow::new(gold, &class.label, class.support, &counts)
            })
            .collect();
        Self { columns, rows }
    }
}

impl Matrix {
    /// Whether it is too wide to stand beside something.
    pub fn is_wide(&self) -> bool {
        Layout::new(self).width > 460.0
    }
}

impl MatrixRow {
    fn new(gold: usize, label: &str, support: u64, counts: &[u64]) -> Self {
        let cells = counts.iter().enumerate().map(|(predicted, &count)| Cell {
            count,
            share: count as f64 / support.max(1) as f64,
            right: predicted == gold,
        });
        Self {
            label: label.into(),
            support,
            cells: cells.collect(),
        }
    }

    /// The row in a sentence, for those who cannot see the map.
    pub fn sentence(&self, columns: &[String]) -> String {
        let right: u64 = self.cells.iter().filter(|c| c.right).map(|c| c.count).sum();
        let rows = format::counted(self.support, "row");
        let worst = self
            .cells
            .iter()
            .zip(columns)
            .filter(|(cell, _)| !cell.right && cell.count > 0)
            .rev()
            .max_by_key(|(cell, _)| cell.count);
        let taken = worst.map(|(cell, column)| {
            let times = format::count(cell.count);
            format!("; most often answered {column} ({times})")
        });
        format!(
            "{}: {} of {rows} right{}.",
            self.label,
            format::count(right),
            taken.unwrap_or_default()
        )
    }
}

/// Where things stand in the drawing, in SVG units.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Layout {
    cell: f64,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    slanted: bool,
}

/// Longest label drawn, in characters; the whole one is in the table below.
const LABEL_LIMIT: usize = 24;
/// Side of a cell where there are few labels.
const LARGE_CELL: f64 = 84.0;
/// Width of a character at the drawing's type size.
const CHARACTER: f64 = 7.4;

impl Layout {
    fn new(matrix: &Matrix) -> Self {
        let cell = match matrix.columns.len() {
            0..=5 => LARGE_CELL,
            6..=12 => 56.0,
            _ => 40.0,
        };
        let longest = |labels: &mut dyn Iterator<Item = &String>| {
            let characters = labels.map(|l| l.chars().count().min(LABEL_LIMIT)).max();
            characters.unwrap_or(0) as f64 * CHARACTER
        };
        let rows = longest(&mut matrix.rows.iter().map(|r| &r.label));
        let columns = longest(&mut matrix.columns.iter());
        let slanted = columns > cell - 8.0;
        let left = 30.0 + rows + 10.0;
        // A label slanted by 45 degrees is as high, and reaches as far right, as its length / √2.
        let slant = columns * std::f64::consts::FRAC_1_SQRT_2;
        let top = if slanted { 34.0 + slant + 10.0 } else { 50.0 };
        let right = if slanted { slant } else { 4.0 };
        Self {
            cell,
            left,
            top,
            width: left + cell * matrix.columns.len() as f64 + right,
            height: top + cell * matrix.rows.len() as f64 + 4.0,
            slanted,
        }
    }

    fn x(&self, column: usize) -> f64 {
        self.left + self.cell * column as f64
    }

    fn y(&self, row: usize) -> f64 {
        self.top + self.cell * row as f64
    }
}

/// Opacity of a cell: never so strong that text on it would need another colour.
fn heat(share: f64) -> String {
    px(0.05 + 0.5 * share.clamp(0.0, 1.0))
}

/// The heat map with its table.
#[component]
pub fn ConfusionMatrix(
    /// What to show.
    matrix: Matrix,
) -> impl IntoView {
    let layout = Layout::new(&matrix);
    let sentences: Vec<String> = matrix
        .rows
        .iter()
        .map(|row| row.sentence(&matrix.columns))
        .collect();
    let label = format!("Confusion matrix. {}", sentences.join(" "));
    let rows = matrix.rows.iter().enumerate();
    let rows = rows
        .map(|(i, row)| matrix_row(layout, i, row))
        .collect::<Vec<_>>();
    let columns = matrix.columns.iter().enumerate();
    let columns = columns
        .map(|(i, name)| column_head(layout, i, name))
        .collect::<Vec<_>>();
    let side_y = px((layout.top + layout.height) / 2.0);
    view! {
        <figure class="slm-figure">
            <div class="slm-scroll" tabindex="0" role="group" aria-label="Confusion matrix">
                <svg
                    class="slm-matrix"
                    role="img"
                    aria-label=label
                    viewBox=format!("0 0 {} {}", px(layout.width), px(layout.height))
                    width=px(layout.width)
                    height=px(layout.height)
                >
                    <text class="slm-axis-title" x=px(layout.left) y="14">"Answered"</text>
                    <text
                        class="slm-axis-title slm-middle"
                        x="12"
                        y=side_y.clone()
                        transform=format!("rotate(-90 12 {side_y})")
                    >
                        "Right answer"
                    </text>
                    {columns}
                    {rows}
                </svg>
            </div>
            <figcaption class="slm-note">
                "Each cell: rows, and their share of the right answer's rows."
            </figcaption>
            {table(matrix)}
        </figure>
    }
}

fn column_head(layout: Layout, index: usize, name: &str) -> AnyView {
    let x = px(layout.x(index) + layout.cell / 2.0);
    let y = px(layout.top - 10.0);
    let (class, transform) = if layout.slanted {
        ("slm-axis-label", format!("rotate(-45 {x} {y})"))
    } else {
        ("slm-axis-label slm-middle", String::new())
    };
    view! {
        <text class=class x=x y=y transform=transform>{format::shortened(name, LABEL_LIMIT)}</text>
    }
    .into_any()
}

fn matrix_row(layout: Layout, index: usize, row: &MatrixRow) -> AnyView {
    let middle = layout.y(index) + layout.cell / 2.0;
    let cells = row.cells.iter().enumerate();
    let cells: Vec<_> = cells
        .map(|(column, cell)| matrix_cell(layout, index, column, cell))
        .collect();
    view! {
        <g>
            <text class="slm-axis-label slm-end" x=px(layout.left - 10.0) y=px(middle + 4.0)>
                {format::shortened(&row.label, LABEL_LIMIT)}
            </text>
            {cells}
        </g>
    }
    .into_any()
}

fn matrix_cell(layout: Layout, row: usize, column: usize, cell: &Cell) -> AnyView {
    let (x, y) = (layout.x(column), layout.y(row));
    let center = px(x + layout.cell / 2.0);
    let class = if cell.right {
        "slm-cell-right"
    } else {
        "slm-cell-wrong"
    };
    // In a large matrix the many zeros would hide what there is.
    let is_blank = layout.cell < LARGE_CELL && cell.count == 0;
    let middle = y + layout.cell / 2.0;
    let texts = (!is_blank).then(|| {
        view! {
            <text class="slm-cell-count slm-middle" x=center.clone() y=px(middle - 1.0)>
                {format::count(cell.count)}
            </text>
            <text class="slm-cell-share slm-middle" x=center y=px(middle + 13.0)>
                {format!("{:.0}\u{a0}%", cell.share * 100.0)}
            </text>
        }
        .into_any()
    });
    view! {
        <g>
            <rect
                class=class
                x=px(x + 1.0)
                y=px(y + 1.0)
                width=px(layout.cell - 2.0)
                height=px(layout.cell - 2.0)
                rx="3"
                fill-opacity=heat(cell.share)
            ></rect>
            {texts}
        </g>
    }
    .into_any()
}

fn table(matrix: Matrix) -> AnyView {
    let mut heads = vec![Head::text("Right answer")];
    heads.extend(matrix.columns.into_iter().map(Head::number));
    heads.push(Head::number("Rows"));
    let rows = matrix.rows.into_iter().map(|row| {
        let cells = row.cells.into_iter().map(|cell| {
            let text = format!(
                "{} ({})",
                format::count(cell.count),
                format::percent(cell.share)
            );
            view! { <td class="slm-number">{text}</td> }
        });
        view! {
            <tr>
                <th scope="row">{row.label}</th>
                {cells.collect_view()}
                <td class="slm-number">{format::count(row.support)}</td>
            </tr>
        }
    });
    view! {
        <details class="slm-details">
            <summary>"The same as a table"</summary>
            <Table label="Confusion matrix, table" heads>
                {rows.collect_view()}
            </Table>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use slm_task::report::{Average, ClassMetrics};

    fn classification(confusion: Vec<Vec<u64>>, supports: &[u64]) -> Classification {
        let labels: Vec<String> = (0..supports.len()).map(|i| format!("label-{i}")).collect();
        let average = Average {
            precision: 0.0,
            recall: 0.0,
            f1: 0.0,
        };
        Classification {
            convention: "sklearn-1.9".into(),
            per_class: labels
                .iter()
                .zip(supports)
                .map(|(label, &support)| ClassMetrics {
                    label: label.clone(),
                    precision: 0.0,
                    recall: 0.0,
                    f1: 0.0,
                    support,
                })
                .collect(),
            labels,
            confusion,
            accuracy: 0.0,
            macro_average: average.clone(),
            micro: average.clone(),
            weighted: average,
            mcc: 0.0,
            ece: None,
            reliability: vec![],
            outside: None,
        }
    }

    #[test]
    fn shares_are_of_the_gold_row() {
        let matrix = Matrix::new(&classification(vec![vec![3, 1], vec![0, 0]], &[4, 0]));
        assert_eq!(matrix.columns, ["label-0", "label-1"]);
        let shares: Vec<f64> = matrix.rows[0].cells.iter().map(|c| c.share).collect();
        assert_eq!(shares, [0.75, 0.25]);
        assert!(matrix.rows[1].cells.iter().all(|c| c.share == 0.0));
        assert_eq!(
            matrix.rows[0].sentence(&matrix.columns),
            "label-0: 3 of 4\u{a0}rows right; most often answered label-1 (1)."
        );
        assert_eq!(
            matrix.rows[1].sentence(&matrix.columns),
            "label-1: 0 of 0\u{a0}rows right."
        );
    }

    #[test]
    fn failures_get_their_own_column() {
        let matrix = Matrix::new(&classification(vec![vec![3, 0], vec![0, 5]], &[4, 5]));
        assert_eq!(matrix.columns, ["label-0", "label-1", NO_ANSWER]);
        assert_eq!(matrix.rows[0].cells[2].count, 1);
        assert_eq!(matrix.rows[1].cells[2].count, 0);
    }

    #[test]
    fn a_ragged_report_does_not_panic() {
        let matrix = Matrix::new(&classification(vec![vec![3], vec![1, 2, 3]], &[4, 5]));
        assert_eq!(matrix.rows[0].cells.len(), 3);
        Layout::new(&Matrix::new(&classification(vec![], &[])));
    }
}
