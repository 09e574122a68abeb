"""How the phrases of `risk` are written, compiled and found.

A rule is a line of alternatives, divided by ``|``, and gaps: ``ABUSER ~4 HITS ~1 ME // GAME`` is a term of the table
ABUSER, up to four words, a term of HITS, up to one word, a term of ME, in a sentence without a term of GAME. A name in
capitals is a table, anything else a word or a regular expression of one; an underscore is a space inside a term. A line
that is indented continues the one above. In English a gap counts words, in Korean letters, since particles and
endings stick to the words there and spaces are often left out.

Notable: a pattern is tried only in a sentence that has an opening (the first word in English, the first two letters in
Korean) of every term of the rule; that keeps long texts fast.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

FULL, HALF = 2, 1  # weights: a kind is found where its rules, each counted once, add up to `FULL`

_NAME = re.compile(r"(?<![\w\\])[A-Z]{2,}(?![\w])")
_GROUP, _REPEATED = re.compile(r"\(\?(?::|<?[!=])"), re.compile(r"(?:([?])|[*+]|\{(\d+),\d*\})\??")
_ANY = "\0"  # stands for anything


class Rule(NamedTuple):
    """One line, compiled.

    Attributes:
        kinds: The kinds of `RISKS` that it indicates.
        weight: `FULL`, or `HALF` for what indicates a kind only together with another sign.
        pattern: Matches in a sentence.
        unless: Cancels the match where it is in the same sentence; None where nothing does.
        negatable: Whether a negation inside the phrase cancels the match, since the phrase has none of its own.
        openings: Openings of each term; a sentence without an opening of every term does not match.
    """

    kinds: tuple[str, ...]
    weight: int
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    negatable: bool
    openings: tuple[frozenset[str], ...]


def table(*lines: str) -> str:
    """Join the terms of a table, separated by white space in one or more strings, into one regular expression."""
    return "|".join(term for line in lines for term in line.split())


def english_rules(kinds: tuple[str, ...], lines: str, tables: Mapping[str, str], weight: int = FULL) -> list[Rule]:
    """Return rules for sentences of plain words, with a space before, between and after them."""
    negation = re.compile(rf"(?<![\w|])(?:{tables['NOT']}|nothing|NOT)(?!\w)")
    return [
        _rule(kinds, line, tables, weight, (" (?:{})(?= )", r"(?: \S+){{0,{}}}?"), negation) for line in _lines(lines)
    ]


def korean_rules(kinds: tuple[str, ...], lines: str, tables: Mapping[str, str], weight: int = FULL) -> list[Rule]:
    """Return rules for sentences with single spaces; a space inside a term may be left out in the text."""
    return [_rule(kinds, line, tables, weight, ("(?:{})", r".{{0,{}}}?"), None) for line in _lines(lines)]


def _lines(lines: str) -> list[str]:
    joined = re.sub(r"\n\s+", " ", re.sub(r"\|\n\s+", "|", lines.strip()))
    return [line for line in joined.splitlines() if line]


def _rule(
    kinds: tuple[str, ...],
    line: str,
    tables: Mapping[str, str],
    weight: int,
    forms: tuple[str, str],
    negation: re.Pattern[str] | None,
) -> Rule:
    """Compile a line.

    Args:
        kinds: The kinds of `RISKS` that it indicates.
        line: A line as described in the module.
        tables: The tables by name.
        weight: `FULL` or `HALF`.
        forms: Format strings for the alternatives of a term and for the length of a gap.
        negation: Matches a negation in a phrase; None in Korean.

    Returns:
        The rule.
    """
    term, gap = forms
    phrase, _, unless = line.partition("//")
    words = [expand(part, tables) for part in phrase.split()]
    parts = [gap.format(word[1:]) if word.startswith("~") else term.format(word) for word in words]
    exceptions = term.format(expand(table(unless), tables)) if unless.split() else None
    openings = [_openings(word, negation is not None) for word in words if not word.startswith("~")]
    return Rule(
        kinds,
        weight,
        re.compile("".join(parts)),
        re.compile(exceptions) if exceptions else None,
        negation is None or not negation.search(phrase),
        tuple(found for found in openings if found),
    )


def expand(part: str, tables: Mapping[str, str]) -> str:
    """Put the tables in the places of their names.

    Args:
        part: A word of a line, or terms.
        tables: The tables by name.

    Returns:
        The regular expression.

    Raises:
        KeyError: When a name in capitals is not a table.
    """
    space = " " if "NOT" in tables else " ?"
    return _NAME.sub(lambda name: tables[name.group()], part).replace("_", space)


class Finder:
    """Finds the rules to try in a sentence.

        finder = Finder(rules, words=True)
        for rule in finder.candidates(" my husband hits me "): ...

    Args:
        rules: The rules.
        words: Whether openings are words, as in English, or letters, as in Korean.
    """

    def __init__(self, rules: Iterable[Rule], words: bool) -> None:
        self._words = words
        self._terms: dict[str, list[int]] = {}
        self._rules: list[tuple[frozenset[int], Rule]] = []
        numbers: dict[frozenset[str], int] = {}
        for rule in rules:
            for found in rule.openings:
                if found not in numbers:
                    numbers[found] = len(numbers)
                    for opening in found:
                        self._terms.setdefault(opening, []).append(numbers[found])
            self._rules.append((frozenset(numbers[found] for found in rule.openings), rule))

    def candidates(self, sentence: str) -> Iterator[Rule]:
        """Return the rules whose terms all have an opening in ``sentence``."""
        plain = sentence.replace(" ", "")
        pieces = set(sentence.split()) if self._words else {plain[at : at + 2] for at in range(len(plain))}
        there = {number for piece in pieces for number in self._terms.get(piece, ())}
        return (rule for needed, rule in self._rules if needed <= there)


def _openings(term: str, words: bool) -> frozenset[str]:
    """Return the first words, or first two letters, of everything that ``term`` matches; empty where it is anything."""
    found, _ = _alternatives(term, 0, words)
    openings = {text.split(" ")[0] if words else text.replace(" ", "")[:2] for text in found}
    return frozenset() if any(_ANY in text or len(text) < 2 - words for text in openings) else frozenset(openings)


def _alternatives(term: str, at: int, words: bool) -> tuple[set[str], int]:
    """Return the openings of the alternatives from ``at`` to the end of the group, and the position of that end."""
    found, texts = set[str](), {""}
    while at < len(term) and term[at] != ")":
        if term[at] == "|":
            found, texts, at = found | texts, {""}, at + 1
            continue
        parts, at = _piece(term, at, words)
        texts = {text if _done(text, words) else text + part for text in texts for part in parts}
    return found | texts, at


def _done(text: str, words: bool) -> bool:
    return _ANY in text or (" " in text if words else len(text.replace(" ", "")) >= 2)


def _piece(term: str, at: int, words: bool) -> tuple[set[str], int]:
    """Return what the letter, set or group at ``at`` matches, with its repetition, and the position after it."""
    parts: set[str]
    if group := _GROUP.match(term, at):
        parts, end = _alternatives(term, group.end(), words)
        parts, at = parts if group.group() == "(?:" else {""}, end + 1
    elif term[at] == "[":
        end = term.index("]", at)
        inside = term[at + 1 : end]
        parts, at = ({_ANY} if "-" in inside or inside[0] == "^" else set(inside)), end + 1
    elif term[at] == "\\":
        parts, at = {_ANY}, at + 2
    else:
        parts, at = {_ANY if term[at] == "." else term[at]}, at + 1
    repeated = _REPEATED.match(term, at)
    if repeated is None:
        return parts, at
    if repeated.group(1):
        return parts | {""}, repeated.end()
    optional = repeated.group()[0] == "*" or repeated.group(2) == "0"
    return {_ANY} | ({""} if optional else set()), repeated.end()


__all__ = ["FULL", "HALF", "Finder", "Rule", "english_rules", "expand", "korean_rules", "table"]
