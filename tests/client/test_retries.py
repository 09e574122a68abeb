"""When to ask again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from redheart.client.retries import Retries, retry_after
from redheart.configuration.errors import ServerConnectionError, ServerRequestError


def test_a_wait_is_a_number_or_a_date() -> None:
    assert retry_after("120") == 120
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert retry_after(later) == pytest.approx(60, abs=2)
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0
    for nothing in (None, "", "soon", "-3", "1.5e400"):
        assert retry_after(nothing) is None


def test_waits_double_and_end_at_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    waits: list[float] = []

    def ask() -> None:
        raise ServerConnectionError("gone")

    with pytest.raises(ServerConnectionError):
        Retries(6, 4.0, waits.append).run(ask)
    assert waits == [0.5, 1, 2, 4, 4, 4]


def test_what_would_fail_again_is_not_repeated() -> None:
    asked = []

    def ask() -> None:
        asked.append(True)
        raise ServerRequestError("wrong")

    with pytest.raises(ServerRequestError):
        Retries(6, 4.0, lambda seconds: None).run(ask)
    assert len(asked) == 1
