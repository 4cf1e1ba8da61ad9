"""Writes calibration.json: expected calibration error as torchmetrics computes it.

    python tests/goldens/calibration.py      (needs torchmetrics 1.9 and torch 2.15)

Each case holds the gold label and the probabilities of each row. The public function rounds
confidences to float32 first; `ece` is its inner step on float64, `ece_f32` the public function.
Bounds of bins are i / 15.
"""

import json
import pathlib
import platform
import random

import torch
import torchmetrics
from torchmetrics.functional.classification import multiclass_calibration_error
from torchmetrics.functional.classification.calibration_error import _ce_compute

BINS = 15
BOUNDS = [i / BINS for i in range(BINS + 1)]


def case(name, gold, probabilities):
    p = torch.tensor(probabilities, dtype=torch.float64)
    target = torch.tensor(gold)
    confidence, predicted = p.max(dim=1)
    bounds = torch.tensor(BOUNDS, dtype=torch.float64)
    error = _ce_compute(confidence, predicted.eq(target).double(), bounds, norm="l1")
    public = multiclass_calibration_error(
        p, target, num_classes=p.shape[1], n_bins=BINS, norm="l1", validate_args=False
    )
    return {
        "name": name,
        "gold": gold,
        "probabilities": probabilities,
        "ece": float(error),
        "ece_f32": float(public),
    }


def random_case(rng, number):
    k = rng.choice([2, 3, 5])
    rows = rng.choice([1, 2, 10, 60])
    sharpness = rng.choice([0.3, 1.0, 4.0, 60.0])
    gold, probabilities = [], []
    for _ in range(rows):
        weights = [rng.random() ** sharpness for _ in range(k)]
        total = sum(weights)
        probabilities.append([w / total for w in weights])
        best = max(range(k), key=weights.__getitem__)
        gold.append(best if rng.random() < 0.7 else rng.randrange(k))
    return case(f"random {number}", gold, probabilities)


def main():
    rng = random.Random(15)
    cases = [
        case("certain and right", [0, 1], [[1.0, 0.0], [0.0, 1.0]]),
        case("certain and wrong", [1, 0], [[1.0, 0.0], [0.0, 1.0]]),
        case("certain apart from nearly certain", [0, 1], [[1.0, 0.0], [0.99, 0.01]]),
    ]
    for i in range(8, BINS + 1):
        cases.append(case(f"bound {i}", [0, 0], [[BOUNDS[i], 1 - BOUNDS[i]], [0.7, 0.3]]))
    cases += [random_case(rng, i) for i in range(40)]
    golden = {
        "command": "python tests/goldens/calibration.py",
        "versions": {
            "python": platform.python_version(),
            "torchmetrics": torchmetrics.__version__,
            "torch": torch.__version__,
        },
    }
    lines = [json.dumps(c, separators=(",", ":")) for c in cases]
    text = json.dumps(golden)[:-1] + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n"
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
    print(len(cases), "cases,", len(text), "bytes")


main()
