"""One GLUE task with transformers and peft at the settings of `experiments/glue-minilm`, for docs/findings.md.

LoRA on the six linear modules of every layer: rank 8, alpha 16, AdamW, linear schedule with 6 % warm-up, norm clipped at 1,
batch 32, five epochs, 128 tokens. A plain loop; the dev set is judged after every epoch.

    python bench/peer/glue.py MODEL_FOLDER GLUE_FOLDER RTE [SEED] [RATE]

The rate is 1e-3 unless one is given.
"""

import csv
import json
import sys
import time

import peft
import torch
import transformers
from sklearn.metrics import matthews_corrcoef

from peer import HEAD, TARGETS

model_folder, glue, task = sys.argv[1:4]
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
rate = float(sys.argv[5]) if len(sys.argv) > 5 else 1e-3
torch.manual_seed(seed)
tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)


def examples(split):
    """Pairs of (texts, label) of a split's file."""
    with open(f"{glue}/{task}/{split}.tsv", encoding="utf-8") as file:
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if task == "CoLA":
        return [((line[3],), int(line[1])) for line in lines]
    assert task == "RTE", "known are CoLA and RTE"
    names = {"entailment": 0, "not_entailment": 1}
    return [((line[1], line[2]), names[line[3]]) for line in lines[1:]]


def batch_of(chosen):
    texts = [list(column) for column in zip(*[texts for texts, _ in chosen])]
    encoded = tokenizer(*texts, truncation=True, max_length=128, padding=True, return_tensors="pt")
    return encoded, torch.tensor([label for _, label in chosen])


train, dev = examples("train"), examples("dev")
base = transformers.AutoModelForSequenceClassification.from_pretrained(model_folder, num_labels=2)
config = peft.LoraConfig(
    task_type="SEQ_CLS", r=8, lora_alpha=16, target_modules=TARGETS, modules_to_save=HEAD
)
model = peft.get_peft_model(base, config)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
steps = 5 * ((len(train) + 31) // 32)
schedule = transformers.get_linear_schedule_with_warmup(optimizer, -(-steps * 6 // 100), steps)
order = torch.Generator().manual_seed(seed)

for epoch in range(1, 6):
    started = time.time()
    model.train()
    places = torch.randperm(len(train), generator=order).tolist()
    for start in range(0, len(places), 32):
        inputs, labels = batch_of([train[i] for i in places[start : start + 32]])
        loss = model(**inputs, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    seconds = time.time() - started
    model.eval()
    predictions = []
    with torch.no_grad():
        for start in range(0, len(dev), 64):
            inputs, _ = batch_of(dev[start : start + 64])
            predictions += model(**inputs).logits.argmax(-1).tolist()
    labels = [label for _, label in dev]
    right = sum(a == b for a, b in zip(predictions, labels)) / len(labels)
    figures = {"accuracy": right, "matthews": matthews_corrcoef(labels, predictions)}
    print(json.dumps({"task": task, "seed": seed, "rate": rate, "epoch": epoch, "seconds": seconds, **figures}), flush=True)
