"""The words, sentences and quotations of a text, and the words that perturbations must not change.

Notable: every function is linear in the length of the text. Where a quotation cannot be distinguished from an
apostrophe, `quotations` gives None, and the callers do not change the text.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


def listed(text: str) -> frozenset[str]:
    """The words of a list that is written as one text."""
    return frozenset(text.split())


# A word with its apostrophes, a number with its marks, blanks, or any other single character.
TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+(?:[.,:]\d+)*|\s+|.", re.DOTALL)

_ABBREVIATIONS = listed("mr mrs ms dr st vs etc e.g i.e a.m p.m approx")
_STOP = re.compile(r"(?:\.\.\.|[.!?…])+[\"'”\u2019)\]]*(?=\s|$)|\n+")
# A mark without a letter before it opens a quotation, one without a letter after it closes one.
_DOUBLE = re.compile(
    r"(?P<opening>“|(?<![\w.,!?…])\"(?=[\w.…'\u2018$]))|(?P<closing>”|(?<=[\w.,!?…'\u2019%)])\"(?!\w))|(?P<either>\")"
)
_SINGLE = re.compile(r"(?P<opening>(?<!\w)['\u2018](?=\w))|(?P<closing>['\u2019](?!\w))|(?P<line>\n)")
_FEET = re.compile(r"\d['\u2019]\s?\d+\s?[\"”]|\d\"\s*(?:tall|wide|long|screen|x)")
_ELISIONS = re.compile(r"['\u2019](?:cause|em|til|till|bout|round|tis|twas|cuz|\d0s)\b", re.IGNORECASE)

NEGATIONS = listed("""
    no not never nobody none nothing neither nor nowhere cannot without hardly barely scarcely ain't aint
""")
_NT = re.compile(r"(?:n['\u2019]t|\b(?:do|did|does|is|was|are|were|could|would|should|have|has|had)nt)$")

# Beginnings of words that carry a feeling or a judgement: they are not misspelt, and a text without a signal has none.
_EMOTIVE_STEMS = listed("""
    abandon abus accus admir ador affection afraid aggravat aggress agon alarm amaz ambival amus anger angr
    anguish annoy antagon anxi apolog appal appreciat approv arrogan asham assault asshole astonish astound
    atroc attack avenge awesome awful awkward backstab bastard beaut betray bitch bitter blackmail blam blessed
    blessing bored boring bother brave bullie bully burden callous careless caring cheat cheer cherish
    coldhearted compassion complain condemn condescend confess confiden conflict confus contempt contented
    controlling coward craz creep cried cries crime criminal cruel crush crying curious cursed curses cursing
    damn danger dead death deceit deceiv decent delight demean depress despair desper despis devast deviat died
    dies disagree disappoint disapprov disast discourag disgrac disgust dishonest dislik dismay disrespect
    distraught distress distrust disturb doubt dread drunk dying eager ecsta elat embarrass empath enjoy enrag
    entitl envi envy ethic evil excit exploit fail fair faithful fake fault fear fond forgiv fraud freak
    friendly frighten frustrat fuck funn furi generous gentle glad gorgeous grateful gratitude great greed grie
    gross grudg guilt happ harass hardhearted harmed harmf harming hate hating hatr heart heaven hellish helpful
    helpless honest hope hopin horr hostil humili hurt hypocri idiot ignor immatur immoral infidel infuriat
    innocen insecur insensitiv insult intimidat irat irrespons irritat jealous jerk jok joy kill kind laugh liar
    lied lies lone lov loyal lucky lying madd madly madness malic manipulat marvel meanest meann merci mercy
    miser mistak mistreat mock moral mourn murder nasty neglect nerv nice obnoxious obsess offen optimis outrag
    overjoy overwhelm pained painf pains panic passion patheti peace pessimis pitiful pity pleas polite pride
    proud punish rage regret reject relief reliev remorse resent respect responsib revenge ridicul right rude
    ruin ruthless sadd sadly sadness sarcas satisf scare scary scream screw selfish sensitiv shame shit shock
    shout sick sincer sinful smile sneak sorrow sorry spite steal stole stress stubborn stunn stupid suffer
    suicid surpris suspicio swear sympath tear tempt tenderly terrib terrif thank threat thrill torment tortur
    toxic trash traum treacher troubl trust ugly unaccept unappreciat uncomfort unfair unfaithful unforgiv
    ungrateful unhapp unjust unreason upset vengeful victim vile violat violen vulnerab warm weird wept whin
    wicked wonderful worr worse worst worth wrong yell
""")
_EMOTIVE = re.compile(rf"(?:un|in|dis|mis|over)?(?:{'|'.join(sorted(_EMOTIVE_STEMS))})", re.IGNORECASE)


def words(text: str) -> list[str]:
    """The words of a text in their spelling, without numbers and punctuation."""
    return [token for token in TOKEN.findall(text) if token[0].isalpha()]


def is_negation(word: str) -> bool:
    """Whether a word denies: "not", "never", "didn't", "didnt", ..."""
    lower = word.lower().replace("\u2019", "'")
    return lower in NEGATIONS or _NT.search(lower) is not None


def is_emotive(word: str) -> bool:
    """Whether a word begins like one that carries a feeling or a judgement ("angrily"); in doubt True."""
    return _EMOTIVE.match(word) is not None


def share_of_script(text: str, script: str) -> float:
    """Share of a text's letters whose Unicode name begins with ``script``, such as "HANGUL"; 0 without letters."""
    letters = [character for character in text if character.isalpha()]
    known = {character: unicodedata.name(character, "").startswith(script) for character in set(letters)}
    return sum(known[character] for character in letters) / len(letters) if letters else 0.0


def sentences(text: str) -> list[Span]:
    """Where the sentences of a text begin and end, with their closing marks and without blanks around them."""
    spans: list[Span] = []
    start = 0
    for match in _STOP.finditer(text):
        if match.group() == ".":
            before = text[max(start, match.start() - 8) : match.start()].split()
            if before and before[-1].lower().lstrip("(\"'“") in _ABBREVIATIONS:
                continue
        spans.append((start, match.end()))
        start = match.end()
    spans.append((start, len(text)))
    trimmed = []
    for begin, end in spans:
        piece = text[begin:end]
        if piece.strip():
            trimmed.append((begin + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())))
    return trimmed


def quotations(text: str) -> list[Span] | None:
    """Where the quoted parts of a text are, quotation marks included; None where the marks are ambiguous."""
    if _FEET.search(text):
        return None
    spans: list[Span] = []
    begin = -1
    for match in _DOUBLE.finditer(text):
        opens = match.lastgroup == "opening" or (match.lastgroup == "either" and begin < 0)
        if opens != (begin < 0):
            return None
        if opens:
            begin = match.start()
        else:
            spans.append((begin, match.end()))
            begin = -1
    if begin >= 0:
        return None
    covered = inside(spans, len(text))
    bare = _ELISIONS.sub(lambda match: "e" * len(match.group()), text)
    marks = [match for match in _SINGLE.finditer(bare) if not covered[match.start()]]
    single = _single_quotations(bare, marks)
    return None if single is None else sorted(spans + single)


def _single_quotations(text: str, marks: list[re.Match[str]]) -> list[Span] | None:
    """Spans in single marks: each opening mark must have exactly one closing one before the next, on its line."""
    spans: list[Span] = []
    begin, ends = -1, [0]
    for match in marks:
        if match.lastgroup == "closing":
            ends.append(match.end())
            if begin < 0 and match.group() == "'" and text[match.start() - 1 : match.start()] not in tuple("sSxXzZ"):
                return None  # neither the end of a quotation nor the apostrophe of "my parents' house"
            continue
        if begin >= 0:  # an opening mark or the end of the line, after an opening mark
            if len(ends) != 1:
                return None
            spans.append((begin, ends[0]))
        begin, ends = (match.start() if match.lastgroup == "opening" else -1), []
    if begin >= 0:
        if len(ends) != 1:
            return None
        spans.append((begin, ends[0]))
    return spans


def inside(spans: Iterable[Span], length: int) -> bytearray:
    """One byte per character of a text of ``length``, 1 where a span covers it."""
    covered = bytearray(length)
    for begin, end in spans:
        covered[begin:end] = b"\x01" * (end - begin)
    return covered


__all__ = [
    "NEGATIONS",
    "TOKEN",
    "Span",
    "inside",
    "is_emotive",
    "is_negation",
    "listed",
    "quotations",
    "sentences",
    "share_of_script",
    "words",
]
