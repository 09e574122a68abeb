"""Problems of rows, reported by kind and not by row: one line for all rows with the same problem."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..configuration.errors import DataError

_ROWS, _VALUES, _HELD = 3, 4, 50  # rows and values that a line names; values that are counted separately


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with one column of one row.

    Attributes:
        source: Name of the rows.
        row: Number of the row, from 0.
        column: Name of the column.
        message: The message, with ``{}`` in place of ``value``; problems with the same message are reported together.
        value: The value as the message shows it; empty for a message without one.
    """

    source: str
    row: int
    column: str
    message: str
    value: str = ""

    def __str__(self) -> str:
        message = self.message.replace("{}", self.value, 1) if self.value else self.message
        return f"{self.source}, row {self.row}, column {self.column!r}: {message}"


class RowsError(DataError):
    """Rows that do not fit.

    Args:
        lines: One line for each kind of problem.
        hidden: Number of further kinds that have no line.
    """

    def __init__(self, lines: list[str], hidden: int = 0) -> None:
        if len(lines) > 1 or hidden:
            more = f" (the first {len(lines)} are named)" if hidden else ""
            lines = [f"{len(lines) + hidden} problems{more}:", *lines]
        super().__init__("\n  ".join(lines))
        self.lines = lines


@dataclass(slots=True)
class _Kind:
    """Problems of one kind, with the numbers of the first rows."""

    first: Problem
    count: int = 0
    rows: list[int] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)
    others: int = 0

    def add(self, one: Problem) -> None:
        self.count += 1
        if len(self.rows) < _ROWS:
            self.rows.append(one.row)
        if one.value in self.values or len(self.values) < _HELD:
            self.values[one.value] += 1
        else:
            self.others += 1

    def __str__(self) -> str:
        if self.count == 1:
            return str(self.first)
        rows = ", ".join(map(str, self.rows)) + (", ..." if self.count > len(self.rows) else "")
        message = self.first.message
        if self.first.value:
            message = message.replace("{}", self._values(), 1)
        return f"{self.first.source}, {self.count} rows ({rows}), column {self.first.column!r}: {message}"

    def _values(self) -> str:
        if len(self.values) == 1:
            return next(iter(self.values))
        named = [f"{value} ({count} rows)" if count > 1 else value for value, count in self.values.most_common(_VALUES)]
        rest = self.count - sum(count for _, count in self.values.most_common(_VALUES))
        return ", ".join(named) + (f" and others ({rest} rows)" if rest else "")


class Findings:
    """Problems by kind; only the first ``limit`` kinds are kept."""

    def __init__(self, limit: int = 20) -> None:
        self.limit, self.hidden = limit, set[int]()
        self.kinds: dict[tuple[str, str, str], _Kind] = {}

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems to their kinds."""
        for one in problems:
            key = (one.source, one.column, one.message)
            if key not in self.kinds:
                if len(self.kinds) == self.limit:
                    self.hidden.add(hash(key))
                    continue
                self.kinds[key] = _Kind(one)
            self.kinds[key].add(one)

    def lines(self) -> Iterator[str]:
        """One line for each kind."""
        return map(str, self.kinds.values())

    def refuse(self) -> None:
        """Raise a `RowsError` that names every kind, if there is a problem."""
        if self.kinds:
            raise RowsError(list(self.lines()), len(self.hidden))


def refuse(problems: Iterable[Problem]) -> None:
    """Raise a `RowsError` that names every problem, if there is a problem."""
    found = Findings()
    found.add(problems)
    found.refuse()


__all__ = ["Findings", "Problem", "RowsError", "refuse"]
