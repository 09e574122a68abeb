"""The charts of a reading: pure functions from parts of it to HTML.

Notable: a value that is not in the reading was withheld. It is drawn as withheld (hatched or dashed, and in words),
never as zero or as a gap. All text is escaped where it is put into an element.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from ..configuration.labels import (
    AFFECT,
    BENTHAM,
    NUANCE_LEVELS,
    PERSPECTIVES,
    REGRET_TYPES,
    SIGNED_AFFECT,
    SIGNED_BENTHAM,
    SURD,
    VERDICTS,
    VIEWS,
)
from ..modeling_redheart.asserted import threshold_of
from .drawing import Line, Spoke, axis, bar, element, line_chart, radar
from .interface import Words

Reading = Mapping[str, Any]

_MOST_ASSERTED = 8
_LEAST_SHOWN = 6
_MOST_NUANCES = 5
_LINES = 4
_PERCENT = ("0", "25", "50", "75", "100 %")


class Facts(NamedTuple):
    """What the page knows about the model, beside a reading.

    Attributes:
        model: Name of the model on the page.
        thresholds: Threshold of each emotion, by name.
        tokens: Maximum number of tokens that are read at once.
    """

    model: str
    thresholds: Mapping[str, float]
    tokens: int


def is_untrained(reading: Reading, key: str) -> bool:
    """Whether the claim ``key``, or a part it belongs to, is shown although no training data supervised it."""
    parts = key.split(".")
    named: Collection[str] = reading["flags"]["untrained"]
    return any(".".join(parts[:depth]) in named for depth in range(1, len(parts) + 1))


def mark(reading: Reading, key: str, words: Words) -> str:
    """Return the badge of a claim that is derived or was not trained; empty for any other claim."""
    if is_untrained(reading, key):
        return untrained(words)
    if key in reading["flags"].get("derived", ()):
        return element("span", escape(words.text("derived")), class_="badge")
    return ""


def untrained(words: Words) -> str:
    """Return the badge of a value that no training data supervised."""
    return element("span", escape(words.text("untrained_mark")), class_="badge untrained")


def absent(words: Words) -> str:
    """Return the mark in the place of a value that is withheld."""
    return element("span", escape(words.text("withheld")), class_="absent")


def row(name: str, drawn: str, value: str, kind: str = "", tip: str = "") -> str:
    """Return one line of a bar chart.

    Args:
        name: Markup of its name.
        drawn: Markup of its bar.
        value: Markup of its value.
        kind: CSS classes beside ``row``.
        tip: Plain text that is shown under the pointer.

    Returns:
        Markup.
    """
    options = {"title": tip} if tip else {}
    cells = (element("span", name, class_="name"), drawn, element("span", value, class_="value"))
    return element("li", *cells, class_=f"row {kind}".strip(), **options)


def _scale(*labels: str) -> str:
    return element("li", element("span", class_="name"), axis(*labels), element("span", class_="value"), class_="row")


def _rows(*items: str) -> str:
    return element("ul", *items, class_="rows")


def note(content: str) -> str:
    """Return a remark, for below a title; ``content`` is plain text."""
    return element("p", escape(content), class_="note")


def _paragraph(content: str) -> str:
    return element("p", escape(content))


def _details(summary: str, body: str) -> str:
    return element("details", element("summary", escape(summary)), body)


def emotions(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw bars of the emotions with their thresholds, those asserted first, and the affect."""
    emotion = reading["emotion"]
    labels, asserted = emotion.get("labels", {}), emotion.get("asserted", [])
    order = sorted(labels, key=lambda name: (name not in asserted, -labels[name]))
    shown = order[: max(_LEAST_SHOWN, min(len(asserted), _MOST_ASSERTED) + 2)]

    def emotion_row(name: str) -> str:
        limit = threshold_of(facts.thresholds, name)
        sure = name in asserted
        title = escape(words.name("emotion", name)) + mark(reading, f"emotion.{name}", words)
        sign = element("span", escape(words.text("asserted")), class_="badge sure") if sure else ""
        kind = "sure" if sure else "weak"
        tip = words.text("threshold", value=words.share(limit))
        return row(title + sign, bar(labels[name], tick=limit, kind=kind), words.share(labels[name]), kind, tip)

    parts = [note(words.text("emotions_note"))] if labels else []
    if labels:
        parts.append(_rows(*(emotion_row(name) for name in shown), _scale(*_PERCENT)))
    if rest := order[len(shown) :]:
        rows = _rows(*(emotion_row(name) for name in rest))
        parts.append(_details(words.text("emotions_rest", count=len(rest)), rows))
    if affect := emotion.get("affect"):
        lines = []
        for name in AFFECT:
            value, signed = affect.get(name), name in SIGNED_AFFECT
            title = escape(words.name("affect", name)) + mark(reading, f"affect.{name}", words)
            drawn = element("span", class_="track hatched") if value is None else bar(value, -1.0 if signed else 0.0)
            number = absent(words) if value is None else words.signed(value) if signed else f"{value:.2f}"
            lines.append(row(title, drawn, number))
        parts += [_rows(*lines), note(words.text("affect_note"))]
    return "".join(parts)


def nuances(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw a table of the asserted emotions by level; each cell is the probability of at least that level."""
    emotion = reading["emotion"]
    nuance, strength = emotion["nuance"], emotion.get("intensity", {})
    names = [name for name in emotion.get("asserted", nuance) if name in nuance][:_MOST_NUANCES]
    head = [element("th", escape(words.name("level", level)), scope="col") for level in NUANCE_LEVELS]
    head.append(element("th", escape(words.text("intensity")), scope="col"))
    body = []
    for name in names:
        cells = [_level(reading, name, level, nuance[name].get(level), words) for level in NUANCE_LEVELS]
        badge = mark(reading, f"intensity.{name}", words)
        cells.append(element("td", f"{strength[name]:.2f}", badge) if name in strength else _withheld_cell(words))
        body.append(element("tr", element("th", escape(words.name("emotion", name)), scope="row"), *cells))
    return note(words.text("nuances_note")) + _table([element("td"), *head], body, "nuances")


def _level(reading: Reading, name: str, level: str, value: float | None, words: Words) -> str:
    if value is None:
        return _withheld_cell(words)
    badge = mark(reading, f"nuance.{name}.{level}", words)
    return element("td", bar(value, kind="sure" if value >= 0.5 else "weak"), words.share(value), badge)


def _withheld_cell(words: Words) -> str:
    return element("td", absent(words), class_="hatched")


def _table(head: Sequence[str], body: Sequence[str], class_: str) -> str:
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_=class_)
    return element("div", table, class_="scroll")


def arc(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw the emotions with the highest peaks as lines over the sentences, and list the sentences."""
    segments: Sequence[Mapping[str, Any]] = reading["emotion"]["arc"]
    if len(segments) < 2:
        return note(words.text("arc_short"))
    peak = {name: max(segment["labels"][name] for segment in segments) for name in segments[0]["labels"]}
    names = sorted(peak, key=lambda name: -peak[name])[:_LINES]
    lines = [Line(words.name("emotion", name), [segment["labels"][name] for segment in segments]) for name in names]
    described = f"{words.text('arc')}. " + "; ".join(
        f"{line.name}: {', '.join(words.share(value) for value in line.values)}" for line in lines
    )
    drawn = line_chart(lines, words.text("arc_axis"), words.text("probability"), described)
    body = []
    for number, segment in enumerate(segments, 1):
        strongest = max(segment["labels"], key=segment["labels"].__getitem__)
        label = f"{words.name('emotion', strongest)}, {words.share(segment['labels'][strongest])}"
        cells = (element("th", str(number), scope="row"), element("td", escape(" ".join(segment["text"].split()))))
        body.append(element("tr", *cells, element("td", escape(label))))
    titles = ("", words.text("text"), words.text("arc_strongest"))
    table = _table([element("th", escape(title), scope="col") for title in titles], body, "parts")
    return note(words.text("arc_note")) + mark(reading, "arc", words) + drawn + _details(words.text("arc_parts"), table)


def bentham(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw the ten dimensions as a radar, with the felicific value in words."""
    part = reading["bentham"]
    dimensions = part.get("dimensions", {})
    spokes = []
    for name in BENTHAM:
        cell, title = dimensions.get(name), words.name("bentham", name)
        if cell is None:
            spokes.append(Spoke(title, words.text("withheld"), None))
            continue
        signed = name in SIGNED_BENTHAM
        value, spread = cell["value"], cell.get("std", 0.0)
        label = (words.signed(value) if signed else f"{value:.2f}") + (f" ± {spread:.2f}" if "std" in cell else "")
        unsure = is_untrained(reading, f"bentham.{name}")
        label += "*" if unsure else ""
        share, width = ((value + 1) / 2, spread / 2) if signed else (value, spread)
        spokes.append(Spoke(title, label, share, width, unsure))
    described = f"{words.text('bentham')}. " + "; ".join(f"{spoke.name}: {spoke.label}" for spoke in spokes)
    parts = [note(words.text("bentham_note")), radar(spokes, described)]
    starred = any(spoke.marked for spoke in spokes)
    if starred:
        parts.append(note(f"* {words.text('untrained_mark')}"))
    if "felicific_value" in part:
        sentence = escape(words.text("felicific_value", value=words.signed(part["felicific_value"])))
        # It is computed from the dimensions, so it is untrained where one of them is.
        parts.append(element("p", sentence, untrained(words) if starred else ""))
    return "".join(parts)


def regret(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw the seven types of regret against the three views as a heat map."""
    scores = reading.get("regret", {})
    head = [element("th", escape(words.name("view", view)), scope="col") for view in VIEWS]
    body = []
    for name in REGRET_TYPES:
        cells = []
        for view in VIEWS:
            value = scores.get(name, {}).get(view)
            if value is None:
                cells.append(_withheld_cell(words))
                continue
            kind = "warm" if value > 0 else "cool"
            shade = f"--shade:{round(60 * min(1.0, abs(value)))}%"
            badge = mark(reading, f"regret.{name}.{view}", words)
            cells.append(element("td", words.signed(value), badge, class_=f"heat {kind}", style=shade))
        body.append(element("tr", element("th", escape(words.name("regret", name)), scope="row"), *cells))
    scale = element("div", element("span", "-1"), element("span", "0"), element("span", "+1"), class_="heat-scale")
    return note(words.text("regret_note")) + _table([element("td"), *head], body, "heat-map") + scale


def views(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw utility and plausibility of the better, the actual and the worse view side by side."""
    part = reading["counterfactual"]
    columns = []
    for view in VIEWS:
        utility, plausible = (part.get(view, {}).get(name) for name in ("utility", "plausibility"))
        marks = {name: mark(reading, f"{name}.{view}", words) for name in ("utility", "plausibility")}
        lines = (
            element("h4", escape(words.name("view", view))),
            element("p", escape(words.name("part", "utility")), marks["utility"], class_="unit"),
            element("p", absent(words) if utility is None else words.signed(utility), class_="figure"),
            element("span", class_="track hatched") if utility is None else bar(utility, -1.0, kind="sure"),
            element("p", escape(words.name("part", "plausibility")), marks["plausibility"], class_="unit"),
            element("p", absent(words) if plausible is None else words.share(plausible), class_="figure small"),
            element("span", class_="track hatched") if plausible is None else bar(plausible),
        )
        columns.append(element("div", *lines, class_="view"))
    return note(words.text("views_note")) + element("div", *columns, class_="views")


def surd(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw synergy, unique and redundant information as a stacked bar in bits, with the determined share in words."""
    part = reading["surd"]
    if part.get("not_determined"):
        return note(words.text("surd_note")) + mark(reading, "surd", words) + _paragraph(words.text("surd_nothing"))
    bits = {name: max(0.0, part[name]) for name in SURD if name != SURD[-1]}
    # The scale is at least one bit wide, so that the bars of two texts can be compared.
    full = max(1.0, 0.5 * -(-sum(bits.values()) // 0.5))
    pieces = [
        element("span", class_=f"piece p{number}", style=f"width:{100 * value / full:.1f}%")
        for number, value in enumerate(bits.values())
    ]
    items = (
        element("li", element("span", class_=f"swatch p{number}"), escape(f"{words.name('surd', name)} {value:.2f}"))
        for number, (name, value) in enumerate(bits.items())
    )
    unit = words.text("bits")
    return "".join(
        (
            note(words.text("surd_note")),
            mark(reading, "surd", words),
            element("div", *pieces, class_="stack", aria_hidden="true"),
            axis("0", f"{full / 2:g}", f"{full:g} {unit}"),
            element("ul", *items, class_="legend"),
            _paragraph(words.text("surd_determined", value=words.share(part[SURD[-1]]))),
        )
    )


def verdict(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw the verdicts, the acceptability of the narrator's conduct, and the verdict by perspective."""
    part: Mapping[str, Any] = reading.get("verdict", {})
    parts = [note(words.text("verdict_note"))]
    if probabilities := part.get("probabilities"):
        lines = []
        for name in VERDICTS:
            named = name == part["label"]
            kind = "sure" if named else "weak"
            sign = element("span", escape(words.text("named")), class_="badge sure") if named else ""
            title = escape(words.name("verdict", name)) + sign
            lines.append(row(title, bar(probabilities[name], kind=kind), words.share(probabilities[name]), kind))
        parts += [mark(reading, "verdict", words), _rows(*lines, _scale(*_PERCENT))]
        if part["abstained"]:
            parts.append(_paragraph(words.text("abstained")))
    if (value := part.get("acceptability")) is not None:
        title = escape(words.text("acceptability")) + mark(reading, "acceptability", words)
        scale = _scale(words.text("acceptability_low"), words.text("acceptability_high"))
        parts += [note(words.text("acceptability_note")), _rows(row(title, bar(value), f"{value:.2f}"), scale)]
    perspectives = reading.get("perspectives", {})
    head = [element("th", escape(words.name("verdict", name)), scope="col") for name in VERDICTS]
    body = []
    for name in PERSPECTIVES:
        title = element("th", escape(words.name("perspective", name)), mark(reading, f"perspectives.{name}", words))
        if name in perspectives:
            cells = [_shaded(perspectives[name][key], words.share) for key in VERDICTS]
        else:
            cells = [element("td", absent(words), class_="hatched", colspan=len(VERDICTS))]
        body.append(element("tr", title, *cells))
    parts += [element("h4", escape(words.text("perspectives"))), _table([element("td"), *head], body, "heat-map")]
    return "".join(parts)


def _shaded(value: float, form: Callable[[float], str]) -> str:
    return element("td", form(value), class_="heat cool", style=f"--shade:{round(60 * value)}%")


def confidence(reading: Reading, words: Words, facts: Facts) -> str:
    """Draw bars of the confidence of each part."""
    lines = []
    for name, cell in reading["confidence"].items():
        title = escape(words.name("part", name)) + mark(reading, f"confidence.{name}", words)
        value = cell["confidence"]
        lines.append(row(title, bar(value), f"{value:.2f}"))
    anchor = element("span", id="how-sure")
    return anchor + note(words.text("confidence_note")) + _rows(*lines, _scale("0", "0.5", "1"))


def raters(reading: Reading, words: Words, facts: Facts) -> str:
    """List who rated the training data of each output."""
    lines = (
        row(escape(words.name("part", name)), "", escape(words.name("rater", kind)), kind="rated")
        for name, kind in reading["rated_by"].items()
    )
    return note(words.text("raters_note")) + _rows(*lines)


def guarantee(reading: Reading, words: Words, facts: Facts) -> str:
    """List the sets that are promised, what is not promised, and against what and for what it holds."""
    found, kinds = reading["guarantee"], {"emotions": "emotion", "verdicts": "verdict", "named": "verdict"}
    lines = []
    for part, kind in kinds.items():
        if part not in found and part not in found["not_promised"]:
            continue
        names = found.get(part) if part != "named" else [name for name in [found.get(part)] if name]
        known = ", ".join(words.name(kind, name) for name in names or ()) or words.text("guarantee_none")
        value = known if part in found else words.text("guarantee_not")
        lines.append(row(escape(words.text(f"guarantee_{part}")), "", escape(value), kind="rated"))
    about = {name: found[name] for name in ("data", "texts", "groups")}
    about["sure"] = words.share(1 - found["delta"])
    return note(words.text("guarantee_note", alpha=words.share(found["alpha"]), **about)) + _rows(*lines)


__all__ = [
    "Facts",
    "Reading",
    "absent",
    "arc",
    "bentham",
    "confidence",
    "emotions",
    "guarantee",
    "is_untrained",
    "mark",
    "note",
    "nuances",
    "raters",
    "regret",
    "row",
    "surd",
    "untrained",
    "verdict",
    "views",
]
