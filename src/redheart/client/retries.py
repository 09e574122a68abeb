"""When to ask again: exponential back-off with jitter, or when the server says so (Retry-After).

Notable: a text that is read twice gives the same reading and changes nothing, so every request may be repeated. The
jitter is over the whole wait, so that clients that were refused together do not return together.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from ..configuration.errors import InputError, ServerBusyError, ServerConnectionError

T = TypeVar("T")

_FIRST_SECONDS = 0.5  # the longest wait before the first repetition; it doubles with each


class Retries:
    """Repeats what the server could not answer now.

    Args:
        most: Maximum repetitions; 0 = none.
        longest_wait: Maximum seconds before one of them. A server that wants more is not asked again.
        sleep: Waits so many seconds.

    Raises:
        InputError: For a negative number.
    """

    def __init__(self, most: int, longest_wait: float, sleep: Callable[[float], None] = time.sleep) -> None:
        if most < 0 or not longest_wait >= 0:
            raise InputError(f"`retries` ({most}) and `longest_wait` ({longest_wait}) must be 0 or more.")
        self.most, self.longest_wait, self.sleep = most, longest_wait, sleep

    def run(self, ask: Callable[[], T]) -> T:
        """Send a request until it is answered.

        Args:
            ask: Sends the request.

        Returns:
            What ``ask`` returns.

        Raises:
            ServerConnectionError: Of ``ask``, when it is not to be repeated any more.
            ServerBusyError: The same.
        """
        for turn in range(self.most):
            try:
                return ask()
            except (ServerConnectionError, ServerBusyError) as error:
                if (wait := self._wait(turn, error.retry_after)) is None:
                    raise
            self.sleep(wait)
        return ask()

    def _wait(self, turn: int, wanted: float | None) -> float | None:
        """Seconds until the next repetition; None when the server wants to be left alone for longer than allowed."""
        jitter = random.uniform(0, min(self.longest_wait, _FIRST_SECONDS * 2.0**turn))
        if wanted is None:
            return jitter
        return None if wanted > self.longest_wait else wanted + jitter


def retry_after(header: str | None) -> float | None:
    """The seconds of a header Retry-After, a number or a date (RFC 9110); None without one, or for anything else."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


__all__ = ["Retries", "retry_after"]
