"""Edits of the surface: what they do, and where they leave a text alone."""

import random

import pytest

from redheart.rewording.surface import contract, expand, misspell, surface
from redheart.rewording.wording import is_emotive

NEGATED = "do does did is are was were have has had could would should".split()  # noqa: SIM905


@pytest.mark.parametrize("verb", NEGATED)
@pytest.mark.parametrize("mark", ["'", "\u2019"])
def test_short_and_full_forms_are_each_others_reverse(verb: str, mark: str) -> None:
    text = f"She knew he {verb}n{mark}t, and my sister{mark}s friend {verb}n{mark}t know me."
    assert expand(text) == f"She knew he {verb} not, and my sister{mark}s friend {verb} not know me."
    assert contract(expand(text)) == text


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("I can't go and won't.", "I cannot go and will not."),
        ("I'm going home.", "I am going home."),
        ("We've been here.", "We have been here."),
        ("They'll tell her.", "They will tell her."),
        ("Don't wait.", "Do not wait."),
    ],
)
def test_expand(short: str, full: str) -> None:
    assert expand(short) == full


@pytest.mark.parametrize(
    "text",
    [
        "She's late.",  # is, has
        "He'd left.",  # had, would
        "Didn't she know?",  # Did not she know?
        "Why don't you ask?",
        "Isn't the house old?",
        "I DON'T care",  # shouts
        "Let's go.",
    ],
)
def test_expand_leaves_alone_what_it_would_spoil(text: str) -> None:
    assert expand(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "You know who I am to her.",
        "He is taller than I am.",
        "I did NOT say that.",
        "not only she",
        "how mad I am going there",
    ],
)
def test_contract_leaves_alone_what_it_would_spoil(text: str) -> None:
    assert contract(text) == text


def test_one_misspelling_and_none_in_feelings_names_and_short_words() -> None:
    text = "Yesterday Jonathan was terribly ashamed, so together they hurried."
    seen = {misspell(text, random.Random(seed)) for seed in range(60)}
    assert text not in seen
    for variant in seen:
        changed = [(old, new) for old, new in zip(text.split(), variant.split(), strict=True) if old != new]
        assert len(changed) == 1
        ((old, new),) = changed
        assert sorted(old) == sorted(new)
        assert old in ("together", "hurried.")
    assert all(not is_emotive(word) for word in ("together", "hurried"))


def test_a_text_with_nothing_to_misspell_stays() -> None:
    assert misspell("I lied to my mom.", random.Random(0)) == "I lied to my mom."


def test_words_in_capitals_keep_them() -> None:
    for variant in surface("AITA? I was SO angry in the US.", random.Random(1)):
        assert all(word in variant for word in ("AITA", "SO", "US"))


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("My favourite neighbour left.", "My favorite neighbor left."),
        ("I apologized to my mom.", "I apologised to my mum."),
        ('He said "no" to me.', "He said “no” to me."),
        ("Well... I left.", "Well… I left."),
        ("I left.", "I left"),
        ("I left", "I left."),
        ("I left. He stayed.", "i left. he stayed."),
        ("I'm gonna go.", "I am going to go."),
        ("I left.", "I left.\n"),
    ],
)
def test_each_edit_comes(text: str, variant: str) -> None:
    assert variant in set(surface(text, random.Random(0)))


def test_marks_of_arousal_stay() -> None:
    for variant in surface("Stop it!! Why? I left", random.Random(0)):
        assert variant.count("!") == 2
        assert variant.count("?") == 1
