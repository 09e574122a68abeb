"""The gallery: forty everyday texts, fixed before training, with their readings as they are.

    python -m redheart.recipes.gallery MODEL --output docs/gallery.md

Notable: each text of `gallery_texts.jsonl` has the answer of a careful reader; a reading that differs is marked, and
none is edited or left out. The reader was one person, and the list is short: it shows what readings are like, and
`redheart evaluate` measures how good they are.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, TypeAlias

from ..configuration.labels import EMOTIONS, NUANCE_LEVELS, REGRET_TYPES, VERDICTS, VIEWS
from ..evaluation.texts.text_lists import LANGUAGES, text_list

Readings: TypeAlias = Sequence[Mapping[str, Any]]

ABSTAINED, NEUTRAL, WITHHELD = "abstained", "neutral", "withheld"

_BETWEEN = " · "
_WIDTH = 125
_LANGUAGE_NAMES = {"en": "English", "ko": "Korean"}
# Flags that are about the model and the same for every text, or are not warnings.
_NO_WARNINGS = ("tokens", "withheld", "derived", "untrained")
# Counts that are shown from two on.
_COUNTS = ("windows", "speakers")


@dataclass(frozen=True)
class GalleryText:
    """A text, and the answer of a careful reader.

    Attributes:
        text: The text.
        language: "en" or "ko".
        verdict: The named verdicts that the reader accepts, of `VERDICTS` or "abstained"; at least one.
        emotions: Emotions of which at least one should be asserted; with "neutral" among them none may be asserted,
            too; empty: none should be.

    Raises:
        ValueError: For an unknown name, and without a verdict.
    """

    text: str
    language: str
    verdict: tuple[str, ...]
    emotions: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, given, known in (
            ("language", (self.language,), LANGUAGES),
            ("verdict", self.verdict, (*VERDICTS, ABSTAINED)),
            ("emotions", self.emotions, EMOTIONS),
        ):
            if wrong := sorted(set(given) - set(known)):
                raise ValueError(f"{self.text[:40]!r}: `{name}` has {wrong}; known are {', '.join(known)}.")
        if not self.verdict:
            raise ValueError(f"{self.text[:40]!r}: `verdict` is empty; name at least one that a reader accepts.")


def gallery_texts() -> list[GalleryText]:
    """Return the list, in its order: 26 texts in English, then 14 in Korean."""
    return [
        GalleryText(row["text"], row["language"], tuple(row["verdict"]), tuple(row["emotions"]))
        for row in text_list("gallery_texts")
    ]


def misses(item: GalleryText, reading: Mapping[str, Any]) -> list[str]:
    """List in what a reading differs from a careful reader's answer.

    Args:
        item: The text and the answer.
        reading: A reading of the pipeline (`EthicalAnalysisPipeline.postprocess`). What is withheld is not right.

    Returns:
        A phrase for each difference; empty where the reading is right.
    """
    found = []
    if (named := _named(reading)) not in item.verdict:
        found.append(f"verdict {named}, a careful reader's: {_either(item.verdict)}")
    asserted = _asserted(reading)
    if asserted is None:
        return [*found, f"emotion {WITHHELD}"]
    felt, wanted = ([name for name in names if name != NEUTRAL] for names in (asserted, item.emotions))
    calm = NEUTRAL in item.emotions or not item.emotions
    right = bool(set(felt) & set(wanted)) if felt else calm
    if not right:
        reader = _either([*wanted, *(["none"] if calm else [])])
        found.append(f"emotion {', '.join(felt) or 'none'}, a careful reader's: {reader}")
    return found


def gallery(items: Sequence[GalleryText], readings: Readings, model: str, command: str) -> str:
    """Write the page.

    Args:
        items: The texts.
        readings: Readings of the texts, in their order.
        model: Name of the model.
        command: The command that writes the page again.

    Returns:
        The page, in Markdown.
    """
    faults = [misses(item, reading) for item, reading in zip(items, readings, strict=True)]
    right = {
        language: [not fault for item, fault in zip(items, faults, strict=True) if item.language == language]
        for language in LANGUAGES
    }
    each = ", ".join(f"{_LANGUAGE_NAMES[name]} {sum(found)} of {len(found)}" for name, found in right.items() if found)
    head = (
        f"Right: **{sum(not fault for fault in faults)} of {len(items)}** ({each}). Everyday texts, fixed before the "
        f"training, and what `{model}` reads in them, unedited. A reading is right where its named verdict is one that "
        "a careful reader accepts, and where it asserts at least one of the emotions that this reader finds, or none "
        "where there is none. ✗ marks the others, and what the reader would say. Behind a verdict stands its "
        "probability; the regret is the strongest of the 21 cells. Written by"
    )
    parts = ["# Gallery", _wrapped(head), f"    {command}"]
    if withheld := _withheld(readings):
        parts.append(_wrapped(f"Withheld by this model, wholly or in part: {', '.join(withheld)}."))
    for number, (item, reading, fault) in enumerate(zip(items, readings, faults, strict=True), 1):
        parts += [f"**{number}**{' ✗' if fault else ''}", _quoted(item.text), _line(reading)]
        if fault:
            parts.append(f"✗ {'; '.join(fault)}.")
    return "\n\n".join(parts) + "\n"


def _named(reading: Mapping[str, Any]) -> str:
    """The named verdict, "abstained", or "withheld"."""
    verdict = reading.get("verdict", {})
    if verdict.get("abstained"):
        return ABSTAINED
    return _absent(reading, "verdict") if verdict.get("label") is None else str(verdict["label"])


def _asserted(reading: Mapping[str, Any]) -> list[str] | None:
    """The asserted emotions, or None where they are withheld."""
    emotion = reading.get("emotion", {})
    if "asserted" not in emotion:
        _absent(reading, "emotion")
        return None
    return list(emotion["asserted"])


def _withheld(readings: Readings) -> list[str]:
    """The outputs of which any reading withholds something."""
    names = (name.partition(".")[0] for reading in readings for name in reading["flags"]["withheld"])
    return list(dict.fromkeys(names))


def _absent(reading: Mapping[str, Any], key: str) -> str:
    """`WITHHELD`, for a record key that the reading's flags name. Raises `ValueError` for another missing key."""
    flags, names = reading["flags"], key.split(".")
    wholes = {".".join(names[:depth]) for depth in range(1, len(names) + 1)}
    if wholes.isdisjoint(flags["withheld"]) and not flags["recovered"]:
        raise ValueError(
            f"The reading of {reading['text'][:40]!r} has no {key!r}, and its flags do not say that it is withheld; "
            f"the gallery needs all outputs of the pipeline, under their documented names. It has {list(reading)}."
        )
    return WITHHELD


def _line(reading: Mapping[str, Any]) -> str:
    """A reading in one paragraph."""
    affect = reading.get("emotion", {}).get("affect", {})
    utility = reading.get("counterfactual", {}).get("actual", {}).get("utility")
    values = {
        "verdict": _verdict(reading),
        "acceptability": _number(reading, "acceptability", reading.get("verdict", {}).get("acceptability")),
        "emotion": _emotion(reading),
        "valence": _number(reading, "affect.valence", affect.get("valence"), "+.2f"),
        "utility": _number(reading, "utility.actual", utility, "+.2f"),
        "regret": _regret(reading),
        "confidence": _confidence(reading),
    }
    line = _BETWEEN.join(f"{name} {value}" for name, value in values.items())
    warnings = _warnings(reading["flags"])
    return f"{line}{_BETWEEN}flags {', '.join(warnings)}" if warnings else line


def _verdict(reading: Mapping[str, Any]) -> str:
    named = _named(reading)
    if named == WITHHELD:
        return named
    probabilities = reading["verdict"]["probabilities"]
    if named == ABSTAINED:
        likely = max(probabilities, key=probabilities.__getitem__)
        return f"**{ABSTAINED}** ({likely} {probabilities[likely]:.2f})"
    return f"**{named}** {probabilities[named]:.2f}"


def _emotion(reading: Mapping[str, Any]) -> str:
    asserted = _asserted(reading)
    if asserted is None:
        return WITHHELD
    nuance = reading["emotion"].get("nuance", {})
    return ", ".join(f"**{name}**{_level(nuance.get(name, {}))}" for name in asserted) or "none"


def _level(levels: Mapping[str, float]) -> str:
    """The highest level that is more likely than not, in brackets; "" where there is none."""
    reached = [level for level in NUANCE_LEVELS if levels.get(level, 0.0) >= 0.5]
    return f" ({reached[-1]})" if reached else ""


def _regret(reading: Mapping[str, Any]) -> str:
    """The strongest regret; gladness, which is below 0, counts as none."""
    regret = reading.get("regret", {})
    names = [(name, view) for name in REGRET_TYPES for view in VIEWS if view in regret.get(name, {})]
    if not names:
        return _absent(reading, "regret")
    name, view = max(names, key=lambda cell: regret[cell[0]][cell[1]])
    value = regret[name][view]
    return f"{name}, {view} {value:.2f}" if value >= 0.005 else "none"


def _confidence(reading: Mapping[str, Any]) -> str:
    parts = []
    for name in ("verdict", "emotion"):
        value = reading.get("confidence", {}).get(name, {}).get("confidence")
        parts.append(f"{name} {_number(reading, f'confidence.{name}', value)}")
    return ", ".join(parts)


def _number(reading: Mapping[str, Any], key: str, value: float | None, form: str = ".2f") -> str:
    """The value, or `WITHHELD` where it is None; ``key`` is its record key."""
    return _absent(reading, key) if value is None else format(round(value, 2) + 0.0, form)  # + 0.0: never -0.00


def _warnings(flags: Mapping[str, Any]) -> list[str]:
    """The flags that are set, by name, with their value where it is more than true."""
    warnings = {name: value for name, value in flags.items() if value and name not in _NO_WARNINGS}
    warnings = {name: value for name, value in warnings.items() if name not in _COUNTS or value > 1}
    return [
        name.replace("_", " ") + ("" if value is True else f" {_format_value(value)}")
        for name, value in warnings.items()
    ]


def _format_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_format_value, value))
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """The text as a quotation in Markdown, which keeps its lines."""
    return "> " + text.replace("\n", "\\\n> ")


def _wrapped(paragraph: str) -> str:
    return fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _either(names: Iterable[str]) -> str:
    return " or ".join(names)


def read_gallery(read: Callable[[list[str]], Readings], model: str, command: str) -> str:
    """Write the page of the whole list.

    Args:
        read: Returns the readings of texts, as the pipeline does.
        model: Name of the model.
        command: The command that writes the page again.

    Returns:
        The page, in Markdown.
    """
    items = gallery_texts()
    return gallery(items, read([item.text for item in items]), model, command)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a shipped checkpoint, a folder, or a Hugging Face Hub id")
    parser.add_argument("--output", type=Path, required=True, help="page to write, docs/gallery.md")
    args = parser.parse_args()

    from ..loading import load_pipeline

    name = Path(args.model).name
    command = f"python -m redheart.recipes.gallery {name} --output docs/gallery.md"
    page = read_gallery(load_pipeline(args.model), name, command)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()


__all__ = ["ABSTAINED", "GalleryText", "gallery", "gallery_texts", "misses", "read_gallery"]
