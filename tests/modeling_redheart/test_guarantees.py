"""The record of a guarantee: whole or refused, and its sentences say what it is about."""

import json
from typing import Any

import pytest

from redheart import RedHeartConfig
from redheart.configuration.inputs import check_alpha
from redheart.modeling_redheart.guarantees import (
    EXPIRES,
    Guarantee,
    Promise,
    promise_lines,
    read_guarantee,
    scope,
)

PROMISES = (
    Promise(0.1, {"emotions": 0.02, "verdicts": 0.05}, {"named": 0.25}),
    Promise(0.3, {"emotions": 0.1, "verdicts": 0.2, "named": 0.6}, {}),
)
GUARANTEE = Guarantee("cases (calibration)", "ab" * 32, 148, 45, 0.1, PROMISES, "cd" * 32, 1.5)


def test_it_survives_a_config_and_json(tmp_path: Any) -> None:
    config = RedHeartConfig(guarantee=GUARANTEE.record())
    config.save_pretrained(tmp_path)
    assert read_guarantee(RedHeartConfig.from_pretrained(tmp_path).guarantee) == GUARANTEE
    assert read_guarantee(json.loads(json.dumps(GUARANTEE.record()))) == GUARANTEE
    assert read_guarantee({}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"promises": [{"alpha": 2, "thresholds": {}, "least": {}}]},
        {"promises": [{"alpha": 0.1, "thresholds": {"anger": 0.1}, "least": {}}]},
        {"promises": [{"alpha": 0.1, "thresholds": {"named": 7}, "least": {}}]},
        {"promises": 3},
        {"rows": "many"},
    ],
)
def test_a_record_that_is_not_whole_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not a whole record.*redheart calibrate"):
        read_guarantee(GUARANTEE.record() | change)


def test_another_alpha_names_those_that_there_are() -> None:
    assert GUARANTEE.promise(0.3) is PROMISES[1]
    with pytest.raises(ValueError, match=r"No guarantee of 0\.05.*only of 0\.1, 0\.3.*--alpha 0\.05"):
        GUARANTEE.promise(0.05)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, True, "0.1", None, float("nan")])
def test_alpha_is_a_share(alpha: Any) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        check_alpha(alpha)


def test_the_sentences_say_against_what_and_for_what_it_holds() -> None:
    assert "against the ratings of cases (calibration) (148 texts in 45 groups, rated by a model)" in scope(GUARANTEE)
    assert "for texts like those" in scope(GUARANTEE)
    assert "0.9" in scope(GUARANTEE)
    emotions, verdicts, named = promise_lines(PROMISES[0])
    assert emotions.startswith("emotions: at most 10%")
    assert "of the raters' votes outside the set" in verdicts
    assert named == "named: not promised at 10%, for which the calibrated rows do not suffice; 25% could be"
    assert "weights" in EXPIRES
