from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
from redheart.readers import load_reader
from redheart.training.runs.adapter_records import AdapterRecord, weights_digest
from redheart.training.runs.adapters import add_adapter, load_adapter, save_adapter
from redheart.training.runs.recipe import PeftRecipe

# PEFT asks for it.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")

TEXTS = ["I told her secret.", "He gave the prize to the shelter, and never said a word about it."]


def pipe_of(place: Path) -> EthicalAnalysisPipeline:
    model, tokenizer = load_reader(place)
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [entry for key in value for entry in [key, *flat(value[key])]]
    return [entry for item in value for entry in flat(item)] if isinstance(value, list) else [value]


def test_an_adapter_is_read_with_on_its_base(
    checkpoint: Path, tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    torch.manual_seed(0)
    base, _ = load_reader(checkpoint)
    assert isinstance(base, RedHeartModel)
    wrapped: Any = add_adapter(base, PeftRecipe(rank=2))
    with torch.no_grad():
        for parameter in wrapped.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.3)
    record = AdapterRecord(str(checkpoint), weights_digest(checkpoint), {})
    save_adapter(wrapped, tokenizer, record, tmp_path / "adapter")

    found = pipe_of(tmp_path / "adapter")(TEXTS)
    expected = EthicalAnalysisPipeline(model=load_adapter(checkpoint, tmp_path / "adapter"), tokenizer=tokenizer)
    assert flat(found) == flat(expected(TEXTS))
    assert flat(found) != flat(pipe_of(checkpoint)(TEXTS))
