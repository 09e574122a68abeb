"""Generated blocks of Markdown: where they begin and end, their tables, and their numbers.

A block is between two comments, and is never edited by hand:

    <!-- generated: NAME -->
    ...
    <!-- end -->
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

Block = Callable[[], str]

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_OPENING = re.compile(r"<!-- generated:")


class BlockError(ValueError):
    """A page names a block that does not exist or does not end, or the source of a block is wrong."""


def names(text: str) -> list[str]:
    """Find the blocks of a page.

    Args:
        text: The page.

    Returns:
        Their names, in order.

    Raises:
        BlockError: When a block has no end.
    """
    found = [match[2] for match in _BLOCK.finditer(text)]
    if len(found) != len(_OPENING.findall(text)):
        raise BlockError("A block is not closed; write `<!-- end -->` on a line of its own below it.")
    return found


def written(text: str, blocks: Mapping[str, Block]) -> str:
    """Write the blocks of a page.

    Args:
        text: The page.
        blocks: Name -> a function that returns the block.

    Returns:
        The page with its blocks.

    Raises:
        BlockError: When the page names an unknown block.
    """
    for name in names(text):
        if name not in blocks:
            raise BlockError(f"There is no block {name!r}; the blocks are {', '.join(sorted(blocks))}.")
    return _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]().strip()}\n{match[4]}", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    Args:
        heads: Titles of the columns.
        rows: Cells in Markdown; a ``|`` in them is escaped.

    Returns:
        The table in Markdown.

    Raises:
        BlockError: When a row does not have as many cells as there are heads.
    """
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        if len(row) != len(heads):
            raise BlockError(f"The row {list(row)} has {len(row)} cells, and the table {len(heads)} columns.")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def number(value: float, digits: int = 2) -> str:
    """Return a number with this many decimals; a dash for NaN."""
    return "-" if math.isnan(value) else f"{value + 0.0:.{digits}f}".replace("-0.00", "0.00")


def signed(value: float, digits: int = 3) -> str:
    """Return a change, with its sign."""
    return f"{value:+.{digits}f}"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """Return a number with its interval in brackets."""
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def percent(share: float, digits: int = 0) -> str:
    """Return a share in 0..1 as a percentage."""
    return f"{share:.{digits}%}".replace("%", " %")


def megabytes(count: float) -> str:
    """Return bytes as decimal megabytes."""
    return f"{count / 1e6:,.0f} MB"


def bold(cell: str, best: bool = True) -> str:
    """Return a cell with its number, without the interval, in bold where ``best``."""
    if not best:
        return cell
    head, bracket, rest = cell.partition(" [")
    return f"**{head}**{bracket}{rest}"


__all__ = [
    "Block",
    "BlockError",
    "bold",
    "interval",
    "megabytes",
    "names",
    "number",
    "percent",
    "signed",
    "table",
    "written",
]
