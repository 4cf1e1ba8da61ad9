"""Writes adapter/: an adapter saved by PEFT and the logits of the adapted model.

    python tests/goldens/adapter.py BASE.gguf
        (needs peft 0.21.2, transformers 5.23.0, torch 2.15.0, gguf 0.19.0; BASE.gguf is the default
        base model of `slm model pull`)

Random LoRA of rank 2, alpha 8, on every kind of projection of layers 4 and 17, so large that the
adapted model's answers differ from the base's. transformers dequantizes the GGUF to f32 and puts
query and key rows back into Hugging Face's order, so the adapter is in that order.
"""

import json
import pathlib
import platform
import sys

import peft
import torch
import transformers

PROMPTS = [
    [1, 9690, 198, 2683, 359, 253],
    [504, 3575, 282, 4649, 314],
    [1, 4093, 198, 57, 1568, 451, 1462, 30, 2, 198, 1, 520, 9531, 198],
    list(range(100, 148)),
]
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def logits(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0, -1].double()


def main(path):
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    )
    base = [logits(model, tokens) for tokens in PROMPTS]
    model = peft.get_peft_model(
        model,
        peft.LoraConfig(r=2, lora_alpha=8, target_modules=TARGETS, layers_to_transform=[4, 17], task_type="CAUSAL_LM"),
    )
    for name, weight in model.named_parameters():
        if "lora_" in name:
            # What f16 holds, so that file and model agree to the bit.
            weight.data = (torch.randn_like(weight) * 0.05).half().float()
    model.eval()
    folder = pathlib.Path(__file__).with_suffix("")
    adapted = []
    for tokens, before in zip(PROMPTS, base):
        after = logits(model, tokens)
        spread = range(0, after.numel(), 499)
        adapted.append({
            "tokens": tokens,
            "moved": round(float((after - before).abs().max()), 4),
            "ids": list(spread),
            "logits": [round(float(after[i]), 5) for i in spread],
        })
    model.peft_config["default"].base_model_name_or_path = path.name
    model.half().save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    head = {
        "command": "python tests/goldens/adapter.py BASE.gguf",
        "versions": {"python": platform.python_version(), "peft": peft.__version__, "torch": torch.__version__,
                     "transformers": transformers.__version__},
        "prompts": adapted,
    }
    (folder / "logits.json").write_text(json.dumps(head) + "\n")
    print([case["moved"] for case in adapted])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
