"""Plain facts: the list is well formed, and the shares count what is named and asserted."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.data.loading import Array
from redheart.evaluation.measurement.predict import Predictor
from redheart.evaluation.measurement.results import Figure
from redheart.evaluation.texts.plain_facts import BLAMED, DATASET, FELT, plain_facts
from redheart.evaluation.texts.text_lists import text_list
from redheart.modeling_redheart.pipeline_redheart import check_text
from redheart.rewording.wording import is_emotive, share_of_script, words

ROWS = text_list("plain_facts")
TEXTS = [row["text"] for row in ROWS]
HARMLESS = {"crush", "please", "right", "warm"}  # as in a recipe, a request, directions, a measurement


class _Predictor:
    """Says "nobody" and neutral of every text, but of those by number what it is given."""

    def __init__(self, verdicts: dict[int, str], emotions: dict[int, str]) -> None:
        self.verdicts, self.emotions = verdicts, emotions

    def texts(self, texts: Sequence[str]) -> dict[str, Array]:
        assert list(texts) == TEXTS
        verdict, emotion = np.full((len(texts), 5), 0.1), np.zeros((len(texts), 28))
        emotion[:, EMOTIONS.index("neutral")] = 1
        for row in range(len(texts)):
            verdict[row, VERDICTS.index(self.verdicts.get(row, "nobody"))] = 0.6
        for row, name in self.emotions.items():
            emotion[row, EMOTIONS.index(name)] = 0.4
        return {"verdict_labels": verdict, "emotion_labels": emotion}


def _values(figures: list[Figure], measure: str) -> dict[str, float]:
    return {item.split: item.value for item in figures if item.measure == measure}


def test_the_list_is_of_eighty_and_forty_distinct_texts() -> None:
    assert all(set(row) == {"text", "language"} for row in ROWS)
    assert len(set(TEXTS)) == 120
    assert [row["language"] for row in ROWS] == ["en"] * 80 + ["ko"] * 40
    for row in ROWS:
        assert check_text(row["text"]) == row["text"].strip()
        assert (share_of_script(row["text"], "HANGUL") > 0.5) == (row["language"] == "ko"), row["text"]


def test_nobody_in_them_feels() -> None:
    for text in TEXTS:
        assert [word for word in words(text.lower()) if is_emotive(word) and word not in HARMLESS] == [], text


def test_the_shares_are_of_wrongdoers_named_and_of_emotions_above_their_threshold() -> None:
    predictions = _Predictor(
        {0: "author", 1: "other", 2: "everybody", 3: "info", 100: "author"}, {0: "anger", 90: "joy", 91: "joy"}
    )
    figures = plain_facts(predictions, {"anger": 0.4, "joy": 0.41})  # type: ignore[arg-type]  # a stand-in
    assert {item.dataset for item in figures} == {DATASET}
    assert {item.split: item.rows for item in figures} == {"en": 80, "ko": 40, "all": 120}
    assert _values(figures, BLAMED) == {"en": 3 / 80, "ko": 1 / 40, "all": 4 / 120}
    assert _values(figures, FELT) == {"en": 1 / 80, "ko": 0, "all": 1 / 120}
    assert {item.rule for item in figures if item.measure == BLAMED} == {"most probable"}
    assert all(item.low <= item.value <= item.high for item in figures)


def test_a_reading_that_abstains_names_nobody() -> None:
    predictions = _Predictor({0: "author"}, {})  # with a probability of 0.6
    shares = {
        least: _values(plain_facts(predictions, {}, least), BLAMED)["all"]  # type: ignore[arg-type]  # a stand-in
        for least in (0.6, 0.61)
    }
    assert shares == {0.6: 1 / 120, 0.61: 0}


def test_a_model_is_measured(lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase) -> None:
    figures = plain_facts(Predictor(lively_model(), tokenizer), {})
    assert len(figures) == 6
    assert all(0 <= item.value <= 1 for item in figures)


def test_a_threshold_that_is_not_given_is_one_half() -> None:
    figures = plain_facts(_Predictor({}, {0: "anger"}), {})  # type: ignore[arg-type]  # a stand-in
    assert _values(figures, FELT)["all"] == pytest.approx(0)
