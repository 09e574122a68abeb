"""Counters of the server, for Prometheus: numbers only, whose labels have nothing of a request but its path and key."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ..version import __version__

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TEXTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one server.

    Args:
        model: Name of the model.
        queue: Maximum texts that may wait.
        waiting: Returns the number of texts that wait.
        ready: Returns whether the model is loaded.
    """

    def __init__(self, model: str, queue: int, waiting: Callable[[], float], ready: Callable[[], bool]) -> None:
        self.registry = CollectorRegistry()
        here: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("redheart_requests", "Number of requests.", ("path", "status", "key"), **here)
        self.seconds = Histogram(
            "redheart_request_seconds", "Duration of a request in seconds.", ("path",), buckets=_SECONDS, **here
        )
        self.running = Gauge("redheart_running_requests", "Number of requests that are being handled.", **here)
        self.texts = Counter("redheart_texts", "Number of texts that were read.", ("key",), **here)
        self.batch_texts = Histogram("redheart_batch_texts", "Number of texts of a batch.", buckets=_TEXTS, **here)
        self.batch_seconds = Histogram(
            "redheart_batch_seconds", "Duration of a batch in seconds.", buckets=_SECONDS, **here
        )
        Gauge("redheart_waiting_texts", "Number of texts that wait.", **here).set_function(waiting)
        Gauge("redheart_queue_texts", "Maximum number of texts that may wait.", **here).set(queue)
        Gauge("redheart_ready", "1 when the model is loaded, else 0.", **here).set_function(lambda: float(ready()))
        Gauge("redheart_info", "Always 1.", ("model", "version"), **here).labels(model, __version__).set(1)
        ProcessCollector(**here)  # memory, processor time and open files; on Linux

    def batch(self, texts: int, seconds: float) -> None:
        """Count a batch."""
        self.batch_texts.observe(texts)
        self.batch_seconds.observe(seconds)

    def request(self, path: str, status: int, seconds: float, key: str) -> None:
        """Count a request."""
        self.requests.labels(path, str(status), key).inc()
        self.seconds.labels(path).observe(seconds)

    def read(self, texts: int, key: str) -> None:
        """Count texts that were read."""
        self.texts.labels(key).inc(texts)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self.registry)


__all__ = ["Metrics"]
