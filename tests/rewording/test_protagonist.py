"""Texts about one "he" or "she", rewritten with "I" and with the other pronoun."""

import pytest

from redheart.rewording.persons import Text
from redheart.rewording.protagonist import Protagonist, change_protagonist, protagonist


def rewritten(text: str, target: str = "I") -> str | None:
    parsed = Text(text)
    person = protagonist(parsed)
    return None if person is None else change_protagonist(parsed, person, target)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He took his sister's money and never told her.", "I took my sister's money and never told her."),
        ("He takes the money and leaves the house.", "I take the money and leave the house."),
        ("She is sorry. It hurts her because she lied.", "I am sorry. It hurts me because I lied."),
        ("He's not sorry. He's been lying. He'll pay.", "I'm not sorry. I've been lying. I'll pay."),
        ("She doesn't know. She has a car. She puts it away.", "I don't know. I have a car. I put it away."),
        ("The dog is his. He fed it himself.", None),  # the first "his" is not a subject
        ("He knows the house is his.", "I know the house is mine."),
        ("Madeline drives her car into a tree.", "I drive my car into a tree."),
        ("Martin reads his wife's messages because he thinks she is lying.",
         "I read my wife's messages because I think she is lying."),
        ("Bob's wife calls Bob, so he drives home.", "My wife calls me, so I drive home."),
    ],
)  # fmt: skip
def test_rewritten_in_the_first_person(text: str, expected: str | None) -> None:
    assert rewritten(text) == expected


def test_the_other_pronoun() -> None:
    assert rewritten("He hurt himself. It was his fault, and it cost him money.", "she") == (
        "She hurt herself. It was her fault, and it cost her money."
    )
    assert rewritten("She sold her car. It hurt her.", "he") == "He sold his car. It hurt him."
    assert rewritten("Bob sold his car.", "she") is None


@pytest.mark.parametrize(
    "text",
    [
        "He told his brother that he was late.",  # which "he"
        "John told Mary that he was late.",  # two names
        "Zorblax ate his lunch.",  # perhaps a name
        "Don yells at the patron and tells him to leave.",  # "him" is the patron
        "I saw that he left.",
        "He frobnicates it.",
        "He takes it and frobnicates it.",
        "She told her stories.",  # him, or his
        "The house is old.",
    ],
)
def test_unsure_texts_are_not_rewritten(text: str) -> None:
    assert (rewritten(text) if not text.startswith("She") else rewritten(text, "he")) is None


def test_protagonist() -> None:
    assert protagonist(Text("She left her son.")) == Protagonist("she", None)
    assert protagonist(Text("Bob left his daughter.")) == Protagonist("he", "bob")
