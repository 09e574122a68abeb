"""The folder of a run: what is in it, and the check that nothing trained in it is replaced without `--overwrite`."""

import shutil
from pathlib import Path

from .checkpoints import complete_checkpoints
from .processes import is_first_process

# Where a run saves what it has trained.
MODEL, ADAPTER = "model", "adapter"
# Other files that a run writes, apart from its checkpoints.
_WRITTEN = (
    "checkpoint-*",
    "crossover",
    "sweet_spot",
    "adapter_base.json",
    "distillation.json",
    "lr_sweep.json",
    "report.json",
    "*_report.json",
    *(f"{name}.png" for name in ("crossover", "losses", "lr_sweep", "out_of_memory", "sweet_spot")),
)


def claim_output(folder: Path, resume: bool = False, overwrite: bool = False) -> None:
    """Check that a run may write to ``folder``, and with ``overwrite`` clear it.

    Args:
        folder: Folder of the run.
        resume: Continue the run that is there.
        overwrite: Start again; removes what an earlier run wrote except its model, which stays until there is a new
            one.

    Raises:
        ValueError: For a folder with something trained in it if neither ``resume`` nor ``overwrite`` is set, if both
            are, and for a file in its place.
    """
    for part in (folder, *folder.parents):
        if part.exists() and not part.is_dir():
            raise ValueError(f"{folder} cannot be written to: {part} is a file. Name another `output`.")
    if resume and overwrite:
        raise ValueError("Either continue a run (--resume) or replace it (--overwrite).")
    trained = [name for name in (MODEL, ADAPTER) if (folder / name).is_dir() and any((folder / name).iterdir())]
    checkpoints = complete_checkpoints(folder)
    if (trained or checkpoints) and not resume and not overwrite:
        held = f"a trained {' and '.join(trained)}" if trained else "checkpoints of a run"
        resumable = "continue it with --resume, " if checkpoints else ""
        raise ValueError(f"{folder} holds {held}: {resumable}name another `output`, or replace it with --overwrite.")
    if overwrite and is_first_process():
        for pattern in _WRITTEN:
            for path in folder.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def discard_other(folder: Path, written: set[str]) -> None:
    """Remove the model or the adapter of an earlier run, except those in ``written``, which this run has saved."""
    for name in {MODEL, ADAPTER} - written:
        shutil.rmtree(folder / name, ignore_errors=True)


__all__ = ["ADAPTER", "MODEL", "claim_output", "discard_other"]
