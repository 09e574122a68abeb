"""Loading without messages of other libraries."""

from logging import ERROR, getLogger

from transformers.utils import logging


def silence_libraries() -> None:
    """Switch off the messages and progress bars of libraries while they load."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # It warns at each start if the optional `kernels` is missing, which only changes the speed.
    getLogger("bitsandbytes").setLevel(ERROR)


__all__ = ["silence_libraries"]
