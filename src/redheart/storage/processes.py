"""Which of the processes that `accelerate launch` started this one is.

Notable: known before torch is imported, so that a command can ask without waiting for it.
"""

import os


def is_first_process() -> bool:
    """Whether this process writes and reports for all."""
    return int(os.environ.get("RANK", "0")) == 0


__all__ = ["is_first_process"]
