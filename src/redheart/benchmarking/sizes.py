"""What `redheart sizes` measures: each form of a model on disk, in memory, in time, and by its figures.

Notable: each form is timed in turn with float32 in one process, so that a busy machine disturbs both alike; memory is
that of a new process above its imports; figures are of the same rows for every form.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..compression.forms import FORMS, weight_bytes, write_form
from ..configuration import RedHeartConfig
from ..configuration.labels import closest
from ..data.loading import Array
from ..evaluation.measurement.figures import LIKELY, STORED, Split, measure
from ..evaluation.measurement.predict import Predictor
from ..evaluation.measurement.results import MODEL, Evaluation
from ..evaluation.measurement.rows import Rows
from ..modeling_redheart import RedHeartModel
from ..readers import load_reader
from .measuring import WARM_UP, interleave, reset_peak, resident, run_in_subprocess, using_threads

BASE = "float32"
_MEMORY = (
    "import json, sys; from redheart.storage.quiet import silence_libraries; "
    "from redheart.benchmarking.sizes import measure_memory; silence_libraries(); "
    "print(json.dumps(measure_memory(**json.loads(sys.argv[1]))))"
)
# Texts whose probabilities are compared between the forms.
SENTENCES = (
    "I told my sister's secret to her fiancé, and now the wedding is off.",
    "My neighbour waters our plants whenever we are away, and never wants anything for it.",
    "He took the last seat although the old man beside him could hardly stand.",
    "I am so proud of my daughter; she gave her prize money to the shelter.",
    "We split the bill evenly, but she had only had a coffee.",
    "My boss read my messages and then asked me to apologise for them.",
    "I lied to my mother about the diagnosis because I wanted her to have one more good summer.",
    "친구의 비밀을 말해 버려서 너무 미안하다.",
)
# The figures of a form beside those of float32: measure, and the rule where a measure has several.
_SHOWN = {"average precision": None, "soft cross entropy": None, "pair accuracy": None, "mean Pearson r": None,
          "macro F1": (STORED, LIKELY), "Spearman r with the real loss": None}  # fmt: skip


@dataclass(frozen=True)
class SizeSetting:
    """What is measured.

    Attributes:
        forms: Forms to measure, of `FORMS`.
        tokens: Tokens of the text that is timed.
        threads: Threads of the timed readings.
        runs: Number of timed readings.
        rows: Units of each split that the figures are of, at most.

    Raises:
        ValueError: For an unknown form.
    """

    forms: tuple[str, ...] = FORMS
    tokens: int = 128
    threads: int = 2
    runs: int = 15
    rows: int = 1000

    def __post_init__(self) -> None:
        for form in self.forms:
            if form not in FORMS:
                raise ValueError(f"No form {form!r}; {closest(form, FORMS)}")


@dataclass
class Size:
    """One form, or one other checkpoint.

    Attributes:
        name: Name of the form or of the checkpoint.
        parameters: Number of parameters of the model.
        disk: Bytes of its weights.
        memory: Resident bytes after loading and the first reading, above those of the imports.
        peak: The most resident bytes until then.
        milliseconds: Median time of one text.
        ratio: Ratio of its time to that of float32, median of the pairs.
        emotion: Mean absolute difference of the emotion probabilities from those of float32.
        verdict: Mean total variation distance of the verdict probabilities from those of float32.
        figures: Name -> value.
    """

    name: str
    parameters: int
    disk: int
    memory: float
    peak: float
    milliseconds: float
    ratio: float
    emotion: float
    verdict: float
    figures: dict[str, float] = field(default_factory=dict)


def measure_sizes(
    source: Path,
    workdir: Path,
    setting: SizeSetting,
    others: Sequence[Path] = (),
    rows: Iterable[Rows | tuple[str, str]] = (),
    notify: Callable[[str], None] = lambda _: None,
) -> list[Size]:
    """Measure every form of a checkpoint, float32 first, and then other checkpoints.

    Args:
        source: Folder of the checkpoint.
        workdir: An empty folder, where the forms lie meanwhile.
        setting: What is measured.
        others: Folders of other checkpoints.
        rows: Splits for the figures; none = no figures. Pairs of what is missing and why are passed over.
        notify: Called with the name of each step.

    Returns:
        The sizes, in this order.
    """
    folders: dict[str, Path] = {}
    for form in dict.fromkeys((BASE, *setting.forms)):
        notify(f"making {form}")
        folders[form] = write_form(source, form, workdir / form)
    folders |= {path.name: path for path in others}
    splits = [_limited(split, setting.rows) for split in rows if isinstance(split, Rows)]
    with using_threads(setting.threads):
        base, tokenizer = load_reader(folders[BASE])
        base_predictions = Predictor(base, tokenizer).texts(SENTENCES)
        return [
            _measure(name, folder, base, base_predictions, splits, setting, notify) for name, folder in folders.items()
        ]


def _limited(split: Rows, count: int) -> Rows:
    """The split with at most ``count`` of its units, always the same ones."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(split.units))[:count])
    return replace(split, units=[split.units[place] for place in chosen.tolist()])


def _measure(
    name: str,
    folder: Path,
    base: Any,
    base_predictions: dict[str, Array],
    splits: Sequence[Rows],
    setting: SizeSetting,
    notify: Callable[[str], None],
) -> Size:
    notify(f"{name}: memory")
    memory = run_in_subprocess(_MEMORY, setting.threads, {"folder": str(folder), "tokens": setting.tokens,
                                              "threads": setting.threads})  # fmt: skip
    notify(f"{name}: time")
    reader, tokenizer = load_reader(folder)
    entries = min(base.config.vocab_size, reader.config.vocab_size)
    theirs, ours = interleave(
        partial(read, base), partial(read, reader), _ids(entries, WARM_UP + setting.runs, setting.tokens)
    )
    predictor = Predictor(reader, tokenizer)
    predictions = predictor.texts(SENTENCES)
    notify(f"{name}: figures")
    return Size(
        name,
        parameters=_parameters(reader.config),
        disk=weight_bytes(folder),
        memory=memory["memory"],
        peak=memory["peak"],
        milliseconds=median(ours),
        ratio=median(one / other for one, other in zip(ours, theirs, strict=True)),
        emotion=float(np.abs(predictions["emotion_labels"] - base_predictions["emotion_labels"]).mean()),
        verdict=float(
            np.abs(predictions["verdict_labels"] - base_predictions["verdict_labels"]).sum(axis=1).mean() / 2
        ),
        figures=_figures(predictor, splits),
    )


def _figures(predictor: Predictor, splits: Sequence[Rows]) -> dict[str, float]:
    """Figures in `_SHOWN`: set, split, output and measure -> value."""
    report = Evaluation("", 0, "")
    for split in splits:
        systems = {MODEL: predictor(split.units)}
        measure(Split(split.dataset, split.split, split.units, systems), predictor.model.config.thresholds, report)
    return {
        f"{item.dataset} {item.split}, {item.output}: {item.measure}": item.value
        for item in report.figures
        if item.measure in _SHOWN and item.rule.split(";")[0] in (_SHOWN[item.measure] or (item.rule,))
    }


def changes(item: Size, base: Size) -> list[float]:
    """How far each figure of the outputs is from that of ``base``; figures of the confidence are left out."""
    output_figures = {key: value for key, value in base.figures.items() if ", confidence." not in key}
    return [abs(item.figures.get(key, float("nan")) - value) for key, value in output_figures.items()]


def _ids(entries: int, count: int, tokens: int) -> Tensor:
    """Random token ids, ``(count, 1, tokens)``."""
    return torch.randint(entries, (count, 1, tokens), generator=torch.Generator().manual_seed(0))


def read(reader: Any, ids: Tensor) -> None:
    """Compute every output of ``ids`` (batch, tokens), with a model or an exported form of one."""
    with torch.inference_mode():
        reader(input_ids=ids, attention_mask=torch.ones_like(ids), outputs=reader.config.outputs_at("full"))


def measure_memory(folder: str, tokens: int, threads: int) -> dict[str, float]:
    """Measure loading and one reading in this process; it must be a new one, or what was loaded before is counted, too.

    Args:
        folder: Folder of the form.
        tokens: Tokens of the text.
        threads: Threads of torch.

    Returns:
        Resident bytes after it ("memory"), and the most until then ("peak"), above those of the imports.
    """
    reset_peak()
    before = resident()["VmRSS"]
    with using_threads(threads):
        reader, _ = load_reader(Path(folder))
        read(reader, _ids(reader.config.vocab_size, 1, tokens)[0])
    after = resident()
    return {"memory": after["VmRSS"] - before, "peak": after["VmHWM"] - before}


def _parameters(config: RedHeartConfig) -> int:
    with torch.device("meta"):
        return sum(value.numel() for value in RedHeartModel(config).parameters())


__all__ = ["BASE", "Size", "SizeSetting", "changes", "measure_memory", "measure_sizes", "read"]
