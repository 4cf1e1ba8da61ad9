"""Writes multi_label.json: multi-label metrics as scikit-learn computes them.

    python tests/goldens/multi_label.py      (needs scikit-learn 1.9.1)

Each case holds sets of label indices, given to scikit-learn as indicator matrices; `null` stands for
a row without a prediction, given as a row of zeros. NaN is written as the text "nan".
"""

import json
import pathlib
import platform
import random
import warnings

import numpy as np
import sklearn
from sklearn.metrics import (
    accuracy_score,
    hamming_loss,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)

warnings.simplefilter("ignore")
ZERO_DIVISIONS = {"0": 0, "1": 1, "nan": np.nan}
SIZES = [1, 2, 3, 5, 8, 13, 40, 120, 300]


def plain(value):
    value = float(value)
    return "nan" if value != value else value


def indicator(sets, k):
    matrix = np.zeros((len(sets), k), dtype=np.int64)
    for row, labels in enumerate(sets):
        matrix[row, labels or []] = 1
    return matrix


def averages(gold, predicted, zero):
    per_label = precision_recall_fscore_support(gold, predicted, average=None, zero_division=zero)
    entry = {"per_label": [[plain(x) for x in column] for column in per_label[:3]]}
    for name in ["macro", "micro", "weighted", "samples"]:
        values = precision_recall_fscore_support(
            gold, predicted, average=name, zero_division=zero
        )
        entry[name] = [plain(x) for x in values[:3]]
    return entry


def case(name, k, gold, predicted, zeros):
    y_true, y_pred = indicator(gold, k), indicator(predicted, k)
    return {
        "name": name,
        "k": k,
        "gold": gold,
        "predicted": predicted,
        "confusion": multilabel_confusion_matrix(y_true, y_pred).tolist(),
        "subset_accuracy": float(accuracy_score(y_true, y_pred)),
        "hamming_loss": float(hamming_loss(y_true, y_pred)),
        "averages": {z: averages(y_true, y_pred, ZERO_DIVISIONS[z]) for z in zeros},
    }


def random_case(rng, number, k=None, n=None):
    k = k or rng.choice([2, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17])
    n = n or rng.choice(SIZES)
    shares = [rng.choice([0.0, 0.05, 0.2, 0.5, 0.8]) for _ in range(k)]
    noise = rng.choice([0.0, 0.05, 0.2, 0.5])
    failing = rng.choice([0.0, 0.0, 0.1, 0.5])
    gold, predicted = [], []
    for _ in range(n):
        answer = [i for i in range(k) if rng.random() < shares[i]]
        guess = [i for i in range(k) if (i in answer) != (rng.random() < noise * (shares[i] > 0))]
        gold.append(answer)
        predicted.append(None if rng.random() < failing else guess)
    return case(f"random {number}", k, gold, predicted, [list(ZERO_DIVISIONS)[number % 3]])


EDGES = [
    ("all right", 3, [[0], [1, 2], [0, 1, 2]], [[0], [1, 2], [0, 1, 2]]),
    ("all wrong", 3, [[0], [1], [2]], [[1, 2], [0, 2], [0, 1]]),
    ("nothing wanted, nothing predicted", 2, [[], []], [[], []]),
    ("nothing wanted, all predicted", 2, [[], []], [[0, 1], [0, 1]]),
    ("all wanted, nothing predicted", 2, [[0, 1], [0, 1]], [[], []]),
    ("no row predicted", 3, [[0], [1, 2], []], [None, None, None]),
    ("some rows without a prediction", 3, [[0], [1, 2], [], [2]], [[0], None, None, [2]]),
    ("a label without rows or predictions", 3, [[0], [1], [0, 1]], [[0], [0], [0, 1]]),
    ("a label with rows, never predicted", 3, [[0, 2], [1], [2]], [[0], [1], [1]]),
    ("a label predicted, without rows", 3, [[0], [1], []], [[0, 2], [1, 2], [2]]),
    ("rows with nothing wanted", 2, [[], [0], [], [1]], [[], [0], [1], [1]]),
    ("one row, right", 2, [[0]], [[0]]),
    ("one row, half right", 2, [[0, 1]], [[0]]),
    ("one row, empty", 2, [[]], [[]]),
]


def main():
    rng = random.Random(20261124)
    cases = [case(name, k, gold, pred, list(ZERO_DIVISIONS)) for name, k, gold, pred in EDGES]
    cases += [random_case(rng, i) for i in range(210)]
    # Enough labels, and rows, for numpy's blocks of 128 to matter.
    cases += [random_case(rng, i, k, n) for i, k, n in [(210, 130, 60), (211, 3, 1100), (212, 5, 900)]]
    golden = {
        "command": "python tests/goldens/multi_label.py",
        "versions": {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
        },
    }
    lines = [json.dumps(c, separators=(",", ":")) for c in cases]
    text = json.dumps(golden)[:-1] + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n"
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
    print(len(cases), "cases,", len(text), "bytes")


main()
