"""Limits of the server: sizes, times, and how many texts are read together.

Notable: without them one client could take memory or time from all others.
"""

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Limits of requests and batches.

    Attributes:
        characters: Maximum characters of a text.
        texts: Maximum texts of a request.
        body_bytes: Maximum bytes of the body of a request.
        body_seconds: Maximum seconds until the whole body has arrived.
        deadline: Maximum seconds from the body of a request to its answer.
        requests: Maximum requests with a body that are handled at the same time.
        queue: Maximum texts that may wait to be read.
        batch: Maximum texts of a batch.
        batch_tokens: Maximum tokens of a batch, padding included; a longer text is read alone.
        batch_wait: Maximum seconds that a text waits for others of its batch.

    Raises:
        ValueError: For a limit that is not finite or that no request could meet.
    """

    characters: int = 20_000
    texts: int = 32
    body_bytes: int = 1_000_000
    body_seconds: float = 10.0
    deadline: float = 30.0
    requests: int = 256
    queue: int = 256
    batch: int = 16
    batch_tokens: int = 4096
    batch_wait: float = 0.005

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not math.isfinite(value):
                raise ValueError(f"`{limit.name}` must be a finite number, got {value}.")
            if limit.name == "batch_wait":
                if value < 0:
                    raise ValueError(f"`batch_wait` must be 0 or more seconds, got {value}.")
            elif value <= 0:
                raise ValueError(f"`{limit.name}` must be above 0, got {value}.")
        if self.texts > self.queue:
            raise ValueError(
                f"A request of {self.texts} texts (`texts`) would never fit into the `queue` of {self.queue}; "
                "raise `queue` or lower `texts`."
            )


__all__ = ["Limits"]
