"""Readings for people: a headline, tables, bars and the words that mattered, for a terminal or a plain file.

Notable: nothing is shown by colour alone, so the output reads the same in a pipe or under NO_COLOR. It fits 80 columns,
with wide (Korean, Chinese, Japanese) letters counted as two. Control characters of a text are printed as escapes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ...configuration.claims import CLAIMS, OUTPUTS, Kind
from ...configuration.labels import NUANCE_LEVELS, SIGNED_AFFECT, SIGNED_BENTHAM, SURD, VERDICTS, VIEWS
from ...demo.names import name as name_of
from ...formats.printable import printable
from ...modeling_redheart.guarantees import reading_lines
from ...modeling_redheart.headline import headline
from .bars import BAR, Bars

_WIDTH = 80
_TOP_EMOTIONS = 5
_MOST_ASSERTED = 10
_SHOWN_CHARACTERS = 600
_SHOWN_NAMES = 8
_SHOWN_SENTENCES = 12

# Section -> the claims that it shows; the arc of the emotions has a section of its own.
_SECTION_PARTS = {
    **{
        output: tuple(
            claim.name for claim in CLAIMS.values() if claim.output == output and claim.kind is not Kind.COURSE
        )
        for output in OUTPUTS
    },
    **{claim.name: (claim.name,) for claim in CLAIMS.values() if claim.kind is Kind.COURSE},
}

_TITLES = {
    "classification": "Labels",
    "emotion": "Emotions",
    "arc": "Course of the emotions",
    "verdict": "Verdict: who is in the wrong",
    "perspectives": "Verdict by perspective",
    "bentham": "Felicific calculus (Bentham)",
    "regret": "Regret (above 0) and rejoicing (below 0)",
    "counterfactual": "What could have been",
    "surd": "Information about the verdict",
    "confidence": "Confidence: exp(-expected loss)",
    "embedding": "Embedding",
    "guarantee": "Guarantee",
}

_RISKS = {"self_harm": "self-harm", "abuse": "abuse", "child_in_danger": "a child in danger"}

_VERDICTS = {
    "author": "the narrator is in the wrong",
    "other": "somebody else is in the wrong, not the narrator",
    "everybody": "both sides are in the wrong",
    "nobody": "nobody is in the wrong",
    "info": "who is in the wrong cannot be judged from the text alone",
}

# Values of `rated_by` of a reading, in words.
_RATERS = {"people": "people", "model": "a model", "derived": "a rule", "mixed": "a mix of these"}


def render(reading: Mapping[str, Any], console: Console) -> None:
    """Print one reading of the pipeline.

    Args:
        reading: What the pipeline returns for a text.
        console: Where to print; at most 80 columns are used.
    """
    width = min(console.width, _WIDTH)
    console.print(_highlighted(reading, marked=not console.is_terminal), width=width, soft_wrap=False)
    for number, line in enumerate(headline_lines(reading)):
        if number == 0:
            console.print()
        console.print(Text(line, style="bold"), width=width)
    bars = Bars(console)
    for name, body in _sections(reading, bars):
        title = Text(f"{_title(name)}{_mark(name, reading['flags']['untrained'])} ", style="bold")
        console.print()
        console.print(Rule(title, align="left", style="dim", characters="─" if bars.unicode else "-"), width=width)
        console.print(Padding(body, (0, 0, 0, 1)), width=width)
    console.print()
    for line in (*notes(reading["flags"]), *_raters(reading["rated_by"])):
        console.print(Text(line), width=width)


def _title(section: str) -> str:
    if section in _TITLES:
        return _TITLES[section]
    known = name_of("en", "part", section)
    return known[0].upper() + known[1:]


def headline_lines(reading: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the model is sure of, as sentences; see `modeling_redheart.headline`."""
    found = headline(reading)
    if found.risk:
        kinds = " and ".join(_RISKS[kind] for kind in found.risk)
        yield f"The text mentions {kinds}: no model should be relied on there, and this one is not made for it."
    if found.verdict is not None:
        sentence = _VERDICTS[found.verdict]
        sentence = f"probably {sentence}" if found.standing == "probable" else sentence
        yield f"{sentence[0].upper()}{sentence[1:]}."
    elif found.standing == "unsure":
        yield "No verdict: the model is not sure."
    elif found.standing == "held_back":
        yield "No verdict: the model is not sure enough to blame anybody in such a text."
    if found.acceptability is not None:
        yield f"The narrator's conduct is {found.acceptability:.0%} acceptable."
    if found.feelings == ("neutral",):
        yield "No feeling: the text reads as neutral."
    elif found.feelings is not None:
        yield f"Feelings: {', '.join(found.feelings)}." if found.feelings else "No feeling that the model is sure of."


def notes(flags: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader must know about the reading: what was cut, failed, withheld, or never trained."""
    if flags["truncated"]:
        yield f"Truncated: only the first {flags['tokens']:,} tokens were read."
    if flags["windows"] > 1:
        yield f"Long: read in {flags['windows']} overlapping pieces, whose readings are combined."
    if flags["speakers"] > 1:
        yield f'{flags["speakers"]} people speak: "author" is whoever is called "me" or "I", else the first to speak.'
    if flags["no_letters"]:
        yield "The text has no letters: the reading is based on symbols alone."
    if flags["unknown_tokens"] > 0:
        yield f"{flags['unknown_tokens']:.0%} of the tokens are unknown to the tokenizer."
    if flags["recovered"]:
        yield f"Failed and left out: {_listed(flags['recovered'])}. The verdict uses predicted states in their place."
    if flags["withheld"]:
        yield (
            f"Withheld: {_listed(flags['withheld'])}. No training data supervised them in this model; "
            "--include-untrained shows them, marked."
        )
    if flags["untrained"]:
        yield f"Untrained: {_listed(flags['untrained'])}. These numbers come from random weights and mean nothing."


def _raters(rated_by: Mapping[str, str]) -> Iterator[str]:
    """Yield one sentence on who rated the training data of the outputs."""
    kinds = {kind: [name for name, given in rated_by.items() if given == kind] for kind in _RATERS}
    raters = [f"{_RATERS[kind]} ({', '.join(names)})" for kind, names in kinds.items() if names]
    if raters:
        yield f"Its training data were rated by {', '.join(raters)}."


def _sections(reading: Mapping[str, Any], bars: Bars) -> Iterator[tuple[str, RenderableType]]:
    emotion = reading.get("emotion", {})
    if any(name != "arc" for name in emotion):
        yield "emotion", _emotion(emotion, bars)
    if "arc" in emotion:
        yield "arc", _arc(emotion["arc"])
    builders: dict[str, Callable[[Any, Bars], RenderableType]] = {
        "classification": _classification,
        "verdict": _verdict,
        "perspectives": _perspectives,
        "bentham": _bentham,
        "regret": _regret,
        "counterfactual": _counterfactual,
        "surd": _surd,
        "confidence": _confidence,
        "embedding": _embedding,
    }
    order = [*builders, *(name for name in OUTPUTS if name != "emotion" and name not in builders)]
    for name in order:
        if name in reading:
            yield name, builders.get(name, _plain)(reading[name], bars)
    if "guarantee" in reading:
        yield "guarantee", Text("\n".join(reading_lines(reading["guarantee"])))


def _grid(*justify: Any) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for side in justify:
        table.add_column(justify=side, no_wrap=True)
    return table


def _emotion(emotion: Mapping[str, Any], bars: Bars) -> Table:
    labels, asserted = emotion.get("labels", {}), emotion.get("asserted", [])
    intensity, nuance = emotion.get("intensity", {}), emotion.get("nuance", {})
    by_strength = sorted(labels or intensity or nuance, key=lambda name: -labels.get(name, intensity.get(name, 0)))
    names = asserted[:_MOST_ASSERTED]
    names += [name for name in by_strength if name not in asserted][: max(0, _TOP_EMOTIONS - len(asserted))]
    table = _grid("left", "left", "left", "right", "right", "left")
    if names:
        table.add_row(*(Text(head, style="dim") for head in ("", "", "probability", "", "intensity", "level")))
    for name in names:
        sure = name in asserted
        table.add_row(
            bars.asserted if sure else "",
            Text(name, style="bold" if sure else ""),
            bars.share(labels[name], "magenta" if sure else "cyan") if name in labels else "",
            f"{labels[name]:.2f}" if name in labels else "",
            f"{intensity[name]:.2f}" if name in intensity else "",
            _level(nuance.get(name, {})),
        )
    if len(asserted) > _MOST_ASSERTED:
        table.add_row(bars.asserted, f"and {len(asserted) - _MOST_ASSERTED} more")
    for index, (name, value) in enumerate(emotion.get("affect", {}).items()):
        if names and index == 0:
            table.add_row()
        signed = name in SIGNED_AFFECT
        bar = bars.signed(value) if signed else bars.share(value)
        table.add_row("", name, bar, _signed(value) if signed else f"{value:.2f}")
    return table


def _classification(found: Mapping[str, Any], bars: Bars) -> Table:
    """The labels of a classifier, the most probable first, or the numbers of a regression."""
    table = _grid("left", "left", "right")
    for name, value in found.get("values", {}).items():
        table.add_row("", Text(name), f"{value:.3f}")
    asserted = found.get("asserted", [found.get("label")])
    for name, value in sorted(found.get("labels", {}).items(), key=lambda item: -item[1]):
        table.add_row(bars.asserted if name in asserted else "", Text(name), f"{value:.2f}", bars.share(value))
    return table


def _signed(value: float) -> str:
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def _level(levels: Mapping[str, float]) -> str:
    """The highest level that is more likely than not."""
    reached = [level for level in NUANCE_LEVELS if levels.get(level, 0.0) >= 0.5]
    if not levels:
        return ""
    return f"{reached[-1]} ({levels[reached[-1]]:.2f})" if reached else "none"


def _arc(arc: Sequence[Mapping[str, Any]]) -> Table:
    table = _grid("right", "left", "right")
    table.expand = True  # so that a long sentence takes no width from the columns before it
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for number, segment in enumerate(arc[:_SHOWN_SENTENCES], 1):
        name = max(segment["labels"], key=segment["labels"].__getitem__)
        snippet = Text(printable(" ".join(segment["text"].split())), style="italic")
        table.add_row(str(number), name, f"{segment['labels'][name]:.2f}", snippet)
    if len(arc) > _SHOWN_SENTENCES:
        table.add_row("", "", "", f"and {len(arc) - _SHOWN_SENTENCES} more; --json gives all")
    return table


def _plain(part: Any, bars: Bars) -> Table:
    """Any output as its values by name."""
    table = _grid("left", "left", "right")
    for name, value in _leaves(part):
        table.add_row(name, bars.signed(value) if value < 0 else bars.share(value), _signed(value))
    return table


def _leaves(part: Any, before: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a part, with the names that lead to it."""
    if not isinstance(part, Mapping):
        yield before, part
        return
    for name, value in part.items():
        yield from _leaves(value, f"{before}, {name}" if before else name)


def _verdict(verdict: Mapping[str, Any], bars: Bars) -> Table:
    table = _grid("left", "left", "left", "right")
    for name, value in verdict.get("probabilities", {}).items():
        sure = name == verdict["label"]  # None where the model abstained
        style = "bold" if sure else ""
        bar = bars.share(value, "magenta" if sure else "cyan")
        table.add_row(bars.asserted if sure else "", Text(name, style=style), bar, f"{value:.2f}")
    if verdict.get("abstained"):
        table.add_row("", "abstained", Text("none is probable enough", style="dim"))
    if "acceptability" in verdict:
        value = verdict["acceptability"]
        table.add_row()
        table.add_row("", "acceptable", bars.share(value), f"{value:.2f}")
        table.add_row("", "", Text("the narrator's conduct", style="dim"))
    return table


def _perspectives(perspectives: Mapping[str, Any], _: Bars) -> Table:
    return _matrix(perspectives, VERDICTS, "{:.2f}".format)


def _regret(regret: Mapping[str, Any], _: Bars) -> Table:
    return _matrix(regret, VIEWS, _signed)


def _matrix(rows: Mapping[str, Mapping[str, float]], columns: Iterable[str], form: Callable[[float], str]) -> Table:
    """A table of numbers; the largest of each row is bold."""
    shown = [name for name in columns if any(name in row for row in rows.values())]
    table = _grid("left", *("right" for _ in shown))
    table.add_row("", *(Text(name, style="dim") for name in shown))
    for name, row in rows.items():
        largest = max(row.values())
        cells = (Text(form(row[key]), "bold" if row[key] == largest else "") if key in row else "" for key in shown)
        table.add_row(name, *cells)
    return table


def _bentham(bentham: Mapping[str, Any], bars: Bars) -> Table:
    table = _grid("left", "left", "right", "left")
    for name, cell in bentham.get("dimensions", {}).items():
        signed = name in SIGNED_BENTHAM
        bar = bars.signed(cell["value"]) if signed else bars.share(cell["value"])
        spread = f"± {cell['std']:.2f}" if "std" in cell else ""
        value = _signed(cell["value"]) if signed else f"{cell['value']:.2f}"
        table.add_row(name, bar, value, spread if bars.unicode else spread.replace("±", "+-"))
    if "felicific_value" in bentham:
        scale = Text("pain -1 .. pleasure 1", style="dim")
        table.add_row("felicific value", scale, _signed(bentham["felicific_value"]), "")
    return table


def _counterfactual(views: Mapping[str, Any], bars: Bars) -> Table:
    table = _grid("left", "left", "right", "right")
    table.add_row(*(Text(head, style="dim") for head in ("", "utility: harm -1 .. good 1", "", "plausibility")))
    for name, cell in views.items():
        utility, plausible = cell.get("utility"), cell.get("plausibility")
        table.add_row(
            name,
            "" if utility is None else bars.signed(utility),
            "" if utility is None else _signed(utility),
            "" if plausible is None else f"{plausible:.2f}",
        )
    return table


def _surd(surd: Mapping[str, Any], bars: Bars) -> RenderableType:
    if surd.get("not_determined"):
        return Text("not determined: it cannot be distinguished from chance")
    styles = ("magenta", "cyan", "yellow")
    bits = {name: value for name, value in surd.items() if name != SURD[-1]}
    table = Table.grid()
    table.add_row(bars.stacked(list(bits.values()), styles, 2 * BAR))
    legend = Text("  ").join(
        Text.assemble((char, style), f" {name} {value:.3f}")
        for (name, value), char, style in zip(bits.items(), bars.stack, styles, strict=True)
    )
    table.add_row(legend + Text(" bits", style="dim"))
    table.add_row(f"determined: {surd[SURD[-1]]:.1%} of the verdict's uncertainty")
    return table


def _confidence(confidence: Mapping[str, Any], bars: Bars) -> Table:
    table = _grid("left", "left", "right")
    for name, cell in confidence.items():
        table.add_row(name, bars.share(cell["confidence"]), f"{cell['confidence']:.2f}")
    return table


def _embedding(values: Sequence[float], _: Bars) -> Text:
    start = ", ".join(f"{value:+.3f}" for value in values[:4])
    return Text(f"{start}, ... ({len(values)} numbers; --json gives all)")


def _highlighted(reading: Mapping[str, Any], marked: bool) -> Text:
    """The text with the words that mattered underlined and, with ``marked``, between asterisks (without styles)."""
    whole = reading["text"]
    shown = whole[:_SHOWN_CHARACTERS]
    most = max(1, len(whole.split()) // 4)  # in a short text not every word stands out
    words = sorted(reading.get("rationale", [])[:most], key=lambda word: word["start"])
    text, done = Text(), 0
    for word in words:
        if word["end"] <= len(shown):
            text.append(printable(shown[done : word["start"]]))
            chosen = printable(word["word"])
            text.append(f"*{chosen}*" if marked else chosen, style="bold underline")
            done = word["end"]
    text.append(printable(shown[done:]))
    if len(whole) > len(shown):
        text.append(f"... ({len(whole):,} characters)", style="dim")
    return text


def _mark(section: str, untrained: Sequence[str]) -> str:
    """The end of a section's title where its claims, or some of them, were never trained."""
    parts = _SECTION_PARTS.get(section, (section,))
    named = [part for part in parts if part in untrained]
    some = [name for name in untrained if name.split(".")[0] in parts]
    if not some:
        return ""
    return " (untrained)" if len(named) == len(parts) else " (partly untrained)"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


__all__ = ["notes", "render"]
