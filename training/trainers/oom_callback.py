"""`OOMCallback`: watches the memory of a run, and reports each time that it ran out.

Notable: it can only watch, since transformers has no event for an error, and so works with any Trainer;
`RetryingTrainer`, and so `RedHeartTrainer`, repeats the batch in pieces and notifies this callback.
"""

import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from ...storage.figures import require_matplotlib
from ...storage.files import write_json
from ..callbacks.plots import plot_memory
from .gradient_sync import largest
from .out_of_memory import OutOfMemory

REPORT = "out_of_memory_report.json"


class OOMCallback(TrainerCallback, ExportableState):
    """Records the peak of memory in use, requests a checkpoint when little is left, and writes a report and a plot.

    Its state is saved in each checkpoint, and a resumed run continues with it.

    Args:
        save_below: Share of the device's memory, 0 or above and below 1; with less than that left at a step's end a
            checkpoint is requested, once (a device whose size is not known, the host among them, has no such limit).
        output: Folder of ``out_of_memory_report.json``, which is also written each time that memory runs out, in case
            the run ends there; None = ``args.output_dir``.
        plot: Write ``out_of_memory.png`` at the end, which needs matplotlib.

    Raises:
        ValueError: For ``save_below`` out of range.
    """

    def __init__(self, save_below: float = 0.05, output: str | Path | None = None, plot: bool = True) -> None:
        if not 0 <= save_below < 1:
            raise ValueError(
                f"`save_below` must be 0 or above and below 1, got {save_below}; 0 never requests a checkpoint."
            )
        self.save_below = save_below
        self.output = None if output is None else str(output)
        self.plot = plot
        self.peaks: list[list[float]] = []  # step, peak bytes in use since the last log
        self.events: list[dict[str, Any]] = []
        self.asked_at: int | None = None
        self._ended = False

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, as JSON."""
        args = {"save_below": self.save_below, "output": self.output, "plot": self.plot}
        return {"args": args, "attributes": {"peaks": self.peaks, "events": self.events, "asked_at": self.asked_at}}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Check that the plot can be drawn at the end; in a resumed run, restore the checkpoint's records."""
        if self.plot:
            require_matplotlib()
        if self._ended:  # another run
            self.peaks, self.events, self.asked_at = [], [], None
        self._ended = False
        if state.global_step:
            self._resume(args, state)

    def _resume(self, args: TrainingArguments, state: TrainerState) -> None:
        name, known = type(self).__name__, cast(dict[str, Any], state.stateful_callbacks)
        if name not in known:
            # A checkpoint from before this callback was added: without an entry the trainer fails when it saves.
            known[name] = self.state()
        elif not args.restore_callback_states_from_checkpoint:  # else the trainer has restored this object
            stored = known[name][-1] if isinstance(known[name], list) else known[name]
            found = stored["attributes"]
            self.peaks, self.events = [*found["peaks"], *self.peaks], [*found["events"], *self.events]
            self.asked_at = found["asked_at"]

    def record(self, event: OutOfMemory, args: TrainingArguments, state: TrainerState) -> None:
        """Record that memory ran out, and write the report; called by `RetryingTrainer`."""
        self.events.append(asdict(event))
        self._report(args, state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Request a checkpoint when little memory is left in any process."""
        left = memory_left(args.device) if self.asked_at is None else None
        # All together: one process alone would wait in the checkpoint for the others, which continue.
        if left is not None and largest(int(left < self.save_below), args.device):
            self.asked_at = state.global_step
            control.should_save = True
        return control

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Record the peak since the last log."""
        self.peaks.append([state.global_step, float(peak_memory(args.device))])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the report and the plot."""
        self._ended = True
        report = self._report(args, state)
        if self.plot and state.is_world_process_zero:
            plot_memory(report, self._folder(args) / "out_of_memory.png")

    def _folder(self, args: TrainingArguments) -> Path:
        return Path(self.output or str(args.output_dir))

    def _report(self, args: TrainingArguments, state: TrainerState) -> dict[str, Any]:
        report = {"device": str(args.device), "peaks": self.peaks, "events": self.events, "asked_at": self.asked_at}
        if state.is_world_process_zero:
            write_json(self._folder(args) / REPORT, report)
        return report


def peak_memory(device: torch.device) -> int:
    """Return the peak of bytes in use: on a CUDA device since the last call, on the host of the process so far."""
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        return peak
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_left(device: torch.device) -> float | None:
    """Return the share of a CUDA device's memory that is free or reserved by torch; None for other devices."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (free + held) / total


__all__ = ["REPORT", "OOMCallback", "memory_left", "peak_memory"]
