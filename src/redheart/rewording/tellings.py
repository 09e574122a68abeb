"""The ways to refer to the narrator of a first-person text: as "you", or as a third person with or without a name.

Notable: a pronoun is only used where the text has it for nobody else. "We" becomes "they", so a text with "we" needs
"he" or "she" for the narrator, and only if no group of people in it could be "they"; with "you" it would lose the
others.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .persons import Text
from .verbs import GENDERED, may_be
from .wording import listed

Pronoun: TypeAlias = Literal["you", "they", "he", "she"]

# Subject, object, possessive before a noun and alone, reflexive.
FORMS: dict[str, tuple[str, str, str, str, str]] = {
    "you": ("you", "you", "your", "yours", "yourself"),
    "they": ("they", "them", "their", "theirs", "themselves"),
    "he": ("he", "him", "his", "his", "himself"),
    "she": ("she", "her", "her", "hers", "herself"),
}
PEOPLE = listed("""
    wife husband girlfriend boyfriend partner sister brother mother father mom mum dad friend roommate cousin
    son daughter boss coworker neighbor neighbour ex fiancé fiancée fiance fiancee family friends parents
    siblings colleague flatmate kids bf gf
""")
_MANY = listed("""
    people children men women folks family families police parents siblings girls boys guys ladies brothers sisters
    mothers fathers sons daughters husbands wives aunts uncles in-laws couple others
""")
_GENDERED: list[Pronoun] = ["he", "she"]
_ROUNDS = 3
_NAMES: dict[Pronoun, list[str]] = {
    "they": ["Alex", "Robin", "Jordan", "Casey", "Taylor", "Morgan", "Jamie", "Riley", "Quinn"],
    "he": ["Daniel", "Thomas", "Peter", "Adam", "Martin", "Victor", "Simon", "Oscar"],
    "she": ["Laura", "Emma", "Julia", "Helen", "Clara", "Alice", "Nora", "Irene"],
}
_DESCRIBED = ["Someone I know", "A person I know", "A friend of mine", "An acquaintance of mine"]
_OPENINGS = ["This is about a person called {}.", "The person in this account is called {}.", "This is about {}."]


@dataclass(frozen=True)
class Telling:
    """A way to refer to the narrator.

    Attributes:
        pronoun: The pronoun.
        name: The name; None = without.
        described: A description instead of a name, such as "A friend of mine".
        opening: A sentence before the text that gives the name.
    """

    pronoun: Pronoun
    name: str | None = None
    described: str | None = None
    opening: str | None = None


# With "you" these are set phrases of another meaning: "you bet", "you wish", "you know".
_SET_PHRASES = re.compile(
    r"\bI\s+(?:\w+\s+)?(?:bet\b|wish\b(?!\s+(?:I|to)\b)|(?:know|see)(?:[,.!?]|$))", re.IGNORECASE | re.MULTILINE
)


def can_tell(text: Text, pronoun: Pronoun) -> bool:
    """Whether a first-person text has this pronoun for nobody else, and the narrator's gender allows it."""
    if not text.sure or "first" not in text.groups or pronoun in text.groups:
        return False
    if pronoun in GENDERED:
        if text.cues - {pronoun}:
            return False
        # "We" becomes "they": then nobody else may be "they", and the text must name the others of "we".
        alone = not text.groups & {"he", "she"} and PEOPLE.isdisjoint(text.lower)
        plural = "they" in text.groups or any(
            word in _MANY or (word.endswith("s") and may_be(word[:-1], pronoun)) for word in text.lower
        )
        # "They left them" is unclear: "us" alone does not say who was there.
        first_we = next((word for word in text.lower if word in ("we", "our", "us", "we're", "we've", "we'd")), "")
        return "we" not in text.groups or not (plural or alone or first_we == "us")
    return "we" not in text.groups and not (pronoun == "you" and _SET_PHRASES.search(text.text))


def tellings(parsed: Text, chance: random.Random) -> Iterator[Telling]:
    """First "you", then names with "they", "he" and "she", descriptions, and names with an opening sentence."""
    present = set(parsed.lower)
    names: dict[Pronoun, list[str]] = {
        pronoun: [name for name in chance.sample(known, len(known)) if name.lower() not in present]
        for pronoun, known in _NAMES.items()
    }
    pronouns: list[Pronoun] = ["they", *chance.sample(_GENDERED, 2)]
    yield Telling("you")
    for _ in range(_ROUNDS):
        yield from (Telling(pronoun, names[pronoun].pop()) for pronoun in pronouns if names[pronoun])
        yield from (Telling("they", None, described) for described in chance.sample(_DESCRIBED, 2))
        for pronoun in pronouns:
            if names[pronoun]:
                name = names[pronoun].pop()
                yield Telling(pronoun, name, opening=chance.choice(_OPENINGS).format(name))


__all__ = ["FORMS", "PEOPLE", "Pronoun", "Telling", "can_tell", "tellings"]
