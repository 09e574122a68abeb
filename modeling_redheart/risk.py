"""Does a text tell of self-harm, abuse or a child in danger? Words and phrases, no model.

    risks("My husband hits me when he drinks.")  # ["abuse"]

- self_harm: somebody wishes to be dead, hurts himself on purpose, has tried to kill himself or did.
- abuse: violence, threats, stalking, sexual coercion or control by a partner, a relative or somebody with power, done
  to the narrator, by the narrator, or to others.
- child_in_danger: a child is hit, shut in, used, threatened, left alone, unfed or with somebody drunk. A child that is
  abused gives both kinds.

Notable: it finds that a text tells of something, not that it is so. Figures of speech, games, accidents, what is denied
and what a film tells do not count. English and Korean; a text in another language gives nothing. It misses what is only
hinted at: what it finds, and what it does not, is measured by `redheart.evaluation.texts.risk`.
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

_LONGEST = 100_000  # characters that are looked at

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
    """aged: finds that somebody is of a child's age. child: that the text speaks of a child."""

    finder: Finder
    aged: re.Pattern[str]
    child: re.Pattern[str]


class _Sign(NamedTuple):
    """Where a rule of half weight holds."""

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
    """The kinds of `RISKS` that ``text`` tells of, in that order; empty where it tells of none.

    text: of any length and language; what is after its first 100,000 characters is not looked at.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).casefold()
    found: set[str] = set()
    if _LATIN.search(plain):
        found |= _found(_english(plain), _ENGLISH)
    if _HANGUL.search(plain):
        found |= _found(_korean(plain), _KOREAN)
    return [kind for kind in RISKS if kind in found]


def _english(plain: str) -> list[str]:
    """The sentences as lines of words, with a space before, between and after them."""
    if not plain.isascii():
        plain = "".join(mark for mark in unicodedata.normalize("NFD", plain) if not unicodedata.combining(mark))
    parts = (_WORD.findall(part) for part in _SENTENCE.split(_APOSTROPHE.sub("", plain)))
    return [f" {' '.join(line)} " for part in parts for line in _short(part)]


def _korean(plain: str) -> list[str]:
    """The sentences as lines with single spaces."""
    return [" ".join(line) for part in _SENTENCE.split(plain) for line in _short(part.split())]


def _short(words: list[str]) -> Iterator[list[str]]:
    return (words[start : start + _LONGEST_LINE] for start in range(0, len(words), _LONGEST_LINE))


def _found(lines: list[str], language: _Language) -> set[str]:
    """The kinds that ``lines`` tell of: by one whole sign, or by two half ones that are near each other."""
    fiction = any(_FICTION.search(line) for line in lines)
    found: set[str] = set()
    half: dict[str, list[_Sign]] = {kind: [] for kind in RISKS}
    for number, line in enumerate(lines):
        for rule in language.finder.candidates(line):
            if found.issuperset(rule.kinds) or (match := _told(rule, line, fiction)) is None:
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
    """Whether two of the signs, in the order of lines, are at most `_NEAR` lines apart. They must be of different rules
    and share no words: two rules that find the same words are one sign."""
    for place, sign in enumerate(signs):
        for other in reversed(signs[:place]):
            if sign.line - other.line > _NEAR:
                break
            apart = sign.line != other.line or sign.end <= other.start or other.end <= sign.start
            if apart and sign.rule is not other.rule:
                return True
    return False


def _told(rule: Rule, line: str, fiction: bool) -> re.Match[str] | None:
    """The first match of the rule that counts."""
    return next((match for match in rule.pattern.finditer(line) if _is_told(rule, match, fiction)), None)


def _is_told(rule: Rule, match: re.Match[str], fiction: bool) -> bool:
    """Whether it is no figure of speech, is not denied, and is not what a work of fiction tells."""
    phrase = match.group() + " "
    if rule.unless is not None and rule.unless.search(match.string):
        return False
    if rule.negatable and (_NEGATION.search(phrase) or _NEGATED_BEFORE.search(match.string[: match.start()])):
        return False
    return not fiction or _NARRATOR.search(phrase) is not None


__all__ = ["RISKS", "risks"]
