"""Variants of a text that mean the same: the raters of ethical consistency.

    variants("I didn't tell her.", "surface")  # ["I did not tell her.", "I didnt tell her.", ...]

Notable:

* The consistency of a reading is Krippendorff's alpha with the texts as units and the readings of each text's variants
  as raters (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011), one alpha per family. A variant must
  keep who did what to whom, the emotion and its strength, and so the verdict: fewer variants come rather than bad ones.
* All variants are made by rules of this library: the same text, family and seed give the same variants on every
  machine.
* The edits of each family are in files of their own: `surface`; `paraphrase` with `synonyms`; `point_of_view` and
  `protagonist` with `tellings`, `persons` and `verbs`; `korean` for all. This one chooses.
* A short text may only have variants with other blanks or a frame, which a model that ignores them reads as the same
  text: an alpha depends on the variants, so look at some of them.
* In a variant in the third person the verdict's label "author" still means the protagonist.
"""

import random
from collections.abc import Callable, Iterator
from itertools import zip_longest

from ..configuration.labels import closest
from .korean import korean_frames, korean_paraphrases, korean_surface
from .paraphrase import paraphrases
from .persons import Text
from .point_of_view import retell
from .protagonist import change_protagonist, protagonist
from .surface import surface
from .tellings import Telling, tellings
from .wording import share_of_script, words

FAMILIES: tuple[str, ...] = ("surface", "paraphrase", "point_of_view")

# Somebody quotes the text: its narrator stays "I".
_FRAMES = [
    "A friend wrote this: {}",
    "Somebody sent in the following: {}",
    "This is what a person wrote: {}",
    "These are somebody's words: {}",
    "Someone told it like this: {}",
    "I read this today: {}",
    "The following was posted on a forum: {}",
    "An acquaintance wrote: {}",
]
_MAX_RETELLINGS = 4  # of the first five, so that a frame is among them


def variants(text: str, family: str, count: int = 5, seed: int = 0) -> list[str]:
    """Other forms of ``text`` that mean the same, for measuring whether a reading stays the same.

    Takes time linear in the length of the text. The families are:

    * ``"surface"``: short and full forms ("didn't", "did not"), British and American spelling, quotation marks, case,
      blanks, a typing error in a neutral word, the final full stop. Korean: blanks, marks, the final full stop, laughs.
    * ``"paraphrase"``: near-exact synonyms of neutral words, other orders of clauses, sentences joined and split,
      neutral frames. Korean: frames, and short forms of words.
    * ``"point_of_view"``: "I" as "you", as a named person or an acquaintance, or quoted by somebody else; one "he",
      "she" or name as "I" or "you". A text about several people, and Korean: only quoted.

    Args:
        text: English, or mostly Hangul.
        family: One of `FAMILIES`.
        count: The largest number of variants; there are fewer, or none, where the text does not allow more.
        seed: Another seed gives another choice.

    Returns:
        Distinct texts, none of which is ``text``.

    Raises:
        ValueError: For an unknown family or a negative count.
    """
    if family not in FAMILIES:
        raise ValueError(f"Unknown family of perturbations {family!r}; {closest(family, FAMILIES)}")
    if count < 0:
        raise ValueError(f"`count` ({count}) is a number of variants; give 0 or more.")
    if not words(text):
        return []
    chance = random.Random(f"{seed}\n{family}\n{text}")
    chosen: dict[str, None] = {}
    candidates = _source(text, family)(text, chance)
    while len(chosen) < count and (candidate := next(candidates, None)) is not None:
        if candidate != text:
            chosen[candidate] = None
    return list(chosen)


def _source(text: str, family: str) -> Callable[[str, random.Random], Iterator[str]]:
    if share_of_script(text, "HANGUL") > 0.5:
        korean = {"surface": korean_surface, "paraphrase": korean_paraphrases, "point_of_view": korean_frames}
        return korean[family]
    if share_of_script(text, "LATIN") > 0.5:
        return {"surface": surface, "paraphrase": paraphrases, "point_of_view": _points_of_view}[family]
    return surface if family == "surface" else lambda text, chance: iter(())


def _points_of_view(text: str, chance: random.Random) -> Iterator[str]:
    """Retellings, of different kinds first; after four of them alternately a frame and a retelling."""
    parsed = Text(text)
    frames = (_framed(text, frame) for frame in chance.sample(_FRAMES, len(_FRAMES)))
    retellings = list(dict.fromkeys(_retellings(parsed, chance)))
    yield from retellings[:_MAX_RETELLINGS]
    for pair in zip_longest(frames, retellings[_MAX_RETELLINGS:]):
        yield from (variant for variant in pair if variant is not None)


def _retellings(parsed: Text, chance: random.Random) -> Iterator[str]:
    if "first" not in parsed.groups:
        yield from _protagonist_retellings(parsed)
        return
    for telling in tellings(parsed, chance):
        if (variant := retell(parsed, telling)) is not None:
            yield variant


def _protagonist_retellings(parsed: Text) -> Iterator[str]:
    person = protagonist(parsed)
    if person is None:
        return
    own = change_protagonist(parsed, person, "I")
    if own is not None:
        yield own
        if (addressed := retell(Text(own), Telling("you"))) is not None:
            yield addressed
    other = "she" if person.pronoun == "he" else "he"
    if other not in parsed.groups and (swapped := change_protagonist(parsed, person, other)) is not None:
        yield swapped


def _framed(text: str, frame: str) -> str:
    """The text in a frame: in quotation marks where it has none and is one paragraph, below the frame otherwise."""
    body = text.strip()
    if any(mark in body for mark in '"“”\n') or len(body) > 400:
        return frame.format("").rstrip() + "\n\n" + body
    return frame.format(f'"{body}"')


__all__ = ["FAMILIES", "variants"]
