"""The headline: sure and probable verdicts, and no light blame in a text that mentions harm."""

from typing import Any

import pytest

from redheart.configuration.labels import VERDICTS
from redheart.modeling_redheart.headline import Headline, headline


def reading(
    label: str | None = "other", p: float = 0.9, confidence: float | None = None, **changes: Any
) -> dict[str, Any]:
    """A reading with one verdict of probability ``p``. changes: keys of its flags, or parts of it."""
    rest = (1 - p) / (len(VERDICTS) - 1)
    likely = label or "author"
    flags: dict[str, Any] = {"risk": [], "untrained": []}
    flags |= {name: changes.pop(name) for name in tuple(changes) if name in flags}
    made: dict[str, Any] = {
        "verdict": {
            "label": label,
            "abstained": label is None,
            "probabilities": {name: p if name == likely else rest for name in VERDICTS},
        },
        "emotion": {"labels": {}, "asserted": ["anger", "sadness", "fear", "grief"]},
        "flags": flags,
    }
    if confidence is not None:
        made["confidence"] = {"verdict": {"expected_loss": 1.0, "confidence": confidence}}
    if "acceptability" in changes:
        made["verdict"]["acceptability"] = changes.pop("acceptability")
    return made | changes


def test_the_verdict_and_three_feelings_are_shown() -> None:
    assert headline(reading()) == Headline((), "sure", "other", ("anger", "sadness", "fear"), None)


@pytest.mark.parametrize(("p", "standing"), [(0.7, "sure"), (0.69, "probable"), (0.3, "probable")])
def test_below_seven_tenths_a_verdict_is_only_probable(p: float, standing: str) -> None:
    found = headline(reading(p=p))
    assert (found.standing, found.verdict) == (standing, "other")


@pytest.mark.parametrize("risk", [[], ["abuse"]])
def test_an_abstained_verdict_is_not_shown(risk: list[str]) -> None:
    found = headline(reading(None, 0.4, acceptability=0.01, risk=risk))
    assert (found.standing, found.verdict, found.acceptability) == ("unsure", None, None)


@pytest.mark.parametrize(
    ("label", "p", "confidence", "standing"),
    [
        ("author", 0.95, 0.9, "sure"),
        ("author", 0.8, 0.8, "sure"),
        ("author", 0.79, 0.9, "held_back"),
        ("author", 0.95, 0.79, "held_back"),
        ("author", 0.95, None, "held_back"),  # without a confidence nothing says how far to trust it
        ("everybody", 0.95, 0.5, "held_back"),
        ("other", 0.75, 0.2, "sure"),
        ("nobody", 0.5, 0.2, "probable"),
        ("info", 0.5, None, "probable"),
    ],
)
def test_blame_must_be_sure_in_a_text_that_mentions_harm(
    label: str, p: float, confidence: float | None, standing: str
) -> None:
    found = headline(reading(label, p, confidence, risk=["abuse", "child_in_danger"], acceptability=0.05))
    assert found.risk == ("abuse", "child_in_danger")
    assert found.standing == standing
    assert found.verdict == (None if standing == "held_back" else label)
    if standing == "held_back":
        assert found.acceptability is None
    assert headline(reading(label, p, confidence)).standing in ("sure", "probable")  # without the harm it is shown


@pytest.mark.parametrize(
    ("label", "p", "acceptability", "shown"),
    [
        ("author", 0.9, 0.1, True),
        ("everybody", 0.9, 0.3, True),
        ("author", 0.9, 0.5, False),  # blamed, and yet half acceptable: not clearly
        ("author", 0.6, 0.1, False),
        ("nobody", 0.9, 0.9, True),
        ("other", 0.9, 0.7, True),
        ("other", 0.9, 0.2, False),
        ("info", 0.9, 0.9, False),
    ],
)
def test_acceptability_is_shown_for_clear_blame_and_clear_praise(
    label: str, p: float, acceptability: float, shown: bool
) -> None:
    assert headline(reading(label, p, acceptability=acceptability)).acceptability == (acceptability if shown else None)


def test_absent_and_untrained_claims_are_left_out() -> None:
    assert headline({"flags": {"risk": [], "untrained": []}}) == Headline()
    untrained = ["verdict", "acceptability", "emotion"]
    assert headline(reading(acceptability=0.9, untrained=untrained)) == Headline()
    assert headline(reading(untrained=["emotion.anger"])).feelings == ("sadness", "fear", "grief")
    assert headline(reading(acceptability=0.9, untrained=["acceptability"])).acceptability is None
    blamed = reading("author", 0.95, 0.95, risk=["self_harm"], untrained=["confidence.verdict"])
    assert headline(blamed).standing == "held_back"


@pytest.mark.parametrize("asserted", [["neutral"], []])
def test_a_text_without_feelings(asserted: list[str]) -> None:
    assert headline(reading(emotion={"labels": {}, "asserted": asserted})).feelings == tuple(asserted)
