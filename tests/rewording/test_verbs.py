"""Forms of verbs, and what a pronoun may stand for."""

import pytest

from redheart.rewording.verbs import first_person, is_adverb, is_past, may_be, third_person


@pytest.mark.parametrize(
    ("base", "form"),
    [("am", "is"), ("have", "has"), ("do", "does"), ("don't", "doesn't"), ("go", "goes"), ("try", "tries"),
     ("stay", "stays"), ("watch", "watches"), ("miss", "misses"), ("want", "wants"), ("was", "was"), ("told", "told"),
     ("would", "would"), ("walked", "walked"), ("need", "needs")],
)  # fmt: skip
def test_third_person(base: str, form: str) -> None:
    assert third_person(base) == form


@pytest.mark.parametrize("word", ["put", "read", "let", "flabbergast", "sister"])
def test_third_person_of_what_is_not_sure(word: str) -> None:
    assert third_person(word) is None


def test_first_person_undoes_the_third() -> None:
    assert [first_person(word) for word in ("is", "has", "tries", "puts", "told")] == [
        "am",
        "have",
        "try",
        "put",
        "told",
    ]
    assert first_person("sisters") is None


def test_past_and_adverbs() -> None:
    assert is_past("hated")
    assert is_past("couldn\u2019t")
    assert not is_past("need")
    assert is_adverb("honestly")
    assert not is_adverb("family")


def test_what_a_pronoun_may_stand_for() -> None:
    assert may_be("parents", "they")
    assert may_be("friend", "they")
    assert not may_be("sister", "they")
    assert may_be("friend", "he")
    assert may_be("brother", "he")
    assert not may_be("brother", "she")
    assert may_be("plumber", "she")
    assert not may_be("dinner", "she")
    assert not may_be("wants", "they")
