"""The page: whole, escaped, self-contained, and readable without seeing it."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from redheart.evaluation.measurement.results import Evaluation, LabelTable
from redheart.evaluation.reports.html_report import record_rows, write_report
from redheart.evaluation.reports.terminal_report import BELOW

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Tags with their attributes and the text below; checks that every element is closed in turn."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.rows: list[str] = []
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open:
            self.rows[-1] += f" {data}"

    def row(self, *parts: str) -> str:
        return next(row for row in self.rows if all(part in row for part in parts))


def test_the_page_is_whole_and_needs_nothing_else(evaluation: Evaluation, tmp_path: Path) -> None:
    write_report(evaluation, tmp_path / "page" / "index.html")
    page = Page(tmp_path / "page" / "index.html")
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["index.html"]
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 4
    assert all(image["alt"] and image["src"].startswith("data:image/png;base64,") for image in images)
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("href", "src")]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert "url(" not in page.source
    anchors = {attributes["id"] for tag, attributes in page.tags if tag == "section"}
    assert anchors == {link[1:] for link in links if link.startswith("#")}
    assert "prefers-color-scheme: dark" in page.source


def test_figures_floors_and_marks(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.tables, evaluation.curves, evaluation.confusions = [], [], []
    write_report(evaluation, tmp_path / "index.html")
    page = Page(tmp_path / "index.html")
    assert BELOW in page.row("verdict: macro F1", "0.164", "0.177")
    assert BELOW not in page.row("affect.valence")
    assert "5 are above it, 3 near it and 6 below it" in page.source
    assert page.row("intensity: mean Pearson r").count("–") == 2  # noqa: RUF001
    assert ">nan<" not in page.source.lower()
    assert "derived" in page.row("responsibility.actual")
    assert "withheld" in page.row("all 112")
    assert "0.690" in page.row("dates", "above 10 %")


def test_every_text_is_escaped(evaluation: Evaluation, tmp_path: Path) -> None:
    bad = '<b onclick="x">&'
    evaluation.model = evaluation.command = bad
    evaluation.tables = [LabelTable(bad, bad, bad, {bad: {bad: 0.5}})]
    evaluation.curves, evaluation.confusions = [], []
    evaluation.figures = [
        replace(one, dataset=bad, output=bad, measure=bad, rule=bad) for one in evaluation.figures[:3]
    ]
    evaluation.consistency = [replace(one, family=bad, alpha={bad: (0.5, 0.4, 0.6)}) for one in evaluation.consistency]
    evaluation.unsupported = [replace(one, kind=bad) for one in evaluation.unsupported]
    evaluation.information |= {"target": bad}
    evaluation.cost, evaluation.fitted, evaluation.skipped = {bad: 1.0}, {bad: bad}, {bad: bad}
    evaluation.record = {"arc": [bad]}
    write_report(evaluation, tmp_path / "index.html")
    page = Page(tmp_path / "index.html")
    assert "<b" not in page.source.replace("<body", "")
    assert not any(tag == "b" or "onclick" in attributes for tag, attributes in page.tags)


def test_what_is_not_there_has_no_section(tmp_path: Path) -> None:
    write_report(Evaluation("m", 1, "c"), tmp_path / "index.html")
    page = Page(tmp_path / "index.html")
    assert '<section id="plots">' not in page.source
    assert '<section id="limits">' in page.source


def test_the_record_is_grouped_by_sources() -> None:
    rows = record_rows({"affect.valence": ["a", "b"], "arc": ["derived: a rule"]})
    assert ["affect", "1 of 3: valence", "direct", "a, b", "people"] in rows
    assert ["affect", "2 of 3: arousal, dominance", "withheld", "", ""] in rows
    assert ["arc", "all", "derived", "a rule", "derived"] in rows
