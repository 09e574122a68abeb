"""What `redheart bench` measures: a preset beside a plain encoder of the same size, and beside its aims.

Notable: both models are measured in one run, in turn, so that a busy machine disturbs both alike and their ratio stays
true; standard output holds the table and nothing else.
"""

import errno
import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from ..configuration import RedHeartConfig
from ..modeling_redheart import RedHeartModel
from ..storage.create import DTYPES, create_checkpoint
from .measuring import (
    SAME_SIZE,
    WARM_UP,
    ImportTime,
    Latency,
    Load,
    Setting,
    forward,
    interleave,
    load,
    machine_facts,
    measure_imports,
    measure_loads,
    plain_encoder,
    plain_slots,
    resident,
    summary,
    texts,
    using_threads,
    write_plain,
)

if TYPE_CHECKING:
    from rich.console import Console
    from transformers import BertConfig

# Configs, code, tokenizer and headers of both checkpoints, and what a file system keeps for itself.
_OTHER_BYTES = 50_000_000
_TABLE_WIDTH = 80
_Notify = Callable[[str], None]


@dataclass(frozen=True)
class Aim:
    """The most that a figure of redheart-730m may be at the default setting.

    Attributes:
        limit: Highest value that meets the aim.
        unit: Unit, as it is written after the number.
        dtype: The dtype that the aim is for; None = every one.
        reason: Why the aim was set.
    """

    limit: float
    unit: str
    dtype: str | None
    reason: str


AIMS: dict[str, Aim] = {
    "p50": Aim(500.0, " ms", "float32", "the answer to a text that was just written comes without a felt wait"),
    "ratio": Aim(0.35, "", None, "most modules read a few latents instead of every token, and must gain by it"),
    "peak": Aim(1.15, "x", "float32", "a machine that can hold the weights must be able to load them"),
    "import": Aim(1.0, " s", None, "a command is also started for a single text"),
}


@dataclass(frozen=True)
class Judgement:
    """A figure beside its aim.

    Attributes:
        aim: Name of the aim, of `AIMS`.
        dtype: The dtype that was measured; None where there is none.
        figure: What was measured.
        limit: Highest value that meets the aim.
        unit: Unit, as it is written after the number.
        met: Whether the figure meets the aim.
        margin: The share of the limit that is left, below 0 where the aim is missed.
        reason: Why the aim was set.
    """

    aim: str
    dtype: str | None
    figure: float
    limit: float
    unit: str
    met: bool
    margin: float
    reason: str

    def __str__(self) -> str:
        return f"{'met' if self.met else 'missed'} by {abs(self.margin):.0%} ({self.limit:g}{self.unit})"


@dataclass(frozen=True)
class Figures:
    """One model in one dtype.

    Attributes:
        latency: Time of a forward.
        load: Time and memory of loading and the first forward.
        peak_ratio: Peak memory of loading and the first forward, as a multiple of the weights.
    """

    latency: Latency
    load: Load
    peak_ratio: float


@dataclass(frozen=True)
class Comparison:
    """Both models in one dtype.

    Attributes:
        redheart: Figures of the preset.
        plain: Figures of the plain encoder.
        ratio: Ratio of the medians, the preset's to the plain encoder's.
        paired_ratio: Median of the ratio of each pair of runs.
    """

    redheart: Figures
    plain: Figures
    ratio: float
    paired_ratio: float


@dataclass(frozen=True)
class Report:
    """Everything that was measured; its `asdict` is what ``--json`` writes.

    Attributes:
        setting: Fields of the `Setting`.
        machine: Facts of the machine, of `machine_facts`.
        parameters: Number of parameters of the preset.
        plain: Name, shape and number of parameters of the plain encoder.
        dtypes: Dtype -> both models.
        imports: Time of the imports.
        aims: Figures beside their aims; empty where the setting is not the one of the aims.
    """

    setting: dict[str, Any]
    machine: dict[str, Any]
    parameters: int
    plain: dict[str, Any]
    dtypes: dict[str, Comparison]
    imports: ImportTime
    aims: list[Judgement]


def run_benchmark(setting: Setting, workdir: Path | None = None, notify: _Notify = lambda _: None) -> Report:
    """Measure a preset beside a plain encoder of the same size.

    Args:
        setting: What to measure.
        workdir: Where the weights lie meanwhile, by default the system's temporary folder.
        notify: Called with the name of each step.

    Returns:
        Everything that was measured.

    Raises:
        OSError: Where the disk is too small for both models, or the system is not Linux.
    """
    resident()
    config = RedHeartConfig.from_preset(setting.preset)
    with torch.device("meta"):
        count = sum(value.numel() for value in RedHeartModel(config).parameters())
    plain_config = plain_encoder(setting.preset, config.vocab_size, positions=max(512, setting.tokens))
    largest = max(DTYPES[dtype].itemsize for dtype in setting.dtypes)
    _check_disk(workdir or Path(tempfile.gettempdir()), int((2 + SAME_SIZE) * count * largest) + _OTHER_BYTES)
    machine = machine_facts()
    notify("importing")
    imports = measure_imports(setting)
    with using_threads(setting.threads):
        compared = {dtype: _measure_dtype(setting, dtype, plain_config, workdir, notify) for dtype in setting.dtypes}
    plain = {
        "name": "BERT",
        "layers": plain_config.num_hidden_layers,
        "width": plain_config.hidden_size,
        "intermediate": plain_config.intermediate_size,
        "heads": plain_config.num_attention_heads,
        "vocab_size": plain_config.vocab_size,
        "parameters": sum(slot.numel for slot in plain_slots(plain_config).values()),
    }
    options = {**asdict(setting), "dtypes": list(setting.dtypes)}
    return Report(options, machine, count, plain, compared, imports, judge(setting, compared, imports))


def compare(ours: tuple[list[float], Load], plain: tuple[list[float], Load]) -> Comparison:
    """Return the figures of both models, from the times of their paired runs and their loading."""
    redheart_figures, plain_figures = (
        Figures(summary(times), loaded, loaded.peak_ratio) for times, loaded in (ours, plain)
    )
    pairs = median(one / other for one, other in zip(ours[0], plain[0], strict=True))
    return Comparison(
        redheart_figures,
        plain_figures,
        ratio=redheart_figures.latency.p50 / plain_figures.latency.p50,
        paired_ratio=pairs,
    )


def judge(setting: Setting, compared: dict[str, Comparison], imports: ImportTime) -> list[Judgement]:
    """Return the figures beside their aims; none where the setting is not the one that the aims are for."""
    default = Setting()
    if any(
        getattr(setting, name) != getattr(default, name) for name in ("preset", "tokens", "batch", "threads", "depth")
    ):
        return []
    figures: list[tuple[str, str | None, float]] = [("import", None, imports.above)]
    for dtype, both in compared.items():
        figures += [
            ("p50", dtype, both.redheart.latency.p50),
            ("ratio", dtype, both.ratio),
            ("peak", dtype, both.redheart.peak_ratio),
        ]
    return [
        Judgement(name, dtype, figure, aim.limit, aim.unit, figure <= aim.limit, 1 - figure / aim.limit, aim.reason)
        for name, dtype, figure in figures
        if (aim := AIMS[name]).dtype in (None, dtype)
    ]


def _check_disk(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f"The weights of both models take {needed / 1e9:.1f} GB in {place}, where {free / 1e9:.1f} GB are free; "
            "give a folder on a larger disk (--workdir)",
        )


def _measure_dtype(
    setting: Setting, dtype: str, plain_config: "BertConfig", workdir: Path | None, notify: _Notify
) -> Comparison:
    with tempfile.TemporaryDirectory(prefix="redheart-bench-", dir=workdir) as place:
        folders = {False: str(Path(place, "redheart")), True: str(Path(place, "plain"))}
        notify(f"{dtype}: making weights")
        create_checkpoint(setting.preset, Path(folders[False]), dtype=dtype)
        write_plain(Path(folders[True]), plain_config, DTYPES[dtype])
        notify(f"{dtype}: loading")
        loads = measure_loads(folders, dtype, setting)
        notify(f"{dtype}: reading")
        times = _read_in_turn(folders, dtype, setting, plain_config.vocab_size)
        gc.collect()  # releases the mapped files of the models, which would otherwise still take space on the disk
    return compare((times[0], loads[False]), (times[1], loads[True]))


def _read_in_turn(
    folders: dict[bool, str], dtype: str, setting: Setting, vocab_size: int
) -> tuple[list[float], list[float]]:
    ours = partial(forward, load(folders[False], False, dtype), {"depth": setting.depth})
    plain = partial(forward, load(folders[True], True, dtype), {})
    return interleave(ours, plain, texts(setting, WARM_UP + setting.runs, vocab_size))


def render(report: Report, console: "Console") -> None:
    """Print the report as one table, with the machine below it."""
    from rich.table import Table

    setting, plain, machine = report.setting, report.plain, report.machine
    size = f"{plain['layers']} layers of {plain['width']}, {plain['parameters'] / 1e6:,.1f} M parameters"
    title = (
        f"{setting['preset']} ({report.parameters / 1e6:,.1f} M parameters) beside a plain encoder",
        f"({plain['name']}, {size})",
        f"batch {setting['batch']}, {setting['tokens']} tokens, depth {setting['depth']}, {setting['runs']} pairs",
    )
    caption = (
        "Memory: resident, above that of the imports; GB are 10^9 bytes, x multiples of",
        f"the weights. {machine['cpu']}, {machine['cores']} cores, {setting['threads']} threads, load "
        f"{machine['load_average']:.1f} before; torch {machine['torch']}, transformers {machine['transformers']}.",
    )
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        min_width=_TABLE_WIDTH,
        title="\n".join(title),
        caption=" ".join(caption),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    for name in (setting["preset"], "plain"):
        table.add_column(name, justify="right")
    table.add_column("aim" if report.aims else "")
    for row in _rows(report):
        table.add_row(*row, style="bold" if len(row) == 1 else "")
    console.print(table, width=max(console.width, _TABLE_WIDTH))


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The rows of the table: name, ours, plain, aim; a heading has its name alone."""
    aims = {(judged.aim, judged.dtype): str(judged) for judged in report.aims}
    for dtype, both in report.dtypes.items():
        sides = (both.redheart, both.plain)
        yield (dtype,)
        yield ("  p50", *(_milliseconds(side.latency.p50) for side in sides), aims.get(("p50", dtype), ""))
        yield ("  p10", *(_milliseconds(side.latency.p10) for side in sides), "")
        yield ("  p90", *(_milliseconds(side.latency.p90) for side in sides), "")
        yield ("  ratio of the p50", f"{both.ratio:.3f}", "", aims.get(("ratio", dtype), ""))
        yield ("  from_pretrained", *(f"{side.load.seconds:.2f} s" for side in sides), "")
        yield ("  weights", *(f"{side.load.weights_bytes / 1e9:.2f} GB" for side in sides), "")
        yield ("  memory when loaded", *(_memory(side, side.load.after_load_bytes) for side in sides), "")
        yield ("    peak until then", *(_memory(side, side.load.load_peak_bytes) for side in sides), "")
        yield ("  after first forward", *(_memory(side, side.load.after_forward_bytes) for side in sides), "")
        yield ("    of it mapped files", *(_memory(side, side.load.after_forward_mapped_bytes) for side in sides), "")
        peak = aims.get(("peak", dtype), "")
        yield ("    peak until then", *(_memory(side, side.load.peak_bytes) for side in sides), peak)
    yield ("import",)
    yield ("  torch, transformers", f"{report.imports.transformers:.2f} s", "", "")
    yield ("  redheart above them", f"{report.imports.above:.2f} s", "", aims.get(("import", None), ""))


def _milliseconds(time: float) -> str:
    return f"{time:,.0f} ms" if time >= 100 else f"{time:.1f} ms"


def _memory(side: Figures, size: float) -> str:
    return f"{size / 1e9:.2f} GB, {size / side.load.weights_bytes:.2f}x"


__all__ = [
    "AIMS",
    "Aim",
    "Comparison",
    "Figures",
    "Judgement",
    "Report",
    "compare",
    "judge",
    "render",
    "run_benchmark",
]
