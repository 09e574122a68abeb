"""Learning-rate sweep: which rates train at all, with the curve and a verdict; afterwards everything is as it was.

Range test of Smith 2017 (arXiv:1506.01186): the rate grows exponentially from step to step, on the trainer's own
batches, with its optimiser and its ratios between parameter groups.

Notable: what is judged is not the loss of the batch that was just trained on, but that of a few fixed batches, the
probe, read without dropout after every step. Two training batches differ by more than a step changes either, the more
so where every batch is of another data set. On the probe each batch is compared with itself before, which also says
how sure the fall is: without several standard errors of it there is no verdict but "cannot discriminate".
"""

import math
import random
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.utils import DistributedType, send_to_device
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Sampler
from transformers import Trainer, TrainerControl, TrainerState

from ...configuration.extras import missing
from ...storage.files import write_json

# Standard errors that the fall of the probe's loss must exceed (with 8 batches, 1 % by chance).
_SIGNIFICANT = 3.0
# A fall by less than this share of the loss may be rounding.
_ROUNDING = 1e-4
# The sweep ends when the loss is this many times the first loss above its lowest.
_RISE = 3.0
# With fewer batches their standard error says little.
_SMALLEST_PROBE = 4

_Losses = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LRSweep:
    """What a sweep found.

    rates: learning rates that were tried, ascending. losses: the probe's mean loss after the step at each; smoothed:
    their moving average. start: that loss before any step. improvement: how far the smoothed loss fell at its lowest;
    spread: the standard error of that over the probe's batches. verdict: "found", "cannot discriminate" or "diverged at
    once". suggested: the rate at which the smoothed loss falls most steeply, None unless found. reason: the verdict in
    words, with its figures and the remedy. Only finite losses are listed; ``start`` is NaN when it was not finite.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    start: float
    improvement: float
    spread: float
    verdict: str
    suggested: float | None
    reason: str

    def save(self, folder: str | Path) -> None:
        """Write ``lr_sweep.json`` and the curve, ``lr_sweep.png``. Raises `ImportError` without matplotlib."""
        folder = Path(folder)
        write_json(folder / "lr_sweep.json", asdict(self))
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise missing("The curve lr_sweep.png needs matplotlib", "train") from error
        figure = Figure(figsize=(7.0, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.set(title=self.verdict, xlabel="learning rate", ylabel="loss of the probe", xscale="log")
        axes.plot(self.rates, self.losses, ".", color="0.6", label="after each step")
        axes.plot(self.rates, self.smoothed, color="tab:blue", label="smoothed")
        if math.isfinite(self.start):
            axes.axhline(self.start, color="0.6", linestyle=":", label="before any step")
            # The rise at the end would hide the fall before it.
            reach = max(self.improvement, self.spread, 0.01 * abs(self.start), 1e-9)
            axes.set_ylim(min([self.start, *self.smoothed]) - reach / 2, self.start + 2 * reach)
        if self.suggested is not None:
            axes.axvline(self.suggested, color="tab:red", label=f"suggested: {self.suggested:.2g}")
        axes.legend()
        figure.savefig(folder / "lr_sweep.png", dpi=120)


def sweep_learning_rates(
    trainer: Trainer, low: float = 1e-6, high: float = 1.0, steps: int = 60, probe: int = 8
) -> LRSweep:
    """Sweep the learning rate from ``low`` to ``high`` in ``steps`` steps of the optimiser.

    A rate is that of ``args.learning_rate`` (of ``optimizer.defaults`` where the optimiser was handed to the trainer);
    a parameter group with another one keeps its ratio to it. probe: the first so many train batches, which are kept out
    of training for the rest of the epoch and read after every step; that takes some ``probe / 3`` times as long as the
    steps. Accumulation, clipping, activation checkpointing and bf16 are as in training. Callbacks do not run.

    Afterwards, also after an exception, everything is as before, bit for bit: the model (weights, buffers, gradients,
    which parts are trained, modes, hooks), optimiser, scheduler, the trainer with its state and control, accelerate,
    and the random numbers of Python, numpy and torch on every device. Objects of a trainer's own are restored with it
    when their class is of the same package. What a data set or a collator changes when it is read is not. A copy of
    weights and optimiser lies in the memory of the CPU meanwhile.

    Raises `ValueError` for a range, steps or a probe that make no sense, for too few train batches, and for what is not
    supported: more than one process, and fp16.
    """
    _check(trainer, low, high, steps, probe)
    rates = np.geomspace(low, high, steps).tolist()
    with _restored(trainer):
        held, rest = _split(trainer, probe)
        with closing(rest):
            return judge(rates, *_run(trainer, rates, held, rest))


def judge(
    rates: Sequence[float], start: Sequence[float] | _Losses, losses: Sequence[Any], ended: str | None = None
) -> LRSweep:
    """The verdict on a curve.

    rates: all that were to be tried, ascending. start: the loss of each batch of the probe before any step, (batches,).
    losses: the same after the step at each rate that was tried, (rates, batches), finite. ended: why there are fewer of
    them than rates, or why it is well that there are no more; None when the range was exhausted.
    """
    before = np.asarray(start, dtype=np.float64)
    if len(losses) == 0:
        broken = not np.isfinite(before).all()
        remedy = "The weights or the data are damaged." if broken else "Lower `low`, or look for NaN in the data."
        mean = math.nan if broken else float(before.mean())
        return LRSweep([], [], [], mean, 0.0, 0.0, "diverged at once", None, f"{_sentence(str(ended))}. {remedy}")
    rows = np.asarray(losses, dtype=np.float64)
    smooth = _smooth(rows, len(rates) // 30)
    curve = smooth.mean(axis=1)
    falls = before - smooth[curve.argmin()]
    improvement, spread = float(falls.mean()), float(falls.std(ddof=1) / math.sqrt(len(falls)))
    verdict, suggested, reason = _verdict(rates, curve, float(before.mean()), improvement, spread, ended)
    return LRSweep(
        rates=[float(rate) for rate in rates[: len(rows)]],
        losses=rows.mean(axis=1).tolist(),
        smoothed=curve.tolist(),
        start=float(before.mean()),
        improvement=improvement,
        spread=spread,
        verdict=verdict,
        suggested=suggested,
        reason=reason,
    )


def _verdict(
    rates: Sequence[float], curve: _Losses, start: float, improvement: float, spread: float, ended: str | None
) -> tuple[str, float | None, str]:
    """Verdict, suggested rate, reason."""
    best = int(curve.argmin())
    figures = f"from {start:.4g} by {improvement:.2g} (standard error {spread:.1g})"
    end = f" {_sentence(ended)}." if ended else ""
    if not improvement > max(_SIGNIFICANT * spread, _ROUNDING * abs(start)):
        if ended and len(curve) <= max(1, len(rates) // 10):
            return "diverged at once", None, f"The loss never fell.{end} Lower `low`."
        needed = f"{_SIGNIFICANT:g} standard errors and {_ROUNDING:.0e} of the loss"
        remedy = "Take more steps, a larger probe, larger batches or another range, or nothing improves these weights."
        return "cannot discriminate", None, f"The loss fell {figures}, not by {needed}.{end} {remedy}"
    if best == 0:
        return "cannot discriminate", None, f"The loss fell {figures} at the first rate, {rates[0]:.2g}. Lower `low`."
    if ended is None and best >= len(rates) - 1 - len(rates) // 30:
        reason = f"The loss fell {figures} and was still falling at the last rate, {rates[-1]:.2g}. Raise `high`."
        return "cannot discriminate", None, reason
    slopes = np.gradient(curve, np.log(rates[: len(curve)]))[: best + 1]
    suggested = float(rates[int(slopes.argmin())])
    where = f"most steeply at {suggested:.2g}, and was lowest at {rates[best]:.2g}"
    return "found", suggested, f"The loss fell {figures}, {where}.{end}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _smooth(rows: _Losses, half: int) -> _Losses:
    """Centred mean of up to ``2 * half + 1`` rows; also at the ends as many before as after, so that nothing shifts."""
    count = len(rows)
    widths = [min(half, index, count - 1 - index) for index in range(count)]
    return np.stack([rows[index - width : index + width + 1].mean(axis=0) for index, width in enumerate(widths)])


def _check(trainer: Trainer, low: float, high: float, steps: int, probe: int) -> None:
    if not 0 < low < high < math.inf:
        raise ValueError(f"The rates must be 0 < `low` < `high`, got {low} and {high}.")
    if steps < 10:
        raise ValueError(f"`steps` must be 10 or more to show a curve, got {steps}.")
    if probe < _SMALLEST_PROBE:
        raise ValueError(f"`probe` must be {_SMALLEST_PROBE} batches or more to tell a fall from chance, got {probe}.")
    if trainer.accelerator.distributed_type != DistributedType.NO:
        raise ValueError(f"A sweep runs in one process, not in {trainer.accelerator.distributed_type.value}.")
    if trainer.accelerator.scaler is not None:
        raise ValueError("A sweep does not scale the loss, as fp16 needs; sweep with bf16 or in float32.")


def _split(trainer: Trainer, probe: int) -> tuple[list[Any], Generator[Any, None, None]]:
    """The batches of the probe, and the batches to train on: the rest of the epoch, then further epochs."""
    loader = trainer.get_train_dataloader()
    epoch = iter(loader)
    held = list(islice(epoch, probe))
    if len(held) < probe:
        raise ValueError(
            f"The probe takes {probe} batches, and an epoch has {len(held)}: make `probe` or the batches smaller."
        )

    def rest() -> Generator[Any, None, None]:
        yield from epoch
        while True:
            empty = True
            for batch in loader:
                empty = False
                yield batch
            if empty:
                raise ValueError("The train data could be read only once, and ended before the sweep did.")

    return held, rest()


def _run(
    trainer: Trainer, rates: Sequence[float], held: Sequence[Any], rest: Iterator[Any]
) -> tuple[_Losses, list[_Losses], str | None]:
    """The losses of the probe before, (batches,), and after the step at each rate, and why the sweep ended early."""
    model = _prepared(trainer)
    optimizer = _bare(trainer.create_optimizer())
    base = float(optimizer.defaults["lr"])
    if not base > 0:
        raise ValueError(f"The optimiser's learning rate is {base}; set one above 0, which groups have a ratio to.")
    ratios = [float(group.get("initial_lr", group["lr"])) / base for group in optimizer.param_groups]
    start = _read(trainer, model, held)
    losses: list[_Losses] = []
    if not np.isfinite(start).all():
        return start, losses, f"the loss is {start.mean()} before any step"
    lowest, limit = start.mean(), _RISE * max(abs(start.mean()), start.std())
    for rate in rates:
        for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
            group["lr"] = rate * ratio
        trained = _step(trainer, model, optimizer, rest)
        if not math.isfinite(trained):
            return start, losses, f"the loss of a training batch was {trained} before the step at {rate:.2g}"
        after = _read(trainer, model, held)
        if not np.isfinite(after).all():
            return start, losses, f"the loss was {after.mean()} after the step at {rate:.2g}"
        losses.append(after)
        lowest = min(lowest, after.mean())
        if after.mean() - lowest > limit:
            return start, losses, f"the loss had risen to {after.mean():.3g} at {rate:.2g}"
    return start, losses, None


def _prepared(trainer: Trainer) -> nn.Module:
    """The model as it is trained: autocast around its forward, and activation checkpointing."""
    model: Any = trainer.model
    if trainer.args.activation_checkpointing:
        given: Any = trainer.args.activation_checkpointing_kwargs
        options = dict(given or {})
        own = {name: options.pop(name) for name in ("every_n_layers", "offload") if name in options}
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=options or None, **own)
    prepared: nn.Module = trainer.accelerator.prepare_model(model, device_placement=False, evaluation_mode=True)
    return prepared


def _bare(optimizer: Any) -> Optimizer:
    """The optimiser in accelerate's wrapper, which it has once the trainer has trained."""
    bare: Optimizer = getattr(optimizer, "optimizer", optimizer)
    return bare


def _step(trainer: Trainer, model: nn.Module, optimizer: Optimizer, batches: Iterator[Any]) -> float:
    """One update, as the trainer makes it; returns the loss of its batches."""
    samples, items = trainer.get_batch_samples(batches, trainer.args.gradient_accumulation_steps, trainer.args.device)
    trainer.current_gradient_accumulation_steps = len(samples)
    model.zero_grad()
    loss = 0.0
    for number, batch in enumerate(samples, 1):
        trainer.accelerator.gradient_state.sync_gradients = number == len(samples)
        loss += float(trainer.training_step(model, dict(batch), items))
    if trainer.args.max_grad_norm:
        nn.utils.clip_grad_norm_(model.parameters(), trainer.args.max_grad_norm)
    optimizer.step()
    trainer.state.global_step += 1
    return loss


@torch.no_grad()
def _read(trainer: Trainer, model: nn.Module, batches: Sequence[Any]) -> _Losses:
    """The loss of each batch of the probe, (batches,)."""
    model.eval()
    moved = (send_to_device(dict(batch), trainer.args.device) for batch in batches)
    losses: list[Any] = [trainer.compute_loss(model, batch) for batch in moved]
    return np.array([float(loss) for loss in losses])


@contextmanager
def _restored(trainer: Trainer) -> Iterator[None]:
    """Put back what a sweep changes."""
    keep = _Memory(trainer)
    model: Any = trainer.model
    accelerator = trainer.accelerator
    for owner in (trainer, accelerator, accelerator.gradient_state, *model.modules()):
        keep.remember(vars(owner))
    python, numbers, state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        keep.put_back()
        random.setstate(python)
        np.random.set_state(numbers)
        torch.set_rng_state(state)
        torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)


class _Memory:
    """Remembers what is in objects and puts it back; the objects themselves stay the same.

    It looks into tensors, arrays, generators and containers, and into the attributes of optimisers, schedulers,
    samplers and the trainer's own objects, those of its package. Of anything else it keeps the reference.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._undo: list[Callable[[], Any]] = []
        # The data sets may be large, and are not the trainer's to change.
        self._seen: dict[int, Any] = {id(data): data for data in (trainer.train_dataset, trainer.eval_dataset)}
        self._packages = {_package(kind) for kind in type(trainer).__mro__} - {"builtins", "transformers"}

    def put_back(self) -> None:
        """Bring everything back to what it was when it was remembered."""
        for undo in self._undo:
            undo()

    def remember(self, value: Any) -> None:
        """Remember ``value`` and all that is in it."""
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self._remember_tensor(value)
        elif isinstance(value, dict):
            entries = dict(value)
            self._undo += [value.clear, lambda: value.update(entries)]
            self._remember_all(entries.values())
        elif isinstance(value, list):
            items = list(value)
            self._undo += [value.clear, lambda: value.extend(items)]
            self._remember_all(items)
        elif isinstance(value, set):
            members = set(value)
            self._undo += [value.clear, lambda: value.update(members)]
        elif isinstance(value, tuple):
            self._remember_all(value)
        elif isinstance(value, np.ndarray):
            array = value.copy()
            self._undo.append(lambda: np.copyto(value, array))
        elif isinstance(value, torch.Generator):
            state = value.get_state()
            self._undo.append(lambda: value.set_state(state))
        elif self._is_open(value):
            self.remember(vars(value))

    def _remember_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.remember(value)

    def _remember_tensor(self, value: Tensor) -> None:
        saved, trained = value.detach().to("cpu", copy=True), value.requires_grad
        gradient = value.grad if value.is_leaf else None
        if gradient is not None:
            self.remember(gradient)

        def undo() -> None:
            with torch.no_grad():
                value.copy_(saved)
            if value.is_leaf:
                value.requires_grad_(trained)
                value.grad = gradient

        self._undo.append(undo)

    def _is_open(self, value: Any) -> bool:
        if isinstance(value, (type, nn.Module, DataLoader)) or not hasattr(value, "__dict__"):
            return False
        open_kinds = (Optimizer, LRScheduler, Sampler, TrainerState, TrainerControl)
        return isinstance(value, open_kinds) or _package(type(value)) in self._packages


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


__all__ = ["LRSweep", "judge", "sweep_learning_rates"]
