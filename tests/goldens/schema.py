"""Writes schema.json: which values are valid under which schemas, as the Python package jsonschema has it.

    python tests/goldens/schema.py
        (needs jsonschema 4.26.0; writes beside itself)

Schemas are drawn from the subset that slm-task reads, values by bending what fits. `format` is
checked for dates.
"""

import importlib.metadata
import json
import pathlib
import random

import jsonschema

SEED = 20_261_124
SCHEMAS = 60
VALUES = 12

TEXTS = ["", "a", "ab", "abc", "2024-02-29", "2023-02-29", "refund", "é", "日本", "A-1", "👍🏽", " "]
PLAIN = [None, True, False, 0, 1, -1, 2, 2.0, 2.5, 1e3, *TEXTS]


def plain(rng):
    kind = rng.choice(["string", "integer", "number", "boolean", "enum", "nullable", "mixed", "const"])
    if kind == "enum":
        return {"enum": rng.sample(["refund", "question", 1, 2.5, True, None], 3)}
    if kind == "const":
        return {"const": rng.choice(["fixed", 1, False])}
    if kind == "nullable":
        return {"type": ["string", "null"]}
    if kind == "mixed":
        return {"type": ["integer", "string"], "minimum": 1, "maxLength": 2}
    node = {"type": kind}
    if kind == "string":
        extra = rng.choice([{}, {"minLength": 1}, {"maxLength": 2}, {"minLength": 1, "maxLength": 3},
                            {"format": "date"}, {"pattern": "^[A-Za-z0-9-]+$"}, {"pattern": "b"}])
        node.update(extra)
    if kind in ("integer", "number"):
        extra = rng.choice([{}, {"minimum": 1}, {"maximum": 2}, {"exclusiveMinimum": 0, "exclusiveMaximum": 2.5}])
        node.update(extra)
    return node


def schema(rng, depth=0):
    kind = rng.choices(["plain", "object", "array"], [5, 2, 2] if depth < 2 else [1, 0, 0])[0]
    if kind == "plain":
        return plain(rng)
    if kind == "array":
        node = {"type": "array", "items": schema(rng, depth + 1)}
        node.update(rng.choice([{}, {"minItems": 1}, {"maxItems": 2}]))
        return node
    return obj(rng, depth)


def obj(rng, depth):
    names = rng.sample(["a", "b", "c", "d e", "é"], rng.randint(1, 4))
    node = {"type": "object", "properties": {name: schema(rng, depth + 1) for name in names},
            "additionalProperties": False}
    required = [name for name in names if rng.random() < 0.4]
    if required:
        node["required"] = required
    return node


def value(rng, node):
    """A value that mostly fits."""
    if rng.random() < 0.08:
        return rng.choice([*PLAIN, [], {}, [1], {"a": 1}])
    if "enum" in node:
        return rng.choice(node["enum"])
    if "const" in node:
        return node["const"]
    kind = node["type"]
    if isinstance(kind, list):
        kind = rng.choice(kind)
    if kind == "object":
        names = [n for n in node["properties"] if n in node.get("required", []) or rng.random() < 0.6]
        found = {name: value(rng, node["properties"][name]) for name in names}
        if rng.random() < 0.06:
            found["more"] = 1
        if found and rng.random() < 0.06:
            found.pop(rng.choice(list(found)))
        return found
    if kind == "array":
        return [value(rng, node["items"]) for _ in range(rng.randint(0, 3))]
    if kind == "string":
        if node.get("format") == "date":
            return rng.choice(["2024-02-29", "2026-11-24", "2023-02-29", "soon"])
        return rng.choice(TEXTS)
    if kind == "null":
        return None
    if kind == "boolean":
        return rng.choice([True, False])
    return rng.choice([1, 2, 2.0] if kind == "integer" else [1, 2.5, 0.5, 2])


def main():
    rng = random.Random(SEED)
    cases = []
    for _ in range(SCHEMAS):
        node = obj(rng, 0)
        checker = jsonschema.Draft202012Validator(node, format_checker=jsonschema.FormatChecker(["date"]))
        values = [value(rng, node) for _ in range(VALUES)]
        cases.append({"schema": node, "values": [[v, checker.is_valid(v)] for v in values]})
    valid = sum(ok for case in cases for _, ok in case["values"])
    golden = {
        "command": "python tests/goldens/schema.py",
        "versions": {"jsonschema": importlib.metadata.version("jsonschema")},
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n")
    print(f"{path.name}: {SCHEMAS * VALUES} values, {valid} valid")


if __name__ == "__main__":
    main()
