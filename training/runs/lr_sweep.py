"""Learning-rate sweep: which rates train at all, with the curve and a verdict; afterwards everything is as it was.

Range test of Smith 2017 (arXiv:1506.01186): the rate grows exponentially from step to step, on the trainer's own
batches, with its optimiser and its ratios between parameter groups.

Notable: the verdict is not about the loss of the batch that was just trained on, but about that of a few fixed batches,
the probe, evaluated without dropout after every step. Two training batches differ by more than a step changes either,
especially where every batch is of another data set. On the probe each batch is compared with its own earlier loss,
which also gives the standard error of the fall: unless the fall is several standard errors, the verdict is "cannot
discriminate".
"""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy, deepcopy
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.utils import DistributedType, send_to_device
from torch import nn
from torch.optim import Optimizer
from transformers import Trainer

from ...configuration.extras import missing
from ...storage.files import write_json
from ..trainers.out_of_memory import RandomState

# Standard errors that the fall of the probe's loss must exceed (with 8 batches, 1 % by chance).
_SIGNIFICANT = 3.0
# A fall by less than this share of the loss may be rounding.
_ROUNDING = 1e-4
# The sweep ends when the loss is this many times the first loss above its lowest.
_RISE = 3.0
# With fewer batches the standard error is unreliable.
_SMALLEST_PROBE = 4
# Attributes of a trainer, of Transformers or of Red Heart, that a step counts in.
_COUNTS = ("state", "control", "out_of_memory", "_attempt", "_means", "_step")

_Losses = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LRSweep:
    """What a sweep found; only finite losses are listed.

    Attributes:
        rates: Learning rates that were tried, ascending.
        losses: The probe's mean loss after the step at each rate.
        smoothed: Moving average of the losses.
        start: The probe's mean loss before any step; NaN when it was not finite.
        improvement: How far the smoothed loss fell at its lowest.
        spread: Standard error of ``improvement`` over the probe's batches.
        verdict: "found", "cannot discriminate" or "diverged at once".
        suggested: The rate at which the smoothed loss falls most steeply; None unless the verdict is "found".
        reason: The verdict as a sentence, with its figures and the remedy.
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
        """Write ``lr_sweep.json`` and the curve, ``lr_sweep.png``.

        Args:
            folder: The folder to write to.

        Raises:
            MissingPackageError: Without matplotlib; an `ImportError`.
        """
        folder = Path(folder)
        write_json(folder / "lr_sweep.json", asdict(self))
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            problem = missing("The curve lr_sweep.png needs matplotlib", "train")
            raise problem from error
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

    A rate is that of ``args.learning_rate`` (of ``optimizer.defaults`` where the optimiser was passed to the trainer);
    a parameter group with another one keeps its ratio to it. Accumulation, clipping, activation checkpointing and bf16
    are as in training. Callbacks do not run.

    Afterwards, also after an exception, these are as before, bit for bit: the model's weights, buffers, gradients and
    modes, the optimiser, the trainer with its state and control, and the random numbers of Python, numpy and torch on
    every device. Not restored is what a data set, a collator or a hook changes. Meanwhile a copy of the trained weights
    is in the memory of the CPU, and one of the optimiser's state is on the device beside it.

    Args:
        trainer: The trainer, before or after training.
        low: The first rate, above 0.
        high: The last rate.
        steps: Steps of the optimiser, 10 or more.
        probe: Number of the first train batches that are kept out of training for the rest of the epoch and evaluated
            after every step, 4 or more; that takes about ``probe / 3`` times as long as the steps.

    Returns:
        The curve and the verdict.

    Raises:
        ValueError: For a range, steps or a probe that make no sense, for too few train batches, and for what is not
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
    """Find the verdict on a curve.

    Args:
        rates: All rates that were to be tried, ascending.
        start: The loss of each batch of the probe before any step, (batches,).
        losses: The same after the step at each rate that was tried, (rates, batches), finite.
        ended: Why the sweep ended before the last rate, or at the last one by a limit; None when the range was
            exhausted.

    Returns:
        The curve and the verdict.
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
    """Centred mean of up to ``2 * half + 1`` rows, narrower at the ends so that nothing shifts."""
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
                raise ValueError(
                    "The train data can be read only once and ended before the sweep did; take fewer `steps`."
                )

    return held, rest()


def _run(
    trainer: Trainer, rates: Sequence[float], held: Sequence[Any], rest: Iterator[Any]
) -> tuple[_Losses, list[_Losses], str | None]:
    """Losses of the probe before, (batches,), and after the step at each rate, and why the sweep ended early."""
    model = _prepared(trainer)
    optimizer = _bare(trainer.create_optimizer())
    base = float(optimizer.defaults["lr"])
    if not base > 0:
        raise ValueError(f"The optimiser's learning rate is {base}; set one above 0, the base of the groups' ratios.")
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
    """The optimiser inside accelerate's wrapper, which it has once the trainer has trained."""
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
    """Restore what a sweep changes: weights, gradients, optimiser, attributes and random numbers."""
    model: Any = trainer.model
    accelerator, optimizer, random_state = trainer.accelerator, trainer.optimizer, RandomState.now()
    changing = [*(value for value in model.parameters() if value.requires_grad), *model.buffers()]
    weights = [value.detach().to("cpu", copy=True) for value in changing]
    gradients = [(value, value.grad) for value in model.parameters()]
    moments = None if optimizer is None else deepcopy(optimizer.state_dict())
    owners = (trainer, accelerator, accelerator.gradient_state, *model.modules())
    attributes = [dict(vars(owner)) for owner in owners]
    # The sweep counts in copies; the originals are restored unchanged.
    vars(trainer).update(deepcopy({name: vars(trainer)[name] for name in _COUNTS if name in vars(trainer)}))
    for owner in (accelerator, accelerator.gradient_state):
        vars(owner).update({name: copy(value) for name, value in vars(owner).items() if isinstance(value, list)})
    try:
        yield
    finally:
        for owner, kept in zip(owners, attributes, strict=True):
            vars(owner).clear()
            vars(owner).update(kept)
        with torch.no_grad():
            for value, saved in zip(changing, weights, strict=True):
                value.copy_(saved)
        for value, gradient in gradients:
            value.grad = gradient
        if optimizer is not None and moments is not None:
            optimizer.load_state_dict(moments)
        random_state.restore()


__all__ = ["LRSweep", "judge", "sweep_learning_rates"]
