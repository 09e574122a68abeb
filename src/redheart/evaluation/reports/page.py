"""A page of sections that needs nothing else: no network, no script, no other file.

Notable: the template `report.html.j2` escapes every text; plots are PNG inside the page, each with a description for
readers who cannot see it. The page follows the reader's light or dark mode, a phone's width, and paper.
"""

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined

from ...storage.files import whole_file
from .plots import DPI, Plot


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        text: The text.
        kind: Its CSS classes.
        small: Small text below it.
    """

    text: str
    kind: str = ""
    small: str = ""


class Table(NamedTuple):
    """A table; a row of one cell is a heading of those below it.

    Attributes:
        heads: Heads of the columns.
        rows: Rows of cells.
        kind: Its CSS class.
        caption: Its caption.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    kind: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page, in the order of the fields.

    Attributes:
        title: Heading.
        about: A paragraph.
        tables: Tables.
        terms: Terms with their meaning.
        plots: Images with their descriptions.
        points: Points of a list.
        code: A command.
    """

    title: str
    about: str = ""
    tables: Sequence[Table] = ()
    terms: Sequence[tuple[str, str]] = ()
    plots: Sequence[Mapping[str, str]] = ()
    points: Sequence[str] = ()
    code: str = ""

    @property
    def anchor(self) -> str:
        """The name of the section in links."""
        return re.sub(r"\W+", "-", self.title.lower())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.tables or self.terms or self.plots or self.points or self.code)


def write_page(path: Path, title: str, heading: str, about: Iterable[str], sections: Sequence[Section]) -> None:
    """Write a page.

    Args:
        path: File of the page.
        title: Its title in the reader's window.
        heading: Its heading.
        about: Paragraphs below the heading.
        sections: Its sections.
    """
    here = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(here.joinpath("report.html.j2").read_text(encoding="utf-8"))
    style = here.joinpath("report.css").read_text(encoding="utf-8")
    page = template.render(title=title, heading=heading, style=style, about=list(about), sections=sections)
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


def image(plot: Plot) -> dict[str, str]:
    """A plot for `Section.plots`: its picture in base64, and its descriptions."""
    picture = io.BytesIO()
    plot.figure.savefig(picture, format="png", dpi=DPI)
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    return {"data": data, "alt": plot.alt, "reading": plot.reading}


__all__ = ["Cell", "Section", "Table", "image", "write_page"]
