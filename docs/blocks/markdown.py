"""Blocks of Markdown that a command writes: where they begin and end, tables, and numbers in words.

A block stands between two comments, and what is between them is never edited by hand:

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
    """A page names a block that does not exist, or one that does not end."""


def names(text: str) -> list[str]:
    """The names of the blocks of a page, in their order. Raises `BlockError` for a block without an end."""
    found = [match[2] for match in _BLOCK.finditer(text)]
    if len(found) != len(_OPENING.findall(text)):
        raise BlockError("A block is not closed; write `<!-- end -->` on a line of its own below it.")
    return found


def written(text: str, blocks: Mapping[str, Block]) -> str:
    """A page with each of its blocks as ``blocks`` gives it. Raises `BlockError` for an unknown name."""
    for name in names(text):
        if name not in blocks:
            raise BlockError(f"There is no block {name!r}; the blocks are {', '.join(sorted(blocks))}.")
    return _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]().strip()}\n{match[4]}", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown. Raises `BlockError` for a row of another length than the heads."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        if len(row) != len(heads):
            raise BlockError(f"The row {list(row)} has {len(row)} cells, and the table {len(heads)} columns.")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    return "\n".join(line.replace("|  |", "| |").replace("|  |", "| |") for line in lines)


def number(value: float, digits: int = 2) -> str:
    """A number with this many decimals; a dash where it is undefined."""
    return "-" if math.isnan(value) else f"{value + 0.0:.{digits}f}".replace("-0.00", "0.00")


def signed(value: float, digits: int = 3) -> str:
    """A change, with its sign."""
    return f"{value:+.{digits}f}"


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A number with its interval in brackets."""
    return f"{number(value, digits)} [{number(low, digits)}, {number(high, digits)}]"


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage."""
    return f"{share:.{digits}%}".replace("%", " %")


def megabytes(count: float) -> str:
    """Bytes as decimal megabytes."""
    return f"{count / 1e6:,.0f} MB"


def bold(cell: str, best: bool = True) -> str:
    """The number of a cell in bold, without its interval."""
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
