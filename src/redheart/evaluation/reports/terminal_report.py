"""An evaluation as rows, and the rows as tables for a terminal or a plain file.

Notable: a figure is in one row with its floor. What a colour shows is in words too, and nothing but ASCII is added to
what the evaluation holds, so that the output reads the same in a pipe; it fits 100 columns. The pages that show an
evaluation (`html_report`, `hub_upload.model_card`) are made from the same rows.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ...configuration.claims import CLAIMS, RANKINGS, Kind, record_keys
from ...formats.printable import printable
from ..measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, Figure

BELOW, NEAR = "below floor", "near floor"
LEAST_ALPHA, MOST_CLAIMED = 0.8, 10  # the aims; the second in percent
# The columns of `consistency_rows`, `unsupported_rows` and `information_rows`. A row of one cell is a heading of those
# below it; the last column has no head and marks where an aim is missed.
CONSISTENCY = ("", "alpha", "95 % interval", "")
UNSUPPORTED = ("kind of text", "texts", "with a claim", "95 % interval", "coverage", "")
INFORMATION = ("", "corrected", "plug-in", "null, mean", "null, 95 % range")
KIND = ("kind", "texts", "accuracy", LINEAR, "soft cross\nentropy", LINEAR, "of the\nvotes")
WORST_TEXTS = ("text", "language, kind", "votes", "the model said", "above")
# Data sets of the figures that `cases` makes: by language, by kind, and of the worst texts, one each.
CASES, KINDS, WORST = "cases by group", "cases by kind", "worst cases"
ENTROPY = "entropy of the votes"  # the least that a cross entropy can be
STANDING = (
    f"A figure is {BELOW} where it is undefined, or worse than the better of {CONSTANT} and {LINEAR}; it is {NEAR} "
    "where it is not, but its interval reaches that far."
)

_WIDTH = 100
_ESTIMATES = ("corrected", "plug_in", "null_mean", "null_low", "null_high")
_CASES, _KOREAN, _GUARANTEE, _OTHERS = (
    "Cases, by language",
    "Korean",
    "Guarantee: achieved on rows that were never used",
    "Other outputs",
)
# Claims and rankings -> the title of their output's group.
_TITLES = {
    name: claim.output.upper() if claim.kind is Kind.INFORMATION else claim.output.capitalize()
    for name, claim in CLAIMS.items()
}
_TITLES |= {ranking.loss: _TITLES[ranking.claim] for ranking in RANKINGS.values()} | {"guarantee": _GUARANTEE}
# Measures for which lower is better.
_LOWER = re.compile(
    r"entropy(?! of the votes$)|error|^selective risk|^share with|^wrong among|\b(?:ECE|AUGRC|AURC|RMSE)\b"
)


@dataclass(frozen=True)
class Row:
    """A figure of the model beside its floor.

    Attributes:
        model: The figure.
        constant: The constant's figure; NaN where there is none.
        linear: TF-IDF's figure; NaN where there is none.
        standing: BELOW, NEAR or "", as defined in STANDING.
        title: Output and measure, and the coverage of a risk, without which it means nothing.
    """

    model: Figure
    constant: float
    linear: float
    standing: str
    title: str


def number(value: float | None, digits: int = 3) -> str:
    """Format a number for a table; a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: never -0.000


def interval(low: float, high: float) -> str:
    """Format both ends; "" where there is no interval."""
    return f"[{number(low)}, {number(high)}]" if math.isfinite(low) and math.isfinite(high) else ""


def comparisons(evaluation: Evaluation) -> dict[str, dict[str, list[Row]]]:
    """Compare each figure of the model with its floor.

    The floor of a figure has the same data set, split, output and measure, and the same rule if there is one with it,
    else any; of several systems made from TF-IDF it is the best.

    Args:
        evaluation: The evaluation.

    Returns:
        Group of outputs -> rows of data -> the figures on them.
    """
    floors = [item for item in evaluation.figures if item.system != MODEL]
    groups: dict[str, dict[str, list[Row]]] = {title: {} for title in (_CASES, *_TITLES.values(), _KOREAN, _OTHERS)}
    for item in evaluation.figures:
        if item.system == MODEL and item.dataset not in (KINDS, WORST):
            about = f"{item.dataset}, {item.split}, {item.rows:,} rows"
            groups[_group(item)].setdefault(about, []).append(_row(item, floors))
    return {title: found for title, found in groups.items() if found}


def withheld(record: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return, by part of a reading, how many of its claims nothing supervised, with some of their names."""
    parts: dict[str, list[str]] = {}
    for key in record_keys():
        parts.setdefault(key.partition(".")[0], []).append(key)
    missing = {part: [key for key in keys if not record.get(key)] for part, keys in parts.items()}
    return {part: describe_keys(keys, parts[part]) for part, keys in missing.items() if keys}


def describe_keys(keys: Sequence[str], every: Sequence[str], most: int = 6) -> str:
    """Describe keys of one part: their number, and the first ``most`` by name; "all" where the part has no other."""
    if len(keys) == len(every):
        return "all" if len(every) == 1 else f"all {len(every)}"
    more = f" and {len(keys) - most} more" if len(keys) > most else ""
    return f"{len(keys)} of {len(every)}: {', '.join(key.partition('.')[2] for key in keys[:most])}{more}"


def consistency_rows(evaluation: Evaluation) -> list[list[str]]:
    """Alpha of each output, and how right the readings are, under the family of variants."""
    rows = []
    for item in evaluation.consistency:
        rows.append([f"{item.family}: {item.dataset}, {item.units:,} texts, {item.raters} readings of each"])
        for output, (alpha, *ends) in item.alpha.items():
            mark = f"below {LEAST_ALPHA:.2f}" if alpha < LEAST_ALPHA else ""
            rows.append([output, number(alpha), interval(*ends), mark])
        for measure, (texts, variants) in item.accuracy.items():
            rows.append([f"{measure}: {number(texts)} on the texts, {number(variants)} on variants", "", "", ""])
    return rows


def unsupported_rows(evaluation: Evaluation) -> list[list[str]]:
    """Shares of texts with an unsupported claim; the coverage is the share on which anything was asserted."""
    return [
        [item.kind, f"{item.texts:,}", number(item.claimed), interval(item.low, item.high), number(1 - item.abstained),
         f"above {MOST_CLAIMED} %" if 100 * item.claimed > MOST_CLAIMED else ""]
        for item in evaluation.unsupported
    ]  # fmt: skip


def kind_rows(evaluation: Evaluation) -> list[list[str]]:
    """Return what is right of each kind of case, in the columns of KIND."""
    kinds: dict[str, dict[tuple[str, str], float]] = {}
    texts = {}
    for item in evaluation.figures:
        if item.dataset == KINDS:
            kinds.setdefault(item.split, {})[item.measure, item.system] = item.value
            texts[item.split] = item.rows
    columns = [(measure, system) for measure in ("accuracy", "soft cross entropy") for system in (MODEL, LINEAR)]
    columns.append((ENTROPY, MODEL))
    return [
        [_in_brackets(split), f"{texts[split]:,}", *(number(found.get(column)) for column in columns)]
        for split, found in kinds.items()
    ]


def worst_rows(evaluation: Evaluation) -> list[list[str]]:
    """Return the cases that were read worst, in the columns of WORST_TEXTS."""
    return [
        [item.output, _in_brackets(item.split), *(part.partition(": ")[2] for part in item.rule.split("; ")),
         number(item.value)]
        for item in evaluation.figures if item.dataset == WORST
    ]  # fmt: skip


def information_rows(information: Mapping[str, Any]) -> list[list[str]]:
    """The parts of the decomposition beside those of shuffled targets, in the columns of INFORMATION.

    Args:
        information: Of `information.information`.

    Returns:
        Rows in bits, but for the share that is determined; none where nothing was decomposed.
    """
    rows = []
    for key in ("entropy", "redundant", "unique", "synergy", "determined"):
        columns = [(information.get(name) or {}).get(key) for name in _ESTIMATES]
        sources = list(columns[0]) if isinstance(columns[0], Mapping) else [""]
        for source in sources if columns[0] is not None else ():
            values = [column[source] if isinstance(column, Mapping) else column for column in columns]
            ends = (math.nan if value is None else value for value in values[3:])
            rows.append([f"{key} to {source}" if source else key, *map(number, values[:3]), interval(*ends)])
    return rows


def information_about(information: Mapping[str, Any]) -> str:
    """Return what was decomposed: everything beside the parts."""
    return words({name: value for name, value in information.items() if name not in _ESTIMATES})


def words(value: Any) -> str:
    """Describe anything that JSON holds in a few words; of many numbers how many they are, and their range."""
    if isinstance(value, Mapping | list | tuple):
        items = list(value.values()) if isinstance(value, Mapping) else list(value)
        if len(items) > 5 and all(isinstance(item, int | float) for item in items):
            return f"{len(items)} numbers, {words(min(items))} to {words(max(items))}"
        if not isinstance(value, Mapping):
            return ", ".join(map(words, items))
        pairs = (
            (name, f" ({words(item)})" if isinstance(item, Mapping) else f": {words(item)}")
            for name, item in value.items()
        )
        return ", ".join(name + item for name, item in pairs)
    if isinstance(value, float):
        value += 0.0  # never -0
        return "-" if not math.isfinite(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return "-" if value is None else f"{value:,}" if type(value) is int else str(value)


def render(evaluation: Evaluation, console: Console) -> None:
    """Print an evaluation, in 100 columns at most; a narrower console wraps long names."""
    width = min(console.width, _WIDTH)
    line = "─" if console.encoding.lower().startswith("utf") else "-"
    console.print(_text(f"{evaluation.model}, {evaluation.parameters:,} parameters", style="bold"), width=width)
    console.print(Text(STANDING), width=width)
    for title, body in _sections(evaluation):
        console.print()
        console.print(Rule(Text(f"{title} ", style="bold"), align="left", style="dim", characters=line), width=width)
        console.print(Padding(body, (0, 0, 0, 1)), width=width)
    console.print()
    console.print(_text(f"Reproduce: {evaluation.command}"), width=width)


def _text(words: str, style: str = "") -> Text:
    """Printable text of what may come from a file: names of rows, of a model, reasons."""
    return Text(printable(words), style=style)


def _identity(figure: Figure) -> tuple[str, str, str, str]:
    return figure.dataset, figure.split, figure.output, figure.measure


def _row(model: Figure, floors: Sequence[Figure]) -> Row:
    lower = _LOWER.search(model.measure) is not None
    sign = -1 if lower else 1
    beside = {}
    for system in (CONSTANT, LINEAR):
        known = [item for item in floors if item.system.startswith(system) and _identity(item) == _identity(model)]
        known = [item for item in known if item.rule == model.rule] or known
        values = [item.value for item in known if math.isfinite(item.value)]
        beside[system] = max(values, key=lambda value: sign * value, default=math.nan)
    floor = max((sign * value for value in beside.values() if math.isfinite(value)), default=-math.inf)
    worst = min(sign * model.low, sign * model.high)
    beaten = math.isfinite(floor) and not sign * model.value >= floor  # also by a value that is undefined
    standing = BELOW if beaten else NEAR if worst <= floor else ""
    title = model.measure if model.output == "emotion" else f"{model.output}: {model.measure}"
    if coverage := re.match(r"coverage [\d.]*\d", model.rule):
        title += f" at {coverage[0]}"
    title += " (lower is better)" if lower else ""
    return Row(model, beside[CONSTANT], beside[LINEAR], standing, title)


def _in_brackets(split: str) -> str:
    """The text in brackets: "swap" of "validation (swap)"."""
    return split.partition(" (")[2].removesuffix(")")


def _group(figure: Figure) -> str:
    if figure.dataset == CASES:
        return _CASES
    if figure.dataset == "kote" or figure.dataset.endswith("_ko"):
        return _KOREAN
    output = re.split(r"\W", figure.output)[0]
    return _TITLES.get(output, _OTHERS)


def _sections(evaluation: Evaluation) -> Iterator[tuple[str, RenderableType]]:
    for title, groups in comparisons(evaluation).items():
        yield title, _figures(groups)
    if rows := kind_rows(evaluation):
        yield "Cases, by kind", _table(KIND, rows)
    if rows := consistency_rows(evaluation):
        yield f"Consistency: Krippendorff's alpha, aim above {LEAST_ALPHA:.2f}", _table(CONSISTENCY, rows)
    if rows := unsupported_rows(evaluation):
        yield f"Unsupported claims, aim below {MOST_CLAIMED} %", _table(UNSUPPORTED, rows)
    if rows := information_rows(evaluation.information):
        about = _text(information_about(evaluation.information))
        yield "Information about the verdict, in bits; determined is a share", Group(_table(INFORMATION, rows), about)
    if evaluation.cost:
        yield "Response time and memory", _two_columns((name, words(value)) for name, value in evaluation.cost.items())
    if evaluation.fitted:
        yield "Fitted in this run", _two_columns((name, words(value)) for name, value in evaluation.fitted.items())
    if missing := withheld(evaluation.record):
        yield "Withheld: nothing supervised these", _two_columns(missing.items())
    if evaluation.skipped:
        yield "Not evaluated", _two_columns(evaluation.skipped.items())


def _figures(groups: Mapping[str, Sequence[Row]]) -> RenderableType:
    rules: dict[str, int] = {}
    lines: list[list[str]] = []
    for about, rows in groups.items():
        lines.append([about])
        for row in rows:
            rule = f" [{rules.setdefault(row.model.rule, len(rules) + 1)}]" if row.model.rule else ""
            numbers = map(number, (row.constant, row.linear, row.model.value))
            lines.append([row.title + rule, *numbers, interval(row.model.low, row.model.high), row.standing])
    heads = ("", CONSTANT.replace(" or ", "\nor "), *(f"\n{head}" for head in (LINEAR, MODEL, "95 % interval")), "")
    table = _table(heads, lines)
    return Group(table, *(_text(f"[{place}] {rule}") for rule, place in rules.items()))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table whose first column wraps; columns with a head are numbers, aligned to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column(heads[0], ratio=1)
    for head in heads[1:]:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    indent = 0
    for first, *cells in rows:
        if not cells:
            indent = 2
            table.add_row(_text(first, style="bold"))
            continue
        missed = not heads[-1] and cells[-1] != NEAR
        last = Text(cells.pop(), style="bold red" if missed else "")
        table.add_row(Padding(_text(first), (0, 0, 0, indent)), *map(_text, cells), last)
    return table


def _two_columns(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, reason in rows:
        table.add_row(_text(name), _text(reason))
    return table


__all__ = [
    "BELOW",
    "CASES",
    "CONSISTENCY",
    "ENTROPY",
    "INFORMATION",
    "KIND",
    "KINDS",
    "LEAST_ALPHA",
    "MOST_CLAIMED",
    "NEAR",
    "STANDING",
    "UNSUPPORTED",
    "WORST",
    "WORST_TEXTS",
    "Row",
    "comparisons",
    "consistency_rows",
    "describe_keys",
    "information_about",
    "information_rows",
    "interval",
    "kind_rows",
    "number",
    "render",
    "unsupported_rows",
    "withheld",
    "words",
    "worst_rows",
]
