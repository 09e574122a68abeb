"""JSON by RFC 8259: reads nothing else, and writes what every JSON reader accepts.

Notable: Python's own reader accepts NaN and Infinity, turns 1e999 into an infinity, drops the first of two values of
one name, and fails at an integer of 5,000 digits with a message about its settings. Its writer does not know the values
of tables (a time, a Decimal).
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

# Characters that JSON allows unescaped, but that a terminal obeys or that split lines.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F),
                                                *range(0x2066, 0x206A))}  # fmt: skip


class NotJSONError(RedHeartError, ValueError):
    """A text is not valid JSON; the message continues a sentence that begins with its place: "is not JSON: ..."."""


def parse_json(text: str) -> Any:
    """The value of a JSON text; `NotJSONError` if it is not valid."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise NotJSONError(f"is not JSON: {error}.") from error
    except NotJSONError:
        raise
    except RecursionError as error:
        raise NotJSONError("is not JSON that can be read: its brackets are nested too deeply.") from error
    except ValueError as error:  # from an integer
        raise NotJSONError(
            "is not JSON that can be read: it has an integer of more than 4,300 digits; write it as a text."
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSONError(f"is not JSON: {name} is not a number in JSON; write null.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        duplicate = next(name for name in names if names.count(name) > 1)
        raise NotJSONError(f"is not JSON that can be read: it has {duplicate[:40]!r} twice; keep one.")
    return values


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotJSONError(
            f"is not JSON that can be read: the number {digits[:40]} is too large; write it smaller, or as a text."
        )
    return number


def as_json(value: Any) -> Any:
    """Convert a value of a table to what JSON can express.

    Times become ISO 8601 (durations seconds), a Decimal a text with all its digits, NaN null like every missing value,
    an infinity a text, bytes base64; arrays and their numbers become lists and numbers.

    Args:
        value: A value, or a container of values.

    Returns:
        The converted value.

    Raises:
        ValueError: For a value of another type.
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
    """Write ``value`` as one line of JSON that is safe to print on a terminal.

    Letters stay as they are; control characters are escaped, and in a text with a lone surrogate everything but ASCII.

    Args:
        value: Plain data, such as `as_json` gives.

    Returns:
        The line, without a newline.

    Raises:
        ValueError: For a number that is not finite.
    """
    line = json.dumps(value, ensure_ascii=False, allow_nan=False).translate(_ESCAPED)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False).translate(_ESCAPED)
    return line


__all__ = ["NotJSONError", "as_json", "json_line", "parse_json"]
