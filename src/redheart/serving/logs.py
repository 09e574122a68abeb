"""The log of the server, as lines for people or as one JSON object per line. Neither has a text in it.

Notable: of an exception only the type is logged as JSON, since its message may quote a text. What a request is logged
with are the fields that `middleware.Guard` gives.
"""

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum

FIELDS = "redheart"  # attribute of a record: its further fields


class LogForm(StrEnum):
    """Form of the log."""

    TEXT = "text"
    JSON = "json"


class JSONFormatter(logging.Formatter):
    """One JSON object per line: time (UTC, ISO 8601), level, logger, message, and the fields of a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(form: LogForm) -> None:
    """Log to standard error: messages of the server, and only warnings of libraries."""
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JSONFormatter() if form is LogForm.JSON else plain)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("redheart.serving").setLevel(logging.INFO)


__all__ = ["FIELDS", "JSONFormatter", "LogForm", "set_up_logging"]
