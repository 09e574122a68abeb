"""How the phrases of `risk` are written, and how they are compiled.

A rule is a line of alternatives, divided by ``|``, and gaps: ``ABUSER ~4 HITS ~1 ME // GAME`` is a term of the table
ABUSER, up to four words, a term of HITS, up to one word, a term of ME, in a sentence without a term of GAME. A name in
capitals is a table, anything else a word or a regular expression of one; an underscore is a space inside a term. A line
that is indented goes on with the one above. In English a gap counts words, in Korean letters, since particles and
endings stick to the words there and spaces are often left out.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

FULL, HALF = 2, 1  # weights: a kind is found where its rules, each counted once, come to `FULL`

_NAME = re.compile(r"(?<![\w\\])[A-Z]{2,}(?![\w])")


class Rule(NamedTuple):
    """One line, compiled.

    kinds: of `RISKS` that it tells of. weight: `HALF` for what tells of a kind only together with another sign.
    pattern: in a sentence. unless: in the same sentence, takes it back. negatable: so does a negation inside the
    phrase, as the phrase has none of its own.
    """

    kinds: tuple[str, ...]
    weight: int
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    negatable: bool


def table(*lines: str) -> str:
    """The terms of a table, one or more of them in a string, divided by white space, as one regular expression."""
    return "|".join(term for line in lines for term in line.split())


def english_rules(kinds: tuple[str, ...], lines: str, tables: Mapping[str, str], weight: int = FULL) -> list[Rule]:
    """Rules for sentences of plain words, with a space before, between and after them."""
    negation = re.compile(rf"(?<![\w|])(?:{tables['NOT']}|nothing|NOT)(?!\w)")
    return [
        _rule(kinds, line, tables, weight, (" (?:{})(?= )", r"(?: \S+){{0,{}}}?"), negation) for line in _lines(lines)
    ]


def korean_rules(kinds: tuple[str, ...], lines: str, tables: Mapping[str, str], weight: int = FULL) -> list[Rule]:
    """Rules for sentences with single spaces; a space inside a term may be left out in the text."""
    return [_rule(kinds, line, tables, weight, ("(?:{})", r".{{0,{}}}?"), None) for line in _lines(lines)]


def _lines(lines: str) -> list[str]:
    return [line for line in re.sub(r"\n\s+", " ", lines.strip()).splitlines() if line]


def _rule(
    kinds: tuple[str, ...],
    line: str,
    tables: Mapping[str, str],
    weight: int,
    forms: tuple[str, str],
    negation: re.Pattern[str] | None,
) -> Rule:
    """forms: what the alternatives of a term, and the length of a gap, are put into."""
    term, gap = forms
    phrase, _, unless = line.partition("//")
    parts = [
        gap.format(part[1:]) if part.startswith("~") else term.format(expand(part, tables)) for part in phrase.split()
    ]
    exceptions = term.format(expand(table(unless), tables)) if unless.split() else None
    return Rule(
        kinds,
        weight,
        re.compile("".join(parts)),
        re.compile(exceptions) if exceptions else None,
        negation is None or not negation.search(phrase),
    )


def expand(part: str, tables: Mapping[str, str]) -> str:
    """``part`` with the tables in the places of their names. Raises `KeyError` for a name that is no table."""
    space = " " if "NOT" in tables else " ?"
    return _NAME.sub(lambda name: tables[name.group()], part).replace("_", space)


__all__ = ["FULL", "HALF", "Rule", "english_rules", "expand", "korean_rules", "table"]
