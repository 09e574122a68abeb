"""Errors of the library: one family, `RedHeartError`, whose members are also built-in errors.

Notable: ``except ValueError`` catches what it has always caught. ``except RedHeartError`` catches what this library
refuses, but not what fails in Python, torch or transformers. Plain Python, so that it is bundled for the hub with the
model.
"""

from typing import Any


class RedHeartError(Exception):
    """Any error that this library raises on purpose, with its cause, the value and what to do."""


class InputError(RedHeartError, ValueError):
    """A text, an option, a config or the name of a part cannot be used as it is."""


class DataError(RedHeartError, ValueError):
    """The data do not have what was asked for, or have it in another form."""


class CheckpointError(RedHeartError, ValueError):
    """The checkpoint does not exist, is incomplete, or is of another kind than was asked for."""


class MissingPackageError(RedHeartError, ImportError):
    """A package of an extra is not installed."""


class MemoryExhaustedError(RedHeartError, RuntimeError):
    """Memory ran out even with one row of the batch at a time.

    Attributes:
        reported: The allocator's message.
    """

    def __init__(self, reported: str) -> None:
        super().__init__(
            f"Memory ran out even with one text (or pair) at a time ({reported}). Cut the texts shorter "
            "(`longest_text`), switch `activation_checkpointing` on, or use a smaller model or optimiser."
        )
        self.reported = reported


class HubError(RedHeartError):
    """Nothing was written to the hub; the subclasses say why."""


class HubConnectionError(HubError, ConnectionError):
    """The hub cannot be reached, or it failed; trying again may help."""


class HubPermissionError(HubError, PermissionError):
    """The hub does not accept the token, or does not accept it for this repository."""


class HubRequestError(HubError, ValueError):
    """The hub, or a check before the request, refused the request."""


class ServerError(RedHeartError):
    """A server of `redheart serve` failed, or what answered is not one; the subclasses say more.

    Args:
        message: What went wrong, in a sentence.
        status: HTTP status; None when there was no answer.
        problem: What the server says (`redheart.serving.wire.Problem`); None when it did not answer in this form.
        retry_after: Seconds after which the server wants to be asked again; None when it did not say.
    """

    def __init__(
        self, message: str, status: int | None = None, problem: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.problem, self.retry_after = status, problem, retry_after


class ServerConnectionError(ServerError, ConnectionError):
    """The server cannot be reached, broke off, or did not answer in time; trying again may help."""


class ServerBusyError(ServerError, RuntimeError):
    """The server is up and cannot answer now: it is full, starting or stopping, or a key's limit is met."""


class ServerPermissionError(ServerError, PermissionError):
    """The server wants a key, or does not accept this one."""


class ServerRequestError(ServerError, ValueError):
    """The server refused the request."""


__all__ = [
    "CheckpointError",
    "DataError",
    "HubConnectionError",
    "HubError",
    "HubPermissionError",
    "HubRequestError",
    "InputError",
    "MemoryExhaustedError",
    "MissingPackageError",
    "RedHeartError",
    "ServerBusyError",
    "ServerConnectionError",
    "ServerError",
    "ServerPermissionError",
    "ServerRequestError",
]
