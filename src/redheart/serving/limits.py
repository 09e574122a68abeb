"""What the server takes: sizes, times, and how many texts it reads together.

Notable: each limit bounds memory or time that one client could otherwise take from all of them.
"""

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Limits of requests and batches.

    characters: of one text. texts: of one request. body_bytes: of a request's body. body_seconds: until the whole body
    must be there. deadline: seconds of a request from its body to its answer. requests: that
    have a body and are worked on at the same time. queue: texts that may wait. batch: texts
    read together. batch_tokens: of a batch, padding included; a longer text is read alone. batch_wait: seconds that a
    text waits for others.

    Raises `ValueError` for a limit that nothing could meet.
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
                f"A request of {self.texts} texts (`texts`) would never fit the `queue` of {self.queue}; "
                "raise `queue` or lower `texts`."
            )


__all__ = ["Limits"]
