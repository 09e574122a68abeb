"""Writes a tiny checkpoint and what the code that writes it reads with it in three texts.

    PYTHONPATH=src python write.py FOLDER

in a checkout of the commit; `tests/modeling_redheart/test_earlier_weights.py` reads it with today's code.
"""

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, pipeline

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.labels import EMOTIONS, record_keys
from redheart.modeling_redheart.pipeline_redheart import named_tensors

TEXTS = [
    "I lied to my sister and told her that the money was gone.",
    "My friend was angry. I was late again, and I am sorry now. She said that it does not matter.",
    "We lost.",
]
FILES = ("config.json", "model.safetensors", "outputs.json", "tokenizer.json", "tokenizer_config.json")
_READER = {"layers": 1, "heads": 1, "intermediate": 8, "registers": 1, "readout": 8, "state": 8}
_DECODER = {"layers": 1, "heads": 1, "intermediate": 8}
_READERS = (
    "emotion_head", "bentham_head", "regret_head", "surd_head", "emotion_analyzer", "bentham_calculator",
    "regret_analyzer", "counterfactual_reasoner", "surd_analyzer", "perspectives", "coordination",
)  # fmt: skip
COMPONENTS: dict[str, dict[str, int]] = {
    **{name: dict(_READER) for name in _READERS},
    "emotion_analyzer": {**_READER, "recurrent": 8},
    "backbone": {"projection": 8, "norm_rank": 4, "summary": 8, "summary_heads": 1},
    "layer_crossover": {**_DECODER, "readout": 8},
    "token_budget": {**_DECODER, "registers": 2, "readout": 8},
    "latent_memory": {**_DECODER, "latents": 3},
    "cache": {"prototypes": 6, "neighbours": 2},
    "asynchrony": dict(_DECODER),
    "recovery": {"heads": 1, "intermediate": 8},
    "sweet_spot": {**_DECODER, "readout": 8},
    "projector": {"intermediate": 8},
}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word of `TEXTS`."""
    words = sorted({word for text in TEXTS for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=64, model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def make_model(vocabulary: int) -> RedHeartModel:
    """Random weights, so large that every output depends on the text; everything counts as supervised."""
    options: dict[str, Any] = {
        "vocab_size": vocabulary, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1,
        "intermediate_size": 16, "max_position_embeddings": 64, "num_segments": 4, "components": COMPONENTS,
        "initializer_range": 0.3, "supervision": {key: ["made-up"] for key in record_keys()},
        "thresholds": {name: 0.3 + place / 100 for place, name in enumerate(EMOTIONS)}, "verdict_temperature": 1.5,
    }  # fmt: skip
    if hasattr(RedHeartConfig, "verdict_offsets") or "verdict_offsets" in RedHeartConfig().to_dict():
        options |= {"verdict_offsets": {"author": 0.5}, "loss_weights": {"verdict": 1.5, "action": 0.7}}
    else:
        options |= {"verdict_threshold": 0.1, "withheld": ["confidence.intensity"], "loss_weights": {"verdict": 1.5}}
    torch.manual_seed(11)
    model = RedHeartModel(RedHeartConfig(**options)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def rounded(value: Any) -> Any:
    """Nested values with floats of 8 decimals."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 8) if isinstance(value, float) else value


def main(folder: Path) -> None:
    """Write the checkpoint and ``outputs.json``."""
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    model = make_model(len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    exact = copy.deepcopy(model).double()  # sums of float32 differ between processors
    found: dict[str, Any] = {"texts": TEXTS}
    for depth in ("full", "fast"):
        with torch.no_grad():
            tensors = named_tensors(exact(**batch, depth=depth))
        found[depth] = {name: value.tolist() for name, value in tensors.items() if not name.endswith("views")}
        for name, value in tensors.items():
            if value.is_floating_point() and value.shape[0] == len(TEXTS):
                assert value.reshape(len(TEXTS), -1).std(dim=0).max() > 1e-3, f"{name} does not depend on the text"
    reader: Any = pipeline("ethical-analysis", model=model, tokenizer=tokenizer)
    readings, left_out = reader(TEXTS), ("ranges", "rated_by")
    found["readings"] = [{name: part for name, part in one.items() if name not in left_out} for one in readings]
    text = json.dumps(rounded(found), separators=(",", ":"))
    (folder / "outputs.json").write_text(text + "\n", encoding="utf-8")
    for path in folder.iterdir():
        if path.name not in FILES:
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
