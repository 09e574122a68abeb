"""The gallery: the list is well formed and no case, misses are found, and the page has every reading as it is."""

import copy
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from redheart import RedHeartModel
from redheart.evaluation.texts.text_lists import text_list
from redheart.modeling_redheart.pipeline_redheart import TASK, EthicalAnalysisPipeline, check_text
from redheart.recipes.gallery import GalleryText, gallery, gallery_texts, misses, read_gallery
from redheart.rewording.wording import share_of_script

CASES = Path(__file__).resolve().parents[2] / "data" / "cases"
NEAR = 0.5  # words in common, of all words of both, from which on two texts are near

COMMAND = "python -m redheart.recipes.gallery tiny --output docs/gallery.md"


def _item(verdict: str = "other", emotions: str = "fear sadness", text: str = "He hit me.") -> GalleryText:
    return GalleryText(text, "en", tuple(verdict.split()), tuple(emotions.split()))


def _reading(label: str | None = "other", asserted: str = "fear", **flags: Any) -> dict[str, Any]:
    """A reading of the pipeline; its numbers are invented."""
    probabilities = {"author": 0.1, "other": 0.6, "everybody": 0.1, "nobody": 0.1, "info": 0.1}
    verdict = {"label": label, "abstained": label is None, "probabilities": probabilities, "acceptability": 0.875}
    return {
        "text": "He hit me.",
        "emotion": {
            "labels": {},
            "asserted": asserted.split(),
            "affect": {"valence": -0.5, "arousal": 0.7, "dominance": 0.2},
            "nuance": {"fear": {"slight": 0.9, "moderate": 0.8, "strong": 0.4, "extreme": 0.1}},
        },
        "regret": {"action": {"better": 0.25, "actual": -0.75, "worse": -0.9}, "timing": {"better": 0.5}},
        "counterfactual": {"better": {"utility": 0.5}, "actual": {"utility": -0.001}, "worse": {"utility": -0.8}},
        "verdict": verdict,
        "confidence": {name: {"expected_loss": 0.1, "confidence": 0.9} for name in ("verdict", "emotion")},
        "flags": {"windows": 1, "truncated": False, "tokens": 6, "unknown_tokens": 0.0, "no_letters": False,
                  "speakers": 1, "risk": [], "recovered": [], "withheld": [], "derived": ["regret.action.better"],
                  "untrained": []} | flags,
    }  # fmt: skip


def _page(reading: dict[str, Any], item: GalleryText | None = None) -> str:
    return gallery([item or _item()], [reading], "tiny", COMMAND)


def _without(*path: str, withheld: tuple[str, ...] = ()) -> dict[str, Any]:
    """A reading in which a part is missing, and which says so of ``withheld``."""
    reading = copy.deepcopy(_reading(withheld=list(withheld)))
    node = reading
    for name in path[:-1]:
        node = node[name]
    del node[path[-1]]
    return reading


def test_the_list_has_forty_distinct_texts_of_two_languages() -> None:
    items = gallery_texts()
    assert [item.language for item in items] == ["en"] * 26 + ["ko"] * 14
    assert len({item.text for item in items}) == 40
    for item in items:
        assert check_text(item.text) == item.text.strip()
        assert not re.search(r"[*_<>`#|\\\[\]]", item.text), "Markdown would read it as something else"
        assert (share_of_script(item.text, "HANGUL") > 0.5) == (item.language == "ko"), item.text
    assert all(set(row) == {"text", "language", "verdict", "emotions"} for row in text_list("gallery_texts"))


def test_every_verdict_and_no_feeling_are_among_what_readers_say() -> None:
    items = gallery_texts()
    only = Counter(item.verdict[0] for item in items if len(item.verdict) == 1)
    assert set(only) == {"author", "other", "everybody", "nobody", "info"}
    assert min(only["author"], only["other"], only["nobody"]) >= 8
    assert sum(not item.emotions for item in items) >= 4
    assert sum(80 <= len(item.text.split()) <= 150 for item in items) == 2


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w']+", text.lower()))


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are no part of this checkout")
def test_no_text_is_near_a_case() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    tables = [parquet.read_table(path) for path in sorted(CASES.glob("*.parquet"))]
    columns = [(table, name) for table in tables for name in ("text", "better", "worse") if name in table.column_names]
    cases = [_words(text) for table, name in columns for text in table.column(name).to_pylist() if text]
    assert len(cases) > 3000
    for row in (*text_list("gallery_texts"), *text_list("plain_facts")):
        own = _words(row["text"])
        assert max(len(own & case) / len(own | case) for case in cases) < NEAR, row["text"]


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'He hit me.*`verdict` has \['autor'\].*author, other"):
        _item(verdict="autor")
    with pytest.raises(ValueError, match=r"`emotions` has \['regret'\]"):
        _item(emotions="fear regret")
    with pytest.raises(ValueError, match="`language`"):
        GalleryText("Hallo.", "de", ("nobody",), ())
    with pytest.raises(ValueError, match="`verdict` is empty"):
        _item(verdict="")


@pytest.mark.parametrize(
    ("emotions", "asserted", "right"),
    [
        ("fear sadness", "sadness neutral", True),
        ("fear sadness", "anger", False),
        ("fear sadness", "neutral", False),
        ("fear sadness", "", False),
        ("fear neutral", "neutral", True),
        ("fear neutral", "", True),
        ("fear neutral", "fear anger", True),
        ("fear neutral", "anger", False),
        ("", "neutral", True),
        ("", "", True),
        ("", "joy neutral", False),
    ],
)
def test_one_emotion_of_the_reader_must_be_asserted_or_none_where_there_is_none(
    emotions: str, asserted: str, right: bool
) -> None:
    found = misses(_item(emotions=emotions), _reading(asserted=asserted))
    assert (found == []) == right
    assert all(phrase.startswith("emotion ") for phrase in found)


def test_the_verdict_must_be_one_that_the_reader_accepts() -> None:
    assert misses(_item("other everybody"), _reading("everybody")) == []
    assert misses(_item("other"), _reading("author")) == ["verdict author, a careful reader's: other"]
    assert misses(_item("other info"), _reading(None)) == ["verdict abstained, a careful reader's: other or info"]
    assert misses(_item("other abstained"), _reading(None)) == []


def test_what_is_withheld_is_not_right() -> None:
    reading = _without("verdict", withheld=("verdict", "acceptability"))
    del reading["emotion"]
    reading["flags"]["withheld"] += ["emotion", "affect"]
    assert misses(_item(), reading) == ["verdict withheld, a careful reader's: other", "emotion withheld"]
    assert "verdict withheld · acceptability withheld · emotion withheld · valence withheld" in _page(reading)


def test_a_reading_in_a_line() -> None:
    page = _page(_reading(asserted="fear sadness"))
    line = (
        "verdict **other** 0.60 · acceptability 0.88 · emotion **fear** (moderate), **sadness** · valence -0.50 · "
        "utility +0.00 · regret timing, better 0.50 · confidence verdict 0.90, emotion 0.90\n"
    )
    assert line in page
    assert "Right: **1 of 1** (English 1 of 1)" in page.replace("\n", " ")
    assert f"\n    {COMMAND}\n" in page
    assert "**1**\n\n> He hit me.\n" in page


def test_an_abstained_verdict_says_what_is_likely() -> None:
    assert "verdict **abstained** (other 0.60) · " in _page(_reading(None))


def test_a_miss_is_marked_with_its_reason() -> None:
    page = _page(_reading("other", "joy"), _item("author", "remorse neutral"))
    assert "Right: **0 of 1**" in page
    assert "**1** ✗\n" in page
    assert "✗ verdict other, a careful reader's: author; emotion joy, a careful reader's: remorse or none.\n" in page


def test_warning_flags_are_shown_and_withheld_outputs_once() -> None:
    page = _page(
        _reading(truncated=True, no_letters=True, unknown_tokens=0.25, risk=["abuse"], withheld=["arc", "surd"])
    )
    assert "flags truncated, unknown tokens 0.25, no letters, risk abuse\n" in page
    assert page.count("wholly or in part: arc, surd.") == 1


def test_the_lines_of_a_chat_are_kept() -> None:
    assert "> a: hi\\\n> b: go away\n" in _page(_reading(), _item(text="a: hi\nb: go away"))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("verdict", "label"), "verdict"),
        (("verdict", "acceptability"), "acceptability"),
        (("emotion", "asserted"), "emotion"),
        (("emotion", "affect"), "affect.valence"),
        (("counterfactual",), "utility.actual"),
        (("regret",), "regret"),
        (("confidence", "emotion"), "confidence.emotion"),
    ],
)
def test_what_is_missing_and_not_withheld_is_an_error(path: tuple[str, ...], key: str) -> None:
    with pytest.raises(ValueError, match=rf"'He hit me.' has no '{key}'.*withheld"):
        _page(_without(*path))
    assert "withheld" in _page(_without(*path, withheld=(key,)))
    assert "withheld" in _page(_without(*path, withheld=(key.partition(".")[0],)))


def test_every_text_is_read_in_its_order() -> None:
    asked: list[str] = []

    def read(texts: list[str]) -> list[dict[str, Any]]:
        asked.extend(texts)
        return [_reading("nobody", "neutral") for _ in texts]

    page = read_gallery(read, "tiny", COMMAND)
    assert asked == [item.text for item in gallery_texts()]
    assert page.count("\n> Water boils at 100 degrees Celsius at sea level.\n") == 1
    assert re.search(r"Right: \*\*(\d+) of 40\*\* \(English \d+ of 26, Korean \d+ of 14\)", page)
    assert page.count("** ✗\n") + int(re.findall(r"\*\*(\d+) of 40", page)[0]) == 40


def test_the_readings_of_the_pipeline_have_every_part(checkpoint: Path) -> None:
    pipe: Callable[[list[str]], Any] = EthicalAnalysisPipeline(
        model=RedHeartModel.from_pretrained(checkpoint), tokenizer=AutoTokenizer.from_pretrained(checkpoint), task=TASK
    )
    page = read_gallery(pipe, "tiny", COMMAND)
    assert "withheld" not in page.lower()
