"""Compares ways to compute in INT8 on a CPU: which is faster than float32, and what changes?

    pip install torchao && python benchmarks/cpu_int8.py --data DATA --json docs/results/cpu-int8.json

All ways leave the same layers in floats (`quantization.kept_modules`) and read the same texts. Times are ratios to
float32, measured in turn in one process. Differences are those of probabilities on GoEmotions validation texts, and the
share of texts with another set of asserted emotions or another verdict.

Notable: "batch" is how far the probabilities of a text move between a reading alone and one among others. With integers
that are scaled by the whole batch, a reading depends on the other texts.
"""

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AutoTokenizer

from redheart.benchmarking.measuring import WARM_UP, interleave, using_threads
from redheart.benchmarking.sizes import read
from redheart.compression.forms import write_form
from redheart.configuration.labels import EMOTIONS
from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.data.loading import load
from redheart.evaluation.measurement.predict import Predictor
from redheart.modeling_redheart import RedHeartModel
from redheart.modeling_redheart.asserted import threshold_of
from redheart.modeling_redheart.quantization import kept_modules
from redheart.readers import load_reader
from redheart.storage.quiet import silence_libraries
from redheart.storage.strict_loading import checkpoint_path, load_strict

WAYS = ("float32", "bitsandbytes", "quantize_dynamic", "torchao", "onnx", "onnx-int8")


def chosen(model: nn.Module) -> set[str]:
    """Return the names of the linear layers to quantise, and set their class to the one that libraries replace."""
    kept = set(kept_modules(model, 8))
    names = {name for name, module in model.named_modules() if isinstance(module, nn.Linear) and name not in kept}
    for name in names:
        model.get_submodule(name).__class__ = nn.Linear
    return names


def dynamic(model: Any) -> Any:
    """Quantise by torch.ao: weights in INT8, activations by the range of each call."""
    spec: Any = dict.fromkeys(chosen(model), torch.ao.quantization.default_dynamic_qconfig)
    return torch.ao.quantization.quantize_dynamic(model, spec, inplace=True)


def torchao(model: Any) -> Any:
    """Quantise by torchao: weights in INT8 by output channel, activations by token, in eager mode."""
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    names = chosen(model)
    quantize_(model, Int8DynamicActivationInt8WeightConfig(), filter_fn=lambda _, name: name in names)
    return model


def reader_of(way: str, source: Path, workdir: Path) -> Any:
    """Return the reader for one way to compute.

    Args:
        way: One of `WAYS`.
        source: Folder of the checkpoint.
        workdir: Folder for the checkpoints of the other forms.

    Returns:
        The model, or what reads in its place.
    """
    functions: dict[str, Callable[[Any], Any]] = {"quantize_dynamic": dynamic, "torchao": torchao}
    if way in functions:
        return functions[way](load_strict(source, RedHeartModel, dtype=torch.float32).eval())
    form = {"bitsandbytes": "int8"}.get(way, way)
    return load_reader(write_form(source, form, workdir / way))[0].eval()


def measure(reader: Any, base: Any, tokenizer: Any, texts: list[str], ids: torch.Tensor) -> dict[str, float]:
    """Measure one row of the table.

    Args:
        reader: What is measured.
        base: The model in float32.
        tokenizer: Of both.
        texts: For the differences.
        ids: Tokens of the timed readings, shape ``(runs, 1, tokens)``.

    Returns:
        The row, by column.
    """
    theirs, ours = interleave(partial(read, base), partial(read, reader), ids)
    found, expected = (Predictor(some, tokenizer).texts(texts) for some in (reader, base))
    alone = Predictor(reader, tokenizer, batch_tokens=1).texts(texts[:100])
    thresholds = np.array([threshold_of(base.config.thresholds, name) for name in EMOTIONS])
    emotions, verdicts = (
        [predictions[name] for predictions in (found, expected)] for name in ("emotion_labels", "verdict_labels")
    )
    asserted = [probabilities >= thresholds for probabilities in emotions]
    return {
        "x float32": median(one / other for one, other in zip(ours, theirs, strict=True)),
        "emotion": float(np.abs(emotions[0] - emotions[1]).mean()),
        "other emotions": float((asserted[0] != asserted[1]).any(axis=1).mean()),
        "verdict": float(np.abs(verdicts[0] - verdicts[1]).sum(axis=1).mean() / 2),
        "other verdict": float((verdicts[0].argmax(1) != verdicts[1].argmax(1)).mean()),
        "batch": float(np.abs(alone["emotion_labels"] - emotions[0][:100]).mean()),
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--texts", type=int, default=500, help="texts for the differences")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of the text of the timed readings")
    parser.add_argument("--runs", type=int, default=15, help="timed readings of each way")
    parser.add_argument("--threads", type=int, default=2, help="threads of each way")
    parser.add_argument("--way", action="append", choices=WAYS, help="measure only this way; repeatable")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    silence_libraries()
    warnings.simplefilter("ignore")
    source = Path(checkpoint_path(options.model))
    texts = [item.text for item in load("goemotions", options.data, "validation")[: options.texts]]
    base: Any = load_strict(source, RedHeartModel, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(source)
    shape = (WARM_UP + options.runs, 1, options.tokens)
    ids = torch.randint(base.config.vocab_size, shape, generator=torch.Generator().manual_seed(0))
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as workdir, using_threads(options.threads):
        for way in options.way or WAYS:
            try:
                reader = reader_of(way, source, Path(workdir))
            except ImportError as error:
                print(f"{way:<18}left out: {error}")
                continue
            rows[way] = measure(reader, base, tokenizer, texts, ids)
            if len(rows) == 1:
                print(f"{'':<18}" + "".join(f"{name:>16}" for name in rows[way]))
            print(f"{way:<18}" + "".join(f"{value:>16.4f}" for value in rows[way].values()), flush=True)
    if options.json:
        about = {name: getattr(options, name) for name in ("model", "texts", "tokens", "runs", "threads")}
        options.json.write_text(json.dumps({"setting": about, "ways": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
