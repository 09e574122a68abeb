"""What is fitted: the rule for rare verdicts, thresholds and temperature, and where they go."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.evaluation.fitting import fit, fit_offsets
from redheart.evaluation.measures import verdict_f1
from redheart.training.data import Array, Example, Unit

OTHER, AUTHOR = VERDICTS.index("other"), VERDICTS.index("author")


def _posts(count: int = 300) -> tuple[Array, Array]:
    """Logits that know a little of a verdict that is rare: the commonest one is always the highest."""
    generator = np.random.default_rng(0)
    truth = np.where(generator.random(count) < 0.2, AUTHOR, OTHER)
    logits = generator.normal(scale=0.3, size=(count, len(VERDICTS)))
    logits[:, OTHER] += 4
    logits[truth == AUTHOR, AUTHOR] += 1.5
    return logits, np.eye(len(VERDICTS))[truth]


def test_the_rule_raises_a_rare_verdict_and_not_the_commonest() -> None:
    logits, shares = _posts()
    offsets = fit_offsets(logits, shares)
    assert offsets[OTHER] == 0
    assert offsets[AUTHOR] > 1
    assert verdict_f1(logits + offsets, shares) > verdict_f1(logits, shares) + 0.1


def test_there_is_no_rule_where_the_most_probable_is_right() -> None:
    _, shares = _posts()
    assert (fit_offsets(np.log(0.01 + shares), shares) == 0).all()


def test_everything_goes_into_the_config() -> None:
    logits, shares = _posts()
    emotions = (np.random.default_rng(1).random((300, len(EMOTIONS))) < 0.3).astype(np.float32)
    units: list[Unit] = [
        (Example(str(n), "set", {"emotion_labels": emotions[n], "verdict_labels": shares[n].astype(np.float32)}),)
        for n in range(300)
    ]
    model: Any = SimpleNamespace(config=SimpleNamespace())
    predictor: Any = lambda _: {"emotion_labels": 0.2 + 0.1 * emotions, "verdict_logits": 3 * logits}  # noqa: E731
    found = fit(model, predictor, units)
    assert all(0.2 < value <= 0.3 for value in model.config.thresholds.values())
    assert set(model.config.thresholds) == set(EMOTIONS)
    assert model.config.verdict_temperature > 1  # three times too sure
    assert set(model.config.verdict_offsets) == set(VERDICTS)
    assert found["verdict_offsets"] == model.config.verdict_offsets


def test_there_must_be_something_to_fit_on() -> None:
    nothing: Any = None
    with pytest.raises(ValueError, match="no row has emotions or a verdict"):
        fit(nothing, nothing, [(Example("text", "set"),)])
