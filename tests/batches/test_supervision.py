"""The record of what supervised what, from the targets."""

import numpy as np

from redheart import RedHeartConfig
from redheart.batches.supervision import confidence_keys, extended, supervision_of
from redheart.configuration.configuration_redheart import FITTED
from redheart.configuration.labels import EMOTIONS, PERSPECTIVES
from redheart.data.loading import Example, Unit
from redheart.modeling_redheart.guarantees import Guarantee, Promise


def unit(source: str, **targets: object) -> Unit:
    return (Example("text", source, {name: np.asarray(value) for name, value in targets.items()}),)


def test_each_target_supervises_its_claims() -> None:
    emotions = np.full(28, np.nan)
    emotions[EMOTIONS.index("joy")] = 0.0
    record = supervision_of(
        [
            unit("one", emotion_labels=emotions),
            unit("two", emotion_labels=emotions, verdict_labels=np.full(5, 0.2)),
            unit("two", affect_labels=[0.1, np.nan, np.nan], acceptability_pair_labels=[0, 1]),
        ]
    )
    assert record == {
        "emotion.joy": ["one", "two"],
        "nuance.joy.slight": ["one", "two"],
        "affect.valence": ["two"],
        "arc": ["one", "two"],
        "surd": ["two"],
        "verdict": ["two"],
        "acceptability": ["two"],
    }


def test_courses_conduct_and_perspectives() -> None:
    sides = np.full((2, 5), np.nan)
    sides[PERSPECTIVES.index("other")] = 0.2
    record = supervision_of(
        [
            unit("courses", utility_labels=[0.5, np.nan, -1.0]),
            unit("told", utility_pair_labels=[0, 1]),
            unit("branches", branch_pair_labels=[0, 1]),
            unit("conduct", acceptability_labels=0.3, perspective_labels=sides),
        ]
    )
    assert record == {
        "utility.better": ["branches", "courses"],
        "utility.actual": ["branches", "told"],
        "utility.worse": ["branches", "courses"],
        "acceptability": ["conduct"],
        "perspectives.other": ["conduct"],
    }


def test_a_level_needs_texts_on_both_sides_of_it() -> None:
    anger = EMOTIONS.index("anger")

    def graded(level: int) -> Unit:
        levels = np.full(28, -100)
        levels[anger] = level
        return unit("graded", nuance_labels=levels)

    record = supervision_of([graded(1), graded(3)])
    # At least slight they all are, so slight is never told from absent; extreme never occurs.
    assert sorted(record) == ["nuance.anger.moderate", "nuance.anger.strong"]


def test_confidence_follows_what_was_trained() -> None:
    assert confidence_keys({"emotion.joy": [], "affect.valence": [], "embedding": []}) == [
        "confidence.emotion",
        "confidence.affect",
    ]


def test_a_model_that_is_trained_further_keeps_what_supervised_it_before() -> None:
    """Whole, as an adapter, and merged: the weights hold both, and so do the licences."""
    before = {"verdict": ["cases"], "emotion.joy": ["cases", "goemotions"]}
    assert extended(before, {"verdict": ["mine"], "emotion.joy": ["cases"], "affect.valence": ["mine"]}) == {
        "emotion.joy": ["cases", "goemotions"], "affect.valence": ["mine"], "verdict": ["cases", "mine"],
    }  # fmt: skip


def test_what_was_fitted_to_other_weights_is_neutral() -> None:
    promise = Promise(0.1, {"emotions": 0.2}, {})
    guarantee = Guarantee("mine", "0", 50, 50, 0.1, (promise,), "0", 1.3).record()
    fitted = {"thresholds": {"joy": 0.2}, "verdict_temperature": 1.3, "verdict_threshold": 0.5, "information_null": 0.1,
              "withheld": ["verdict"], "guarantee": guarantee}  # fmt: skip
    assert set(fitted) == set(FITTED)
    config, neutral = RedHeartConfig(**fitted), RedHeartConfig()
    config.clear_fitted()
    assert {name: getattr(config, name) for name in FITTED} == {name: getattr(neutral, name) for name in FITTED}
