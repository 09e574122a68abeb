"""What counts as mentioning self-harm, abuse or a child in danger, and what does not."""

import re
import time

import pytest

from redheart.configuration.labels import RISKS
from redheart.modeling_redheart.risk import risks
from redheart.modeling_redheart.risk_english import ENGLISH
from redheart.modeling_redheart.risk_korean import KOREAN


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("My husband hits me when he drinks.", ["abuse"]),
        ("I want to die.", ["self_harm"]),
        ("She left the baby in the hot car.", ["child_in_danger"]),
        ("I slapped my daughter. She is four.", ["abuse", "child_in_danger"]),
        ("He choked me, and now I don't want to live anymore.", ["self_harm", "abuse"]),
        ("남편이 저를 때려요.", ["abuse"]),
        ("죽고 싶어요.", ["self_harm"]),
        ("애를 차에 두고 장을 봤다.", ["child_in_danger"]),
        ("아빠가 매일 때려요. 저는 초등학교 3학년이에요.", ["abuse", "child_in_danger"]),
    ],
)
def test_each_kind_in_the_order_of_the_labels(text: str, kinds: list[str]) -> None:
    assert risks(text) == kinds
    assert kinds == [kind for kind in RISKS if kind in kinds]


@pytest.mark.parametrize(
    "text",
    [
        "He never hit me.",
        "My husband didn't hit me.",
        "I almost slapped my son.",
        "My boyfriend has never hit me or my sister.",
        "남편은 저를 때린 적이 없어요.",
        "아이를 때리지 않았어요.",
    ],
)
def test_what_is_denied_does_not_count(text: str) -> None:
    assert risks(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "This traffic is killing me.",
        "I'd die for a coffee.",
        "hit me up later",
        "My sister beat me at chess.",
        "I wanted to die of embarrassment.",
        "I nearly died laughing.",
        "배고파 죽겠다",
        "졸려서 죽고 싶다ㅋㅋ",
        "우리 팀이 두들겨 맞았다.",
        "멍때리다가 지하철을 놓쳤다.",
    ],
)
def test_figures_of_speech_and_games_do_not_count(text: str) -> None:
    assert risks(text) == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("I get slapped if dinner is late.", ["abuse"]),
        ("She was beaten by her husband.", ["abuse"]),
        ("He won't let me see my friends and calls me worthless.", ["abuse"]),
        ("They'd all be happier if I was gone.", ["self_harm"]),
        ("My neighbour leaves two toddlers by themselves all day.", ["child_in_danger"]),
        ("모르는 남자가 집까지 쫓아와요.", ["abuse"]),
        ("아기를 재워 놓고 부부가 새벽까지 술집에 있었다.", ["child_in_danger"]),
    ],
)
def test_passive_control_and_neglect_count(text: str, kinds: list[str]) -> None:
    assert risks(text) == kinds


def test_half_signs_far_apart_do_not_count_together() -> None:
    assert risks("He checks my phone." + " We had tea." * 9 + " He takes my wages.") != []
    assert risks("He checks my phone." + " We had tea." * 9 + " I hid the receipts.") == []


@pytest.mark.parametrize(
    "text",
    [
        "In the novel the husband beats his wife.",
        "The film about the father who hits his kids is too long.",
        "영화에서 아빠가 아들을 때리는 장면이 길었다.",
    ],
)
def test_the_plot_of_a_film_does_not_count(text: str) -> None:
    assert risks(text) == []


def test_the_account_of_the_narrator_counts_despite_a_film() -> None:
    assert risks("We watched the film and then my husband hit me.") == ["abuse"]


@pytest.mark.parametrize(
    "text",
    [
        "MY HUSBAND HITS ME",
        "my husband hits me",
        "My  husband\thits me",
        "".join(chr(ord(letter) + 0xFEE0) if letter != " " else letter for letter in "My husband hits me"),
        "my hus\u200bband hits me",
        "My fiancé hits me!!!",
        "my husband, he hits me",
    ],
)
def test_case_width_accents_and_spaces_do_not_matter(text: str) -> None:
    assert risks(text) == ["abuse"]


def test_apostrophes_of_every_kind_are_the_same() -> None:
    for mark in ("'", "\u2019", "\u02bc", ""):
        assert risks(f"I don{mark}t want to be alive.") == ["self_harm"]
        assert risks(f"He didn{mark}t hit me.") == []


def test_korean_spaces_may_be_left_out() -> None:
    assert risks("그냥 죽고싶다") == risks("그냥 죽고 싶다") == ["self_harm"]


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "...", "🙂🙃", "\x00", "12345", "שלום", "ㅋㅋㅋㅋ", "\ud800", "나는", "me"]
)
def test_odd_texts_give_nothing(text: str) -> None:
    assert risks(text) == []


def test_a_phrase_does_not_go_beyond_its_sentence() -> None:
    assert risks("Then came my husband. Hits me as funny now.") == []


def test_both_languages_in_one_text() -> None:
    assert risks("My husband hits me. 죽고 싶어요.") == ["self_harm", "abuse"]


def test_half_signs_count_together_only() -> None:
    assert risks("He checks my phone.") == []
    assert risks("He checks my phone and takes my wages.") == ["abuse"]


def test_every_rule_compiles_to_something_that_needs_words() -> None:
    for rule in (*ENGLISH, *KOREAN):
        assert set(rule.kinds) <= set(RISKS)
        assert rule.pattern.search("") is None
        assert not re.search("[A-Z]{3,}", rule.pattern.pattern.replace("PC", "")), (
            rule.pattern.pattern
        )  # an unknown table


def test_ten_thousand_characters_take_little_time() -> None:
    for sentence in (
        "My sister came by on Sunday and we argued about the dog. ",
        "동생이 주말에 와서 강아지 얘기를 했다. ",
    ):
        text = (sentence * 500)[:10_000]
        start = time.process_time()
        risks(text)
        assert time.process_time() - start < 0.3  # about 0.02 s; the rest is for a busy machine


@pytest.mark.parametrize("text", ["my husband " * 9_000, "a" * 200_000, "때" * 200_000, "아이 " * 30_000])
def test_a_very_long_text_takes_no_more_than_linear_time(text: str) -> None:
    start = time.perf_counter()
    risks(text)
    assert time.perf_counter() - start < 20
