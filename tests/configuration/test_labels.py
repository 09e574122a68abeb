"""The label schema: counts, orders, names."""

import pytest

from redheart.configuration import labels
from redheart.configuration.claims import output_of
from redheart.configuration.labels import (
    BENTHAM,
    EMOTIONS,
    FAST_OUTPUTS,
    MODULES,
    NUANCE_LEVELS,
    OUTPUTS,
    PERSPECTIVES,
    RATED,
    REGRET_TYPES,
    SIGNED_BENTHAM,
    SURD,
    SURD_SOURCES,
    VERDICTS,
    VIEWS,
    closest,
    record_keys,
)

# emotions.txt of google-research/goemotions, line by line
GOEMOTIONS = (
    "admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval "
    "disgust embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief "
    "remorse sadness surprise neutral"
)


def test_emotions_are_those_of_goemotions_in_their_order() -> None:
    assert " ".join(EMOTIONS) == GOEMOTIONS


def test_counts() -> None:
    assert len(EMOTIONS) == 28
    assert len(EMOTIONS) * len(NUANCE_LEVELS) == 112
    assert len(BENTHAM) == 10
    assert (len(REGRET_TYPES), len(VIEWS)) == (7, 3)
    assert len(VERDICTS) == 5
    assert len(SURD) == 4
    assert len(PERSPECTIVES) == 2
    assert len(MODULES) == 10


def test_orders_that_readers_and_data_rely_on() -> None:
    assert NUANCE_LEVELS == ("slight", "moderate", "strong", "extreme")
    assert BENTHAM[:7] == ("intensity", "duration", "certainty", "propinquity", "fecundity", "purity", "extent")
    assert BENTHAM[7:] == ("valence", "vulnerability", "intentionality")
    assert SIGNED_BENTHAM == ("valence",)
    assert REGRET_TYPES == ("action", "inaction", "outcome", "process", "choice", "timing", "responsibility")
    assert VIEWS == ("better", "actual", "worse")
    assert VERDICTS == ("author", "other", "everybody", "nobody", "info")
    assert SURD == ("synergy", "unique", "redundant", "determined")
    assert SURD_SOURCES == ("emotion", "bentham", "regret")


@pytest.mark.parametrize("name", [name for name in labels.__all__ if name.isupper()])
def test_names_are_unique_words(name: str) -> None:
    names = getattr(labels, name)
    assert isinstance(names, tuple)
    assert len(set(names)) == len(names)
    assert all(label.isidentifier() and label == label.lower() for label in names)


def test_what_refers_to_outputs_does() -> None:
    assert set(FAST_OUTPUTS) < set(OUTPUTS)
    assert [name for name in OUTPUTS if name in FAST_OUTPUTS] == list(FAST_OUTPUTS)
    assert set(SURD_SOURCES) < set(OUTPUTS)
    assert {output_of(key) for key in record_keys()} == set(OUTPUTS)
    rated = {output_of(key) for key in record_keys() if key.split(".")[0] in RATED}
    assert set(OUTPUTS) - rated == {"confidence", "embedding"}


def test_record_keys_name_every_claim_once() -> None:
    keys = record_keys()
    assert len(set(keys)) == len(keys) == 28 + 28 + 112 + 3 + 1 + 10 + 21 + 3 + 3 + 1 + 1 + 1 + 2 + 13 + 1
    assert {"emotion.neutral", "nuance.anger.strong", "affect.valence", "regret.timing.worse", "confidence.arc"} <= set(
        keys
    )


def test_closest() -> None:
    assert closest("emotoin", OUTPUTS) == "did you mean 'emotion'?"
    assert closest("xyzzy", ("alpha", "beta")) == "known are alpha, beta."
    assert closest("text", ()) == closest("text", ("",)) == "there are none."
