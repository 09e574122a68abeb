"""The charts of a reading: pure functions from parts of it to HTML.

Notable: a value that is not in the reading was withheld, and is drawn as such (hatched or dashed, and in words), never
as zero or as a gap. All text is escaped where it is put into an element.
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
    """What the page knows of the model beside a reading. thresholds: of the emotions, by name; tokens: read at most."""

    model: str
    thresholds: Mapping[str, float]
    tokens: int


def is_untrained(reading: Reading, key: str) -> bool:
    """Whether the claim ``key``, or a part it belongs to, is told without supervision."""
    parts = key.split(".")
    named: Collection[str] = reading["flags"]["untrained"]
    return any(".".join(parts[:depth]) in named for depth in range(1, len(parts) + 1))


def mark(reading: Reading, key: str, words: Words) -> str:
    """The badge of a claim that is derived or was not trained; empty for an ordinary one."""
    if is_untrained(reading, key):
        return untrained(words)
    if key in reading["flags"].get("derived", ()):
        return element("span", escape(words.say("derived")), class_="badge")
    return ""


def untrained(words: Words) -> str:
    """The badge of what nothing supervised."""
    return element("span", escape(words.say("untrained_mark")), class_="badge untrained")


def absent(words: Words) -> str:
    """What stands in the place of a value that is withheld."""
    return element("span", escape(words.say("withheld")), class_="absent")


def row(name: str, drawn: str, value: str, kind: str = "", tip: str = "") -> str:
    """One line of a bar chart. name, value: markup."""
    options = {"title": tip} if tip else {}
    cells = (element("span", name, class_="name"), drawn, element("span", value, class_="value"))
    return element("li", *cells, class_=f"row {kind}".strip(), **options)


def _scale(*labels: str) -> str:
    return element("li", element("span", class_="name"), axis(*labels), element("span", class_="value"), class_="row")


def _rows(*items: str) -> str:
    return element("ul", *items, class_="rows")


def note(content: str) -> str:
    """A remark under a title. content: plain text."""
    return element("p", escape(content), class_="note")


def _paragraph(content: str) -> str:
    return element("p", escape(content))


def _details(summary: str, body: str) -> str:
    return element("details", element("summary", escape(summary)), body)


def emotions(reading: Reading, words: Words, facts: Facts) -> str:
    """Bars of the emotions with their thresholds, those asserted first, and the affect."""
    emotion = reading["emotion"]
    labels, told = emotion.get("labels", {}), emotion.get("asserted", [])
    order = sorted(labels, key=lambda name: (name not in told, -labels[name]))
    shown = order[: max(_LEAST_SHOWN, min(len(told), _MOST_ASSERTED) + 2)]

    def one(name: str) -> str:
        limit = threshold_of(facts.thresholds, name)
        sure = name in told
        title = escape(words.name("emotion", name)) + mark(reading, f"emotion.{name}", words)
        sign = element("span", escape(words.say("asserted")), class_="badge sure") if sure else ""
        kind = "sure" if sure else "weak"
        tip = words.say("threshold", value=words.share(limit))
        return row(title + sign, bar(labels[name], tick=limit, kind=kind), words.share(labels[name]), kind, tip)

    parts = [note(words.say("emotions_note"))] if labels else []
    if labels:
        parts.append(_rows(*(one(name) for name in shown), _scale(*_PERCENT)))
    if rest := order[len(shown) :]:
        parts.append(_details(words.say("emotions_rest", count=len(rest)), _rows(*(one(name) for name in rest))))
    if affect := emotion.get("affect"):
        lines = []
        for name in AFFECT:
            value, signed = affect.get(name), name in SIGNED_AFFECT
            title = escape(words.name("affect", name)) + mark(reading, f"affect.{name}", words)
            drawn = element("span", class_="track hatched") if value is None else bar(value, -1.0 if signed else 0.0)
            told_value = absent(words) if value is None else words.signed(value) if signed else f"{value:.2f}"
            lines.append(row(title, drawn, told_value))
        parts += [_rows(*lines), note(words.say("affect_note"))]
    return "".join(parts)


def nuances(reading: Reading, words: Words, facts: Facts) -> str:
    """A table of the asserted emotions by level, each cell the probability of at least that level."""
    emotion = reading["emotion"]
    nuance, strength = emotion["nuance"], emotion.get("intensity", {})
    names = [name for name in emotion.get("asserted", nuance) if name in nuance][:_MOST_NUANCES]
    head = [element("th", escape(words.name("level", level)), scope="col") for level in NUANCE_LEVELS]
    head.append(element("th", escape(words.say("intensity")), scope="col"))
    body = []
    for name in names:
        cells = [_level(reading, name, level, nuance[name].get(level), words) for level in NUANCE_LEVELS]
        badge = mark(reading, f"intensity.{name}", words)
        cells.append(element("td", f"{strength[name]:.2f}", badge) if name in strength else _withheld_cell(words))
        body.append(element("tr", element("th", escape(words.name("emotion", name)), scope="row"), *cells))
    return note(words.say("nuances_note")) + _table([element("td"), *head], body, "nuances")


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
    """The emotions with the highest peaks as lines over the sentences, and the sentences themselves."""
    segments: Sequence[Mapping[str, Any]] = reading["emotion"]["arc"]
    if len(segments) < 2:
        return note(words.say("arc_short"))
    peak = {name: max(segment["labels"][name] for segment in segments) for name in segments[0]["labels"]}
    names = sorted(peak, key=lambda name: -peak[name])[:_LINES]
    lines = [Line(words.name("emotion", name), [segment["labels"][name] for segment in segments]) for name in names]
    described = f"{words.say('arc')}. " + "; ".join(
        f"{line.name}: {', '.join(words.share(value) for value in line.values)}" for line in lines
    )
    drawn = line_chart(lines, words.say("arc_axis"), words.say("probability"), described)
    body = []
    for number, segment in enumerate(segments, 1):
        strongest = max(segment["labels"], key=segment["labels"].__getitem__)
        told = f"{words.name('emotion', strongest)}, {words.share(segment['labels'][strongest])}"
        cells = (element("th", str(number), scope="row"), element("td", escape(" ".join(segment["text"].split()))))
        body.append(element("tr", *cells, element("td", escape(told))))
    titles = ("", words.say("text"), words.say("arc_strongest"))
    table = _table([element("th", escape(title), scope="col") for title in titles], body, "parts")
    return note(words.say("arc_note")) + mark(reading, "arc", words) + drawn + _details(words.say("arc_parts"), table)


def bentham(reading: Reading, words: Words, facts: Facts) -> str:
    """The ten dimensions as a radar, with the felicific value in words."""
    part = reading["bentham"]
    dimensions = part.get("dimensions", {})
    spokes = []
    for name in BENTHAM:
        cell, title = dimensions.get(name), words.name("bentham", name)
        if cell is None:
            spokes.append(Spoke(title, words.say("withheld"), None))
            continue
        signed = name in SIGNED_BENTHAM
        value, spread = cell["value"], cell.get("std", 0.0)
        label = (words.signed(value) if signed else f"{value:.2f}") + (f" ± {spread:.2f}" if "std" in cell else "")
        unsure = is_untrained(reading, f"bentham.{name}")
        label += "*" if unsure else ""
        share, width = ((value + 1) / 2, spread / 2) if signed else (value, spread)
        spokes.append(Spoke(title, label, share, width, unsure))
    described = f"{words.say('bentham')}. " + "; ".join(f"{spoke.name}: {spoke.label}" for spoke in spokes)
    parts = [note(words.say("bentham_note")), radar(spokes, described)]
    starred = any(spoke.marked for spoke in spokes)
    if starred:
        parts.append(note(f"* {words.say('untrained_mark')}"))
    if "felicific_value" in part:
        said = escape(words.say("felicific_value", value=words.signed(part["felicific_value"])))
        # It is computed from the dimensions, and so is worth what they are.
        parts.append(element("p", said, untrained(words) if starred else ""))
    return "".join(parts)


def regret(reading: Reading, words: Words, facts: Facts) -> str:
    """The seven types against three views as a heat map."""
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
    return note(words.say("regret_note")) + _table([element("td"), *head], body, "heat-map") + scale


def views(reading: Reading, words: Words, facts: Facts) -> str:
    """Better, actual and worse side by side: utility, and plausibility."""
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
    return note(words.say("views_note")) + element("div", *columns, class_="views")


def surd(reading: Reading, words: Words, facts: Facts) -> str:
    """Synergy, unique and redundant information as one stacked bar in bits; the determined share in words."""
    part = reading["surd"]
    if part.get("not_determined"):
        return note(words.say("surd_note")) + mark(reading, "surd", words) + _paragraph(words.say("surd_nothing"))
    bits = {name: max(0.0, part[name]) for name in SURD if name != SURD[-1]}
    # At least one bit wide, so that the bars of two texts compare.
    full = max(1.0, 0.5 * -(-sum(bits.values()) // 0.5))
    pieces = [
        element("span", class_=f"piece p{number}", style=f"width:{100 * value / full:.1f}%")
        for number, value in enumerate(bits.values())
    ]
    items = (
        element("li", element("span", class_=f"swatch p{number}"), escape(f"{words.name('surd', name)} {value:.2f}"))
        for number, (name, value) in enumerate(bits.items())
    )
    unit = words.say("bits")
    return "".join(
        (
            note(words.say("surd_note")),
            mark(reading, "surd", words),
            element("div", *pieces, class_="stack", aria_hidden="true"),
            axis("0", f"{full / 2:g}", f"{full:g} {unit}"),
            element("ul", *items, class_="legend"),
            _paragraph(words.say("surd_determined", value=words.share(part[SURD[-1]]))),
        )
    )


def verdict(reading: Reading, words: Words, facts: Facts) -> str:
    """Bars of the verdicts, the acceptability of the narrator's conduct, and the verdict by perspective."""
    part: Mapping[str, Any] = reading.get("verdict", {})
    parts = [note(words.say("verdict_note"))]
    if probabilities := part.get("probabilities"):
        lines = []
        for name in VERDICTS:
            named = name == part["label"]
            kind = "sure" if named else "weak"
            sign = element("span", escape(words.say("named")), class_="badge sure") if named else ""
            title = escape(words.name("verdict", name)) + sign
            lines.append(row(title, bar(probabilities[name], kind=kind), words.share(probabilities[name]), kind))
        parts += [mark(reading, "verdict", words), _rows(*lines, _scale(*_PERCENT))]
        if part["abstained"]:
            parts.append(_paragraph(words.say("abstained")))
    if (value := part.get("acceptability")) is not None:
        title = escape(words.say("acceptability")) + mark(reading, "acceptability", words)
        scale = _scale(words.say("acceptability_low"), words.say("acceptability_high"))
        parts += [note(words.say("acceptability_note")), _rows(row(title, bar(value), f"{value:.2f}"), scale)]
    told = reading.get("perspectives", {})
    head = [element("th", escape(words.name("verdict", name)), scope="col") for name in VERDICTS]
    body = []
    for name in PERSPECTIVES:
        title = element("th", escape(words.name("perspective", name)), mark(reading, f"perspectives.{name}", words))
        if name in told:
            cells = [_shaded(told[name][key], words.share) for key in VERDICTS]
        else:
            cells = [element("td", absent(words), class_="hatched", colspan=len(VERDICTS))]
        body.append(element("tr", title, *cells))
    parts += [element("h4", escape(words.say("perspectives"))), _table([element("td"), *head], body, "heat-map")]
    return "".join(parts)


def _shaded(value: float, form: Callable[[float], str]) -> str:
    return element("td", form(value), class_="heat cool", style=f"--shade:{round(60 * value)}%")


def confidence(reading: Reading, words: Words, facts: Facts) -> str:
    """Bars of the confidence of each part."""
    lines = []
    for name, cell in reading["confidence"].items():
        title = escape(words.name("part", name)) + mark(reading, f"confidence.{name}", words)
        value = cell["confidence"]
        lines.append(row(title, bar(value), f"{value:.2f}"))
    anchor = element("span", id="how-sure")
    return anchor + note(words.say("confidence_note")) + _rows(*lines, _scale("0", "0.5", "1"))


def raters(reading: Reading, words: Words, facts: Facts) -> str:
    """Who rated what each output was learned from."""
    lines = (
        row(escape(words.name("part", name)), "", escape(words.name("rater", kind)), kind="told")
        for name, kind in reading["rated_by"].items()
    )
    return note(words.say("raters_note")) + _rows(*lines)


__all__ = [
    "Facts",
    "Reading",
    "absent",
    "arc",
    "bentham",
    "confidence",
    "emotions",
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
