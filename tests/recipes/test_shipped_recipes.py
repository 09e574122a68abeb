"""What the recipes of the checkpoints read, and what they record."""

from collections.abc import Sequence

import numpy as np
import pytest

from redheart.configuration.labels import record_keys
from redheart.data.loading import Example, to_units
from redheart.recipes.shipped_recipes import epoch_sizes, titles, translations
from redheart.recipes.train_100m import STORY_VERDICT, record_of


def _comments(texts: Sequence[str], source: str, first: int = 0) -> list[Example]:
    labels = np.zeros(28, dtype=np.float32)
    return [
        Example(text, source, {"emotion_labels": labels}, f"goemotions/{number}")
        for number, text in enumerate(texts, start=first)
    ]


def test_a_comment_and_its_translation_are_one_unit() -> None:
    english, korean = _comments(["yes", "no", "maybe"], "goemotions"), _comments(["아니", "글쎄"], "goemotions_ko", 1)
    units = translations(english, korean)
    assert [[item.text for item in unit] for unit in units] == [["no", "아니"], ["maybe", "글쎄"]]
    assert {item.source for unit in units for item in unit} == {"goemotions_translated"}
    units[0][1].targets["embedding_labels"] = np.zeros(3)
    assert "embedding_labels" not in korean[0].targets  # the set itself stays as it was


def test_a_title_has_the_votes_of_its_post() -> None:
    votes = np.array([1, 0, 0, 0, 0], dtype=np.float32)
    (title,) = titles([Example("Was I wrong?\nIt began so ...", "scruples_anecdotes", {"verdict_labels": votes})])
    assert (title.text, title.source) == ("Was I wrong?", "scruples_titles")
    assert title.targets["verdict_labels"] is votes


def test_the_epoch_holds_the_rounds_of_each_set() -> None:
    units = to_units([*_comments(["a"] * 40, "goemotions"), *_comments(["b"] * 10, "emobank")])
    assert epoch_sizes(units, {"goemotions": 0.5, "emobank": 2.0}) == {"goemotions": 20, "emobank": 20}


@pytest.mark.parametrize("source", ["goemotions_translated", "scruples_titles"])
def test_the_record_names_sets_as_they_are_published(source: str) -> None:
    targets = {
        "emotion_labels": np.zeros(28, dtype=np.float32),
        "verdict_labels": np.array([1, 0, 0, 0, 0], dtype=np.float32),
    }
    record = record_of([(Example("text", source, targets),)])
    assert set(record) <= set(record_keys())
    names = {
        name for key, sources in record.items() if not key.startswith(("confidence", "regret")) for name in sources
    }
    assert source not in names
    assert names & {"goemotions_ko", "scruples_anecdotes"}


def test_no_confidence_is_claimed_of_derived_outputs() -> None:
    record = record_of([(Example("text", "goemotions", {"emotion_labels": np.zeros(28, dtype=np.float32)}),)])
    assert record["regret.responsibility.actual"][0].startswith("derived: ")
    assert "confidence.emotion" in record
    assert "confidence.regret" not in record


def test_a_verdict_made_of_a_story_is_derived() -> None:
    votes = np.array([1, 0, 0, 0, 0], dtype=np.float32)
    units = [
        (Example("text", source, {"verdict_labels": votes}),) for source in ("moral_stories", "scruples_anecdotes")
    ]
    record = record_of(units)
    assert record["verdict"] == record["surd"] == ["scruples_anecdotes", STORY_VERDICT]
    assert STORY_VERDICT.startswith("derived: ")
