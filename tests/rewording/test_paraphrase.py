"""Rewordings: what may stand for what, and where it may not."""

import random

import pytest

from redheart.rewording.paraphrase import FRAMES, apply, paraphrases, sites


def rewordings(text: str) -> set[str]:
    """The text with one site rewritten, for every site."""
    return {apply(text, [site]) for site in sites(text)}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("I began to cry.", "I started to cry."),
        ("He started laughing.", "He began laughing."),
        ("My mom left.", "My mother left."),
        ("I want to buy a house.", "I want to purchase a house."),
        ("I ate a lot of bread.", "I ate lots of bread."),
        ("I live in an apartment.", "I live in a flat."),
        ("She has two kids.", "She has 2 kids."),
        ("She has 2 kids.", "She has two kids."),
        ("I waited until noon.", "I waited till noon."),
        ("However, I left.", "But I left."),
        ("AITA for leaving?", "Am I the asshole for leaving?"),
        ("So WIBTA if I left?", "So would I be the asshole if I left?"),
        ("He asked me if I knew.", "He asked me whether I knew."),
        ("I think he lied.", "I think that he lied."),
        ("She said that she was tired.", "She said she was tired."),
        ("I gave him the money.", "I gave the money to him."),
        ("We talk to each other.", "We talk to one another."),
        ("Nobody came.", "No one came."),
        ("It cost $50, I think.", "It cost 50 dollars, I think."),
        ("I left the party because I was sick.", "Because I was sick, I left the party."),
        ("I yelled at my boss last night.", "Last night, I yelled at my boss."),
        ("Yesterday, I paid him.", "I paid him yesterday."),
        ("I was tired, so I left.", "Because I was tired, I left."),
        ("I took it home. I gave it back.", "I took it home, and I gave it back."),
        ("I loved him, and I told him everything.", "I loved him. I told him everything."),
        ("I loved him, but I left.", "I loved him. However, I left."),
        ("My brother's wife left.", "The wife of my brother left."),
    ],
)
def test_a_rewording_comes(text: str, other: str) -> None:
    assert other in rewordings(text)


@pytest.mark.parametrize(
    "text",
    [
        "I spent quite a bit of it.",  # much, not little
        "He bought me a drink.",  # nobody is purchased a drink
        "I know it.",  # no clause follows
        "Do what I think is right.",
        "I did it as I said I would.",
        "Love at first sight.",
        "The bill was due to arrive.",
        "My mother-in-law called.",
        "One or two people saw.",
        "I have a $50 gift.",
        "He is ALMOST there.",  # shouts
        "I feel like it.",
        "The two of us met.",
    ],
)
def test_no_rewording_where_the_words_mean_something_else(text: str) -> None:
    assert rewordings(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "I didn't hit him because I was angry.",  # not because, or because not
        "Tom hit Bill because he was angry.",  # who was angry
        "I yelled at my sister because she was late.",  # "she" before "my sister"
        "I told her that he left because I was sick.",  # who left because of it
        "I told my mother that I quit last week.",  # told last week, or quit
        "I think he left, and I was sad.",  # thought too, or not
    ],
)
def test_clauses_stay_where_another_order_would_leave_the_reference_open(text: str) -> None:
    order = [variant for variant in rewordings(text) if not variant.startswith(text[:5])]
    assert order == []
    assert not any(". I was" in variant for variant in rewordings(text))


def test_sites_that_overlap_are_not_both_rewritten() -> None:
    text = "I left because I was sick."
    assert apply(text, sites(text)) in rewordings(text)


def test_rewordings_come_before_frames_and_all_frames_come() -> None:
    text = "I began to buy lots of books because my mom asked me if I read."
    made = list(paraphrases(text, random.Random(0)))
    framed = [
        variant for variant in made if any(variant.startswith(f.split("{}")[0][:8]) and f[0] != "{" for f in FRAMES)
    ]
    assert made.index(framed[0]) >= 4
    plain = "Zebras."
    assert {frame.format(plain) for frame in FRAMES} <= set(paraphrases(plain, random.Random(0)))
