"""JSON in and out: what is none is named, and every value that a table may have has a form."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from redheart.formats.strict_json import as_json, json_line, parse_json


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": NaN}', "is not JSON: NaN is not a number in JSON; write null."),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "the number 1e999 is too large"),
        ('{"a": -1.5e400}', "the number -1.5e400 is too large"),
        (f'{{"a": {"9" * 5000}}}', "an integer of more than 4,300 digits; write it as a text"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": {"b": 1, "b": 1}}', "it has 'b' twice; keep one"),
        ('{"a": 1', "is not JSON: "),
        ("", "is not JSON: "),
        ("{'a': 1}", "is not JSON: "),
    ],
)
def test_invalid_json_is_refused(text: str, words: str) -> None:
    """Of its kind, at every door that reads JSON: `.jsonl` and `.json` files and the body of a request."""
    with pytest.raises(ValueError, match=r"^is not JSON") as caught:
        parse_json(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["1e308", "-0.0", "9" * 4000, '"\\ud800"', '{"a": {"b": [null, true]}}', "1e-999"])
def test_all_other_json_is_taken(text: str) -> None:
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (float("nan"), None),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.10"), "1.10"),
        (Decimal("NaN"), None),
        (datetime(2024, 5, 2, 3, 14, tzinfo=UTC), "2024-05-02T03:14:00+00:00"),
        (date(2024, 5, 2), "2024-05-02"),
        (time(3, 14), "03:14:00"),
        (timedelta(hours=1), 3600.0),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"\x00\xff", "AP8="),
        (np.float32(0.5), 0.5),
        (np.int64(2**60), 2**60),
        (np.bool_(True), True),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.str_("I lied."), "I lied."),
        ((1, {"a": Decimal(2)}), [1, {"a": "2"}]),
        ({1: {2}}, {"1": [2]}),
        (10**4000, 10**4000),
    ],
    ids=repr,
)
def test_values_of_tables_are_converted_to_json(value: Any, held: Any) -> None:
    """Of its kind: every type that parquet gives, and those of numpy and pandas."""
    assert as_json(value) == held
    assert type(as_json(value)) is type(held)
    assert json.loads(json_line({"a": as_json(value)})) == {"a": held}


def test_pandas_times_have_a_form() -> None:
    pandas = pytest.importorskip("pandas")
    assert as_json(pandas.Timestamp("2024-05-02 03:14")) == "2024-05-02T03:14:00"
    assert as_json([pandas.NaT, pandas.Timedelta("1h")]) == [None, 3600.0]


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON cannot hold a complex; leave the column out"):
        as_json([1j])


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\u2066", "\ud800"])
def test_a_line_of_json_is_safe_on_a_terminal(char: str) -> None:
    """Of its kind: escapes, C1 controls, what ends a line elsewhere, and what turns the direction of writing."""
    line = json_line({"text": f"I {char} lied, 그만"})
    assert char not in line
    assert json.loads(line) == {"text": f"I {char} lied, 그만"}
    assert ("그만" in line) == (char != "\ud800")
