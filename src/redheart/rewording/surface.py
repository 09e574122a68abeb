"""Surface edits: how the same text looks when somebody else types it.

Notable: an edit returns the text unchanged where it does not apply. Words in capitals keep them (they are emphasis, or
names such as US), and no exclamation mark is added or removed. `expand` and `contract` do not change what has two full
forms ("she's", "he'd"), questions in which the order of words would change, and places where the short form is wrong.
"""

import random
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

from .wording import TOKEN, is_emotive, is_negation, listed, quotations, sentences

Edit: TypeAlias = Callable[[str, random.Random], str]

_BARE_AUXILIARY = "do|does|did|is|was|are|were|could|would|should|have|has|had"
# Before these a negated auxiliary at the start of a clause is a question: "Didn't she know?"
_SUBJECT = listed("""
    i you he she it we they this that these those there my your his her our their its the a an any anyone
    anybody everyone everybody someone somebody people
""")
_OPENERS = listed("why how when where who what which and but or so if because then")
_NEGATED = re.compile(
    rf"(?P<before>(?:^|(?<![\w\u2019'])[\w\u2019']+[ ]|\W))(?P<verb>{_BARE_AUXILIARY}|must|need|ca|wo|sha)n['\u2019]t\b"
    r"(?=(?P<after>(?: \w+)?))",
    re.IGNORECASE,
)
_IRREGULAR = {"ca": "cannot", "wo": "will not", "sha": "shall not"}
_FULL = re.compile(r"\b(?P<who>I|you|we|they|he|she|it|there|that)['\u2019](?P<short>m|re|ve|ll)\b", re.IGNORECASE)
_FULL_FORMS = {"m": "am", "re": "are", "ve": "have", "ll": "will"}
_NOT = re.compile(
    rf"\b(?:(?P<verb>{_BARE_AUXILIARY}) not|(?P<can>[Cc]annot|[Cc]an not)|(?P<will>[Ww]ill not))\b(?! only)"
)
# Only before words that complete the verb: "who I am to her" has no short form.
_SHORT = {
    ending: re.compile(rf"\b({pattern}(?= (?:{following})\b)")
    for ending, pattern, following in (
        ("m", "I) am", r"not|a|an|the|just|still|also|always|never|going|trying|sorry|\w+ing"),
        ("re", "[Ww]e|[Yy]ou|[Tt]hey) are", r"a|an|the|just|still|also|always|never|going|trying|\w+ing"),
        ("ve", "I|[Ww]e|[Yy]ou|[Tt]hey) have", "been|known|told|never|always|already|only|tried|asked|seen|made"),
        ("ll", "I|[Ww]e|[Yy]ou|[Tt]hey|[Ss]he|[Hh]e) will", "be|have|never|always|do|go|get|take|tell|need|keep"),
    )
}
# The short form is wrong where the verb's complement is before it: "how mad I am going there", "what you are".
_DISPLACED = re.compile(r"\b(?:what|who|how|as|than|that|which|where|whatever|however)(?: \w+)? $", re.IGNORECASE)
_CASUAL = {"gonna": "going to", "wanna": "want to", "kinda": "kind of", "sorta": "sort of", "cuz": "because"}
_BARE = re.compile(rf"\b((?:{_BARE_AUXILIARY})n)['\u2019](t)\b", re.IGNORECASE)

_BRITISH = listed("""
    colour/color colours/colors coloured/colored colourful/colorful favourite/favorite favourites/favorites
    favour/favor favours/favors behaviour/behavior behaviours/behaviors neighbour/neighbor neighbours/neighbors
    neighbourhood/neighborhood honour/honor honours/honors honoured/honored humour/humor rumour/rumor
    rumours/rumors labour/labor harbour/harbor flavour/flavor flavours/flavors parlour/parlor realise/realize
    realises/realizes realised/realized realising/realizing apologise/apologize apologises/apologizes
    apologised/apologized apologising/apologizing organise/organize organises/organizes organised/organized
    organising/organizing organisation/organization recognise/recognize recognises/recognizes
    recognised/recognized recognising/recognizing criticise/criticize criticises/criticizes
    criticised/criticized criticising/criticizing prioritise/prioritize prioritised/prioritized
    socialise/socialize socialising/socializing emphasise/emphasize memorise/memorize centre/center
    centres/centers theatre/theater theatres/theaters litre/liter litres/liters grey/gray travelling/traveling
    travelled/traveled traveller/traveler cancelled/canceled cancelling/canceling labelled/labeled
    modelling/modeling counsellor/counselor jewellery/jewelry pyjamas/pajamas defence/defense offence/offense
    judgement/judgment cosy/cozy sceptical/skeptical enrol/enroll fulfil/fulfill catalogue/catalog
    dialogue/dialog aeroplane/airplane mum/mom mums/moms mummy/mommy dreamt/dreamed learnt/learned
    analyse/analyze analysed/analyzed paralysed/paralyzed manoeuvre/maneuver moustache/mustache plough/plow
""")
_SPELLING = dict(pair.split("/") for pair in _BRITISH)
_SPELLING |= {american: british for british, american in _SPELLING.items()}
# Transposing two letters of these gives another word.
_OTHER_WORD = listed("""
    marital martial complaint compliant perfect prefect reality realty united untied diary dairy
""")


def expand(text: str) -> str:
    """Write short forms out: "didn't" as "did not", "I've" as "I have", "gonna" as "going to"."""

    def negated(match: re.Match[str]) -> str:
        before, verb, after = match["before"], match["verb"], match["after"]
        previous, following = before.strip(" ").lower(), after.strip().lower()
        opens = not previous or not (previous[-1].isalnum()) or previous in _OPENERS
        if opens and (following in _SUBJECT or after.strip()[:1].isupper()):
            return match.group()
        if verb.isupper() and len(verb) > 1:
            return match.group()
        full = _IRREGULAR.get(verb.lower(), f"{verb.lower()} not")
        return before + _like(full, verb)

    def full(match: re.Match[str]) -> str:
        short = match["short"]
        return match.group() if short.isupper() else f"{match['who']} {_FULL_FORMS[short.lower()]}"

    text = _NEGATED.sub(negated, text)
    text = _FULL.sub(full, text)
    return TOKEN.sub(lambda match: _replaced(match.group(), _CASUAL), text)


def contract(text: str) -> str:
    """Shorten full forms: "did not" to "didn't", "cannot" to "can't", "I have been" to "I've been"."""
    mark = "\u2019" if "\u2019" in text else "'"

    def negated(match: re.Match[str]) -> str:
        short = match["can"][:3] if match["can"] else match["will"][0] + "on" if match["will"] else match["verb"] + "n"
        return f"{short}{mark}t"

    text = _NOT.sub(negated, text)
    for ending, pattern in _SHORT.items():
        text = _shortened(text, pattern, mark + ending)
    return text


def _shortened(text: str, pattern: re.Pattern[str], ending: str) -> str:
    def short(match: re.Match[str]) -> str:
        before = match.string[max(0, match.start() - 30) : match.start()]
        return match.group() if _DISPLACED.search(before) else match[1] + ending

    return pattern.sub(short, text)


def _like(word: str, pattern: str) -> str:
    """``word`` with a capital where ``pattern`` has one."""
    return word[0].upper() + word[1:] if pattern[0].isupper() else word


def _replaced(token: str, table: dict[str, str]) -> str:
    found = table.get(token.lower())
    return token if found is None or (token.isupper() and len(token) > 1) else _like(found, token)


def misspell(text: str, chance: random.Random) -> str:
    """Transpose two inner letters of one long word that is not a name, not a negation and not emotive."""
    places = [
        match
        for match in re.finditer(r"(?<![\w'\u2019./@:-])[a-z]{7,}(?!['\u2019./@:-]?\w)", text)
        if match.group() not in _OTHER_WORD and not is_emotive(match.group()) and not is_negation(match.group())
    ]
    if not places:
        return text
    word = chance.choice(places)
    letters = list(word.group())
    inner = [index for index in range(2, len(letters) - 3) if letters[index] != letters[index + 1]]
    if not inner:
        return text
    index = chance.choice(inner)
    letters[index], letters[index + 1] = letters[index + 1], letters[index]
    return text[: word.start()] + "".join(letters) + text[word.end() :]


def _lower(text: str) -> str:
    return TOKEN.sub(lambda match: match.group() if _is_capitals(match.group()) else match.group().lower(), text)


def _is_capitals(token: str) -> bool:
    return len(token) > 1 and token.isupper() and not token.startswith(("I'", "I\u2019"))


def _lower_starts(text: str) -> str:
    return _first_letters(text, lambda word: word if _is_capitals(word) or word[0] == "I" else word.lower())


def _upper_starts(text: str) -> str:
    return _first_letters(text, lambda word: word[0].upper() + word[1:])


def _first_letters(text: str, change: Callable[[str], str]) -> str:
    pieces, last = [], 0
    for start, end in sentences(text):
        match = re.compile(r"[\"'“\u2018(]*([^\W\d_]+(?:['\u2019][^\W\d_]+)*)").match(text, start, end)
        if match:
            pieces += [text[last : match.start(1)], change(match[1])]
            last = match.end(1)
    return "".join(pieces) + text[last:]


def _curly(text: str) -> str:
    text = re.sub(r"(?<=\w)'(?=\w)", "\u2019", text)
    if '"' not in text or quotations(text) is None:
        return text
    halves = text.split('"')
    return "".join(half + ("“" if number % 2 == 0 else "”") for number, half in enumerate(halves[:-1])) + halves[-1]


def straight_marks(text: str) -> str:
    """The text with straight quotation marks and apostrophes for curved ones."""
    return text.translate(str.maketrans("“”\u2018\u2019", "\"\"''"))


def other_ellipsis(text: str) -> str:
    """The text with three full stops for an ellipsis character, or the other way round."""
    return text.replace("…", "...") if "…" in text else re.sub(r"(?<!\.)\.{3}(?!\.)", "…", text)


def _stop(text: str) -> str:
    stripped = text.rstrip()
    if re.search(r"[\w)]\.$", stripped) and not re.search(r"\b(?:etc|a\.m|p\.m|[A-Z])\.$", stripped):
        return stripped[:-1]
    return stripped + "." if re.search(r"\w$", stripped) else text


def _spelling(text: str) -> str:
    # Names keep their letters: "the Kennedy Center", "Mr Gray".
    return TOKEN.sub(lambda match: _SPELLING.get(match.group(), match.group()), text)


def _one_wide(text: str, chance: random.Random) -> str:
    places = [match.start() for match in re.finditer(r"(?<=\w) (?=\w)", text)]
    if not places:
        return text
    place = chance.choice(places)
    return text[:place] + " " + text[place:]


def _plain(function: Callable[[str], str]) -> Edit:
    return lambda text, chance: function(text)


# At most one edit of a group is made; the groups in this order. Edits that a tokenizer may not see at all are in the
# second table, and are only combined with one of the first where there is one.
VISIBLE: list[list[Edit]] = [
    [_plain(expand), _plain(contract), _plain(lambda text: _BARE.sub(r"\1\2", text))],
    [_plain(_spelling)],
    [misspell],
    [_plain(other_ellipsis)],
    [_plain(_curly), _plain(straight_marks)],
    [_plain(_stop)],
]
FAINT: list[list[Edit]] = [
    [_plain(_lower), _plain(_lower_starts), _plain(_upper_starts)],
    [_one_wide, _plain(lambda text: re.sub(r"(?<=[.!?]) (?=\S)", "  ", text))],
    [_plain(lambda text: text + "\n"), _plain(lambda text: text + " ")],
]


def surface(text: str, chance: random.Random) -> Iterator[str]:
    """Texts that differ from ``text`` in one edit or several; repeats and the text itself may be among them.

    First those that differ from each other in more than case and blanks, as long as random combinations give such
    texts; then every edit and every pair, so that a short text gives all of its variants.

    Args:
        text: An English text.
        chance: Makes the random choices.

    Yields:
        The variants.
    """
    yield from combined(text, VISIBLE, FAINT, chance)


def combined(text: str, visible: list[list[Edit]], faint: list[list[Edit]], chance: random.Random) -> Iterator[str]:
    """The combinations of two tables of edits, in the order that `surface` describes."""

    def works(edit: Edit) -> bool:
        return edit(text, random.Random(0)) != text

    tables = [[[edit for edit in group if works(edit)] for group in table] for table in (visible, faint)]
    seen, hidden = ([group for group in table if group] for table in tables)
    novel = {_visible(text)}
    for _ in range(30 if seen else 0):
        chosen = chance.sample(seen, min(len(seen), chance.choice((1, 1, 2, 3))))
        chosen += [group for group in hidden if chance.random() < 0.3]
        variant = _apply(text, [chance.choice(group) for group in [*seen, *hidden] if group in chosen], chance)
        if _visible(variant) not in novel:
            novel.add(_visible(variant))
            yield variant
    edits = [edit for group in [*seen, *hidden] for edit in group]
    edits = chance.sample(edits, len(edits))
    for edit in edits:
        yield _apply(text, [edit], chance)
    for first, second in product(edits, edits):
        yield _apply(text, [first, second], chance)


def _visible(text: str) -> str:
    """The text as a tokenizer sees it that ignores case and blanks."""
    return "".join(text.lower().split())


def _apply(text: str, edits: list[Edit], chance: random.Random) -> str:
    for edit in edits:
        text = edit(text, chance)
    return text


__all__ = ["Edit", "combined", "contract", "expand", "misspell", "other_ellipsis", "straight_marks", "surface"]
