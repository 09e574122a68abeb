"""The floor, on a few dozen rows written here whose answer lies in single words."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, VERDICTS
from redheart.data.loading import (
    INTENSITY_EMOTIONS,
    Array,
    DataError,
    Unit,
    examples_of,
    find_data,
    load,
    to_examples,
    to_units,
)
from redheart.evaluation.measurement import floor as floor_module
from redheart.evaluation.measurement import linear
from redheart.evaluation.measurement.floor import BALANCED, LEARNED, Floor
from redheart.evaluation.measurement.predict import Predictor, target_column
from redheart.evaluation.measurement.results import CONSTANT, LINEAR
from redheart.statistics.measures import (
    accuracy,
    average_precision,
    macro_f1,
    pair_accuracy,
    pearson,
    soft_cross_entropy,
    verdict_f1,
)

ROWS = 24
JOY, ANGER, FEAR = (EMOTIONS.index(name) for name in ("joy", "anger", "fear"))
GOOD = [1, 0] * (ROWS // 2)


def texts(split: str) -> list[str]:
    """Good texts have one word that bad ones do not have; no text is in two splits."""
    return [f"{'lovely' if good else 'awful'} day number{number} {split}" for number, good in enumerate(GOOD)]


def own(rows: list[dict[str, Any]]) -> list[Unit]:
    return to_units(to_examples(rows, "mine"))


def public(name: str, split: str) -> list[Unit]:
    """A split of a public set: good words go with joy, pleasure and being right, bad ones with the contrary."""
    rows: list[dict[str, Any]] = []
    for text, good in zip(texts(split), GOOD, strict=True):
        kind, cruel = (f"{word} deed {text.split(' ', 2)[2]}" for word in ("kind", "cruel"))
        votes = dict.fromkeys((f"n_{verdict}" for verdict in VERDICTS), 0)
        row: dict[str, dict[str, Any]] = {
            "goemotions": {"id": text, "text": text, "labels": [JOY] if good else [ANGER]},
            "scruples_anecdotes": {"title": text, "text": text} | votes
            | {"n_other": 3 if good else 1, "n_author": 1 if good else 3},
            "ethics_utilitarianism": {"more_pleasant": kind, "less_pleasant": cruel},
            "moral_stories": {"id": text, "moral_action": kind, "immoral_action": cruel,
                              "situation": f"A day of {split}.", "intention": "To act."},
            "emobank": {"text": text, "valence": 4.0 if good else 2.0, "arousal": 4.0 if good else 2.0,
                        "dominance": 4.0 if good else 2.0},
            "emotion_intensity_en": {"text": text} | {
                emotion: (2 if good else 0) if emotion not in ("anger", "fear") else 0 if good else 3
                for emotion in INTENSITY_EMOTIONS},
        }  # fmt: skip
        rows.append(row[name])
    return to_units(examples_of(name, rows))


def systems(name: str, target: str) -> tuple[Array, dict[str, Array]]:
    """The target of the validation rows, and what each system says about them."""
    train, held = public(name, "train"), public(name, "validation")
    actual, places = target_column(held, target)
    return actual, {system: predictions[target][places] for system, predictions in Floor(train).predict(held).items()}


def test_emotions() -> None:
    actual, predictions = systems("goemotions", "emotion_labels")
    # Joy and anger, the labels that occur, are each in half of the texts and always asserted.
    assert macro_f1(actual, predictions[CONSTANT] >= 0.1) == pytest.approx(2 / 3)
    assert average_precision(actual, predictions[CONSTANT]) == pytest.approx(0.5)
    assert average_precision(actual, predictions[LINEAR]) == pytest.approx(1)
    assert set(predictions) == {CONSTANT, LINEAR}


def test_verdicts_are_learned_as_shares_of_votes() -> None:
    shares, predictions = systems("scruples_anecdotes", "verdict_labels")
    majority = shares.argmax(axis=1)
    assert accuracy(predictions[CONSTANT].argmax(axis=1), majority) == 0.5
    assert soft_cross_entropy(predictions[CONSTANT], shares) == pytest.approx(math.log(2))
    assert (
        accuracy(predictions[LINEAR].argmax(axis=1), majority)
        == accuracy(predictions[BALANCED].argmax(axis=1), majority)
        == 1
    )
    assert verdict_f1(predictions[BALANCED], shares) == 1
    least = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert least <= soft_cross_entropy(predictions[LINEAR], shares) < least + 0.05
    # The shares of the votes are learned; from the majority alone, a system learns to be more certain than they were.
    assert 0.6 < predictions[LINEAR][0].max() < 0.8 < predictions[BALANCED][0].max()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("moral_stories", "acceptability_pair_labels"),
        ("moral_stories", "branch_pair_labels"),
        ("ethics_utilitarianism", "utility_pair_labels"),
    ],
)
def test_rankings(name: str, target: str) -> None:
    actual, predictions = systems(name, target)
    better, worse = (actual[:, 1] == rank for rank in (1, 0))
    assert {system: pair_accuracy(scores[better], scores[worse]) for system, scores in predictions.items()} == {
        CONSTANT: 0.5,
        LINEAR: 1,
    }


@pytest.mark.parametrize(("name", "target"), [("emobank", "affect"), ("emotion_intensity_en", "intensity")])
def test_regressions(name: str, target: str) -> None:
    actual, predictions = systems(name, f"{target}_labels")
    places = np.flatnonzero(np.isfinite(actual).all(axis=0))
    assert len(places) == (len(AFFECT) if name == "emobank" else len(INTENSITY_EMOTIONS))
    for place in places:
        assert math.isnan(pearson(predictions[CONSTANT][:, place], actual[:, place]))
        assert pearson(predictions[LINEAR][:, place], actual[:, place]) > 0.99
    errors = {system: np.square(values - actual)[:, places].mean() for system, values in predictions.items()}
    assert errors[LINEAR] < errors[CONSTANT]
    if name == "emobank":  # +-0.5, and twice +-0.25, around the means
        assert errors[CONSTANT] == pytest.approx((0.25 + 0.0625 + 0.0625) / 3)


def test_own_rows_of_every_target(lively: RedHeartModel, tokenizer: PreTrainedTokenizerBase) -> None:
    def rows(split: str) -> list[Unit]:
        found: list[dict[str, Any]] = []
        for text, good in zip(texts(split), GOOD, strict=True):
            known = {"emotion": "joy" if good else "anger, fear", "verdict": "nobody" if good else "author"}
            known |= {"perspectives.other": known["verdict"], "perspectives.self": "other"}
            amounts = {"intensity.joy": good, "nuance.joy": 3 * good, "bentham.purity": good, "affect.valence": good}
            amounts |= {"regret.action.better": -good, "counterfactual.plausibility.better": good}
            amounts |= {"utility.actual": good, "acceptability": good}
            found.append({"text": text, **known, **amounts})
        for ranking in ("utility", "acceptability", "branch"):
            found += [{"text": f"kind {n} {split}", "rejected": f"cruel {n}", "ranking": ranking} for n in range(4)]
        return own(found)

    held, floor = rows("held"), Floor(rows("train"))
    assert set(floor.targets) == set(LEARNED)
    predictions, model = floor.predict(held), Predictor(lively, tokenizer)(held)
    for system in (CONSTANT, LINEAR):
        for target, values in predictions[system].items():
            assert values.shape == model[target].shape, target
            assert np.isfinite(values).all()
        for target in ("verdict_labels", "perspective_labels"):
            np.testing.assert_allclose(predictions[system][target].sum(axis=-1), 1)
    linear_predictions = {target: values[:ROWS] for target, values in predictions[LINEAR].items()}
    (teller, affected), purity = (PERSPECTIVES.index(name) for name in ("self", "other")), BENTHAM.index("purity")
    for higher in (
        linear_predictions["nuance_labels"][:, JOY],
        linear_predictions["bentham_labels"][:, purity],
        -linear_predictions["regret_labels"][:, 0, 0],
        linear_predictions["plausibility_labels"][:, 0],
        linear_predictions["perspective_labels"][:, affected, VERDICTS.index("nobody")],
    ):
        assert higher[::2].min() > higher[1::2].max()
    # Everybody who tells it found the other in the wrong.
    for system in (CONSTANT, LINEAR):
        assert (predictions[system]["perspective_labels"][:, teller, VERDICTS.index("other")] == 1).all()


def test_each_column_is_learned_from_the_texts_that_have_it() -> None:
    some = [{"text": text, "emotion.joy": good} for text, good in zip(texts("a"), GOOD, strict=True)]
    # In these, nobody asked for joy.
    others = [{"text": text, "emotion.fear": good} for text, good in zip(texts("b"), GOOD, strict=True)][:17]
    held = own([{"text": text, "emotion": []} for text in texts("held")])
    both, alone = Floor(own(some + others)).predict(held), Floor(own(some)).predict(held)
    for system in (CONSTANT, LINEAR):
        joy = both[system]["emotion_labels"][:, JOY]
        np.testing.assert_array_equal(joy, alone[system]["emotion_labels"][:, JOY])
    assert both[CONSTANT]["emotion_labels"][0, JOY] == 0.5
    assert both[CONSTANT]["emotion_labels"][0, FEAR] == pytest.approx(9 / 17)


def test_a_column_that_never_changes_stays_so() -> None:
    train = [
        {"text": text, "emotion": ["anger"], "verdict": "info", "affect.arousal": 0.25, "affect.valence": good}
        for text, good in zip(texts("train"), GOOD, strict=True)
    ]
    held = own([{"text": text, "emotion": [], "verdict": "info", "affect.arousal": 0.5} for text in texts("held")])
    for predictions in Floor(own(train)).predict(held).values():
        assert (predictions["verdict_labels"] == np.eye(5)[VERDICTS.index("info")]).all()
        if "emotion_labels" in predictions:
            assert (predictions["emotion_labels"] == np.eye(28)[ANGER]).all()
            np.testing.assert_allclose(predictions["affect_labels"][:, AFFECT.index("arousal")], 0.25)
            # No training text has a dominance.
            assert (predictions["affect_labels"][:, AFFECT.index("dominance")] == 0).all()


def test_every_text_is_answered_in_its_order() -> None:
    train = own([
        *({"text": f"kind {number}", "rejected": f"cruel {number}", "ranking": "acceptability"} for number in range(6)),
        *({"text": text, "affect.valence": good} for text, good in zip(texts("a"), GOOD, strict=True)),
        {"text": "a day", "intensity.joy": 1.0},
    ])  # fmt: skip
    held = own([
        {"text": "awful day", "affect.valence": 0.0},
        {"text": "cruel", "rejected": "kind", "ranking": "acceptability"},
        {"text": "lovely day", "emotion": "joy"},
    ])  # fmt: skip
    predictions = Floor(train).predict(held)[LINEAR]
    assert set(predictions) == {"affect_labels", "acceptability_pair_labels"}  # what both have
    assert predictions["acceptability_pair_labels"].shape == (4,)
    assert predictions["acceptability_pair_labels"].argmax() == 2
    assert predictions["affect_labels"][:, 0].argmin() == 0
    assert predictions["affect_labels"][:, 0].argmax() == 3
    assert set(Floor(train, ["affect_labels"]).predict(held)[CONSTANT]) == {"affect_labels"}


def test_a_target_without_a_floor_is_refused() -> None:
    with pytest.raises(DataError, match="no floor for 'emotion_label'; did you mean 'emotion_labels'"):
        Floor([], ["emotion_label"])
    with pytest.raises(DataError, match="embedding_labels"):
        Floor([], ["embedding_labels"])
    assert Floor([]).predict(public("emobank", "validation")) == {}


def test_equal_labels_of_the_same_texts_are_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[Array] = []

    def counted(features: Any, labels: Array, penalty: float) -> linear.Model:
        fitted.append(labels)
        return shares(features, labels, penalty)

    shares = linear.KINDS["shares"]
    monkeypatch.setitem(linear.KINDS, "shares", counted)

    def rows(split: str) -> list[Unit]:
        verdicts = (("nobody" if good else "author") for good in GOOD)
        return own([
            {"text": text, "verdict": verdict, "perspectives.other": verdict}
            for text, verdict in zip(texts(split), verdicts, strict=True)
        ])  # fmt: skip

    floor = Floor(rows("train"))
    for split in ("validation", "test"):
        predictions = floor.predict(rows(split))[LINEAR]
        place = PERSPECTIVES.index("other")
        np.testing.assert_array_equal(predictions["verdict_labels"], predictions["perspective_labels"][:, place])
    assert len(fitted) == 1


def test_the_cache_gives_the_same_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, held, cache = public("scruples_anecdotes", "train"), public("scruples_anecdotes", "test"), tmp_path / "new"
    bare, missed = Floor(train).predict(held), Floor(train, cache=cache).predict(held)
    assert len(list(cache.iterdir())) == 1  # the verdict
    monkeypatch.setattr(floor_module, "Linear", None)
    hit = Floor(train, cache=cache).predict(held)
    assert set(hit) == set(bare) == {CONSTANT, LINEAR, BALANCED}
    for system, targets in bare.items():
        assert set(hit[system]) == set(targets)
        for target, values in targets.items():
            np.testing.assert_array_equal(missed[system][target], values)
            np.testing.assert_array_equal(hit[system][target], values)


def test_the_cache_knows_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(texts: tuple[str, ...] = ("good one", "bad one", "bad"), valence: float = 0.5) -> list[Unit]:
        return own([{"text": text, "affect.valence": valence} for text in texts])

    def files() -> int:
        return len(list(tmp_path.iterdir()))

    Floor(rows(), cache=tmp_path).predict(rows())
    Floor(rows(), cache=tmp_path).predict(rows(valence=0.1))  # what the answers should be plays no part
    assert files() == 1
    for number, (train, held) in enumerate([
        (rows(("good one", "bad one", "sad")), rows()),
        (rows(("good", "onebad one", "bad")), rows()),
        (rows(valence=0.25), rows()),
        (rows(), rows(("good one", "bad one", "sad"))),
        (rows(), rows(("bad one", "good one", "bad"))),
    ]):  # fmt: skip
        Floor(train, cache=tmp_path).predict(held)
        assert files() == number + 2
    monkeypatch.setattr(floor_module, "_MADE_BY", "other settings")
    Floor(rows(), cache=tmp_path).predict(rows())
    assert files() == 7
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="Delete it"):
        Floor(rows(), cache=tmp_path).predict(rows())


def test_the_emotion_intensities_have_the_figure_of_record() -> None:
    try:
        find_data()
    except DataError as error:
        pytest.skip(str(error))
    train, held = (to_units(load("emotion_intensity_en", None, split)) for split in ("train", "test"))
    actual, _ = target_column(held, "intensity_labels")
    predictions = Floor(train, targets=["intensity_labels"]).predict(held)[LINEAR]["intensity_labels"]
    places = [EMOTIONS.index(name) for name in INTENSITY_EMOTIONS]
    r = [pearson(predictions[:, place], actual[:, place]) for place in places]
    assert np.mean(r) == pytest.approx(0.390, abs=0.005)
