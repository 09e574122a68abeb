"""What `redheart sizes` measures: each form of a model on disk, in memory, in time, and by its figures.

Notable: a form is read with in turn with float32 in one process, so that a busy machine disturbs both alike; memory is
that of a fresh process above its imports; figures are of the same rows for every form.
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
from .measuring import WARM_UP, forget_peak, fresh, interleave, resident, using_threads

BASE = "float32"
_MEMORY = (
    "import json, sys; from redheart.storage.quiet import silence_libraries; "
    "from redheart.benchmarking.sizes import measure_memory; silence_libraries(); "
    "print(json.dumps(measure_memory(**json.loads(sys.argv[1]))))"
)
# What forms are compared on where no rows are given.
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

    forms: of `FORMS`. tokens, threads, runs: of the timed readings of one text. rows: units of each split, for the
    figures. Raises `ValueError` for an unknown form.
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

    parameters: of the model. disk: bytes of its weights. memory: resident bytes after loading and the first reading,
    above those of the imports; peak: the most until then. milliseconds: median of one text. ratio: of its time to that
    of float32, median of the pairs. emotion, verdict: how far probabilities are from those of float32: mean absolute
    difference, and mean total variation distance. figures: name -> value.
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
    say: Callable[[str], None] = lambda _: None,
) -> list[Size]:
    """Measure every form of the checkpoint in ``source``, float32 first, and then the ``others``, other checkpoints.

    workdir: an empty folder, where the forms lie meanwhile. rows: splits for the figures; none = no figures.
    say: is told the step.
    """
    folders: dict[str, Path] = {}
    for form in dict.fromkeys((BASE, *setting.forms)):
        say(f"making {form}")
        folders[form] = write_form(source, form, workdir / form)
    folders |= {path.name: path for path in others}
    splits = [_part(split, setting.rows) for split in rows if isinstance(split, Rows)]
    with using_threads(setting.threads):
        base, tokenizer = load_reader(folders[BASE])
        said = Predictor(base, tokenizer).texts(SENTENCES)
        return [_measure(name, folder, base, said, splits, setting, say) for name, folder in folders.items()]


def _part(split: Rows, count: int) -> Rows:
    """The split with at most ``count`` of its units, always the same ones."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(split.units))[:count])
    return replace(split, units=[split.units[place] for place in chosen.tolist()])


def _measure(
    name: str,
    folder: Path,
    base: Any,
    said: dict[str, Array],
    splits: Sequence[Rows],
    setting: SizeSetting,
    say: Callable[[str], None],
) -> Size:
    say(f"{name}: memory")
    memory = fresh(_MEMORY, setting.threads, {"folder": str(folder), "tokens": setting.tokens,
                                              "threads": setting.threads})  # fmt: skip
    say(f"{name}: time")
    reader, tokenizer = load_reader(folder)
    entries = min(base.config.vocab_size, reader.config.vocab_size)
    theirs, ours = interleave(
        partial(read, base), partial(read, reader), _ids(entries, WARM_UP + setting.runs, setting.tokens)
    )
    predictor = Predictor(reader, tokenizer)
    other = predictor.texts(SENTENCES)
    say(f"{name}: figures")
    return Size(
        name,
        parameters=_parameters(reader.config),
        disk=weight_bytes(folder),
        memory=memory["memory"],
        peak=memory["peak"],
        milliseconds=median(ours),
        ratio=median(one / other for one, other in zip(ours, theirs, strict=True)),
        emotion=float(np.abs(other["emotion_labels"] - said["emotion_labels"]).mean()),
        verdict=float(np.abs(other["verdict_labels"] - said["verdict_labels"]).sum(axis=1).mean() / 2),
        figures=_figures(predictor, splits),
    )


def _figures(predictor: Predictor, splits: Sequence[Rows]) -> dict[str, float]:
    """Set, split, output and measure -> value, of the figures in `_SHOWN`."""
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
    """How far each figure of what the model says is from that of ``base``; figures of its confidence are left out."""
    said = {key: value for key, value in base.figures.items() if ", confidence." not in key}
    return [abs(item.figures.get(key, float("nan")) - value) for key, value in said.items()]


def _ids(entries: int, count: int, tokens: int) -> Tensor:
    """Random token ids, (count, 1, tokens)."""
    return torch.randint(entries, (count, 1, tokens), generator=torch.Generator().manual_seed(0))


def read(reader: Any, ids: Tensor) -> None:
    """Everything of ``ids`` (batch, tokens), with a model or what reads like one."""
    with torch.inference_mode():
        reader(input_ids=ids, attention_mask=torch.ones_like(ids), outputs=reader.config.outputs_at("full"))


def measure_memory(folder: str, tokens: int, threads: int) -> dict[str, float]:
    """Resident bytes after loading and reading once, and the most until then, above those of the imports.

    In a fresh process; or else what was loaded before is counted, too.
    """
    forget_peak()
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
