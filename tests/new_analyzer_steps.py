"""Everything that the library does, with the analyzer that `test_new_analyzer` adds; run in a process of its own.

python new_analyzer_steps.py FOLDER          # prints a word for each step that it has passed
"""

import io
import sys
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from rich.console import Console
from transformers import AutoTokenizer

from redheart import RedHeartConfig, RedHeartModel
from redheart.batches.supervision import supervision_of
from redheart.commands.read.terminal import render
from redheart.compression.distillation import DistillationTrainer
from redheart.compression.onnx_export import export_onnx
from redheart.compression.onnx_reader import OnnxReader
from redheart.configuration.shipped import CONFIGURATION
from redheart.data.facts import DATA_SETS
from redheart.data.loading import to_units
from redheart.data.schema import to_examples
from redheart.demo.interface import Words
from redheart.demo.plain_chart import plain_charts
from redheart.evaluation.evaluate import evaluate
from redheart.evaluation.measurement.rows import Rows
from redheart.hub_upload.model_card import model_card
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
from redheart.serving.schema import Reading
from redheart.storage.remote_code import bundle_code
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.trainer import RedHeartTrainer

TEXT = "I broke my sister's vase, and I hope that she will forgive me."
ROWS = [
    {"text": f"{'Everything will be fine' if number % 2 else 'Nothing will ever be good'}, I told friend {number}.",
     "hope.soon": 0.9 if number % 2 else 0.1, "hope.late": 0.5 + number / 100}
    for number in range(24)
]  # fmt: skip
READER = {"layers": 1, "heads": 1, "intermediate": 32, "registers": 1, "readout": 16, "state": 16}

out = Path(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(CONFIGURATION / "tokenizer")
units = to_units(to_examples(ROWS, "hopes"))


def arguments(name: str) -> RedHeartTrainingArguments:
    return RedHeartTrainingArguments(
        output_dir=str(out / name), per_device_train_batch_size=8, longest_text=32, use_cpu=True, max_steps=3,
        learning_rate=1e-3, save_strategy="no", report_to="none", disable_tqdm=True, logging_steps=1,
    )  # fmt: skip


def make() -> RedHeartModel:
    tiny = RedHeartConfig.from_preset("redheart-tiny").components
    torch.manual_seed(0)
    return RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", components={**tiny, "hope_reader": READER}))


def read(model: RedHeartModel) -> dict[str, Any]:
    found: dict[str, Any] = EthicalAnalysisPipeline(model=model.eval(), tokenizer=tokenizer)(TEXT)
    return found


model = make()
reading = read(model)
assert "hope" not in reading
assert "hope" in reading["flags"]["withheld"]
print("withheld")

trainer = RedHeartTrainer(model=model, args=arguments("run"), train_dataset=units, processing_class=tokenizer)
before = model.hope_reader.readout.state_dict()
before = {name: value.clone() for name, value in before.items()}
trainer.train()
assert any("loss_hope" in entry for entry in trainer.state.log_history)
assert all(not torch.equal(before[name], value) for name, value in model.hope_reader.readout.state_dict().items())
print("trained")

model.config.supervision = supervision_of(units)
assert model.config.supervision == {"hope.soon": ["hopes"], "hope.late": ["hopes"]}
reading = read(model)
assert list(reading["hope"]) == ["soon", "late"]
assert reading["ranges"]["hope"] == [0, 1]
print("reported")

report = evaluate("hopeful", model, tokenizer, [Rows("hopes", "all rows", units, units)], texts=0, lists=False)
figures = {(figure.output, figure.measure, figure.system) for figure in report.figures}
systems = {system for _, _, system in figures}
assert {("hope.soon", "Pearson r", system) for system in systems} <= figures
assert len(systems) == 3
print("evaluated")

console = Console(file=io.StringIO(), width=80)
render(reading, console)
assert "Hope" in console.file.getvalue()
print("printed")

TypeAdapter(Reading).validate_python(reading)
print("served")

(title, body), *_ = plain_charts(reading, Words("ko"))
assert title == "희망"
assert "결국" in body
print("drawn")

student = make()
distilling = DistillationTrainer(
    student, arguments("taught"), teacher=model, train_dataset=units, processing_class=tokenizer
)
distilling.train()
assert any("loss_distill_hope" in entry for entry in distilling.state.log_history)
print("distilled")

graph = export_onnx(model.eval(), out / "graph", outputs=["hope"], tokenizer=tokenizer)
tokens = tokenizer(TEXT, return_tensors="pt")
exported = OnnxReader(graph)(**{name: tokens[name] for name in ("input_ids", "attention_mask")})
assert torch.allclose(exported.hope.scores, model(**tokens, outputs=["hope"]).hope.scores, atol=1e-4)
print("exported")

facts = {**DATA_SETS, "hopes": next(iter(DATA_SETS.values()))}
card = model_card(report, model.config, data_sets=facts)
assert "| hope |" in card
print("carded")

assert "hope.py" in bundle_code(out / "bundle")
print("bundled")
