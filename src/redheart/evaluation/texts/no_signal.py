"""Texts that state no emotion and no conflict: what is claimed about them is unsupported.

    for item in no_signal_texts(seed=0):  # 300 texts, English and Korean
        ...                               # a reading that asserts a non-neutral emotion is an unsupported claim

Notable: dates, technical prose, lists, definitions and shuffled words come from templates written for this library, so
nothing in them was ever labelled. The shuffled words of texts of a data set are a kind of their own, "shuffled_data",
to be reported apart: the words that carried the emotion are still there, and a claim can be right about the words.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .no_signal_templates import (
    DATES_AND_NUMBERS,
    DEFINITION_FORMS,
    DEFINITIONS,
    KOREAN_DATES_AND_NUMBERS,
    KOREAN_LISTING_HEADS,
    KOREAN_LISTING_ROWS,
    KOREAN_TECHNICAL,
    LISTING_HEADS,
    LISTING_ROWS,
    SLOTS,
    TECHNICAL,
)


@dataclass(frozen=True)
class NoSignal:
    """A text that states no emotion and no conflict.

    Attributes:
        text: The text.
        kind: One of `KINDS`, or "shuffled_data".
    """

    text: str
    kind: str


_SLOT = re.compile(r"\{(?:(\d+)-(\d+)|(\w+))\}")
_TRIES = 1000  # attempts after which a kind is taken to have no further text


def _fill_template(template: str, rng: random.Random) -> str:
    def fill(match: re.Match[str]) -> str:
        if match[3]:
            return rng.choice(SLOTS[match[3]])
        return str(rng.randint(int(match[1]), int(match[2])))

    return _SLOT.sub(fill, template)


def _from_templates(templates: list[str]) -> Callable[[random.Random], str]:
    return lambda rng: _fill_template(rng.choice(templates), rng)


def _technical(rng: random.Random) -> str:
    """One sentence, or two or three different ones as a paragraph."""
    return " ".join(_fill_template(template, rng) for template in rng.sample(TECHNICAL, rng.choice((1, 1, 2, 3))))


def _rows(row: str, head: str, rng: random.Random) -> str:
    separator = rng.choice((", ", "; ", "\n"))
    rows = [_fill_template(row, rng) for _ in range(rng.randint(3, 7))]
    text = _fill_template(head, rng) + separator.join(rows)
    return text[0].upper() + text[1:] + rng.choice(("", "."))


def _listing(rng: random.Random) -> str:
    subject = rng.choice(sorted(LISTING_ROWS))
    return _rows(LISTING_ROWS[subject], rng.choice(LISTING_HEADS[subject]), rng)


def _korean_listing(rng: random.Random) -> str:
    subject = rng.randrange(len(KOREAN_LISTING_ROWS))
    return _rows(KOREAN_LISTING_ROWS[subject], rng.choice(KOREAN_LISTING_HEADS[subject]), rng)


def _definition(rng: random.Random) -> str:
    word = rng.choice(sorted(DEFINITIONS))
    return rng.choice(DEFINITION_FORMS).format(word=word, meaning=DEFINITIONS[word])


def _shuffled_text(rng: random.Random) -> str:
    neutral = _technical(rng) if rng.random() < 0.7 else _definition(rng)
    return _shuffle_words(neutral, rng)


def _shuffle_words(text: str, rng: random.Random) -> str:
    """The words of a text in a random order, another one than the text's own where there is another."""
    words = text.split()
    for _ in range(20):
        order = rng.sample(words, len(words))
        if order != words:
            return " ".join(order)
    return " ".join(words)


# Kind -> its share of twelve texts, and the function that makes one.
_MAKERS: dict[str, tuple[int, Callable[[random.Random], str]]] = {
    "dates_and_numbers": (2, _from_templates(DATES_AND_NUMBERS)),
    "technical": (3, _technical),
    "listing": (1, _listing),
    "definition": (1, _definition),
    "shuffled": (2, _shuffled_text),
    "korean_dates_and_numbers": (1, _from_templates(KOREAN_DATES_AND_NUMBERS)),
    "korean_technical": (1, _from_templates(KOREAN_TECHNICAL)),
    "korean_listing": (1, _korean_listing),
}
KINDS: tuple[str, ...] = tuple(_MAKERS)


def no_signal_texts(seed: int = 0, count: int = 300) -> list[NoSignal]:
    """Make distinct texts that state no emotion and no conflict, of every one of `KINDS`.

    Args:
        seed: Another seed gives other texts; the same gives the same on every machine.
        count: Number of texts; the kinds have fixed shares, so 300 texts are 75 of technical prose, 50 dates, and so
            on.

    Returns:
        The texts with their kinds.

    Raises:
        ValueError: For a negative count, or one for which the templates of a kind do not suffice.
    """
    if count < 0:
        raise ValueError(f"`count` ({count}) is a number of texts; give 0 or more.")
    rng = random.Random(f"no signal {seed}")
    plan = [kind for kind, (share, _) in _MAKERS.items() for _ in range(share)]
    texts_made: dict[str, str] = {}
    for number in range(count):
        kind = plan[number % len(plan)]
        for _ in range(_TRIES):
            text = _MAKERS[kind][1](rng)
            if text not in texts_made:
                break
        else:
            raise ValueError(
                f"`count` ({count}) asks for more texts of kind {kind!r} than its templates give; take fewer."
            )
        texts_made[text] = kind
    return [NoSignal(text, kind) for text, kind in texts_made.items()]


def shuffled(texts: Iterable[str], seed: int = 0) -> list[NoSignal]:
    """Shuffle the words of texts.

    A shuffle takes away who did what to whom, not the words of feeling: report what is claimed about these apart from
    `no_signal_texts`.

    Args:
        texts: The texts; those with fewer than two different words are left out.
        seed: Seed of the orders.

    Returns:
        The texts, of kind "shuffled_data".
    """
    return [
        NoSignal(_shuffle_words(text, random.Random(f"shuffled {seed}\n{text}")), "shuffled_data")
        for text in texts
        if len(set(text.split())) > 1
    ]


__all__ = ["KINDS", "NoSignal", "no_signal_texts", "shuffled"]
