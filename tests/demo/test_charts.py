"""The words and charts by themselves: complete in both languages, true to the reading, and safe."""

import re
from html.parser import HTMLParser
from string import Formatter
from typing import Any

import pytest

from redheart import EthicalAnalysisPipeline
from redheart.configuration import labels, raters
from redheart.demo import charts, sections
from redheart.demo.charts import Facts
from redheart.demo.drawing import Spoke, bar, element, radar
from redheart.demo.examples import EXAMPLES
from redheart.demo.interface import TEXTS, Words, language_of
from redheart.demo.names import LANGUAGES, NAMES, claim_name
from redheart.modeling_redheart.headline import Headline

FACTS = Facts("tiny", {}, 512)
TEXT = "I told my sister's secret & left. I feel terrible <about> it, and I miss her."
GROUPS = {
    "emotion": labels.EMOTIONS,
    "level": labels.NUANCE_LEVELS,
    "affect": labels.AFFECT,
    "bentham": labels.BENTHAM,
    "regret": labels.REGRET_TYPES,
    "view": labels.VIEWS,
    "verdict": labels.VERDICTS,
    "surd": labels.SURD,
    "perspective": labels.PERSPECTIVES,
    "module": labels.MODULES,
    "risk": labels.RISKS,
    "rater": (raters.PEOPLE, raters.MODEL, raters.DERIVED, raters.MIXED),
}
VERDICT = {
    "label": "author",
    "abstained": False,
    "probabilities": {"author": 0.9, "other": 0.1, "everybody": 0.0, "nobody": 0.0, "info": 0.0},
    "acceptability": 0.1,
}


class _Balance(HTMLParser):
    """Checks that every element is closed, in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def reading(pipe: EthicalAnalysisPipeline) -> dict[str, Any]:
    found: dict[str, Any] = pipe(TEXT)
    return found


def test_every_label_has_a_name_in_both_languages() -> None:
    for group, names in GROUPS.items():
        assert tuple(NAMES[group]) == names
    for names in NAMES.values():
        for index in range(len(LANGUAGES)):
            shown = [pair[index] for pair in names.values()]
            assert all(shown)
            assert len(set(shown)) == len(shown)
    for key in labels.record_keys():
        assert claim_name("en", key)
        assert claim_name("ko", key)
        assert not re.search("[a-z]{4}", claim_name("ko", key))


def test_every_sentence_takes_the_same_values_in_both_languages() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for key, (english, korean) in TEXTS.items():
        assert fields(english) == fields(korean), key
        assert english, key
        assert korean, key
    assert len(EXAMPLES["en"]) == len(EXAMPLES["ko"])


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-GB,ko;q=0.5", "en"),
        ("de,fr;q=0.9", "en"),
        ("en;q=0.2,ko;q=0.7", "ko"),
        ("ko;q=0,de", "en"),
        ("ko;q=much", "en"),
    ],
)
def test_the_language_of_the_browser(header: str | None, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reading_is_whole_markup_in_each_language(reading: dict[str, Any], language: Any) -> None:
    words = Words(language)
    whole = sections.summary(reading, words) + sections.cards(reading, words, FACTS)
    _Balance(whole)
    assert "&lt;about&gt;" in whole
    assert "<about>" not in whole
    assert words.text("withheld") in whole


def test_what_is_withheld_is_named_and_counted(reading: dict[str, Any]) -> None:
    drawn = sections.cards(reading, Words("en"), FACTS)
    assert "Bentham&#x27;s dimensions: 8 of 10" in drawn
    assert "nuances: 84 of 112" in drawn
    assert "utility: 1 of 3" in drawn
    assert "regret: all of it" in drawn or "regret: 19 of 21" in drawn
    assert charts.regret({"regret": {}}, Words("en"), FACTS).count(">withheld<") == 21


def test_untrained_claims_are_shown_only_when_asked_for_and_marked(pipe: EthicalAnalysisPipeline) -> None:
    asked = pipe(TEXT, include_untrained=True)
    words = Words("en")
    assert "untrained" in charts.regret(asked, words, FACTS)
    assert ">withheld<" not in charts.regret(asked, words, FACTS)
    assert charts.bentham(asked, words, FACTS).count("*</text>") == 8
    assert charts.bentham(asked, words, FACTS).count(">untrained<") == 1  # the value of the dimensions
    assert charts.views(asked, words, FACTS).count(">untrained<") == 4  # three plausibilities, one utility
    assert words.text("untrained_shown", names="")[:20] in sections.summary(asked, words)


def test_a_reading_of_one_part_is_drawn(pipe: EthicalAnalysisPipeline) -> None:
    for output in ("emotion", "verdict", "surd", "bentham", "counterfactual", "perspectives"):
        part = pipe(TEXT, outputs=[output])
        _Balance(sections.summary(part, Words("en")) + sections.cards(part, Words("en"), FACTS))


def test_a_failed_module_is_named(reading: dict[str, Any]) -> None:
    failed = {**reading, "flags": {**reading["flags"], "recovered": ["emotion_head"]}}
    assert "emotion head" in sections.summary(failed, Words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_headline_has_words_for_everything(language: Any) -> None:
    words = Words(language)
    headlines = set()
    for verdict in labels.VERDICTS:
        for standing in ("sure", "probable"):
            headlines.add(sections.headline(Headline((), standing, verdict), words))
    headlines |= {sections.headline(Headline((), standing), words) for standing in ("unsure", "held_back")}
    for feelings in (("neutral",), (), ("joy", "fear")):
        headlines.add(sections.headline(Headline(feelings=feelings), words))
    headlines.add(sections.headline(Headline(acceptability=0.1), words))
    assert len(headlines) == 16
    for line in headlines:
        _Balance(line)
        assert line
    risk = sections.headline(Headline(labels.RISKS, "sure", "other"), words)
    for kind in labels.RISKS:
        assert words.name("risk", kind) in risk
    assert risk.index('class="risk"') < risk.index(words.text("head_other"))
    assert not re.search(r"\d", risk)
    assert sections.headline(Headline(), words) == ""


def test_a_text_that_mentions_harm_gets_no_blame(reading: dict[str, Any]) -> None:
    words = Words("en")
    verdict = {"verdict": VERDICT, "confidence": {"verdict": {"expected_loss": 0.5, "confidence": 0.6}}}
    for risk, blamed in (([], True), (["abuse"], False)):
        summary = sections.summary({**reading, **verdict, "flags": {**reading["flags"], "risk": risk}}, words)
        assert (words.text("head_author") in summary) is blamed
        assert (words.text("glance_verdict") in summary) is blamed
        assert ("acceptable" in summary) is blamed
        assert (words.text("head_held_back") in summary) is not blamed
        assert summary.startswith('<div class="rh" lang="en"><div class="headline">')


def test_a_verdict_that_abstained(reading: dict[str, Any]) -> None:
    words = Words("en")
    none = {**reading, "verdict": {**VERDICT, "label": None, "abstained": True}}
    assert words.text("head_unsure") in sections.summary(none, words)
    assert "is not probable enough" in sections.summary(none, words)
    drawn = charts.verdict(none, words, FACTS)
    assert words.text("abstained") in drawn
    assert f">{words.text('named')}<" not in drawn
    assert f">{words.text('named')}<" in charts.verdict({**reading, "verdict": VERDICT}, words, FACTS)


def test_information_that_is_not_determined(reading: dict[str, Any]) -> None:
    drawn = charts.surd({**reading, "surd": {"not_determined": True}}, Words("en"), FACTS)
    assert "Not determined" in drawn
    assert "stack" not in drawn


def test_the_summary_mentions_windows_and_speakers(reading: dict[str, Any]) -> None:
    summary = sections.summary({**reading, "flags": {**reading["flags"], "windows": 3, "speakers": 2}}, Words("en"))
    assert "in 3 overlapping pieces" in summary
    assert "2 people speak" in summary


def test_raters_are_listed(reading: dict[str, Any]) -> None:
    drawn = charts.raters({"rated_by": {"emotion": "people", "verdict": "mixed"}}, Words("en"), FACTS)
    places = [drawn.index(cell) for cell in (">emotions<", ">people<", ">verdict<", ">a mix of these<")]
    assert places == sorted(places)
    assert Words("en").text("raters") in sections.cards(reading, Words("en"), FACTS)


def test_a_bar_goes_from_zero_to_its_value() -> None:
    assert "left:0.0%;width:25.0%" in bar(0.25, tick=0.5)
    assert 'class="tick" style="left:50.0%"' in bar(0.25, tick=0.5)
    assert "left:25.0%;width:25.0%" in bar(-0.5, low=-1.0)
    assert "left:50.0%;width:50.0%" in bar(7.0, low=-1.0)


def test_a_radar_puts_a_share_on_its_axis() -> None:
    drawn = radar(
        [Spoke("up", "1", 1.0), Spoke("right", "0", 0.0), Spoke("down", "?", None), Spoke("left", "?", None)], "x"
    )
    assert 'cx="200.0" cy="67.0"' in drawn  # the rim, straight up
    assert 'cx="200.0" cy="165.0"' in drawn  # the centre
    assert drawn.count("spoke absent") == 2
    assert "polygon" not in drawn
    full = radar([Spoke(str(index), "", 0.5) for index in range(4)], "x")
    assert full.count("<polygon") == 1


def test_attributes_are_escaped() -> None:
    assert element("p", title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"></p>'


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "0 %"), (0.001, "< 1 %"), (0.314, "31 %"), (0.999, "> 99 %"), (1.0, "100 %")]
)
def test_a_share_never_rounds_to_certainty(value: float, expected: str) -> None:
    assert Words("en").share(value) == expected
