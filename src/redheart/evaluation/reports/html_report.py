"""An evaluation as one page that needs nothing else: no network, no script, no other file.

Notable: every text of the evaluation is escaped where it is put into an element; plots are PNG inside the page, each
with words for those who cannot see it. The page follows the reader's light or dark mode, a phone's width, and paper.
"""

import base64
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from ...cards.statements import LIMITS
from ...configuration.labels import record_keys
from ...configuration.raters import rated_by
from ...modeling_redheart.derived import PREFIX
from ...storage.files import whole_file
from ..measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, LabelTable
from .plots import DPI, SUPPORT, Plot, every_plot
from .terminal_report import (
    BELOW,
    CONSISTENCY,
    INFORMATION,
    KIND,
    LEAST_ALPHA,
    MOST_CLAIMED,
    NEAR,
    STANDING,
    UNSUPPORTED,
    WORST_TEXTS,
    Row,
    comparisons,
    consistency_rows,
    information_about,
    information_rows,
    interval,
    kind_rows,
    number,
    some_of,
    unsupported_rows,
    words,
    worst_rows,
)

ABOUT = (
    "It reads a text about a moral conflict and describes it: emotions and their strength, the felicific calculus, "
    "regret, what could have been, who is held to be in the wrong, and how far each part can be trusted."
)
HOW = (
    "Direct: learned from what the sources give. Derived: no source gives it; it follows by a rule from claims that "
    "are supervised, from another label, or from the readings of another model. Both: some of its sources are direct, "
    "some derived. Withheld: nothing supervised it, and a reading leaves it out. Rated by: people, a language model "
    "(the cases), a rule (derived), or more than one of these (mixed)."
)
_MEASURES = {
    "F1": "F1 is the harmonic mean of precision and recall, 0 to 1. Macro is the mean over labels, so that a rare one "
    "counts as much as a common one; micro takes all assertions together.",
    "average precision": "Area under precision against recall, 0 to 1: how well texts are ordered, whatever threshold.",
    "entropy": "Cross entropy, in nats: how far the given distribution is from the votes; the least there can be is "
    "the entropy of the votes themselves.",
    "^pairs of variants": "Two variants of a situation, in one of which the author has the most votes and in the other "
    "one the other side: share of the pairs with both right.",
    "accuracy": "Share of the answers that are right, 0 to 1; of two scores in a pair, chance gives 0.5.",
    "Pearson": "Linear agreement with the ratings, -1 to 1; 0 is none, and a constant answer has no value.",
    "calibration|ECE": "Mean distance between the confidence and how often it came true, 0 to 1.",
    "AUGRC": "Mean, over all coverages, of the share of texts that are answered wrongly.",
    "Spearman": "How well the loss that the model expects orders the texts by the loss that it then has, -1 to 1.",
    "AUROC": "Share of the pairs of a right and a wrong answer in which the confidence is higher for the right one: "
    "0.5 says nothing, 1 tells them all apart.",
    "wrong among named|^coverage$": "Coverage is the share of the texts of which a verdict is named, the reading "
    "abstaining from the others; wrong among named is the share of these in which another verdict has more votes.",
    "coverage at risk": "Largest share of the texts, the surest first, that can be answered within that risk.",
    "selective risk": "Share of the asserted labels that are wrong; it means nothing without its coverage, the share "
    "of texts that were answered at all.",
}
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #56606b; --line: #d3d9df; --page: #fff; --band: #f3f5f7;
  --link: #0067a3; --missed: #a83800 }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --soft: #a5afb9; --line: #3a434c; --page: #14181c;
  --band: #20272d; --link: #63b8ea; --missed: #ffa06b } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 56rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2 }
h2 { margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); font-size: 1.3rem }
p, ul, dl { max-width: 44rem } dt { font-weight: 600 } dd { margin: 0 0 .6rem } li { margin: .3rem 0 }
a { color: var(--link) } nav a { margin-right: .9rem; white-space: nowrap }
small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; line-height: 1.3 }
.scroll { overflow-x: auto; margin: .6rem 0 1.6rem }
table { min-width: 60%; border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums;
  overflow-wrap: break-word }
caption { padding-bottom: .3rem; text-align: left; font-size: 1.05rem; font-weight: 600 }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top }
th { font-weight: 400 } thead th { color: var(--soft); vertical-align: bottom }
.figures { width: 100%; table-layout: fixed } .figures th:last-child { text-align: left }
.figures :is(th, td):nth-child(n+2) { width: 15% } .figures :is(th, td):nth-child(3) { width: 12% }
th:first-child, .words :is(th, td), .mark { text-align: left }
th.about { background: var(--band); font-weight: 600 }
.missed, .own { font-weight: 600 } .missed { color: var(--missed) }
figure { margin: 1rem 0 2.2rem } img { display: block; width: 100%; height: auto; background: #fff }
figure { max-width: 44rem } figcaption { margin-top: .4rem; color: var(--soft); font-size: .85rem }
pre { padding: .7rem .9rem; background: var(--band); white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 40rem) { table { font-size: .82rem } th, td { padding: .3rem .25rem } small { font-size: .75rem }
  .figures :is(th, td):nth-child(n+2) { width: 19% } .figures :is(th, td):nth-child(3) { width: 13% } }
@media print { html { font-size: 9.5pt } nav { display: none } body { max-width: none } .scroll { overflow: visible }
  figure, tr { break-inside: avoid } h2, caption, .about { break-after: avoid } }
"""
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$name: evaluation</title>
<style>$style</style>
</head>
<body>
<header>
<h1>$name</h1>
<p>$about</p>
<p>$summary</p>
<nav aria-label="Sections">$links</nav>
</header>
<main>
$sections
</main>
</body>
</html>
""")


def record_rows(record: Mapping[str, Sequence[str]], most: int = 12) -> list[list[str]]:
    """What supervises every claim that a reading can make, in the order of `labels.record_keys`, by equal sources.

    Returns part, claims (how many, and the first ``most`` by name), how ("direct", "derived", "both" or "withheld"),
    sources, and who rated them (`raters.rated_by`).
    """
    parts: dict[str, list[str]] = {}
    for key in record_keys():
        parts.setdefault(key.partition(".")[0], []).append(key)
    rows = []
    for part, every in parts.items():
        for sources in dict.fromkeys(tuple(record.get(key, ())) for key in every):
            names = some_of([key for key in every if tuple(record.get(key, ())) == sources], every, most)
            rules = [source.startswith(PREFIX) for source in sources]
            how = "withheld" if not rules else "derived" if all(rules) else "both" if any(rules) else "direct"
            told = ", ".join(source.removeprefix(PREFIX) for source in sources)
            rows.append([part, names, how, told, rated_by(sources)])
    return rows


def label_rows(table: LabelTable) -> list[list[str]]:
    """The heads of the columns, and a row for each label."""
    measures = list(dict.fromkeys(measure for row in table.rows.values() for measure in row))
    digits = [0 if measure in SUPPORT else 3 for measure in measures]
    rows = [[label, *map(number, map(row.get, measures), digits)] for label, row in table.rows.items()]
    return [["label", *measures], *rows]


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the page to ``path``. Raises `ImportError` with the remedy where matplotlib is not installed."""
    sections = [(re.sub(r"\W+", "-", title.lower()), title, body) for title, body in _sections(evaluation) if body]
    page = _PAGE.substitute(
        name=escape(evaluation.model),
        style=_STYLE,
        about=ABOUT,
        summary=_summary(evaluation),
        links=" ".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in sections),
        sections="\n".join(
            f'<section id="{anchor}">\n<h2>{title}</h2>\n{body}\n</section>' for anchor, title, body in sections
        ),
    )
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _summary(evaluation: Evaluation) -> str:
    rows = [row for groups in comparisons(evaluation).values() for some in groups.values() for row in some]
    beside = [row for row in rows if math.isfinite(row.constant) or math.isfinite(row.linear)]
    below, near = (sum(row.standing == standing for row in beside) for standing in (BELOW, NEAR))
    sets = dict.fromkeys(row.model.dataset for row in rows)
    return (
        f"{evaluation.parameters:,} parameters. {len(rows)} figures on {len(sets)} data sets; of {len(beside)} that "
        f"have a floor, {len(beside) - below - near} are above it, {near} near it and {below} below it."
    )


def _sections(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Title and body of each section; a body is empty where there is nothing to show."""
    groups = comparisons(evaluation)
    yield "Figures", _paragraph(STANDING) + "\n".join(_figures(title, rows) for title, rows in groups.items())
    yield "Cases, by kind", _told(KIND, kind_rows(evaluation), (
        "What is right of each kind of case, in both languages: accuracy of the most probable verdict and soft cross "
        "entropy, each with TF-IDF beside it, and the entropy of the votes."))  # fmt: skip
    about = "The texts whose soft cross entropy lies furthest above the entropy of their votes, the worst first."
    yield "Worst cases", _told(WORST_TEXTS, worst_rows(evaluation), about, "words")
    yield "How to read the measures", _measures(evaluation)
    yield "Label by label", "\n".join(map(_labels, evaluation.tables))
    yield "Plots", "\n".join(map(_image, every_plot(evaluation)))
    yield "Consistency", _told(CONSISTENCY, consistency_rows(evaluation), (
        "Krippendorff's alpha over variants of a text that mean the same, by how they were made: 1 is full agreement, "
        f"0 what chance gives. The aim is above {LEAST_ALPHA:.2f}."))  # fmt: skip
    yield "Unsupported claims", _told(UNSUPPORTED, unsupported_rows(evaluation), (
        "Texts that carry no signal: the share with an emotion other than neutral asserted, and the coverage, the "
        f"share on which anything was said at all. The aim is below {MOST_CLAIMED} %."))  # fmt: skip
    yield "Information about the verdict", _told(INFORMATION, information_rows(evaluation.information), (
        "What the sources say about the verdict, in bits, each alone, in common or only together; determined is the "
        "share of its uncertainty. The null is the same with shuffled verdicts: what lies within it is nothing. "
        f"Decomposed: {information_about(evaluation.information)}."))  # fmt: skip
    yield "What supervises each claim", _record(evaluation.record)
    told = {"Response time and memory": evaluation.cost, "Fitted in this run": evaluation.fitted}
    for title, items in {**told, "Not evaluated": evaluation.skipped}.items():
        yield title, _told(("what", "value"), [[name, words(value)] for name, value in items.items()], "", "words")
    yield "Limits", f"<ul>{''.join(_element('li', limit) for limit in LIMITS)}</ul>"
    yield "Reproduce", f"<pre>{_element('code', evaluation.command)}</pre>"


def _element(tag: str, text: str, attributes: str = "", small: str = "") -> str:
    """An element with a text; with a second, smaller one under it."""
    below = f"<small>{escape(small)}</small>" if small else ""
    return f"<{tag}{attributes}>{'&ndash;' if text == '-' else escape(text)}{below}</{tag}>"


def _paragraph(text: str) -> str:
    return _element("p", text) + "\n" if text else ""


def _table(heads: Sequence[str], lines: Iterable[str], caption: str = "", kind: str = "") -> str:
    above = "".join(_element("th", head, ' scope="col"') if head else "<td></td>" for head in heads)
    title = _element("caption", caption) if caption else ""
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}">{title}\n<thead><tr>{above}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _about(text: str, columns: int) -> str:
    """A heading of the rows below it."""
    return _element("th", text, f' scope="rowgroup" colspan="{columns}" class="about"')


def _told(heads: Sequence[str], rows: Sequence[Sequence[str]], about: str, kind: str = "", caption: str = "") -> str:
    """The rows, made for `terminal_report`, as a table; "" where there is none."""
    lines = []
    marks = ["" if head or kind else ' class="mark missed"' for head in heads[1:]]
    for first, *cells in rows:
        if not cells:
            lines.append(_about(first, len(heads)))
            continue
        line = "".join(_element("td", cell, mark) for cell, mark in zip(cells, marks, strict=True))
        lines.append(_element("th", first, ' scope="row"') + line)
    return _paragraph(about) + _table(heads, lines, caption, kind) if lines else ""


def _figures(title: str, groups: Mapping[str, Sequence[Row]]) -> str:
    heads = ("measure", CONSTANT, LINEAR, f"{MODEL} (95 % interval)", "against the floor")
    lines = []
    for about, rows in groups.items():
        lines.append(_about(about, len(heads)))
        for row in rows:
            mark, kind = (f"▼ {BELOW}", "mark missed") if row.standing == BELOW else (row.standing, "mark")
            lines.append(
                _element("th", row.title, ' scope="row"', small=row.model.rule)
                + _element("td", number(row.constant))
                + _element("td", number(row.linear))
                + _element("td", number(row.model.value), ' class="own"', interval(row.model.low, row.model.high))
                + _element("td", mark, f' class="{kind}"')
            )
    return _table(heads, lines, title, "figures")


def _record(record: Mapping[str, Sequence[str]]) -> str:
    lines = (
        _element("th", part, ' scope="row"', names) + "".join(_element("td", cell) for cell in cells)
        for part, names, *cells in record_rows(record)
    )
    return _paragraph(HOW) + _table(("claims", "how", "from", "rated by"), lines, kind="words")


def _measures(evaluation: Evaluation) -> str:
    """One entry for each sentence that some figure needs, with the names of its measures."""
    found: dict[str, dict[str, None]] = {}
    for figure in evaluation.figures:
        pattern = next((known for known in _MEASURES if re.search(known, figure.measure)), None)
        if pattern:
            found.setdefault(pattern, {})[figure.measure] = None
    items = (_element("dt", ", ".join(names)) + _element("dd", _MEASURES[known]) for known, names in found.items())
    return f"<dl>{''.join(items)}</dl>" if found else ""


def _labels(table: LabelTable) -> str:
    heads, *rows = label_rows(table)
    return _told(heads, rows, "", caption=f"{table.output}: {table.dataset}, {table.split}")


def _image(plot: Plot) -> str:
    picture = io.BytesIO()
    plot.figure.savefig(picture, format="png", dpi=DPI)
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{escape(plot.alt)}">'
    return f"<figure>{image}{_element('figcaption', plot.reading)}</figure>"


__all__ = ["ABOUT", "HOW", "label_rows", "record_rows", "write_report"]
