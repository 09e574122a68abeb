"""API keys: who may ask the server, and how much.

    [web]                       # its name in logs and metrics
    key = "..."                 # python -c "import secrets; print(secrets.token_urlsafe(32))"
    texts_per_minute = 6000
    requests_per_minute = 600

    [prometheus]
    key = "..."
    metrics = true              # may ask /metrics, which has the names of all keys

Notable: a key that is offered is compared with every key in constant time, so that the time of an answer says nothing
about any of them. No message has a key in it.
"""

import hmac
import math
import os
import re
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..configuration.errors import InputError
from ..configuration.labels import closest

VARIABLE = "REDHEART_KEY"  # of the environment: one key without limits, which may ask /metrics

_SHORTEST = 16
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)


def check_key(key: Any, subject: str = "The API key") -> str:
    """Return ``key`` if it can be one (16 or more printable ASCII characters); raise `InputError` otherwise."""
    if not isinstance(key, str):
        raise InputError(f"{subject} must be a str, got {type(key).__name__}.")
    if len(key) < _SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
        raise InputError(
            f"{subject} ({len(key)} characters) must be {_SHORTEST} or more printable ASCII characters without spaces; "
            "`secrets.token_urlsafe(32)` makes one."
        )
    return key


@dataclass(frozen=True)
class Key:
    """A key and its limits.

    Attributes:
        name: Its name in logs and metrics.
        key: The key.
        texts_per_minute: Maximum texts; None for no limit.
        requests_per_minute: Maximum requests to read; None for no limit.
        metrics: Whether it may ask /metrics.

    Raises:
        InputError: For a value that cannot be one.
    """

    name: str
    key: str = field(repr=False)
    texts_per_minute: float | None = None
    requests_per_minute: float | None = None
    metrics: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(f"The name of a key is {self.name[:40]!r}; use 1 to 64 letters, digits, '.', '_' or '-'.")
        check_key(self.key, f"`key` of {self.name}")
        for limit in ("texts_per_minute", "requests_per_minute"):
            value = getattr(self, limit)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and not (number and 1 <= value < math.inf):
                raise InputError(f"`{limit}` of {self.name} must be a number, 1 or more, got {value!r}.")
        if not isinstance(self.metrics, bool):
            raise InputError(f"`metrics` of {self.name} must be true or false, got {self.metrics!r}.")


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read a file of keys.

    Args:
        path: A TOML file, one table for each key.

    Returns:
        The keys.

    Raises:
        InputError: When it cannot be read, has no keys, or has one that cannot be used.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The keys in {path} cannot be read: {error.strerror}; name a TOML file.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        place = re.search(r"\(at .*\)", str(error))  # the rest of the message may quote a key
        raise InputError(f"{path} is not TOML{f' {place[0]}' if place else ''}; see `redheart.serving.keys`.") from None
    if not tables:
        raise InputError(f"{path} has no keys; write one table for each, see `redheart.serving.keys`.")
    return tuple(_key(name, table, path) for name, table in tables.items())


def _key(name: str, table: Any, path: Path) -> Key:
    if not isinstance(table, Mapping):
        raise InputError(f"{path}: {name[:40]!r} must be a table with `key`; write [{name[:40]}].")
    known = [one.name for one in fields(Key) if one.name != "name"]
    for given in table:
        if given not in known:
            raise InputError(f"{path}: [{name}] has no field {given[:40]!r}; {closest(given[:40], known)}")
    if "key" not in table:
        raise InputError(f"{path}: [{name}] lacks `key`.")
    try:
        return Key(name, **table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def environment_key() -> tuple[Key, ...]:
    """The key of the environment variable `VARIABLE`; none where it is not set."""
    value = os.environ.get(VARIABLE)
    return () if not value else (Key("environment", check_key(value, f"${VARIABLE}"), metrics=True),)


class Bucket:
    """Lets so many through in a minute, as many at once, and refills steadily.

    Args:
        per_minute: How many; None for no limit.
        clock: Seconds.
    """

    def __init__(self, per_minute: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = math.inf if per_minute is None else per_minute
        self.clock, self._left, self._at = clock, self.most, clock()

    def take(self, number: int) -> float:
        """Take ``number``, and return 0; or take none, and return the seconds until there are as many."""
        now = self.clock()
        if math.isinf(self.most):
            return 0.0
        self._left = min(self.most, self._left + (now - self._at) * self.most / 60)
        self._at = now
        if number <= self._left:
            self._left -= number
            return 0.0
        return (number - self._left) * 60 / self.most

    def give_back(self, number: int) -> None:
        """Give back what was taken and not used."""
        self._left = min(self.most, self._left + number)


class Account:
    """A key while the server runs.

    Args:
        key: The key.
        clock: Seconds.
    """

    def __init__(self, key: Key, clock: Callable[[], float] = time.monotonic) -> None:
        self.key = key
        self.texts, self.requests = Bucket(key.texts_per_minute, clock), Bucket(key.requests_per_minute, clock)


class Accounts:
    """All keys of a server.

    Args:
        keys: The keys.
        texts: Maximum texts of a request, which each key must be able to send.

    Raises:
        InputError: When two keys are equal or have one name, or when a key could never send a full request.
    """

    def __init__(self, keys: Sequence[Key], texts: int) -> None:
        self.all = [Account(key) for key in keys]
        for attribute in ("name", "key"):
            values = [getattr(key, attribute) for key in keys]
            if twice := [key.name for key in keys if values.count(getattr(key, attribute)) > 1]:
                raise InputError(f"Two keys have the same {attribute} ({', '.join(twice)}); change one.")
        for key in keys:
            if key.texts_per_minute is not None and key.texts_per_minute < texts:
                raise InputError(
                    f"{key.name} may send {key.texts_per_minute:g} texts a minute, fewer than a request may have "
                    f"({texts}); raise `texts_per_minute`, or lower `texts` (--texts)."
                )

    def find(self, offered: str) -> Account | None:
        """Return the account of a key that is offered; None when it is none of them."""
        found, given = None, offered.encode("utf-8", "replace")
        for account in self.all:
            if hmac.compare_digest(account.key.key.encode(), given):
                found = account
        return found


__all__ = [
    "VARIABLE",
    "Account",
    "Accounts",
    "Bucket",
    "Key",
    "check_key",
    "environment_key",
    "read_keys",
]
