"""Logits of transformers on the dequantized base model, for 24 fixed prompts.

    python3 tests/goldens/logits.py BASE.gguf > tests/goldens/logits.json

transformers dequantizes the GGUF to f32, so these are the values that the training numerics must
give and the serving numerics approach. Needs torch, transformers and gguf from PyPI.
"""

import json
import pathlib
import sys

import torch
import transformers

TEXTS = [
    "Hello",
    "The capital of France is",
    "I expected nothing and was blown away.",
    "The battery died after two days and nobody answers my emails.",
    "def add(a, b):\n    return a +",
    "1 2 3 4 5 6 7",
    "Übergröße, naïve café, señor",
    "今日はとても良い天気です。",
    "🙂🙃 emoji in a row 🎉",
    "SELECT name FROM users WHERE id = 4",
    "To be or not to be, that is",
    "   leading spaces and\ttabs\n\nand blank lines",
    "A man a plan a canal",
    "Water boils at 100 degrees",
    "once upon a time, in a land far away, there lived a",
    "{\"name\": \"Ada\", \"born\": 1815}",
    "not bad at all, not bad at all, not bad at all",
    "Delivery is scheduled for Tuesday between 9 and 12.",
    "Πάντα ῥεῖ",
    "The quick brown fox jumps over the lazy dog. " * 8,
    "x",
    "<|im_start|>user\nIs this spam?<|im_end|>\n<|im_start|>assistant\n",
    "Roses are red, violets are blue,",
    "In 1969 people first walked on the",
]


def main(path):
    path = pathlib.Path(path)
    options = {"gguf_file": path.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **options)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, dtype=torch.float32, attn_implementation="eager", **options
    )
    prompts = []
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].double()
        top = torch.topk(logits, 8)
        spread = range(0, logits.numel(), 4099)
        prompts.append(
            {
                "tokens": ids,
                "top": [[int(i), round(float(v), 5)] for v, i in zip(top.values, top.indices)],
                "spread": [[i, round(float(logits[i]), 5)] for i in spread],
            }
        )
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    json.dump(
        {
            "command": "python3 tests/goldens/logits.py BASE.gguf > tests/goldens/logits.json",
            "versions": versions,
            "prompts": prompts,
        },
        sys.stdout,
        indent=None,
        separators=(",", ":"),
    )
    print()


main(sys.argv[1])
