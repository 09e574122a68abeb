"""Errors of the library: one family, `RedHeartError`, whose members are the built-in errors, too.

Notable: ``except ValueError`` catches what it has always caught, and ``except RedHeartError`` catches what this library
refuses, and not what fails in Python, torch or transformers. Plain Python, so that it is bundled for the hub with the
model.
"""


class RedHeartError(Exception):
    """Any error that this library raises on purpose, with its cause, the value and what to do."""


class InputError(RedHeartError, ValueError):
    """A text, an option, a config or the name of a part that cannot be used as it is."""


class DataError(RedHeartError, ValueError):
    """The files do not hold what was asked for, or hold it in another form."""


class CheckpointError(RedHeartError, ValueError):
    """There is no such checkpoint, or it is not whole, or of another kind than was asked for."""


class MissingPackageError(RedHeartError, ImportError):
    """A package of an extra is not installed."""


class MemoryExhaustedError(RedHeartError, RuntimeError):
    """Memory ran out even with one row of the batch at a time."""

    def __init__(self, said: str) -> None:
        """said: what the allocator said."""
        super().__init__(
            f"Memory ran out even with one text (or pair) at a time ({said}). Cut the texts shorter (`longest_text`), "
            "switch `activation_checkpointing` on, or take a smaller model or optimiser."
        )
        self.said = said


class HubError(RedHeartError):
    """The hub was not written to; its members say why."""


class HubConnectionError(HubError, ConnectionError):
    """The hub cannot be reached, or fails; trying again may help."""


class HubPermissionError(HubError, PermissionError):
    """The hub does not accept the token, or not for this repository."""


class HubRequestError(HubError, ValueError):
    """The hub, or a check before it is asked, refuses what was asked of it."""


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
]
