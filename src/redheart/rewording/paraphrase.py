"""Paraphrases by rule: other words and another order for the same statement.

Notable: a rewrite is a site, a span of the text with its replacement, so any set of sites that do not overlap can be
chosen together. The order of clauses changes only where the references stay clear: no negation, no reported speech, no
second clause, no pronoun that would come before its noun.
"""

import random
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from .synonyms import RULES
from .wording import Span, inside, is_negation, listed, quotations, sentences, words

Site: TypeAlias = tuple[int, int, str]  # begin, end, replacement

# They announce the text and do not comment on it. A blank line after a colon suits several paragraphs.
FRAMES = [
    "Here is the whole text: {}",
    "The message is as follows: {}",
    "It goes like this: {}",
    "The text reads: {}",
    "To put it in writing: {}",
    "This is the whole account: {}",
    "The post reads as follows.\n\n{}",
    "{}\n\nThat is the whole text.",
    "{} That is all.",
    "Here is the text.\n\n{}\n\nThat is where it ends.",
]
_TIME = (
    r"(?:yesterday|today|this (?:morning|afternoon|evening|week|month|year)|last (?:night|week|weekend|month|year"
    r"|summer|winter|spring|fall|autumn|christmas)|(?:a few|a couple of|two|three|four|five|six|\d+) (?:days|weeks"
    r"|months|years) ago|a (?:day|week|month|year) ago|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|the other day)"
)
_START = (
    r"(?P<subject>I|He|She|We|They|My (?:sister|brother|mother|father|mom|mum|dad|wife|husband|boss|roommate|girlfriend"
    r"|boyfriend))"
)
_TIME_LAST = re.compile(rf"(?P<clause>{_START} [^.!?,;:()]+?) (?P<time>{_TIME})\.", re.IGNORECASE)
_TIME_FIRST = re.compile(rf"(?P<time>{_TIME}),? (?P<clause>{_START} [^.!?,;:()]+)\.", re.IGNORECASE)
_AND = re.compile(
    rf"(?P<clause>{_START} [^.!?,;:()]+), and (?P<rest>(?:then |now )?(?:I|he|she|we|they) [^.!?,;:()]+"
    r"|now (?:the|my|our) [^.!?,;:()]+)\."
)
_SO = re.compile(
    r"(?P<reason>(?:I|He|She|We|They|It|My|His|Her|The) [^.!?,;:()]+?),? so "
    r"(?P<clause>(?:I|he|she|we|they) [^.!?;:()]+)\."
)
_BUT = re.compile(rf"(?P<clause>{_START} [^.!?,;:()]+), but (?P<rest>(?:I|he|she|we|they) [^.!?,;:()]+)\.")
_WHEN = r"(?:when|after|before|while|as soon as|because) (?:I|we|my|our|he|she|they) [^.!?;:(),]+"
_WHEN_LAST = re.compile(rf"(?P<clause>{_START} [^.!?,;:()]+?) (?P<when>{_WHEN})\.", re.IGNORECASE)
_WHEN_FIRST = re.compile(rf"(?P<when>{_WHEN}), (?P<clause>{_START} [^.!?,;:()]+)\.", re.IGNORECASE)
_PLAIN = re.compile(r"(?P<subject>I|He|She|We|They) [^.!?,;:()]+\.")
_GAVE = re.compile(
    r"\b(?P<verb>gave|give|gives|giving|lent|lend|sent|handed) (?P<who>me|him|her|us|them) "
    r"(?P<what>(?:the|a|an|my|his|her|our|their|some) (?:money|keys?|letter|book|phone|ring|gift|present|tickets?"
    r"|laptop|cash|note|card|car|house key|spare key|password|cheque|check))"
    r"(?=[.,;!?]| and | because | before | after )"
)
# If a sentence has one of these, a part of it may belong to an inner clause.
_INNER = re.compile(
    r"\b(?:that|who|whom|which|what|because|when|where|if|after|before|while|since|until|till|although|though|so|as|how|why"
    r"|whether|and|but|or|than|like|just|only|even|said|say|told|tell|think|thought|know|knew|heard|hear|found|find|realis\w+"
    r"|realiz\w+|decid\w+|promis\w+|ask\w*|want\w*|plan\w*|agree\w*|hope\w*|believ\w*|remember\w*|wish\w*|swore|learned"
    r"|claim\w*|admit\w*|offer\w*|invit\w*|saw|see|let|made|make|supposed|going|need\w*|try|tried|feel|felt|guess)\b",
    re.IGNORECASE,
)
# Those of them after which the same clause continues, unless there is a second subject.
_OUTER = re.compile(
    r"\b(?:just|only|even|and|like|found|find|made|make|let|see|saw|going|need\w*|try|tried|told|tell|ask\w*|want\w*|promised"
    r"|offer\w*|invit\w*|decid\w+|agree\w*|plan\w*)\b"
)
# A plain past verb: with other verbs, "so" may express a purpose.
_PAST = re.compile(r"\w+ (?:[a-z]+ed|told|took|went|gave|made|threw|left|sent|bought|found|said|got|kept|ate|felt)\b")
_PERSONS = {
    "he": "he", "him": "he", "his": "he", "she": "she", "her": "she", "hers": "she", "they": "they", "them": "they",
    "their": "they", "it": "it", "its": "it", "this": "it",
}  # fmt: skip
_THIRD = re.compile(rf"\b(?:{'|'.join(_PERSONS)})\b", re.IGNORECASE)
_MIN_WORDS, _MAX_WORDS = 4, 20
# After one of these, a joined sentence would belong to the subordinate clause.
_SUBORDINATE = re.compile(
    r"\b(?:and|but|because|if|when|that|so|since|unless|while|who|which|would|think|thought|said|told|tell|know|knew|felt"
    r"|though|although|like|than|as|where|how|why|what)\b"
)


def _simple(clause: str) -> bool:
    return _INNER.search(clause) is None and not any(is_negation(word) for word in words(clause))


def _lowered(clause: str) -> str:
    return clause if re.match(r"I\b", clause) else clause[0].lower() + clause[1:]


def _raised(clause: str) -> str:
    return clause[0].upper() + clause[1:]


def _reordered(sentence: str) -> Iterator[str]:
    """Other orders of the parts of one sentence that begins with a capital and ends with a full stop."""
    if (match := _TIME_LAST.fullmatch(sentence)) and _simple(match["clause"]):
        yield f"{_raised(match['time'])}, {_lowered(match['clause'])}."
    if (match := _TIME_FIRST.fullmatch(sentence)) and _simple(match["clause"]):
        yield f"{_raised(match['clause'])} {_lowered(match['time'])}."
    if (
        (match := _WHEN_LAST.fullmatch(sentence))
        and _simple(match["clause"])
        and _INNER.search(match["when"], 7) is None
        # A pronoun must not come before its noun: it has to be one in both halves.
        and _pronouns(match["when"]) <= _pronouns(match["clause"])
    ):
        yield f"{_raised(match['when'])}, {_lowered(match['clause'])}."
    if (match := _WHEN_FIRST.fullmatch(sentence)) and _simple(match["clause"]) and not _pronouns(match["clause"]):
        yield f"{_raised(match['clause'])} {_lowered(match['when'])}."
    if (match := _AND.fullmatch(sentence)) and _independent(match):
        yield f"{match['clause']}. {_raised(match['rest'])}."
    if (match := _SO.fullmatch(sentence)) and not _INNER.search(match["reason"]) and _PAST.match(match["clause"]):
        yield f"Because {_lowered(match['reason'])}, {match['clause']}."
    if (match := _BUT.fullmatch(sentence)) and _independent(match):
        yield f"{match['clause']}. However, {match['rest']}."


def _pronouns(clause: str) -> set[str]:
    """The third persons for whom a clause has a pronoun: "he", "she", "they" or "it"."""
    return {_PERSONS[match.group().lower()] for match in _THIRD.finditer(clause)}


def _independent(match: re.Match[str]) -> bool:
    """Whether both halves can be sentences: neither is part of something that was said, thought or supposed."""
    first = _OUTER.sub("", match["clause"])
    several = len(re.findall(r"\b(?:I|he|she|we|they)\b", match["clause"])) > 1
    return not several and not _INNER.search(first) and not re.search(r"\b(?:if|would|unless)\b", match["rest"])


def _joined(text: str, spans: list[Span]) -> Iterator[Site]:
    """Sites that join two neighbouring short statements with the same subject."""
    for (begin, end), (start, stop) in pairwise(spans):
        first, second = _PLAIN.fullmatch(text, begin, end), _PLAIN.fullmatch(text, start, stop)
        if (
            first and second and first["subject"] == second["subject"] and text[end:start] == " "
            and all(_MIN_WORDS <= len(sentence[0].split()) <= _MAX_WORDS for sentence in (first, second))
            and not _SUBORDINATE.search(first[0])
        ):  # fmt: skip
            yield begin, stop, f"{first[0][:-1]}, and {_lowered(second[0])}"


def sites(text: str) -> list[Site]:
    """Every site of an English text that can be reworded, in the order of the text; they may overlap."""
    found: list[Site] = []
    for pattern, replacement in RULES:
        for match in pattern.finditer(text):
            new = match.expand(replacement) if isinstance(replacement, str) else replacement(match)
            if (site := _lexical(text, match, new)) is not None:
                found.append(site)
    found += [
        (match.start(), match.end(), f"{match['verb']} {match['what']} to {match['who']}")
        for match in _GAVE.finditer(text)
    ]
    spans = sentences(text)
    quoted = quotations(text)
    if quoted is not None:
        covered = inside(quoted, len(text))
        plain = [(begin, end) for begin, end in spans if not any(covered[begin:end])]
        for begin, end in plain:
            found += [(begin, end, other) for other in _reordered(text[begin:end])]
        found += _joined(text, plain)
    return sorted(set(found))


_INITIALS = listed("MIL FIL SIL BIL AITA AITAH WIBTA WIBTAH")


def _lexical(text: str, match: re.Match[str], new: str) -> Site | None:
    """The site of a rule's match, with the capital and the article that its place needs; None where it is no change."""
    old, begin = match.group(), match.start()
    written_out = old in _INITIALS or old[0].isdigit()
    if old == new or (old.isupper() and len(re.findall(r"[^\W\d_]", old)) > 1 and not written_out):
        return None  # capitals are emphasis
    if written_out:
        new = _raised(new) if _opens(text, begin) else _lowered(new)
    elif old[0].isalpha() and new[0].isalpha():
        new = _raised(new) if old[0].isupper() else _lowered(new)
    article = re.search(r"\b(an?) $", text[max(0, begin - 4) : begin], re.IGNORECASE)
    if article:
        new, begin = f"{article[1]} {new}", begin - len(article[0])
    new = re.sub(r"^([Aa])n? (?=([aeiou])?)", lambda found: f"{found[1]}{'n' if found[2] else ''} ", new)
    return begin, match.end(), new


def _opens(text: str, place: int) -> bool:
    return place == 0 or re.search(r"[.!?]\s+$|\n$", text[max(0, place - 3) : place]) is not None


def apply(text: str, chosen: list[Site]) -> str:
    """The text with the chosen sites rewritten; of two that overlap, the earlier one."""
    pieces, last = [], 0
    for begin, end, new in sorted(chosen):
        if begin >= last:
            pieces += [text[last:begin], new]
            last = end
    return "".join(pieces) + text[last:]


def paraphrases(text: str, chance: random.Random) -> Iterator[str]:
    """Rewordings of an English text; then rewordings in a frame, then the text in a frame. With repeats."""
    yield from in_frames(text, sites(text), FRAMES, chance)


def in_frames(text: str, found: list[Site], frames: list[str], chance: random.Random) -> Iterator[str]:
    """First four rewordings, then some in a frame, then all frames, then the other rewordings."""
    frames = chance.sample(frames, len(frames))
    orders = [chance.sample(found, max(1, round(len(found) * share))) for share in (1, 0.6, 0.4, 0.8, 0.3) if found]
    singles = [[site] for site in found[:20]]
    reworded = [apply(text, sites) for sites in orders + chance.sample(singles, len(singles))]
    first = list(dict.fromkeys(reworded))[:4]
    yield from first
    for number, frame in enumerate(frames):
        yield frame.format(chance.choice(first) if first and number < 3 else text.strip())
    yield from reworded


__all__ = ["FRAMES", "Site", "apply", "in_frames", "paraphrases", "sites"]
