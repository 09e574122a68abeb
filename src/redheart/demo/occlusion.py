"""Leave-one-out: which words a claim depends on, found by reading the text again without each of them.

Notable: an effect has an exact meaning, the change of the probability in the reading, and only the readings of the
model are needed (representation erasure, Li, Monroe & Jurafsky 2016, arXiv:1612.08220, here of words of the input).
Effects are not additive: two words of the same meaning hide each other, since one remains when the other is left out.
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
    """A probability of the reading, and what each piece of the text adds to it.

    Attributes:
        part: "emotion" or "verdict".
        name: Label within the part.
        value: The probability.
        changes: For each piece, the probability minus the one without the piece.
    """

    part: str
    name: str
    value: float
    changes: tuple[float, ...]


@dataclass(frozen=True)
class Effects:
    """The effects of the pieces of a text on its claims.

    Attributes:
        text: What was read of the text.
        pieces: Start and end of each piece, in characters.
        claims: The claims, each with one change per piece.
        merged: Whether a piece has more than one word.
        most: Maximum number of pieces.
    """

    text: str
    pieces: tuple[tuple[int, int], ...]
    claims: tuple[Claim, ...]
    merged: bool
    most: int = MOST_PIECES


def leave_one_out(pipe: Any, reading: Mapping[str, Any], most: int = MOST_PIECES, **options: Any) -> Effects:
    """Measure the effects of the words of a text on its strongest emotions and its most probable verdict.

    Args:
        pipe: The pipeline.
        reading: What the pipeline gave for the text with ``options``.
        most: Maximum number of pieces; in a longer text, neighbouring words are left out together.
        **options: Options of the call of the pipeline.

    Returns:
        The effects; text beyond what the model reads has no piece.

    Raises:
        ValueError: When the text has fewer than two words, or the reading has neither emotions nor a verdict.
    """
    text: str = reading["text"]
    text = text[: max(int(window["offset_mapping"].max()) for window in pipe.preprocess(text))]
    words = list(find_words(text, len(text)))
    if len(words) < 2:
        raise ValueError(f"Leave-one-out needs a text of at least two words, got {len(words)}.")
    targets = _targets(reading)
    if not targets:
        raise ValueError("The reading has neither emotions nor a verdict; read the text with one of these outputs.")
    pieces = join(words, most)
    without = [f"{text[:start]}{text[end:]}" for start, end in pieces]
    readings = pipe([text, *without], batch_size=_BATCH, **options)
    claims = []
    for part, name in targets:
        values = [_probability(found, part, name) for found in readings]
        claims.append(Claim(part, name, values[0], tuple(values[0] - value for value in values[1:])))
    return Effects(text, tuple(pieces), tuple(claims), len(pieces) < len(words), most)


def join(words: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Join words to pieces.

    Args:
        words: Start and end of each word.
        most: Maximum number of pieces.

    Returns:
        Start and end of each piece: runs of neighbouring words of nearly equal length; each word is in exactly one.
    """
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
