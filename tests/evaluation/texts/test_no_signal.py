"""Texts without signal: distinct, of every kind, and without words of feeling."""

from collections import Counter

import pytest

from redheart.evaluation.texts.no_signal import KINDS, NoSignal, no_signal_texts, shuffled
from redheart.evaluation.texts.no_signal_templates import KOREAN_TECHNICAL, SLOTS, TECHNICAL
from redheart.rewording.wording import is_emotive, is_negation, share_of_script, words

# Words that begin as a word of feeling does and are none.
HARMLESS = {"fairford", "funnel", "lies", "right", "yellow"}


def test_three_hundred_distinct_texts_of_every_kind() -> None:
    texts = no_signal_texts()
    assert len({item.text for item in texts}) == 300
    kinds = Counter(item.kind for item in texts)
    assert tuple(sorted(kinds)) == tuple(sorted(KINDS))
    assert min(kinds.values()) >= 25
    assert kinds["technical"] == 75


def test_nothing_in_them_feels_denies_or_speaks_of_people() -> None:
    for item in no_signal_texts(seed=1, count=1200):
        lower = [word.lower() for word in words(item.text)]
        assert [word for word in lower if is_emotive(word) and word not in HARMLESS] == []
        assert not any(map(is_negation, lower))
        assert {"i", "you", "he", "she", "we", "my", "me", "who"}.isdisjoint(lower)
        assert "{" not in item.text


def test_the_same_seed_gives_the_same_texts() -> None:
    assert no_signal_texts(2, 40) == no_signal_texts(2, 40)
    assert no_signal_texts(2, 40) != no_signal_texts(3, 40)
    assert no_signal_texts(2, 40)[:10] == no_signal_texts(2, 10)
    assert no_signal_texts(count=0) == []


def test_korean_kinds_are_korean() -> None:
    for item in no_signal_texts():
        if item.kind in ("korean_technical", "korean_listing"):
            assert share_of_script(item.text, "HANGUL") > 0.5
        elif not item.kind.startswith("korean"):
            assert share_of_script(item.text, "HANGUL") == 0


def test_there_are_many_templates_and_no_slot_is_unused() -> None:
    assert len(set(TECHNICAL)) >= 60
    assert len(set(KOREAN_TECHNICAL)) >= 15
    assert all(len(set(values)) == len(values) >= 4 for values in SLOTS.values())


def test_shuffled_keeps_the_words_and_changes_their_order() -> None:
    texts = ["My brother hates my new car a lot.", "one", "a a a", "yes no"]
    made = shuffled(texts, seed=5)
    assert made == shuffled(texts, seed=5)
    assert [item.kind for item in made] == ["shuffled_data"] * 2
    assert sorted(made[0].text.split()) == sorted(texts[0].split())
    assert made[0].text != texts[0]
    assert made[1] == NoSignal("no yes", "shuffled_data")


def test_errors_name_the_cause_and_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"-3.*0 or more"):
        no_signal_texts(count=-3)
    with pytest.raises(ValueError, match=r"5000.*definition.*fewer"):
        no_signal_texts(count=5000)
