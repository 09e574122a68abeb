"""Exchanged words: the list is well-formed, changes are measured, and a model that reads names is caught."""

import configparser
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.cards.card_parts import table
from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.data.loading import Array
from redheart.evaluation.measurement.predict import Predictor
from redheart.evaluation.measurement.results import Evaluation
from redheart.evaluation.texts.fairness import (
    ALL,
    AXES,
    BOTH,
    CONTROL,
    LANGUAGES,
    MEASURES,
    Exchange,
    FairnessRow,
    fairness,
    fairness_figures,
    fairness_rows,
    fairness_table,
    fairness_texts,
    parse_exchange,
    read_exchanges,
)

NAMES = ("Fatima", "Keisha", "DeShawn")
ROOT = Path(__file__).resolve().parents[2]


class Fake:
    """Says "other" of every text, and of one with a word of ``blamed`` "author", and that its writer is angry."""

    def __init__(self, *blamed: str) -> None:
        self.blamed = blamed

    def texts(self, texts: Sequence[str], /) -> dict[str, Array]:
        verdict = np.tile([0.2, 0.6, 0.1, 0.1, 0.0], (len(texts), 1))
        emotion = np.tile([float(name == "sadness") for name in EMOTIONS], (len(texts), 1))
        for place, text in enumerate(texts):
            if any(word in text for word in self.blamed):
                verdict[place] = [0.7, 0.1, 0.1, 0.1, 0.0]
                emotion[place, EMOTIONS.index("anger")] = 0.9
        return {"verdict_labels": verdict, "emotion_labels": emotion}


def _exchange(axis: str, *values: str, language: str = "en") -> Exchange:
    return Exchange(axis, language, values, tuple(f"I told {value} a lie." for value in values))


def _find(rows: Sequence[FairnessRow], axis: str, language: str = BOTH) -> FairnessRow:
    return next(row for row in rows if (row.axis, row.language) == (axis, language))


def test_every_axis_has_texts_of_both_languages() -> None:
    texts = fairness_texts()
    axes = Counter(item.axis for item in texts)
    assert set(axes) == set(AXES)
    assert min(axes.values()) >= 20
    assert sum(axes.values()) - axes[CONTROL] >= 210
    both = Counter((item.axis, item.language) for item in texts)
    assert min(both[axis, language] for axis in AXES for language in LANGUAGES) >= 9
    languages = Counter(item.language for item in texts if item.axis != CONTROL)
    assert languages["en"] >= 140
    assert languages["ko"] >= 70


def test_every_slot_is_filled_and_no_text_comes_twice() -> None:
    texts = fairness_texts()
    every = [text for item in texts for text in item.texts]
    assert len(set(every)) == len(every)
    for item in texts:
        assert 3 <= len(set(item.values)) == len(item.values) == len(item.texts) <= 6
        for text in item.texts:
            assert "{" not in text
            assert "  " not in text
            assert text == text.strip()
            assert 8 <= len(text.split()) <= 40
            assert any("가" <= letter <= "힣" for letter in text) == (item.language == "ko")


def test_korean_particles_fit_the_word_before_them() -> None:
    """가 and 를 follow a vowel, 을 a consonant; values hold their particle, where they need one."""
    closed = {"가": False, "를": False, "을": True}
    values = [value for item in fairness_texts() if item.language == "ko" for value in item.values]
    ends = [(value, closed[value[-1]]) for value in values if value[-1] in closed]
    assert len(ends) >= 40
    for value, consonant in ends:
        assert ((ord(value[-2]) - ord("가")) % 28 > 0) == consonant, value


def test_a_model_that_says_the_same_of_every_text_changes_nothing() -> None:
    rows = fairness(Fake(), {})
    assert len(rows) == (len(AXES) + 1) * (len(LANGUAGES) + 1)
    for row in rows:
        assert row.measures == dict.fromkeys(MEASURES, (0.0, 0.0, 0.0))
    texts = fairness_texts()
    everything = _find(rows, ALL)
    assert everything.texts == sum(item.axis != CONTROL for item in texts)
    assert everything.variants == sum(len(item.texts) for item in texts if item.axis != CONTROL)


def test_a_model_that_reads_names_is_caught_on_names_alone() -> None:
    rows = fairness(Fake(*NAMES), {})
    assert _find(rows, "name", "en").measures["changed"][0] > 0.02
    assert _find(rows, "name", "ko").measures["changed"][0] == 0
    for axis in AXES[1:]:
        assert _find(rows, axis).measures["any"][0] == 0
    assert _find(rows, ALL).measures["changed"][0] > 0


def test_the_measures_of_a_text_where_one_of_four_is_blamed() -> None:
    # 1 of 4 variants and 3 of 6 pairs differ, by 0.5 in P(author); {sadness} and {sadness, anger} are 1/2 apart.
    (reading,) = read_exchanges(Fake("Bo"), {}, [_exchange("name", "Al", "Bo", "Cy", "Di")])
    assert reading.verdicts == ("other", "author", "other", "other")
    assert reading.author == pytest.approx((0.2, 0.7, 0.2, 0.2))
    expected = {"changed": 0.25, "pairs": 0.5, "any": 1.0, "author": 0.25, "emotion": 0.25}
    assert reading.measures == pytest.approx(expected)


def test_thresholds_decide_which_emotions_are_asserted() -> None:
    exchange = [_exchange("name", "Al", "Bo", "Cy")]
    (above,) = read_exchanges(Fake("Bo"), {"anger": 0.95}, exchange)
    assert above.measures["emotion"] == 0
    (below,) = read_exchanges(Fake("Bo"), {"anger": 0.85}, exchange)
    assert below.measures["emotion"] == pytest.approx(2 / 3 / 2)


def test_a_text_counts_once_however_many_variants_it_has() -> None:
    exchanges = [_exchange("name", "Al", "Bo", "Cy", "Di", "Ed"), _exchange("name", "Fu", "Gi", "Ha", language="ko")]
    rows = fairness(Fake("Bo"), {}, exchanges)
    assert [(row.axis, row.language) for row in rows] == [
        (axis, language) for axis in ("name", ALL) for language in (BOTH, *LANGUAGES)
    ]
    value, low, high = _find(rows, "name").measures["changed"]
    assert (value, low, high) == pytest.approx((0.1, 0.0, 0.2))
    assert _find(rows, "name").variants == 8
    alone = _find(rows, "name", "en").measures["changed"]
    assert alone[0] == pytest.approx(0.2)
    assert np.isnan(alone[1:]).all()


def test_the_control_is_not_counted_over_all_axes() -> None:
    exchanges = [_exchange(CONTROL, "Al", "Bo", "Cy"), _exchange("age", "Di", "Ed", "Fu")]
    rows = fairness(Fake("Bo"), {}, exchanges)
    assert _find(rows, CONTROL).measures["any"][0] == 1
    assert _find(rows, ALL).measures["any"][0] == 0
    assert _find(rows, ALL).texts == 1


def test_rows_figures_and_table_go_into_an_evaluation_and_a_card(tmp_path: Path) -> None:
    readings = read_exchanges(Fake(*NAMES, "Monday"), {})
    rows = fairness_rows(readings)
    again = [FairnessRow(**row) for row in json.loads(json.dumps([asdict(row) for row in rows]))]
    assert again[0].measures["author"][0] == rows[0].measures["author"][0]
    report = Evaluation("made-up", 1, "")
    report.figures += fairness_figures(rows)
    report.save(tmp_path / "report.json")
    report = Evaluation.load(tmp_path / "report.json")
    (figure,) = report.find("fairness", "verdict", "mean change of P(author)", "name (en)")
    assert figure.value == _find(rows, "name", "en").measures["author"][0]
    assert figure.low <= figure.value <= figure.high
    heads, cells = fairness_table(report.figures)
    assert [row[0] for row in cells][:3] == ["name", "name (en)", "name (ko)"]
    assert len(cells) == len(rows)
    assert {len(row) for row in cells} == {len(heads)}
    found = {row[0]: row for row in cells}
    assert "*" in found["name (en)"][2]
    assert "*" not in "".join(found[CONTROL])  # the floor has no aim
    assert table(heads, cells).startswith("| exchanged | texts | named verdict changed (aim: at most 0.02) |")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("{", "Line 7 .* not JSON"),
        ('{"axis": "name"}', "Line 7 .*text or texts"),
        ('{"axis": "star sign", "language": "en", "text": "{slot}", "values": ["a", "b", "c"]}', "star sign.*dialect"),
        ('{"axis": "age", "language": "en", "text": "{slot}", "values": ["20", "30"]}', "at least 3 values"),
        ('{"axis": "age", "language": "en", "texts": ["a", "b"], "values": ["20", "30", "40"]}', "3 and 2"),
        (
            '{"axis": "age", "language": "en", "text": "I am {slot}.", "values": ["2", "2", "3"]}',
            "has equal values",
        ),
        ('{"axis": "age", "language": "en", "text": "I am.", "values": ["2", "3", "4"]}', "has equal variants"),
        ('{"axis": "age", "language": "en", "text": "{slot} {age}", "values": ["2", "3", "4"]}', "brace left"),
    ],
)
def test_an_error_names_the_line_and_the_cause(line: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        parse_exchange(line, 7)


def test_a_model_reads_the_variants(
    lively_model: Callable[..., RedHeartModel], tokenizer: PreTrainedTokenizerBase
) -> None:
    readings = read_exchanges(Predictor(lively_model(), tokenizer), {}, fairness_texts()[:3])
    for item in readings:
        assert set(item.verdicts) <= set(VERDICTS)
        assert item.measures["author"] > 0
        assert 0 <= item.measures["emotion"] <= 1


@pytest.mark.skipif(not (ROOT / "setup.cfg").is_file(), reason="an installed package has no setup.cfg")
def test_the_list_ships_with_the_package() -> None:
    """A file that is not named there is missing from the wheel; the other tests then fail where that is installed."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"]["redheart.evaluation"].split()
    shipped = {path.name for pattern in patterns for path in (ROOT / "evaluation").glob(pattern)}
    assert "fairness_texts.jsonl" in shipped
