"""TRL's SFTTrainer with PEFT's LoRA as a contestant: `python peft_train.py JOB [--checkpointing]`.

JOB is what bench/src/training/job.rs writes; what is asked and answered, a line of JSON each, is written
down in bench/src/training/requests.rs. Optimizer, loss, collator and padding are TRL's own; rows, order,
learning rates and the adapter at step 0 are the job's.
"""

import json
import os
import sys
import tempfile
import time

# Answers go where standard output went; whatever the libraries print goes to standard error.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")

import peft
import torch
import transformers
import trl
from datasets import Dataset
from safetensors.torch import load_file
from torch.utils.data import DataLoader

transformers.utils.logging.disable_progress_bar()

IGNORED = -100  # label of a token that the loss does not count


def say(answer):
    print(json.dumps(answer), file=ANSWERS, flush=True)


class Trainer(trl.SFTTrainer):
    """Batches in the job's order, at the job's learning rates."""

    def __init__(self, job, **options):
        super().__init__(**options)
        self.job = job
        self.losses = []

    def get_train_dataloader(self):
        batches = self.job["batches"]
        return DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)

    def create_scheduler(self, num_training_steps, optimizer=None):
        rates, peak = self.job["rates"], self.args.learning_rate
        share = lambda step: rates[min(step, len(rates) - 1)] / peak
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, share)
        return self.lr_scheduler

    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.losses.append(loss.item())
        return loss


class Turns(transformers.TrainerCallback):
    """Stops the trainer between its steps until more of them are asked for."""

    def __init__(self, job):
        self.job = job
        self.trainer = None
        self.left = 0

    def on_train_begin(self, args, state, control, **kwargs):
        say({"name": NAME})
        self.wait(control)

    def on_step_end(self, args, state, control, **kwargs):
        self.left -= 1
        if self.left == 0:
            say({"seconds": time.perf_counter() - self.started, "losses": self.trainer.losses})
            self.wait(control)

    def wait(self, control):
        for line in sys.stdin:
            request = json.loads(line)
            if request["do"] == "train":
                self.left = request["steps"]
                self.trainer.losses = []
                self.started = time.perf_counter()
                return
            model = self.trainer.model.eval()
            with torch.no_grad():
                say(logits(model, request["tokens"]) if request["do"] == "logits" else scores(model, self.job))
            model.train()
        control.should_training_stop = True


def logits(model, tokens):
    """Logits after the last of some tokens."""
    return {"logits": model(torch.tensor([tokens]), logits_to_keep=1).logits[0, 0].tolist()}


def scores(model, job):
    """For each dev row, the log-probability of each label's tokens after the prompt."""
    answers = job["answers"]
    longest = max(map(len, answers))
    return {"scores": [row_scores(model, prompt, answers, longest) for prompt in job["dev"]]}


def row_scores(model, prompt, answers, longest):
    padded = torch.tensor([prompt + answer + [0] * (longest - len(answer)) for answer in answers])
    # Causal: what stands behind an answer changes nothing in it, so padding needs no mask.
    found = model(padded, logits_to_keep=longest + 1).logits.log_softmax(-1)
    return [sum(found[i, at, token].item() for at, token in enumerate(answer)) for i, answer in enumerate(answers)]


def dataset(job):
    labels = lambda row: [t if counts else IGNORED for t, counts in zip(row["tokens"], row["mask"])]
    rows = job["rows"]
    return Dataset.from_dict({"input_ids": [row["tokens"] for row in rows], "labels": list(map(labels, rows))})


def trainer(job, checkpointing, output):
    lora, sft = job["recipe"]["lora"], job["recipe"]["sft"]
    folder, name = os.path.split(job["model"])
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=torch.float32, quantization_config=transformers.GgufConfig(dequantize=True)
    )
    turns = Turns(job)
    made = Trainer(
        job,
        model=model,
        processing_class=transformers.AutoTokenizer.from_pretrained(folder, gguf_file=name),
        train_dataset=dataset(job),
        peft_config=peft.LoraConfig(
            r=lora["rank"], lora_alpha=lora["alpha"], target_modules=lora["targets"], task_type="CAUSAL_LM"
        ),
        callbacks=[turns],
        args=trl.SFTConfig(
            output_dir=output,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=checkpointing,
            max_length=None,
            max_steps=len(job["batches"]),
            per_device_train_batch_size=sft["batch"],
            learning_rate=sft["lr"],
            weight_decay=sft["weight_decay"],
            max_grad_norm=sft["clip"],
            logging_strategy="no",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
    )
    turns.trainer = made
    start = peft.set_peft_model_state_dict(made.model, load_file(job["adapter"]))
    assert not start.unexpected_keys, f"PEFT does not know {start.unexpected_keys[:3]} of our adapter"
    return made


checkpointing = "--checkpointing" in sys.argv
NAME = f"TRL {trl.__version__}, PEFT {peft.__version__}" + (", checkpointing" if checkpointing else "")
with open(sys.argv[1]) as file:
    job = json.load(file)
torch.set_num_threads(job["threads"])
with tempfile.TemporaryDirectory() as output:
    trainer(job, checkpointing, output).train()
