"""The log as JSON."""

import json
import logging
from datetime import datetime

from redheart.serving.logs import FIELDS, JSONFormatter


def test_a_line_is_one_object_with_the_fields_of_the_request() -> None:
    record = logging.LogRecord("redheart.serving", logging.INFO, "a.py", 1, "%s\n%s", ("one", "둘"), None)
    setattr(record, FIELDS, {"status": 200, "key": "web"})
    line = JSONFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert found == {
        "level": "info", "logger": "redheart.serving", "message": "one\n둘", "status": 200, "key": "web",
    }  # fmt: skip


def test_of_an_exception_only_the_type_is_logged() -> None:
    error = ValueError("my xylophone")
    record = logging.LogRecord("uvicorn", logging.ERROR, "a.py", 1, "failed", (), (ValueError, error, None))
    line = JSONFormatter().format(record)
    assert json.loads(line)["exception"] == "ValueError"
    assert "xylophone" not in line
