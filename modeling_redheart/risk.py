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
from .risk_english import TABLES as ENGLISH_TABLES
from .risk_korean import KOREAN
from .risk_korean import TABLES as KOREAN_TABLES
from .risk_rules import FULL, HALF, Rule

_LONGEST = 100_000  # characters that are looked at

_APOSTROPHE = re.compile(r"(?<=\w)['’‘ʼ`´](?=\w)")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_SENTENCE = re.compile(r"[.!?;…。\n]+")
_WORD = re.compile(r"\w+")
_HANGUL, _LATIN = re.compile("[가-힣ㄱ-ㅎ]"), re.compile("[a-z]")

_NEGATION = re.compile(f" (?:{ENGLISH_TABLES['NOT']})(?= )(?! (?:stop|know|want|tell))")
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
        _add(weights, ENGLISH, *_english(plain), aged=_AGED["en"])
    if _HANGUL.search(plain):
        _add(weights, KOREAN, *_korean(plain), aged=_AGED["ko"])
    return [kind for kind in RISKS if weights[kind] >= FULL]


def _english(plain: str) -> tuple[list[str], bool]:
    """The sentences as words between single spaces, and whether they tell of a work of fiction."""
    sentences = [f" {' '.join(_WORD.findall(part))} " for part in _SENTENCE.split(_APOSTROPHE.sub("", plain))]
    return sentences, any(_FICTION.search(sentence) for sentence in sentences)


def _korean(plain: str) -> tuple[list[str], bool]:
    """The sentences with single spaces. That a film tells it is among the exceptions of the rules."""
    return [" ".join(part.split()) for part in _SENTENCE.split(plain)], False


def _add(weights: dict[str, int], rules: Iterable[Rule], sentences: list[str], fiction: bool, aged: re.Pattern[str]) -> None:
    """Add the weights of the rules that hold in one of the sentences to ``weights``, by kind."""
    found = [rule for rule in rules if any(_holds(rule, sentence, fiction) for sentence in sentences)]
    for rule in found:
        for kind in rule.kinds:
            weights[kind] += rule.weight
    if weights["abuse"] >= FULL and any(aged.search(sentence) for sentence in sentences):
        weights["child_in_danger"] += FULL


def _holds(rule: Rule, sentence: str, fiction: bool) -> bool:
    if rule.unless is not None and rule.pattern.search(sentence) and rule.unless.search(sentence):
        return False
    return any(_is_told(rule, match, fiction) for match in rule.pattern.finditer(sentence))


def _is_told(rule: Rule, match: re.Match[str], fiction: bool) -> bool:
    """Whether it is not denied, and not what a work of fiction tells."""
    phrase = match.group() + " "
    if rule.negatable and _NEGATION.search(phrase):
        return False
    return not fiction or _NARRATOR.search(phrase) is not None


__all__ = ["RISKS", "risks"]
