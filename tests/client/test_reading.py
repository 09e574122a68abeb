"""A reading as a dict whose parts are attributes."""

import json

import pytest

from redheart.client import Reading
from redheart.configuration.labels import OUTPUTS

RECORD = {"text": "a", "verdict": {"label": "not_wrong"}, "flags": {"risk": []}}


def test_it_is_the_dict_that_the_pipeline_gives() -> None:
    reading = Reading(RECORD)
    assert reading == RECORD
    assert json.loads(json.dumps(reading)) == RECORD
    assert (reading.text, reading.flags) == ("a", {"risk": []})


def test_its_parts_are_those_of_the_registry() -> None:
    reading = Reading(RECORD)
    assert reading.verdict == {"label": "not_wrong"}
    assert {name for name in OUTPUTS if getattr(reading, name) is not None} == {"verdict"}
    assert set(OUTPUTS) <= set(dir(reading))
    with pytest.raises(AttributeError, match="did you mean 'verdict'"):
        reading.verdct  # noqa: B018
