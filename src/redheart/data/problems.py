"""What is wrong with rows, told by what is wrong and not row by row: one line for all rows with the same fault."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..configuration.errors import DataError

_ROWS, _VALUES, _HELD = 3, 4, 50  # that a line names; values that are told apart


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one column of one row.

    message: with ``{}`` where ``value`` stands, by which problems of the same kind are told together; a message without
    a value stands for itself.
    """

    source: str
    row: int
    column: str
    message: str
    value: str = ""

    def __str__(self) -> str:
        told = self.message.replace("{}", self.value, 1) if self.value else self.message
        return f"{self.source}, row {self.row}, column {self.column!r}: {told}"


class RowsError(DataError):
    """Rows that do not fit. lines: one for each kind of fault."""

    def __init__(self, lines: list[str], hidden: int = 0) -> None:
        """hidden: how many more there are."""
        if len(lines) > 1 or hidden:
            more = f" (the first {len(lines)} are named)" if hidden else ""
            lines = [f"{len(lines) + hidden} problems{more}:", *lines]
        super().__init__("\n  ".join(lines))
        self.lines = lines


@dataclass(slots=True)
class _Kind:
    """Problems of one kind. rows: the first of them."""

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
        told = self.first.message
        if self.first.value:
            told = told.replace("{}", self._values(), 1)
        return f"{self.first.source}, {self.count} rows ({rows}), column {self.first.column!r}: {told}"

    def _values(self) -> str:
        if len(self.values) == 1:
            return next(iter(self.values))
        named = [f"{value} ({count} rows)" if count > 1 else value for value, count in self.values.most_common(_VALUES)]
        rest = self.count - sum(count for _, count in self.values.most_common(_VALUES))
        return ", ".join(named) + (f" and others ({rest} rows)" if rest else "")


class Findings:
    """Problems by kind, of which the first ``limit`` kinds are kept."""

    def __init__(self, limit: int = 20) -> None:
        self.limit, self.hidden = limit, set[int]()
        self.kinds: dict[tuple[str, str, str], _Kind] = {}

    def add(self, problems: Iterable[Problem]) -> None:
        """Add them to their kinds."""
        for one in problems:
            key = (one.source, one.column, one.message)
            if key not in self.kinds:
                if len(self.kinds) == self.limit:
                    self.hidden.add(hash(key))
                    continue
                self.kinds[key] = _Kind(one)
            self.kinds[key].add(one)

    def lines(self) -> Iterator[str]:
        """One for each kind."""
        return map(str, self.kinds.values())

    def refuse(self) -> None:
        """Raise a `RowsError` that names every kind, if there is one."""
        if self.kinds:
            raise RowsError(list(self.lines()), len(self.hidden))


def refuse(problems: Iterable[Problem]) -> None:
    """Raise a `RowsError` that names every problem, if there is one."""
    found = Findings()
    found.add(problems)
    found.refuse()


__all__ = ["Findings", "Problem", "RowsError", "refuse"]
