"""A text about one "he" or "she", rewritten with "I" or with the other pronoun.

Notable: only where nobody else in the text could be meant. With a second name, a noun that the pronoun could refer to
before its next use ("he told his brother that he ..."), or an unknown verb, there is no variant (None). The one person
may have a first name from a list; a word that only looks like a name is a reason to refuse.
"""

from dataclasses import dataclass

from .persons import BLOCKERS, Text
from .verbs import first_person, is_past, may_be
from .wording import listed

# "Her" before one of these is an object; before a noun it is a possessive.
_AFTER_OBJECT = listed("""
    to for that and but because when in at on with a the so if about up out off down back from as by after
    before until while again yesterday today not or since into over this what how why where his it without
""")
_PREPOSITIONS = listed("to for with from of at about on by behind near after before without against and")
_CLAUSE_OPENERS = listed("when while because if that so but and since as after before until although though where , ;")
# Only what people have and are: after "told her" or "made her", the next word may not be hers.
_POSSESSED = listed("""
    mother father mom mum dad sister brother son daughter husband wife boyfriend girlfriend friend friends boss
    parents roommate neighbor neighbour coworker phone car house money job room apartment dog cat keys bag diary
    secret family children kids wallet ring name email book laptop homework exam work office birthday wedding
    best own old new younger older ex fiancé fiancée mind life
""")
_PRONOUNS = {
    "he": {"he": 0, "him": 1, "his": 2, "himself": 4, "he's": 0, "he'd": 0, "he'll": 0},
    "she": {"she": 0, "her": 2, "hers": 3, "herself": 4, "she's": 0, "she'd": 0, "she'll": 0},
}
# The pronoun of a subject; None for a word that is not a subject.
_SUBJECT_OF = {
    word: pronoun if role == 0 else None for pronoun, roles in _PRONOUNS.items() for word, role in roles.items()
}
_FORMS = {
    "I": ("I", "me", "my", "mine", "myself"),
    "he": ("he", "him", "his", "his", "himself"),
    "she": ("she", "her", "her", "hers", "herself"),
}
_AFTER_BE = listed("not a an the in at so very sorry sure afraid happy angry mad sad late glad too really")
_PERFECT = listed("been had got gone done taken given known told seen never always already")
# First names by pronoun, without those of both women and men.
_NAMES = {
    "he": listed("""
        aaron adam adrian alan albert andrew anthony arthur ben benjamin bob bobby brad brandon brian bruce carl
        carlos charles charlie cody colin connor craig dan daniel danny dave david dennis derek don donald doug
        dylan ed eddie edward eric ethan evan frank fred gary george greg gregory harold harry henry ian isaac
        ivan jack jacob jake james jason jeff jeffrey jeremy jerry jim jimmy joe joel john johnny jon jonathan
        jose joseph josh joshua juan justin keith ken kenny kevin kyle larry leo leon liam logan louis lucas
        luis luke marcus martin marvin mason matt matthew michael miguel mike nathan neil nicholas nick noah
        oscar patrick paul peter phil philip ralph randy ray raymond richard rick ricky robert roger ron ronald
        ryan samuel scott sean seth simon stan stephen steve steven ted thomas tim timothy todd tom tommy tony
        travis tyler vernon victor vincent walter wayne wesley william zach zachary
    """),
    "she": listed("""
        agnes alice amanda amber amy andrea angela anna anne barbara beth betty brenda carla carol caroline
        catherine cathy cheryl chloe christina cindy claire crystal cynthia daisy debbie deborah diana diane
        donna doris eleanor elena elizabeth ella ellen emily emma erica erin eva evelyn fiona gina gloria hannah
        heather heidi helen holly isabella jane janet jen jennifer jenny jessica jill joan joanna judy julia
        julie karen kate katherine kathy katie kimberly laura lauren leah lily linda lisa lori lucy madeline
        margaret maria marie marilyn martha mary megan melanie melissa mia michelle molly monica nancy naomi
        natalie nicole nina nora olivia pam pamela patricia paula peggy rachel rebecca rita rosa ruth sally
        samantha sandra sara sarah sharon sheila sofia sophia sophie stacy stella stephanie susan tammy tanya
        tara teresa theresa tiffany tina valerie vanessa vera veronica vicky victoria virginia wanda wendy
        yvonne zoe
    """),
}
_GENDER = {name: pronoun for pronoun, names in _NAMES.items() for name in names}


@dataclass(frozen=True)
class Protagonist:
    """The person whom a text is about.

    Attributes:
        pronoun: "he" or "she".
        name: The name in lower case; None where there is none.
    """

    pronoun: str
    name: str | None


def protagonist(text: Text) -> Protagonist | None:
    """The person whom a text is about: its first subject, if the pronoun can mean nobody else; otherwise None."""
    if not text.sure or text.groups & {"first", "we", "you"}:
        return None
    names = {text.lower[place].removesuffix("'s") for place in range(len(text.tokens)) if text.is_name(place)}
    if len(names) > 1 or names - set(_GENDER):
        return None
    name = next(iter(names), None)
    mentions = [word for word, plain in zip(text.lower, text.plain, strict=True) if plain and _is_mention(word, name)]
    if not mentions:
        return None
    # With a name, there is nobody else with its pronoun; without one, the first pronoun must be a subject.
    pronoun = _SUBJECT_OF.get(mentions[0]) if name is None else _GENDER[name]
    if pronoun is None or (name is not None and mentions[0] not in (name, f"{name}'s")):
        return None
    rival = False
    for word in text.lower:
        if word in _PRONOUNS[pronoun]:
            if rival:
                return None
        elif word[0].isalpha() and word not in (name, f"{name}'s") and may_be(word, pronoun):
            rival = True
    return Protagonist(pronoun, name)


def _is_mention(word: str, name: str | None) -> bool:
    return word in _SUBJECT_OF if name is None else word in (name, f"{name}'s", *_PRONOUNS[_GENDER[name]])


def change_protagonist(text: Text, person: Protagonist, target: str) -> str | None:
    """Rewrite a text with another pronoun for its protagonist.

    Args:
        text: The text.
        person: Its protagonist, as `protagonist` finds it.
        target: "I", "he" or "she"; for a protagonist with a name only "I".

    Returns:
        The text; None where a form is not sure.
    """
    if person.name and target != "I":
        return None
    out = list(text.tokens)
    roles = _PRONOUNS[person.pronoun]
    for place, word in enumerate(text.lower):
        named = person.name is not None and word in (person.name, f"{person.name}'s")
        role = roles.get(word) if not named else _role_of_name(text, place)
        if role is None and not named:
            continue
        if not text.plain[place]:
            if named:
                return None
            continue
        if role == 2 and not named:
            role = _role(text, place)
        if role is None or (role == 1 and target == "I" and _same_clause(text, place, person)):
            return None
        new: str | None = _FORMS[target][role]
        short = "'" in word and not named
        if short and (new := _short(text, place, word, target)) is None:
            return None
        if role == 0 and target == "I" and not _agrees(text, place, out, short=short):
            return None
        assert new is not None
        capital = text.opens(place) if named else text.tokens[place][0].isupper()
        out[place] = new if target == "I" and role == 0 else (new[0].upper() + new[1:] if capital else new)
    return "".join(out)


def _same_clause(text: Text, place: int, person: Protagonist) -> bool:
    """Whether the protagonist is the subject of the clause of an object pronoun: then "him" is somebody else."""
    for before in range(place - 1, -1, -1):
        word = text.lower[before]
        if word in BLOCKERS - {"to", "make", "makes", "made", "let", "lets"} and word not in ("he", "she"):
            return False
        if word in (person.name, person.pronoun):
            return True
        if word in ".!?" or "\n" in word:
            return False
    return False


def _role_of_name(text: Text, place: int) -> int | None:
    """Whether a name is a subject (0), an object (1) or a possessive (2); None where that is not sure."""
    if text.lower[place].endswith("'s"):
        after = text.near(place, 1)
        # "Madeline's late" is not a possessive.
        sure = after is not None and not text.lower[after].endswith("ing") and text.lower[after] not in _AFTER_OBJECT
        return 2 if sure else None
    verb, before = text.verb(place), text.near(place, -1)
    if verb is not None and first_person(text.lower[verb]) is not None:
        return 0 if text.opens(place) or (before is not None and text.lower[before] in _CLAUSE_OPENERS) else None
    word = text.lower[before] if before is not None else ""
    if word in _PREPOSITIONS or is_past(word) or first_person(word) is not None:
        return 1
    return None


def _role(text: Text, place: int) -> int | None:
    """Whether "his" or "her" is before a noun (2) or alone ("his": 3, "her": 1); None where that is not sure."""
    after = text.near(place, 1)
    word = text.lower[after] if after is not None else "."
    if not word[0].isalpha() or word in _AFTER_OBJECT:
        return 3 if text.lower[place] == "his" else 1
    if text.lower[place] == "his" or word in _POSSESSED:
        return 2
    before = text.near(place, -1)
    # A preposition is not followed by two objects.
    return 2 if before is not None and text.lower[before] in ("of", "in", "at", "on", "from", "and", "with") else None


def _short(text: Text, place: int, word: str, target: str) -> str | None:
    """Short forms ("he's", "he'd", "he'll") with the other subject; None where that is not sure."""
    ending = text.tokens[place][word.index("'") :]
    if target != "I":
        return target + ending
    if not word.endswith("'s"):
        return "I" + ending
    next_word, verb = text.near(place, 1), text.verb(place)
    if next_word is not None and text.lower[next_word] in _AFTER_BE:
        return f"I{ending[0]}m"
    following = text.lower[verb] if verb is not None else ""
    if following in _PERFECT or is_past(following):
        return None if following.endswith("ed") else f"I{ending[0]}ve"
    return f"I{ending[0]}m" if following.endswith("ing") else None


def _agrees(text: Text, place: int, out: list[str], *, short: bool) -> bool:
    """Give the verb the form that it has with "I"; whether that is sure."""
    before = text.near(place, -1)
    if before is not None and text.lower[before] in ("is", "does", "has", "isn't", "doesn't", "hasn't", "was", "did"):
        return False
    verb = text.verb(place)
    if short or verb is None or not text.lower[verb][0].isalpha():
        return short or verb is None
    form = first_person(text.lower[verb])
    if form is None:
        return False
    if form != text.lower[verb]:
        out[verb] = form
    later = text.second_verbs(verb, _second)
    for following, new in later or []:
        out[following] = new
    return later is not None


def _second(word: str) -> str | None:
    """For a second verb: its form with "I", None for a word that is not a verb in -s, and "" for what may be one."""
    if is_past(word):
        return None
    return first_person(word) or ("" if word.endswith("s") and may_be(word, "they") else None)


__all__ = ["Protagonist", "change_protagonist", "protagonist"]
