"""Does a text tell of self-harm, abuse or a child in danger? Words and phrases, no model.

    risks("My husband hits me when he drinks.")  # ["abuse"]

- self_harm: somebody wishes to be dead, hurts himself on purpose, has tried to kill himself or did.
- abuse: violence, threats, stalking, sexual coercion or control by a partner, a relative or somebody with power, done
  to the narrator, by the narrator, or to others.
- child_in_danger: a child is hit, shut in, used, threatened, left alone, unfed or with somebody drunk. A child that is
  abused gives both kinds.

Notable: it finds that a text tells of something, not that it is so. Figures of speech, games, accidents, what is denied
and what a film tells do not count. English and Korean; a text in another language gives nothing. It misses what is only
hinted at: what it finds, and what it does not, is measured by `redheart.evaluation.risk`.
"""

import re
import unicodedata
from collections.abc import Iterable

from ..configuration.labels import RISKS
from .risk_english import ENGLISH
from .risk_english_terms import TABLES as ENGLISH_TABLES
from .risk_korean import KOREAN
from .risk_korean import TABLES as KOREAN_TABLES
from .risk_rules import FULL, Rule

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
_AGED = {"en": re.compile(f" (?:{ENGLISH_TABLES['AGED']})(?= )"), "ko": re.compile(KOREAN_TABLES["AGED"])}


def risks(text: str) -> list[str]:
    """The kinds of `RISKS` that ``text`` tells of, in that order; empty where it tells of none.

    text: of any length and language; what is after its first 100,000 characters is not looked at.
    """
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).casefold()
    weights = dict.fromkeys(RISKS, 0)
    if _LATIN.search(plain):
        _add(weights, ENGLISH, _english(plain), _AGED["en"])
    if _HANGUL.search(plain):
        _add(weights, KOREAN, _korean(plain), _AGED["ko"])
    return [kind for kind in RISKS if weights[kind] >= FULL]


def _english(plain: str) -> str:
    """The sentences as lines of words, with a space before, between and after them."""
    if not plain.isascii():
        plain = "".join(mark for mark in unicodedata.normalize("NFD", plain) if not unicodedata.combining(mark))
    parts = _SENTENCE.split(_APOSTROPHE.sub("", plain))
    return "\n".join(f" {' '.join(_WORD.findall(part))} " for part in parts)


def _korean(plain: str) -> str:
    """The sentences as lines with single spaces."""
    return "\n".join(" ".join(part.split()) for part in _SENTENCE.split(plain))


def _add(weights: dict[str, int], rules: Iterable[Rule], lines: str, aged: re.Pattern[str]) -> None:
    """Add the weights of the rules that hold in one of the sentences to ``weights``, by kind. No match goes beyond the
    end of a line. aged: finds that somebody is of a child's age."""
    fiction = _FICTION.search(lines) is not None
    for rule in rules:
        if rule.pattern.search(lines) and _holds(rule, lines, fiction):
            for kind in rule.kinds:
                weights[kind] += rule.weight
    if weights["abuse"] >= FULL and aged.search(lines):
        weights["child_in_danger"] += FULL


def _holds(rule: Rule, lines: str, fiction: bool) -> bool:
    return any(_is_told(rule, match, fiction) for match in rule.pattern.finditer(lines))


def _is_told(rule: Rule, match: re.Match[str], fiction: bool) -> bool:
    """Whether it is no figure of speech, is not denied, and is not what a work of fiction tells."""
    before, after = match.string[: match.start()].rpartition("\n")[2], match.string[match.end() :].partition("\n")[0]
    phrase = match.group() + " "
    if rule.unless is not None and rule.unless.search(before + match.group() + after):
        return False
    if rule.negatable and (_NEGATION.search(phrase) or _NEGATED_BEFORE.search(before)):
        return False
    return not fiction or _NARRATOR.search(phrase) is not None


__all__ = ["RISKS", "risks"]
