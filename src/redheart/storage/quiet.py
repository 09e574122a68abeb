"""Loading without the words of other libraries."""

from logging import ERROR, getLogger

from transformers.utils import logging


def quiet() -> None:
    """Keep libraries from telling about their loading."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # Without the optional `kernels`, which only changes the speed, it warns of that at each start.
    getLogger("bitsandbytes").setLevel(ERROR)


__all__ = ["quiet"]
