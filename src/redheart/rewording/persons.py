"""The people in a text: its pronouns by person, its names, and what a pronoun in it could refer to.

Notable: in doubt a text is refused. Where a quotation is not closed, the narrator addresses the reader ("believe me")
or somebody is cited without quotation marks, the text is not `sure`, and no other point of view is derived from it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .verbs import BASE, is_adverb, is_past, may_be
from .wording import TOKEN, inside, listed, quotations

# Questions of a forum that hide an "I", and the verb that they begin with.
QUESTIONS = {"AITA": "am", "AITAH": "am", "WIBTA": "would", "WIBTAH": "would"}
_GROUPS = {
    "first": r"i|i'm|i've|i'd|i'll|im|ive|me|my|mine|myself",
    "we": r"we|us|our|ours|ourselves|we're|we've|we'd|we'll",
    "you": r"you|your|yours|yourself|yourselves|you're|you've|you'd|you'll|u|ur|ya|y'all|yall",
    "they": r"they|them|their|theirs|themselves|themself|they're|they've|they'd|they'll",
    "he": r"he|him|his|himself|he's|he'd|he'll",
    "she": r"she|her|hers|herself|she's|she'd|she'll",
}
_GROUP_OF = {word: group for group, pattern in _GROUPS.items() for word in pattern.split("|")}

# Where the narrator addresses the reader, where somebody is cited without marks, and where "I" is not a person.
_TO_READER = (
    "let|tell|help|forgive|excuse|believe|trust|correct|hear|judge|ask|pardon|give|bear with|roast|spare|convince|send"
    "|dm|pm|message|grant|allow|call"
)
_REFUSED = re.compile(
    rf"(?:^|[.!?,;:\n(-]|\b(?:please|so|but))\s*(?:{_TO_READER})\s+(?:me|us)\b|\band\s+(?:tell|let)\s+me\s+(?:know|if|what)\b"
    r"|(?:^|[.!?,;]\s)I mean\b|\bmind\s+(?:me|my)\b|\bmy\s+dude\b|\bhappy\s+(?:birth\w*|anniversary|new year)\s+my\b|\\"
    r"|\blet['\u2019]?s\b|^\s*>|\b(?:me|i|myself)\s?:|\bdear\s+\w+,"
    r"|\b(?:said|says|goes|like|asked|replied|texted|yelled|answered|responded|told (?:me|him|her|them))\s?[,:]\s*"
    r"(?:i|my|me|you)\b|\b(?:was|were|is|am|be|['\u2019]s|['\u2019]m|all)\s+like,?\s+(?:i|my|you)\b"
    r"|\b(?:war|type|part|phase|class|world|volume|level)\s+I\b|\bI-\d|(?-i:\bI\.\s?[A-Z]\b|\b[A-Z]\.I\b)"
    r"|\b(?:the|an?)\s+I\b"
    r"|\b(?:ill|id)\s+(?:be|have|get|tell|go|just|never|rather|like|say|do|take|give|ask|been)\b"
    r"|\bI(?:['\u2019]m|\s+am|\s+was)\s+an?\s[^.!?,\n]{0,50}\bwho\b|\b(?:a|the|coal|gold)\s+mine\b|\bi\s+and\s+(?:i|me)\b|\bi\s+(?:i|my|me)\b",
    re.IGNORECASE | re.MULTILINE,
)
# Without a possessive these are the narrator's relatives: "Mom said that I ...".
_KIN = listed("mom mum mommy mummy dad daddy grandma grandpa nana granny")
_KIN_BEFORE = listed("my his her their our your the a an and or step single new old good bad other own ex her")
_FIXED = re.compile(r"\b(?:oh\s+)?my\s+(?:god|goodness|gosh|lord|bad)\b|\boh\s+my\b|\bi\.\s?e\b", re.IGNORECASE)
# Where the narrator states a gender. In doubt it matches: an error only means a pronoun that is not used.
_CUE = re.compile(
    r"\b(?:I|I['\u2019]m|im|me|as|being|like|myself)\b(?:\s+(?!my|his|her|their|our|your|\w+['\u2019]s)[\w-]+){0,5}?\s+"
    r"(?:(?P<he>man|guy|boy|dude|father|dad|husband|brother|son|boyfriend|uncle|grandfather|male)"
    r"|(?P<she>woman|girl|lady|mother|mom|mum|wife|sister|daughter|girlfriend|aunt|grandmother|female))\b"
    r"|\b(?:I|I['\u2019]m|me|myself|im)\b\s*,?\s*[(\[]?\s*"
    r"(?:(?P<m>\d\d\s?m|m\s?/?\d\d|m)|(?P<f>\d\d\s?f|f\s?/?\d\d|f))\b"
    r"|\b(?P<birth>pregnan\w+|my\s+(?:period|bra|c-section)|breastfe\w+|gave\s+birth|miscarr\w+)\b"
    r"|\b(?P<beard>my\s+(?:beard|vasectomy|prostate))\b",
    re.IGNORECASE,
)
AGE = re.compile(r"[(\[]\s*(?:\d\d\s?[mf]?|[mf]\s?/?\d\d|[mf])\s*[)\]]", re.IGNORECASE)
_ENDS = frozenset(".!?…|")
_FIRST_SUBJECTS = listed("i i'm im i've ive i'd i'll")
_FINITE = listed("is are was were am has have do does don't doesn't isn't wasn't he she he's she's it's we they")
_JOINTS = listed("and or but , then yet /")
# Between a verb and an "and", these may introduce an infinitive or another subject.
BLOCKERS = listed("""
    to that who whom which what when where while because if since as than he she it we they you there how why let
    lets make makes made help helps see sees could would should might must may can will cannot ' " “
""")
# What may follow a verb, but not the plural or the noun of the same spelling: "plans the", "loves him".
_OBJECTS = listed("""
    the a an my your his her our their its this that these those him it them me us myself himself herself to into
    off away out up down not about for with from on at back over
""")
_SAID = listed("said say asked ask replied told answered yelled screamed shouted responded whispered added thought")
_BRACKETS = frozenset("\"'“”\u2018\u2019([*_-")
_SHORTENED = listed("mr mrs ms dr e g vs etc")
_STARTERS = listed("""
    the a an this that these those so but and or when while after before because since if as at in on for from
    with without to of by about it he she we they you there here what why how who which where then now today
    yesterday tomorrow last one two three some many most all both each every another other his her their our
    your its also however although though even yes no not never maybe perhaps well okay ok anyway anyways
    basically first second finally later soon once recently lately during until till over under out up back just
    only still edit update tldr tl dr ps background context whenever whether either neither instead despite
    apart rather things everything nothing something anything between upon such same sorry thanks thank please
    hello hi hey guys reddit throwaway long short story fast sometimes several few more less much is are was
    were do does did have has had can could will would should may might must am be been being let got having
    going
""")
_NOT_NAMES = listed("""
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december christmas easter thanksgiving halloween english american british
    facebook instagram reddit snapchat twitter tinder uber netflix amazon google aita wibta tv usa us uk ok i'm
    i've i'd i'll xmas asshole god
""")


@dataclass
class Text:
    """A text cut into tokens, and what is known about each.

    Attributes:
        text: The text.
        tokens: Its tokens, blanks included.
        lower: The tokens in lower case, with straight apostrophes.
        plain: For each token, whether it is outside of quotations and set phrases.
        groups: The persons for which the text has a pronoun: "first", "we", "you", "they", "he", "she".
        cues: The genders ("he", "she") that the narrator states.
        sure: Whether it is clear who is who.
    """

    text: str
    tokens: list[str] = field(init=False)
    lower: list[str] = field(init=False)
    plain: list[bool] = field(init=False)
    groups: set[str] = field(init=False)
    cues: set[str] = field(init=False)
    sure: bool = field(init=False)

    def __post_init__(self) -> None:
        quoted = quotations(self.text)
        covered = inside(quoted or [], len(self.text))
        fixed = inside([match.span() for match in _FIXED.finditer(self.text)], len(self.text))
        masked = "".join("¤" if hidden else char for char, hidden in zip(self.text, covered, strict=True))
        self.sure = quoted is not None and _REFUSED.search(masked) is None
        self.tokens, self.plain = [], []
        for match in TOKEN.finditer(self.text):
            self.tokens.append(match.group())
            self.plain.append(not covered[match.start()] and not fixed[match.start()])
        self.lower = [token.lower().replace("\u2019", "'") for token in self.tokens]
        pairs = zip(self.tokens, self.lower, self.plain, strict=True)
        self.groups = {_GROUP_OF[word] for token, word, plain in pairs if plain and word in _GROUP_OF and token != "US"}
        if any(token in QUESTIONS for token in self.tokens):
            self.groups.add("first")
        self.sure = self.sure and not any(self._bare_kin(place) for place in range(len(self.tokens)))
        self.cues = set()
        for match in _CUE.finditer(masked):
            self.cues.add("he" if match["he"] or match["m"] or match["beard"] else "she")

    def near(self, place: int, step: int) -> int | None:
        """The next token that is not blank, on the same line; None where there is none."""
        place += step
        while 0 <= place < len(self.tokens) and self.tokens[place].isspace():
            if "\n" in self.tokens[place]:
                return None
            place += step
        return place if 0 <= place < len(self.tokens) else None

    def _bare_kin(self, place: int) -> bool:
        if self.lower[place].removesuffix("'s") not in _KIN or not self.plain[place]:
            return False
        before = self.near(place, -1)
        if before is None:
            return True
        word = self.lower[before]
        if word in ("and", "or"):
            earlier = self.near(before, -1)
            return earlier is None or not self.lower[earlier].startswith(("m", "f", "d", "grand", "bro", "sis"))
        return word not in _KIN_BEFORE and not word.endswith("'s") and word != "-"

    def opens(self, place: int) -> bool:
        """Whether a sentence begins with this token."""
        before, after = self.near(place, -1), self.near(place, 1)
        if before is not None and not self.plain[before] and after is not None and self.lower[after] in _SAID:
            return False  # '"Why?" I asked'
        while before is not None and self.tokens[before] in _BRACKETS:
            before = self.near(before, -1)
        if before is None:
            return True
        if self.tokens[before] not in _ENDS:
            return False
        word = self.near(before, -1) if self.tokens[before] == "." else None
        return word is None or self.lower[word] not in _SHORTENED or before - word != 1

    def verb(self, place: int) -> int | None:
        """The token after a subject that should be its verb, after adverbs and "(25F)"; None at the end of a line."""
        after = self.near(place, 1)
        if after is not None and self.tokens[after] in "([":
            match = AGE.match("".join(self.tokens[after : after + 8]))
            if match:
                after = next(end for end in range(after, len(self.tokens)) if self.tokens[end] in ")]")
                after = self.near(after, 1)
        while after is not None and is_adverb(self.lower[after]):
            after = self.near(after, 1)
        return after

    def after_clause(self, place: int) -> bool:
        """Whether a subject after ", and" begins a clause: there is a clause before it, so it does not end a list."""
        joint = self.near(place, -1)
        comma = self.near(joint, -1) if joint is not None else None
        if comma is None or self.tokens[comma] != ",":
            return False
        for before in range(comma - 1, max(comma - 60, -1), -1):
            word = self.lower[before]
            if word in _ENDS or "\n" in word:
                return False
            if is_past(word) or word in _FINITE or word in _FIRST_SUBJECTS:
                return True
        return False

    def second_verbs(self, verb: int, form: Callable[[str], str | None]) -> list[tuple[int, str]] | None:
        """Further verbs of the subject of a verb, with the forms they need: "she takes it and leaves the house".

        Args:
            verb: Place of the first verb.
            form: The new form of a verb; None where it stays, "" where it is not known.

        Returns:
            Places and forms; None where it is not sure that the subject is the same, or that the word is a verb.
        """
        found, clean = [], True
        for place in range(verb + 1, len(self.tokens)):
            word = self.lower[place]
            if word in _ENDS or "\n" in word or word in _FIRST_SUBJECTS or not self.plain[place]:
                break
            if word not in _JOINTS:
                clean = clean and not (word in BLOCKERS or is_past(word) or form(word) not in (None, "", word))
                continue
            following = self.near(place, 1)
            while following is not None and (is_adverb(self.lower[following]) or self.lower[following] == "then"):
                following = self.near(following, 1)
            new = form(self.lower[following]) if following is not None else None
            if following is None or new is None or new == self.lower[following]:
                continue
            if not new:
                return None
            after = self.near(following, 1)
            if not clean or word not in ("and", "but") or after is None or self.lower[after] not in _OBJECTS:
                return None
            found.append((following, new))
        return found

    def is_name(self, place: int) -> bool:
        """Whether a token looks like a person's name; in doubt True."""
        token, word = self.tokens[place], self.lower[place]
        if not token[0].isupper() or word in _NOT_NAMES or word in _GROUP_OF or token in QUESTIONS:
            return False
        # Also in the middle of a sentence: titles have capitals everywhere.
        return not (word in _STARTERS or is_adverb(word) or is_past(word) or word in BASE or word.endswith("ing"))

    def rival(self, place: int, pronoun: str) -> bool:
        """Whether the pronoun could refer to what this token names."""
        return self.tokens[place][0].isalpha() and (may_be(self.lower[place], pronoun) or self.is_name(place))


__all__ = ["AGE", "BLOCKERS", "QUESTIONS", "Text"]
