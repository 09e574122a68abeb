"""The page of a corpus: what its texts are like, in which groups, with examples, and what the model did not say."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..cards.statements import LIMITS
from ..configuration.labels import VERDICTS
from ..evaluation.reports.page import Cell, Section, Table, image, write_page
from ..evaluation.reports.plots import Plot, save_plot
from ..evaluation.reports.terminal_report import interval, number
from ..statistics.intervals import mean, share
from ..statistics.measures import Array, Interval
from .groups import grouped
from .plots import groups_plot, shares_plot, spread_plot
from .readings import ABSTAINED, MEASURES, Readings, texts_at

# Measures whose extremes are shown, and that are followed over groups beside the most frequent feelings.
_LEADING = ("affect.valence", "acceptability", "verdict.author")
_FOLLOWED_FEELINGS = 3
_MEASURE_HEADS = ("", "texts", "mean (95 % interval)", "5 %", "median", "95 %")
_SHOWN_CHARACTERS = 400
NEUTRAL = "neutral"


def write_corpus_page(
    readings: Readings, table: Path, folder: Path, column: str = "text", by: str | None = None, examples: int = 3
) -> Path:
    """Write the page and its plots.

    Args:
        readings: The readings of ``table``.
        table: The table.
        folder: Folder for index.html and the plots.
        column: Column of the table with the texts.
        by: Name of the column of the groups.
        examples: Texts at each end of a measure; 0 shows no text.

    Returns:
        The page.

    Raises:
        DataError: When the table has no such column of texts.
    """
    plots: list[Plot] = []
    sections = [*_distributions(readings, plots)]
    if by is not None:
        sections.append(_by_group(readings, by, plots))
    if examples:
        sections.append(_extremes(readings, table, column, examples))
    sections += [_risk(readings), _withheld(readings), Section("Limits", points=LIMITS)]
    about = (
        f"{readings.rows:,} rows of {table.name}; {readings.read:,} texts were read, and "
        f"{readings.rows - readings.read:,} could not be.",
        "How the texts read to people like those who rated the model's data. Intervals are at 95 %, and say how far "
        "chance in the choice of the texts reaches; they know nothing of the model's own errors.",
    )
    for plot in plots:
        save_plot(plot, folder)
    page = folder / "index.html"
    write_page(page, f"{table.name}: corpus", table.name, about, [one for one in sections if not one.empty])
    return page


def verdict_shares(readings: Readings, places: Array | None = None) -> dict[str, Interval]:
    """The share of each verdict, and of texts of which none is named; ``places`` are those of a group."""
    verdicts = np.array(readings.verdicts)[slice(None) if places is None else places]
    return {name: share(int((verdicts == name).sum()), len(verdicts)) for name in (*VERDICTS, ABSTAINED)}


def feeling_shares(readings: Readings) -> dict[str, Interval]:
    """The share of the texts that assert each emotion, the most frequent first."""
    shares = {name: share(int(flags.sum()), readings.read) for name, flags in readings.asserted.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1].value))


def _known(values: Array) -> Array:
    found: Array = values[~np.isnan(values)]
    return found


def _ends(item: Interval) -> Cell:
    return Cell(number(item.value), small=interval(item.low, item.high))


def _distributions(readings: Readings, plots: list[Plot]) -> Iterator[Section]:
    heads = ("", "texts", "share (95 % interval)")
    named = {
        ("Verdict", "verdict", "Who is in the wrong, as readers would vote; no verdict is named where none is probable "
         "enough."): verdict_shares(readings) if readings.verdicts else {},
        ("Emotions", "emotions", "The share of the texts that assert each emotion; a text can assert several, and "
         "neutral stands alone."): feeling_shares(readings),
    }  # fmt: skip
    for (title, name, about), shares in named.items():
        if shares:
            plots.append(shares_plot(name, title, shares, readings.read))
            rows = [
                [Cell(label), Cell(f"{round(item.value * readings.read):,}"), _ends(item)]
                for label, item in shares.items()
            ]
            yield Section(title, about, [Table(heads, rows)], plots=[image(plots[-1])])
    measures = {name: readings.numbers[name] for name in MEASURES if name in readings.numbers}
    if measures:
        plots.append(spread_plot(measures))
        rows = [
            [Cell(name), Cell(f"{len(_known(values)):,}"), _ends(mean(_known(values), MEASURES[name])),
             *(Cell(number(float(end), 2)) for end in np.quantile(_known(values), (0.05, 0.5, 0.95)))]
            for name, values in measures.items()
        ]  # fmt: skip
        about = "Numbers on a scale of 0..1, or -1..1 where they are signed; what was withheld is not counted."
        yield Section("Degrees", about, [Table(_MEASURE_HEADS, rows)], plots=[image(plots[-1])])


def _by_group(readings: Readings, by: str, plots: list[Plot]) -> Section:
    unit, groups = grouped(readings.groups)
    feelings = [name for name in feeling_shares(readings) if name != NEUTRAL][:_FOLLOWED_FEELINGS]
    columns: dict[str, list[Interval]] = {}
    if readings.verdicts:
        columns["verdict: author (share)"] = [verdict_shares(readings, at)[VERDICTS[0]] for at in groups.values()]
    for name in _LEADING[:2]:
        if name in readings.numbers:
            columns[f"{name} (mean)"] = [
                mean(_known(readings.numbers[name][at]), MEASURES[name]) for at in groups.values()
            ]
    for name in feelings:
        flags = readings.asserted[name]
        columns[f"{name} (share)"] = [share(int(flags[at].sum()), len(at)) for at in groups.values()]
    if not columns:
        return Section(f"By {by}")
    title = f"By {by}" if unit == "value" else f"By {by}, per {unit}"
    plots.append(groups_plot(title, list(groups), columns, unit))
    rows = [
        [Cell(name), Cell(f"{len(at):,}"), *(_ends(items[place]) for items in columns.values())]
        for place, (name, at) in enumerate(groups.items())
    ]
    about = "Groups whose intervals lie apart differ by more than chance; of many groups, some do so by chance alone."
    return Section(title, about, [Table((by, "texts", *columns), rows)], plots=[image(plots[-1])])


def _extremes(readings: Readings, table: Path, column: str, examples: int) -> Section:
    chosen: dict[str, Sequence[int]] = {}
    feelings = [f"emotion.{name}" for name in feeling_shares(readings) if name != NEUTRAL][:_FOLLOWED_FEELINGS]
    for name in (*_LEADING, *feelings):
        values = readings.numbers.get(name)
        if values is not None:
            order = np.argsort(values)[: len(_known(values))]  # NaN is last
            few = min(examples, len(order) // 2)
            chosen[f"{name}, highest"] = order[::-1][:few].tolist()
            if name in _LEADING:
                chosen[f"{name}, lowest"] = order[:few].tolist()
    places = {int(readings.places[number]) for numbers in chosen.values() for number in numbers}
    texts = texts_at(table, column, places)
    rows: list[list[Cell]] = []
    for title, numbers in chosen.items():
        rows.append([Cell(title)])
        for place in numbers:
            row = int(readings.places[place])
            value = readings.numbers[title.rpartition(", ")[0]][place]
            rows.append([Cell(f"row {row:,}"), Cell(number(float(value), 2)), Cell(_short(texts[row]))])
    about = "The texts at the ends of a measure: look here first whether the readings make sense for such texts."
    return Section("Examples at the extremes", about, [Table(("", "value", "text"), rows, "words")] if places else ())


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"{words[:_SHOWN_CHARACTERS].rsplit(' ', 1)[0]} …"


def _counts(title: str, about: str, heads: Sequence[str], counts: Mapping[str, int], texts: int) -> Section:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [[*map(Cell, _split(name, len(heads) - 2)), Cell(f"{count:,}"), Cell(f"{count / texts:.1%}")]
            for name, count in ranked]  # fmt: skip
    return Section(title, about, [Table(heads, rows, "counts")] if rows else ())


def _split(name: str, cells: int) -> list[str]:
    return [name] if cells == 1 else list(name.partition(": ")[::2])


def _risk(readings: Readings) -> Section:
    about = "Texts that mention harm: no reading of them should be relied on, and somebody should read them."
    return _counts("Mentions of harm", about, ("of", "texts", "share"), readings.risk, readings.read)


def _withheld(readings: Readings) -> Section:
    about = (
        "What the readings left out, and why. The strength of an emotion is given only where the emotion is asserted; "
        "that is not counted here."
    )
    held = _counts("What was withheld", about, ("what", "why", "texts", "share"), readings.withheld, readings.read)
    errors = _counts("", "", ("rows that could not be read", "rows", "share"), readings.errors, readings.rows)
    return Section(held.title, held.about, [*held.tables, *errors.tables])


__all__ = ["feeling_shares", "verdict_shares", "write_corpus_page"]
