"""Which checkpoints of a run can be gone on from.

Notable: the trainer writes `trainer_state.json` last and takes old checkpoints away after that, so that a checkpoint
whose state can be read is whole, and a kill at any moment leaves one that is.
"""

import errno
import json
import logging
import shutil
from pathlib import Path

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

logger = logging.getLogger(__name__)


def complete_checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in ``folder``, the newest last."""
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
    """The newest whole checkpoint. Raises `ValueError` when there is none."""
    found = complete_checkpoints(folder)
    torn = sorted(path.name for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if not is_complete(path))
    if torn:
        logger.warning("Passed over in %s, as they were not written to the end: %s.", folder, ", ".join(torn))
    if not found:
        raise ValueError(
            f"{folder} has no whole checkpoint to go on from{' (only ' + ', '.join(torn) + ')' if torn else ''}; start "
            "anew, or name another folder."
        )
    return found[-1]


def is_disk_full(error: BaseException | None) -> bool:
    """Whether ``error``, or what caused it, says that the disk is full; `safetensors` has an error of its own."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def discard_torn(checkpoint: Path, writer: bool) -> OSError:
    """Take away a checkpoint for which the disk had no room, and return the error to raise. writer: whether this
    process writes checkpoints."""
    if writer:
        shutil.rmtree(checkpoint, ignore_errors=True)
    free = shutil.disk_usage(checkpoint.parent).free / 2**20
    return OSError(
        errno.ENOSPC,
        f"The disk is full: {checkpoint} could not be written and was taken away again ({free:.0f} MiB are free now); "
        "earlier checkpoints are whole. Make room and go on with resume_from_checkpoint=True",
    )


__all__ = ["complete_checkpoints", "discard_torn", "is_complete", "is_disk_full", "last_complete_checkpoint"]
