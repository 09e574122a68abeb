"""The checkpoints of a run from which it can continue.

Notable: the trainer writes `trainer_state.json` last and removes old checkpoints after that. So a checkpoint with a
readable state is complete, and a kill at any moment leaves a complete one.
"""

import errno
import json
import logging
import shutil
from pathlib import Path

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

logger = logging.getLogger(__name__)


def complete_checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints in ``folder``, the newest last."""
    found = []
    for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        step = path.name.removeprefix(f"{PREFIX_CHECKPOINT_DIR}-")
        if step.isdigit() and is_complete(path):
            found.append((int(step), path))
    return [path for _, path in sorted(found)]


def is_complete(checkpoint: Path) -> bool:
    """Whether everything of a checkpoint was written."""
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and "global_step" in state


def last_complete_checkpoint(folder: Path) -> Path:
    """The newest complete checkpoint; `ValueError` if there is none."""
    found = complete_checkpoints(folder)
    incomplete = sorted(path.name for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if not is_complete(path))
    if incomplete:
        logger.warning("Ignored in %s, because they are incomplete: %s.", folder, ", ".join(incomplete))
    if not found:
        only = f" (only {', '.join(incomplete)})" if incomplete else ""
        raise ValueError(
            f"{folder} has no complete checkpoint to continue from{only}; start again, or name another folder."
        )
    return found[-1]


def is_disk_full(error: BaseException | None) -> bool:
    """Whether ``error``, or its cause, says that the disk is full; `safetensors` has its own error for that."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def discard_incomplete(checkpoint: Path, writer: bool) -> OSError:
    """Remove a checkpoint for which the disk had no space.

    Args:
        checkpoint: Its folder.
        writer: Whether this process writes checkpoints, and so removes it.

    Returns:
        The error to raise.
    """
    if writer:
        shutil.rmtree(checkpoint, ignore_errors=True)
    free = shutil.disk_usage(checkpoint.parent).free / 2**20
    return OSError(
        errno.ENOSPC,
        f"The disk is full: {checkpoint} could not be written and was removed ({free:.0f} MiB are free now); earlier "
        "checkpoints are complete. Free some space and continue with resume_from_checkpoint=True",
    )


__all__ = ["complete_checkpoints", "discard_incomplete", "is_complete", "is_disk_full", "last_complete_checkpoint"]
