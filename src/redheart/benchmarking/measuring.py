"""How `redheart bench` measures: the plain encoder to compare with, time in turn, memory in new processes.

Notable: files are mapped, so loading reads next to nothing and the weights become resident memory with the first
forward; both moments are measured. Resident memory is counted above that of the process after its imports.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import Tensor

from ..configuration import RedHeartConfig, preset_names
from ..configuration.inputs import check_depth
from ..configuration.labels import closest
from ..configuration.shipped import PACKAGE
from ..modeling_redheart import RedHeartModel
from ..storage.create import DTYPES
from ..storage.weights import Slot, write_weights
from ..version import __version__

if TYPE_CHECKING:
    from transformers import BertConfig

# How far the plain encoder's number of parameters may be from the preset's, as a share.
SAME_SIZE = 0.01
WARM_UP = 3

# Preset -> width, layers and feed-forward width of a BERT encoder with as many parameters, in the proportions of BERT
# large (Devlin et al. 2019, arXiv:1810.04805): 24 layers of width 1024, feed-forward of 4 widths.
_PLAIN_SHAPES = {
    "redheart-730m": (1344, 32, 5632),
    "redheart-330m": (1024, 24, 4416),
    "redheart-100m": (704, 16, 2240),
    "redheart-mini": (384, 9, 2040),
    "redheart-tiny": (48, 1, 504),
}
_HEAD_DIM = 64

_IMPORT = """
import json, time
start = time.perf_counter()
import torch
from transformers import AutoModel, PreTrainedModel
between = time.perf_counter()
import redheart
print(json.dumps([between - start, time.perf_counter() - between]))
"""
_LOAD = (
    "import json, sys; from redheart.storage.quiet import silence_libraries; "
    "from redheart.benchmarking.measuring import measure_load; silence_libraries(); "
    "print(json.dumps(measure_load(**json.loads(sys.argv[1]))))"
)


@dataclass(frozen=True)
class Setting:
    """What to measure.

    Attributes:
        preset: Name of a preset.
        tokens: Tokens of each text, at most what the preset reads.
        batch: Texts in a batch.
        threads: Threads of torch.
        runs: Timed pairs of runs.
        depth: Depth of the reading.
        dtypes: Dtypes in which both models are measured.
        loads: New processes per model and dtype.
        imports: New processes per import.

    Raises:
        ValueError: For an unknown preset, depth or dtype, a number below 1, and more tokens than the preset reads.
    """

    preset: str = "redheart-730m"
    tokens: int = 128
    batch: int = 1
    threads: int = 2
    runs: int = 15
    depth: str = "full"
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    loads: int = 3
    imports: int = 5

    def __post_init__(self) -> None:
        if self.preset not in preset_names():
            raise ValueError(f"No preset {self.preset!r}; {closest(self.preset, preset_names())}")
        check_depth(self.depth)
        for dtype in self.dtypes:
            if dtype not in DTYPES:
                raise ValueError(f"No dtype {dtype!r}; {closest(dtype, DTYPES)}")
        for name in ("tokens", "batch", "threads", "runs", "loads", "imports"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        longest = RedHeartConfig.from_preset(self.preset).longest_text
        if self.tokens > longest:
            raise ValueError(f"{self.preset} reads at most {longest} tokens, got {self.tokens}.")


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a forward: percentiles, and every run in order."""

    p10: float
    p50: float
    p90: float
    runs: list[float]


@dataclass(frozen=True)
class Load:
    """`from_pretrained` and the first forward in a new process; resident bytes are above ``baseline_bytes``.

    Attributes:
        seconds: Time of `from_pretrained`.
        first_forward_seconds: Time of the first forward.
        weights_bytes: Size of parameters and buffers.
        baseline_bytes: Resident memory after the imports.
        after_load_bytes: Resident memory after loading.
        load_peak_bytes: Peak of resident memory until then.
        after_forward_bytes: Resident memory after the first forward.
        after_forward_mapped_bytes: The part that is pages of files, which the system can take back.
        peak_bytes: Peak of loading and the first forward together.
    """

    seconds: float
    first_forward_seconds: float
    weights_bytes: float
    baseline_bytes: float
    after_load_bytes: float
    load_peak_bytes: float
    after_forward_bytes: float
    after_forward_mapped_bytes: float
    peak_bytes: float

    @property
    def peak_ratio(self) -> float:
        """The peak as a multiple of the weights."""
        return self.peak_bytes / self.weights_bytes


@dataclass(frozen=True)
class ImportTime:
    """Seconds: torch with transformers' own classes, what `import redheart` takes above them, and both together."""

    transformers: float
    above: float
    redheart: float


def plain_encoder(preset: str, vocab_size: int, positions: int = 512) -> "BertConfig":
    """The config of a BERT encoder without pooler, with the preset's number of parameters, up to `SAME_SIZE`.

    BERT because it is the plainest: there is little beside products of matrices to spend time on.

    Args:
        preset: Name of a preset.
        vocab_size: The preset's size of the vocabulary.
        positions: Longest text in tokens, 512 or up to four times as many.

    Returns:
        The config.
    """
    from transformers import BertConfig

    width, layers, inner = _PLAIN_SHAPES[preset]
    return BertConfig(
        vocab_size=vocab_size,
        max_position_embeddings=positions,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(width // _HEAD_DIM, 1),
        intermediate_size=inner,
    )


def plain_slots(config: "BertConfig", dtype: torch.dtype = torch.float32) -> dict[str, Slot]:
    """Return the name and place of the weights of the plain encoder."""
    from transformers import BertModel

    with torch.device("meta"):
        state = BertModel(config, add_pooling_layer=False).state_dict()
    return {name: Slot(tuple(value.shape), dtype) for name, value in state.items()}


def write_plain(folder: Path, config: "BertConfig", dtype: torch.dtype) -> None:
    """Write a checkpoint of the plain encoder with random weights, in files laid out and aligned like ours."""

    def tensors() -> Iterator[tuple[str, Tensor]]:
        random = torch.Generator().manual_seed(0)
        for name, slot in slots.items():
            if len(slot.shape) > 1:
                yield name, torch.randn(slot.shape, generator=random) * config.initializer_range
            else:
                yield name, torch.full(slot.shape, float(name.endswith("LayerNorm.weight")))

    slots = plain_slots(config, dtype)
    folder.mkdir()
    config.dtype = dtype
    config.save_pretrained(folder)
    write_weights(folder, slots, tensors())


def load(folder: str, plain: bool, dtype: str) -> Any:
    """Load the plain encoder or ours, in evaluation mode, with sdpa attention."""
    options: dict[str, Any] = {"dtype": DTYPES[dtype], "attn_implementation": "sdpa"}
    if plain:
        from transformers import BertModel

        return BertModel.from_pretrained(folder, add_pooling_layer=False, **options).eval()
    return RedHeartModel.from_pretrained(folder, **options).eval()


def texts(setting: Setting, count: int, vocab_size: int) -> Tensor:
    """Random token ids, ``(count, batch, tokens)``."""
    shape = (count, setting.batch, setting.tokens)
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(0))


def forward(model: Any, options: dict[str, Any], ids: Tensor) -> None:
    """Run the model on ``ids`` (batch, tokens)."""
    with torch.inference_mode():
        model(input_ids=ids, attention_mask=torch.ones_like(ids), **options)


def measure_load(folder: str, plain: bool, dtype: str, setting: dict[str, Any]) -> dict[str, float]:
    """The fields of `Load` for one checkpoint. In a new process; or else what was loaded before is counted, too."""
    if plain:
        from transformers import BertModel  # noqa: F401 - code is not to count as weights
    chosen = Setting(**setting)
    reset_peak()
    with using_threads(chosen.threads):
        base = resident()
        start = time.perf_counter()
        model = load(folder, plain, dtype)
        loaded_in, loaded = time.perf_counter() - start, resident()
        ids = texts(chosen, 1, model.config.vocab_size)[0]
        start = time.perf_counter()
        forward(model, {} if plain else {"depth": chosen.depth}, ids)
        ran_in, ran = time.perf_counter() - start, resident()
    figures = Load(
        seconds=loaded_in,
        first_forward_seconds=ran_in,
        weights_bytes=sum(tensor.nbytes for tensor in chain(model.parameters(), model.buffers())),
        baseline_bytes=base["VmRSS"],
        after_load_bytes=loaded["VmRSS"] - base["VmRSS"],
        load_peak_bytes=loaded["VmHWM"] - base["VmRSS"],
        after_forward_bytes=ran["VmRSS"] - base["VmRSS"],
        after_forward_mapped_bytes=ran["RssFile"] - base["RssFile"],
        peak_bytes=ran["VmHWM"] - base["VmRSS"],
    )
    return asdict(figures)


def reset_peak() -> None:
    """Reset the peak of resident memory; where this is not allowed, none is below that of the imports."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def resident() -> dict[str, int]:
    """Read the resident memory of this process.

    Not with psutil: on Linux it has neither the peak nor a way to reset it.

    Returns:
        Bytes: now (VmRSS), at most so far (VmHWM), pages of files (RssFile).

    Raises:
        OSError: Where there is no /proc/self/status, which only Linux has.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise OSError("The benchmark reads memory from /proc/self/status, which only Linux has.") from error
    found = (line.split() for line in lines)
    return {words[0].rstrip(":"): 1024 * int(words[1]) for words in found if words[0].startswith(("Vm", "Rss"))}


def measure_loads(folders: dict[bool, str], dtype: str, setting: Setting) -> dict[bool, Load]:
    """Measure loading of ours (False) and of the plain encoder (True): medians over new processes, which take turns."""
    measured: dict[bool, list[dict[str, float]]] = {plain: [] for plain in folders}
    for _ in range(setting.loads):
        for plain, folder in folders.items():
            options = {"folder": folder, "plain": plain, "dtype": dtype, "setting": asdict(setting)}
            measured[plain].append(run_in_subprocess(_LOAD, setting.threads, options))
    return {
        plain: Load(**{name: median(one[name] for one in every) for name in every[0]})
        for plain, every in measured.items()
    }


def measure_imports(setting: Setting) -> ImportTime:
    """Medians over new processes, each of which imports both, one after the other."""
    pairs = [run_in_subprocess(_IMPORT, setting.threads) for _ in range(setting.imports)]
    theirs, above = zip(*pairs, strict=True)
    return ImportTime(median(theirs), median(above), median(map(sum, pairs)))


def interleave(
    first: Callable[[Tensor], None], second: Callable[[Tensor], None], inputs: Iterable[Tensor], warm_up: int = WARM_UP
) -> tuple[list[float], list[float]]:
    """Milliseconds of each on every input, in turn: first, second, first, ... Without the first ``warm_up`` pairs."""
    times: tuple[list[float], list[float]] = ([], [])
    for given in inputs:
        for run, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            run(given)
            kept.append(1000 * (time.perf_counter() - start))
    return times[0][warm_up:], times[1][warm_up:]


def summary(times: list[float]) -> Latency:
    """Return the percentiles of ``times``."""
    p10, p50, p90 = (float(value) for value in np.percentile(times, (10, 50, 90)))
    return Latency(p10, p50, p90, times)


def run_in_subprocess(code: str, thread_count: int, options: dict[str, Any] | None = None) -> Any:
    """Run ``code`` in a new Python process, with ``options`` as its argument, and return the JSON that it prints."""
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    extra = {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(thread_count), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-P", "-c", code, json.dumps(options)]
    result = subprocess.run(command, env={**os.environ, **extra}, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"A measuring process ended with {result.returncode}: {result.stderr.strip()[-500:]}")
    return json.loads(result.stdout.splitlines()[-1])


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads in this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def machine_facts() -> dict[str, Any]:
    """Return what the figures depend on, and nothing that names the machine."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "redheart": __version__,
    }


__all__ = [
    "SAME_SIZE",
    "WARM_UP",
    "ImportTime",
    "Latency",
    "Load",
    "Setting",
    "forward",
    "interleave",
    "load",
    "machine_facts",
    "measure_imports",
    "measure_load",
    "measure_loads",
    "plain_encoder",
    "plain_slots",
    "reset_peak",
    "resident",
    "run_in_subprocess",
    "summary",
    "texts",
    "using_threads",
    "write_plain",
]
