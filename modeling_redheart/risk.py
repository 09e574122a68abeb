"""Finds texts that mention self-harm, abuse or a child in danger, by words and phrases, without a model.

    risks("My husband hits me when he drinks.")  # ["abuse"]

- self_harm: somebody wishes to be dead, hurts himself on purpose, has tried to kill himself or did so.
- abuse: violence, threats, stalking, sexual coercion or control by a partner, a relative or somebody with power, done
  to the narrator, by the narrator, or to others.
- child_in_danger: a child is hit, locked in, used, threatened, left alone, unfed or with somebody drunk. A child that
  is abused gives both kinds.

Notable: it finds that a text mentions something, not that it is so. Figures of speech, games, accidents, what is
denied and the plot of a film do not count. English and Korean; a text in another language gives nothing. It misses what
is only hinted at: what it finds, and what it does not, is measured by `redheart.evaluation.texts.risk`.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from ..configuration.labels import RISKS
from .risk_english import ENGLISH
from .risk_english_terms import TABLES as ENGLISH_TABLES
from .risk_korean import KOREAN
from .risk_korean import TABLES as KOREAN_TABLES
from .risk_rules import FULL, Finder, Rule

_LONGEST = 100_000  # characters that are searched

_APOSTROPHE = re.compile(r"(?<=\w)[\'`\u2019\u2018\u02bc\u00b4](?=\w)")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_SENTENCE = re.compile(r"[.!?;…。\n]+")
_WORD = re.compile(r"\w+")
_HANGUL, _LATIN = re.compile("[가-힣ㄱ-ㅎ]"), re.compile("[a-z]")

_UNREAL = (
    f"{ENGLISH_TABLES['NOT']}|almost|nearly|hardly|could(?! not)|(?:could|would|should|might)(?:ve| have)|[hs]hed have"
)
_NEGATION = re.compile(f" (?:{_UNREAL})(?= )(?! (?:stop|know|want|tell))")
_NEGATED_BEFORE = re.compile(f" (?:{_UNREAL})(?: (?:have|been|ever|once|even|going|to))*$")
_NARRATOR = re.compile(" (?:i|im|ive|me|my|mine|myself|we|us|our)(?= )")
_FICTION = re.compile(
    " (?:(?:in|the|this|a|new|that) (?:novel|film|movie|series|show|play|thriller|drama|documentary|sequel|book|comic)"
    "|chapter|episode|season|protagonist|(?:one|two|three|four|five) stars|(?:film|book|novel|song) (?:about|where)"
    "|the article|the news|statistics|the study)(?= )"
)
_LONGEST_LINE, _NEAR = 60, 3  # words of a line; lines that two half signs may be apart


class _Language(NamedTuple):
    """What is searched for in a language.

    Attributes:
        finder: Finds the rules to try.
        aged: Matches where somebody is of a child's age.
        child: Matches where the text mentions a child.
    """

    finder: Finder
    aged: re.Pattern[str]
    child: re.Pattern[str]


class _Sign(NamedTuple):
    """The place where a rule of half weight matches."""

    line: int
    start: int
    end: int
    rule: Rule


_ENGLISH = _Language(
    Finder(ENGLISH, words=True),
    re.compile(f" (?:{ENGLISH_TABLES['AGED']})(?= )"),
    re.compile(f" (?:{ENGLISH_TABLES['CHILD']}|{ENGLISH_TABLES['AGED']}|my (?:brothers?|sisters?))(?= )"),
)
_KOREAN = _Language(
    Finder(KOREAN, words=False),
    re.compile(KOREAN_TABLES["AGED"]),
    re.compile(f"{KOREAN_TABLES['CHILD']}|{KOREAN_TABLES['AGED']}|동생"),
)


def risks(text: str) -> list[str]:
    """Find the kinds of risk that a text mentions.

    Args:
        text: Of any length and language; only its first 100,000 characters are searched.

    Returns:
        The kinds, in the order of `RISKS`; empty where there is none.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).casefold()
    found: set[str] = set()
    if _LATIN.search(plain):
        found |= _found(_english(plain), _ENGLISH)
    if _HANGUL.search(plain):
        found |= _found(_korean(plain), _KOREAN)
    return [kind for kind in RISKS if kind in found]


def _english(plain: str) -> list[str]:
    """Return the sentences as lines of words, with a space before, between and after them."""
    if not plain.isascii():
        plain = "".join(mark for mark in unicodedata.normalize("NFD", plain) if not unicodedata.combining(mark))
    parts = (_WORD.findall(part) for part in _SENTENCE.split(_APOSTROPHE.sub("", plain)))
    return [f" {' '.join(line)} " for part in parts for line in _short(part)]


def _korean(plain: str) -> list[str]:
    """Return the sentences as lines with single spaces."""
    return [" ".join(line) for part in _SENTENCE.split(plain) for line in _short(part.split())]


def _short(words: list[str]) -> Iterator[list[str]]:
    return (words[start : start + _LONGEST_LINE] for start in range(0, len(words), _LONGEST_LINE))


def _found(lines: list[str], language: _Language) -> set[str]:
    """Return the kinds that ``lines`` mention: by one whole sign, or by two half signs that are near each other."""
    fiction = any(_FICTION.search(line) for line in lines)
    found: set[str] = set()
    half: dict[str, list[_Sign]] = {kind: [] for kind in RISKS}
    for number, line in enumerate(lines):
        for rule in language.finder.candidates(line):
            if found.issuperset(rule.kinds) or (match := _first_counted(rule, line, fiction)) is None:
                continue
            if rule.weight >= FULL:
                found.update(rule.kinds)
            else:
                for kind in rule.kinds:
                    half[kind].append(_Sign(number, match.start(), match.end(), rule))
    child = any(language.child.search(line) for line in lines)
    for kind, signs in half.items():
        if (child or kind != "child_in_danger") and _near(signs):
            found.add(kind)
    if "abuse" in found and any(language.aged.search(line) for line in lines):
        found.add("child_in_danger")
    return found


def _near(signs: list[_Sign]) -> bool:
    """Return whether two of the signs are near each other.

    They must be at most `_NEAR` lines apart, be of different rules and share no words: two rules that match the same
    words are one sign.

    Args:
        signs: Signs of one kind, in the order of lines.

    Returns:
        Whether there are two such signs.
    """
    for place, sign in enumerate(signs):
        for other in reversed(signs[:place]):
            if sign.line - other.line > _NEAR:
                break
            apart = sign.line != other.line or sign.end <= other.start or other.end <= sign.start
            if apart and sign.rule is not other.rule:
                return True
    return False


def _first_counted(rule: Rule, line: str, fiction: bool) -> re.Match[str] | None:
    """Return the first match of the rule that counts."""
    return next((match for match in rule.pattern.finditer(line) if _counts(rule, match, fiction)), None)


def _counts(rule: Rule, match: re.Match[str], fiction: bool) -> bool:
    """Return whether a match is not a figure of speech, not denied, and not the plot of a work of fiction."""
    phrase = match.group() + " "
    if rule.unless is not None and rule.unless.search(match.string):
        return False
    if rule.negatable and (_NEGATION.search(phrase) or _NEGATED_BEFORE.search(match.string[: match.start()])):
        return False
    return not fiction or _NARRATOR.search(phrase) is not None


__all__ = ["RISKS", "risks"]
