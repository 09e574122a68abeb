"""The headline: the few facts that a reading is sure of, before all its numbers.

    headline(reading)  # Headline(risk=(), standing="probable", verdict="other", feelings=("anger",), ...)

Notable: a pure function, and without sentences; the terminal and the page write their own. Claims that nothing
supervised are left out. Where a text mentions self-harm, abuse or a child in danger, blame is shown only if it is both
probable and trusted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

# How the verdict is shown: as it is; as probable; not, since the model is not sure; not, since it would blame somebody
# in a text that mentions harm; or not, since it is not in the reading.
Standing: TypeAlias = Literal["sure", "probable", "unsure", "held_back", "absent"]

# From this probability on a verdict is shown without "probably".
SURE = 0.7
# The probability and confidence that a verdict needs to blame somebody in a text that mentions harm.
BLAMES = 0.8
# Acceptability is shown for a narrator who is blamed and whose conduct is at most this acceptable, and for one who is
# not blamed and whose conduct is at least this acceptable.
CLEARLY_BLAMED, CLEARLY_PRAISED = 0.3, 0.7
MOST_FEELINGS = 3

_BLAMING = ("author", "everybody")
_FREEING = ("other", "nobody")


@dataclass(frozen=True)
class Headline:
    """What a reading is sure of.

    Attributes:
        risk: Kinds of `labels.RISKS` that the text mentions.
        standing: How the verdict is shown: "sure", "probable", "unsure", "held_back" or "absent".
        verdict: The verdict to show, of `labels.VERDICTS`; None unless ``standing`` is "sure" or "probable".
        feelings: The most probable asserted emotions, only ``("neutral",)`` where the text is neutral, () where none is
            asserted; None where emotions are not in the reading.
        acceptability: Of the narrator's conduct, 0..1; None unless the narrator is clearly blamed or praised.
    """

    risk: tuple[str, ...] = ()
    standing: Standing = "absent"
    verdict: str | None = None
    feelings: tuple[str, ...] | None = None
    acceptability: float | None = None


def headline(reading: Mapping[str, Any]) -> Headline:
    """Return the headline of a reading of `EthicalAnalysisPipeline`."""
    flags: Mapping[str, Any] = reading["flags"]
    untrained: Collection[str] = flags["untrained"]
    risk = tuple(flags["risk"])
    verdict: Mapping[str, Any] = reading.get("verdict", {})
    standing: Standing = "absent"
    if "probabilities" in verdict and "verdict" not in untrained:
        standing = _standing(verdict, _confidence(reading, untrained), bool(risk))
    label = verdict["label"] if standing in ("sure", "probable") else None
    acceptability = None if "acceptability" in untrained else verdict.get("acceptability")
    clear = acceptability is not None and standing == "sure" and _is_clear(label, acceptability)
    return Headline(risk, standing, label, _feelings(reading, untrained), acceptability if clear else None)


def _standing(verdict: Mapping[str, Any], confidence: float, at_risk: bool) -> Standing:
    if verdict["abstained"]:
        return "unsure"
    probability = verdict["probabilities"][verdict["label"]]
    if at_risk and verdict["label"] in _BLAMING and min(probability, confidence) < BLAMES:
        return "held_back"
    return "sure" if probability >= SURE else "probable"


def _confidence(reading: Mapping[str, Any], untrained: Collection[str]) -> float:
    """Return the confidence in the verdict; 0 where the reading does not have it."""
    if not {"confidence", "confidence.verdict"}.isdisjoint(untrained):
        return 0.0
    return float(reading.get("confidence", {}).get("verdict", {}).get("confidence", 0.0))


def _is_clear(label: str | None, acceptability: float) -> bool:
    if label in _BLAMING:
        return acceptability <= CLEARLY_BLAMED
    return label in _FREEING and acceptability >= CLEARLY_PRAISED


def _feelings(reading: Mapping[str, Any], untrained: Collection[str]) -> tuple[str, ...] | None:
    emotion: Mapping[str, Any] = reading.get("emotion", {})
    if "asserted" not in emotion or "emotion" in untrained:
        return None
    feelings = [name for name in emotion["asserted"] if f"emotion.{name}" not in untrained]
    return tuple(feelings[:MOST_FEELINGS])


__all__ = ["Headline", "Standing", "headline"]
