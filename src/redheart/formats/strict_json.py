"""JSON as RFC 8259 has it, in and out: what is read is JSON and nothing else, what is written anyone can read.

Notable: Python's own reader takes NaN and Infinity, makes 1e999 an infinity, drops the first of two values of one name,
and ends at an integer of 5,000 digits with words about its settings; its writer does not know what a table may hold (a
time, a Decimal).
"""

import base64
import json
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from ..configuration.errors import RedHeartError

# Characters that JSON may hold as they are and that a terminal, or whoever splits lines, takes for commands.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F),
                                                *range(0x2066, 0x206A))}  # fmt: skip


class NotJSONError(RedHeartError, ValueError):
    """What is wrong with a text that should be JSON; goes on after what names its place: "is not JSON: ..."."""


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises `NotJSONError`."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise NotJSONError(f"is not JSON: {error}.") from error
    except NotJSONError:
        raise
    except RecursionError as error:
        raise NotJSONError("is not JSON that can be read: its brackets are nested too deeply.") from error
    except ValueError as error:  # of an integer
        raise NotJSONError(
            "is not JSON that can be read: it has an integer of more than 4,300 digits; write it as a text."
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSONError(f"is not JSON: {name} is no number there; write null.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJSONError(f"is not JSON that can be read: it has {twice[:40]!r} twice; keep one.")
    return values


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotJSONError(
            f"is not JSON that can be read: the number {digits[:40]} is too large; write it smaller, or as a text."
        )
    return number


def as_json(value: Any) -> Any:
    """``value``, of a table, as JSON can hold it.

    A time is in ISO 8601 (a duration in seconds), a Decimal is a text with all its digits, NaN is null as every missing
    value is, an infinity is a text, bytes are in base64; arrays and their numbers are lists and numbers.

    Raises `ValueError` for a value of another type.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {str(name): as_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(item) for item in value]
    if isinstance(value, (datetime, date, time)):
        return value.isoformat() if value == value else None  # pandas' NaT is a datetime that differs from itself
    if isinstance(value, timedelta):
        return value.total_seconds() if value == value else None
    if isinstance(value, (Decimal, UUID)):
        return None if isinstance(value, Decimal) and value.is_nan() else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return as_json(value.tolist())
    raise ValueError(f"JSON cannot hold a {type(value).__name__}; leave the column out.")


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_line(value: Mapping[str, Any] | Iterable[Any]) -> str:
    """``value`` as one line of JSON, without its end, which a terminal shows and does not obey.

    Letters stand as they are; controls, and with a lone surrogate everything beyond ASCII, are escaped. Raises
    `ValueError` for a number that is not finite.
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False).translate(_ESCAPED)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False).translate(_ESCAPED)
    return line


__all__ = ["NotJSONError", "as_json", "json_line", "parse_json"]
