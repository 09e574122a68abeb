"""Counters of the server, for Prometheus: numbers only, whose labels have nothing of a request but its path."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TEXTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one server.

    Args:
        waiting: Returns the number of texts that wait.
    """

    def __init__(self, waiting: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        here: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("redheart_requests", "Number of requests.", ("path", "status"), **here)
        self.seconds = Histogram(
            "redheart_request_seconds", "Duration of a request in seconds.", ("path",), buckets=_SECONDS, **here
        )
        self.batch_texts = Histogram("redheart_batch_texts", "Number of texts of a batch.", buckets=_TEXTS, **here)
        self.batch_seconds = Histogram(
            "redheart_batch_seconds", "Duration of a batch in seconds.", buckets=_SECONDS, **here
        )
        Gauge("redheart_waiting_texts", "Number of texts that wait.", **here).set_function(waiting)

    def batch(self, texts: int, seconds: float) -> None:
        """Count a batch."""
        self.batch_texts.observe(texts)
        self.batch_seconds.observe(seconds)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self.registry)


__all__ = ["Metrics"]
