"""The label schema as JSON, for reading outputs without this package; made from `labels`, its only source."""

import json
from typing import Any

from ..configuration import labels
from ..configuration.claims import CLAIMS

NAME = "labels.json"


def label_schema() -> dict[str, Any]:
    """Collect every name of the schema in the order of its tensor dimension, and the range of each label that has one.

    Returns:
        Lists by the name that `labels` has for them, in lower case (``"emotions"``, ``"verdicts"``, ...); ``ranges``:
        "affect", "bentham", "regret_types" and "views" (of utility) -> name -> [low, high], and "acceptability" ->
        [low, high]; ``record_keys``: the keys of the config's ``supervision``.
    """
    lists = {name.lower(): list(value) for name in labels.__all__ if isinstance(value := getattr(labels, name), tuple)}
    ranges: dict[str, Any] = {
        part: {name: list(CLAIMS[claim].span(name)) for name in lists[part]}
        for part, claim in {"affect": "affect", "bentham": "bentham", "views": "utility"}.items()
    }
    ranges["regret_types"] = {name: list(CLAIMS["regret"].span(labels.VIEWS[0])) for name in lists["regret_types"]}
    ranges["acceptability"] = list(CLAIMS["acceptability"].span())
    return {**lists, "ranges": ranges, "record_keys": list(labels.record_keys())}


def label_schema_text() -> str:
    """`label_schema` as the text of its file."""
    return json.dumps(label_schema(), indent=2) + "\n"


__all__ = ["NAME", "label_schema", "label_schema_text"]
