"""Writes classification.json: single-label metrics as scikit-learn computes them.

    python tests/goldens/classification.py      (needs scikit-learn 1.9.1)

Each case holds label indices; a prediction equal to `k` stands for a row without a prediction,
given to scikit-learn as one more label that `labels=` leaves out. NaN is written as the text "nan".
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
    classification_report,
    confusion_matrix,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

warnings.simplefilter("ignore")
FAILED = "~failed"
ZERO_DIVISIONS = {"0": 0, "1": 1, "nan": np.nan}
SKEWS = [0.0, 0.5, 1.0, 2.0]
SIZES = [1, 2, 3, 5, 8, 13, 40, 120, 300]


def plain(value):
    value = float(value)
    return "nan" if value != value else value


def averages(gold, predicted, labels, zero):
    per_class = precision_recall_fscore_support(
        gold, predicted, labels=labels, zero_division=zero
    )
    entry = {"per_class": [[plain(x) for x in column] for column in per_class[:3]]}
    for name in ["macro", "micro", "weighted"]:
        values = precision_recall_fscore_support(
            gold, predicted, labels=labels, average=name, zero_division=zero
        )
        entry[name] = [plain(x) for x in values[:3]]
    return entry


def case(name, k, gold, predicted, zeros):
    labels = [f"c{i:03d}" for i in range(k)]
    named = labels + [FAILED]
    y_true = [named[i] for i in gold]
    y_pred = [named[i] for i in predicted]
    matrix = confusion_matrix(y_true, y_pred, labels=named)
    # With nothing right scikit-learn counts support in floats and prints "3.0": a quirk we leave.
    printed = k <= 10 and any(g == p for g, p in zip(gold, predicted))
    return {
        "name": name,
        "k": k,
        "gold": gold,
        "predicted": predicted,
        "support": [int(x) for x in matrix.sum(axis=1)[:k]],
        # Large matrices are implied by the rows; small ones are checked cell by cell.
        "confusion": [[int(x) for x in row[:k]] for row in matrix[:k]] if k <= 10 else None,
        "accuracy": float(accuracy_score(y_true, y_pred)),
        "mcc": float(matthews_corrcoef(y_true, y_pred)),
        "averages": {z: averages(y_true, y_pred, labels, ZERO_DIVISIONS[z]) for z in zeros},
        "report": classification_report(
            y_true, y_pred, labels=labels, digits=3, zero_division=0
        )
        if printed
        else None,
    }


def random_case(rng, number):
    k = rng.choice([2, 2, 3, 3, 4, 5, 7, 8, 9, 10, 15, 16, 17, 30])
    n = rng.choice(SIZES)
    skew = rng.choice(SKEWS)
    weights = [1.0 / (i + 1) ** skew for i in range(k)]
    right = rng.choice([0.0, 0.3, 0.6, 0.9, 1.0])
    failing = rng.choice([0.0, 0.0, 0.0, 0.1, 0.5])
    unused = set(rng.sample(range(k), rng.randrange(k)) if rng.random() < 0.3 else [])
    gold, predicted = [], []
    for _ in range(n):
        answer = rng.choices(range(k), weights)[0]
        if answer in unused and rng.random() < 0.5:
            answer = next(i for i in range(k) if i not in unused)
        guess = answer if rng.random() < right else rng.choices(range(k), weights)[0]
        if guess in unused:
            guess = next(i for i in range(k) if i not in unused)
        gold.append(answer)
        predicted.append(k if rng.random() < failing else guess)
    zeros = [list(ZERO_DIVISIONS)[number % 3]]
    return case(f"random {number}", k, gold, predicted, zeros)


def large_case(rng, k, n):
    """Enough classes for numpy's blocks of 128 to matter."""
    gold = [rng.randrange(k) if rng.random() < 0.7 else rng.randrange(7) for _ in range(n)]
    predicted = [g if rng.random() < 0.6 else rng.randrange(k + 1) for g in gold]
    return case(f"large {k}", k, gold, predicted, ["nan" if k % 2 else "0"])


EDGES = [
    ("all right", 3, [0, 1, 2], [0, 1, 2]),
    ("all wrong", 3, [0, 1, 2], [1, 2, 0]),
    ("one gold class, predicted", 3, [1, 1, 1], [1, 1, 1]),
    ("one gold class, never predicted", 3, [1, 1, 1], [0, 0, 2]),
    ("one predicted class", 3, [0, 1, 2, 1], [1, 1, 1, 1]),
    ("a class without rows or predictions", 3, [0, 1, 1], [0, 1, 0]),
    ("a class with rows, never predicted", 3, [0, 1, 2, 2], [0, 1, 0, 1]),
    ("a class predicted, without rows", 3, [0, 1, 1, 0], [0, 2, 1, 2]),
    ("no row predicted", 3, [0, 1, 2], [3, 3, 3]),
    ("one class predicted, the rest failed", 3, [0, 0, 1, 2], [0, 0, 3, 3]),
    ("one row, right", 2, [0], [0]),
    ("one row, wrong", 2, [0], [1]),
    ("one row, failed", 2, [1], [2]),
]


def main():
    rng = random.Random(20261122)
    cases = [case(name, k, gold, pred, list(ZERO_DIVISIONS)) for name, k, gold, pred in EDGES]
    cases += [random_case(rng, i) for i in range(240)]
    cases += [large_case(rng, k, n) for k, n in [(127, 700), (128, 700), (129, 900), (300, 1500)]]
    golden = {
        "command": "python tests/goldens/classification.py",
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
