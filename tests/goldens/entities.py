"""Writes entities.json: entity-level metrics as seqeval computes them, in both of its modes.

    python tests/goldens/entities.py      (needs seqeval 1.2.2)

Each case holds rows of tags, gold and predicted, one text a row: tags with a space between. `default`
is seqeval without a mode, `strict` is mode="strict" with scheme=IOB2. Scores are precision, recall, F1
and F2, undefined ratios counted 0. NaN is written as the text "nan".
"""

import importlib.metadata
import json
import pathlib
import platform
import random
import warnings

import numpy as np
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as default
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.metrics.v1 import precision_recall_fscore_support as strict
from seqeval.scheme import IOB2, Entities

warnings.simplefilter("ignore")
# Not in alphabetical order: seqeval sums over sorted names.
LABELS = ["person", "email", "phone", "iban", "address", "card", "date", "url", "id", "ip", "Zip"]


def plain(value):
    value = float(value)
    return "nan" if value != value else value


def both_betas(score, average):
    one, two = score(average, 1.0), score(average, 2.0)
    return [*one[:3], two[2]], one[3]


def mode(score, types):
    columns, support = both_betas(score, None)
    entry = {
        "types": {
            name: [*(plain(c[i]) for c in columns), int(support[i])]
            for i, name in enumerate(types)
        }
    }
    for average in ["micro", "macro", "weighted"]:
        entry[average] = [plain(x) for x in both_betas(score, average)[0]]
    return entry


def case(name, gold, predicted):
    y_true, y_pred = [r.split() for r in gold], [r.split() for r in predicted]

    def by_default(average, beta):
        return default(y_true, y_pred, average=average, beta=beta, zero_division=0)

    def strictly(average, beta):
        return strict(y_true, y_pred, average=average, beta=beta, zero_division=0, scheme=IOB2)

    seen = {e[0] for e in get_entities(y_true)} | {e[0] for e in get_entities(y_pred)}
    seen_strictly = Entities(y_true, IOB2).unique_tags | Entities(y_pred, IOB2).unique_tags
    return {
        "name": name,
        "gold": gold,
        "predicted": predicted,
        "default": mode(by_default, sorted(seen)),
        "strict": mode(strictly, sorted(seen_strictly)),
    }


def well_formed(rng, labels, n):
    tags = []
    while len(tags) < n:
        if rng.random() < 0.6:
            tags.append("O")
        else:
            label = rng.choice(labels)
            tags += [f"B-{label}"] + [f"I-{label}"] * rng.choice([0, 0, 1, 2])
    return tags[:n]


def noisy(rng, labels, tags, rate):
    def one(tag):
        if rng.random() >= rate:
            return tag
        return rng.choice(["O", rng.choice("BI") + "-" + rng.choice(labels)])

    return [one(tag) for tag in tags]


def random_case(rng, number):
    labels = rng.sample(LABELS, rng.choice([1, 2, 3, 5, 8, 9, 11]))
    rate = rng.choice([0.0, 0.1, 0.3, 1.0])
    broken = rng.choice([0.0, 0.0, 0.1])
    gold, predicted = [], []
    for _ in range(rng.choice([1, 2, 5, 20])):
        tags = well_formed(rng, labels, rng.choice([0, 1, 2, 5, 12, 20]))
        gold.append(" ".join(noisy(rng, labels, tags, broken)))
        predicted.append(" ".join(noisy(rng, labels, tags, rate)))
    return case(f"random {number}", gold, predicted)


EDGES = [
    ("all O", ["O O", "O"], ["O O", "O"]),
    ("rows without words", ["", ""], ["", ""]),
    ("one right", ["B-id I-id O"], ["B-id I-id O"]),
    ("gold O, an entity predicted", ["O O O"], ["O B-id I-id"]),
    ("an entity, nothing predicted", ["O B-id I-id"], ["O O O"]),
    ("I after O", ["B-id I-id O"], ["I-id I-id O"]),
    ("I after O in the gold", ["O I-id O"], ["O I-id O"]),
    ("I of another type", ["B-id I-id O"], ["B-id I-ip O"]),
    ("I of another type and back", ["B-id I-id I-id"], ["B-id I-ip I-id"]),
    ("I first in a row, after a row that ends in the type", ["B-id", "O"], ["B-id", "I-id"]),
    ("adjacent, same type", ["B-id B-id I-id O"], ["B-id I-id I-id O"]),
    ("adjacent, another type", ["B-id B-ip I-ip O"], ["B-id B-ip I-ip O"]),
    ("too long", ["B-id I-id O"], ["B-id I-id I-id"]),
    ("too short", ["B-id I-id I-id"], ["B-id I-id O"]),
    ("wrong type", ["B-id I-id O"], ["B-ip I-ip O"]),
    ("the same entity in two rows", ["B-id O", "B-id O"], ["B-id O", "O O"]),
    ("a name with a hyphen", ["B-a-b I-a-b O"], ["B-a-b I-a-b B-a"]),
    ("capitals sort first", ["B-Zip B-id B-ip"], ["B-Zip B-ip B-ip"]),
]


def main():
    rng = random.Random(20261125)
    cases = [case(*edge) for edge in EDGES]
    cases += [random_case(rng, i) for i in range(220)]
    golden = {
        "command": "python tests/goldens/entities.py",
        "versions": {
            "python": platform.python_version(),
            "seqeval": importlib.metadata.version("seqeval"),
            "numpy": np.__version__,
        },
    }
    lines = [json.dumps(c, separators=(",", ":")) for c in cases]
    text = json.dumps(golden)[:-1] + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n"
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
    print(len(cases), "cases,", len(text), "bytes")


main()
