"""Leave-one-out: which words a claim rests on, by reading the text again without each.

Notable: an effect has an exact meaning, the change of the told probability, and needs nothing of the model but its
readings (representation erasure, Li, Monroe & Jurafsky 2016, arXiv:1612.08220, here of words of the input). It is not
additive: two words that say the same hide each other, as each is still there when the other is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..modeling_redheart.reading import find_words

MOST_PIECES = 40
_MOST_EMOTIONS = 2
_BATCH = 8


class Claim(NamedTuple):
    """A told probability and what each piece of the text adds to it: the probability less the one without the piece.

    part: "emotion" or "verdict"; name: its label.
    """

    part: str
    name: str
    value: float
    changes: tuple[float, ...]


@dataclass(frozen=True)
class Effects:
    """The effects of the pieces of ``text`` on its claims. pieces: start, end of each; most: of them at most."""

    text: str
    pieces: tuple[tuple[int, int], ...]
    claims: tuple[Claim, ...]
    merged: bool
    most: int = MOST_PIECES


def leave_one_out(pipe: Any, reading: Mapping[str, Any], most: int = MOST_PIECES, **options: Any) -> Effects:
    """The effects of the words of a text on its strongest emotions and on its most probable verdict.

    pipe: the pipeline. reading: what it gave for the text with ``options``. most: pieces at most; in a longer text
    neighbouring words are left out together, so many that these are enough. What was cut off is left out altogether.

    Raises `ValueError` when there are less than two words, or when the reading tells neither emotions nor a verdict.
    """
    text: str = reading["text"]
    text = text[: max(int(window["offset_mapping"].max()) for window in pipe.preprocess(text))]
    words = list(find_words(text, len(text)))
    if len(words) < 2:
        raise ValueError(f"Leave-one-out needs a text of at least two words, got {len(words)}.")
    targets = _targets(reading)
    if not targets:
        raise ValueError("The reading tells neither emotions nor a verdict; there is nothing that a word could change.")
    pieces = join(words, most)
    without = [f"{text[:start]}{text[end:]}" for start, end in pieces]
    readings = pipe([text, *without], batch_size=_BATCH, **options)
    claims = []
    for part, name in targets:
        values = [_probability(found, part, name) for found in readings]
        claims.append(Claim(part, name, values[0], tuple(values[0] - value for value in values[1:])))
    return Effects(text, tuple(pieces), tuple(claims), len(pieces) < len(words), most)


def join(words: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most ``most`` pieces: runs of neighbouring words of nearly one length. Each word is in exactly one."""
    count = min(len(words), most)
    edges = [round(index * len(words) / count) for index in range(count + 1)]
    return [(words[first][0], words[last - 1][1]) for first, last in pairwise(edges)]


def _targets(reading: Mapping[str, Any]) -> list[tuple[str, str]]:
    emotion = reading.get("emotion", {})
    labels: Mapping[str, float] = emotion.get("labels", {})
    names = emotion.get("asserted", [])[:_MOST_EMOTIONS] or sorted(labels, key=lambda name: -labels[name])[:1]
    targets = [("emotion", name) for name in names]
    probabilities: Mapping[str, float] = reading.get("verdict", {}).get("probabilities", {})
    if probabilities:
        targets.append(("verdict", max(probabilities, key=probabilities.__getitem__)))
    return targets


def _probability(reading: Mapping[str, Any], part: str, name: str) -> float:
    return float(reading[part]["labels" if part == "emotion" else "probabilities"][name])


__all__ = ["MOST_PIECES", "Claim", "Effects", "join", "leave_one_out"]
