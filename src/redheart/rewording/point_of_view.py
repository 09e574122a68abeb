"""The same events in another grammatical person; the protagonist stays the same.

Notable: a first-person text becomes one about "you", or about a third person with a name ("Alex ... they", "Laura ...
she"). Nothing is guessed: where a verb's form, a quotation or the reference of a pronoun is not sure, there is no
variant (None). After a noun that the pronoun could mean ("My friend said I ..."), the name is repeated. Quotations stay
as they are. The verdict's label "author" names the narrator; in a variant in the third person the actor is still the
protagonist.
"""

from .persons import QUESTIONS, Text
from .tellings import FORMS, PEOPLE, Telling, can_tell
from .verbs import BASE, GENDERED, INVERTED, PLURAL, is_adverb, is_past, third_person
from .wording import listed

_FIRST = ("i", "me", "my", "mine", "myself")
_SUBJECTS = {"i": "", "i'm": "m", "im": "m", "i've": "ve", "ive": "ve", "i'd": "d", "i'll": "ll"}
_WE = {"we": "they", "us": "them", "our": "their", "ours": "theirs", "ourselves": "themselves", "we're": "they're",
       "we've": "they've", "we'd": "they'd", "we'll": "they'll"}  # fmt: skip

_ADJECTIVES = listed("best older younger elder little big old new ex twin late former close good")
_CLAUSE_OPENERS = listed("""
    and but so because when while since if as after before until that though although where then
""")
_OPENERS = listed("""
    what why how when where who which and but or so nor neither if because then as than only never well
""")
_NOMINATIVE = listed("he she it we they you who which that this there what these those")
# Between "I" and "and was", these may introduce another subject.
_SUBORDINATING = _CLAUSE_OPENERS - {"and", "but", "then"} | listed("""
    whom whose than unless whether how why think thought know knew say said guess believe feel felt hope wish
    heard saw made
""")
_AUXILIARY = listed("have haven't havent do don't dont")
_MODAL = listed("""
    could would should might must may can will cannot couldn't wouldn't shouldn't can't won't didn't did
""")
# After a verb of wishing the verb has no -s: "she insisted that he leave".
_WISHES = ("suggest", "insist", "demand", "request", "recommend", "propos", "ask", "essential", "important")
# Where one of these follows "I", there is no verb of it: "my sister and I in the car".
_NO_VERB = listed("and or to in at on for with from because when")

_FAR = 60  # tokens; the search for a subject goes no further back


class _UnsureError(Exception):
    """Something in the text cannot be changed with certainty."""


class _Retelling:
    """One pass over the tokens of a text, which replaces the mentions of the protagonist and the verbs that follow."""

    def __init__(self, text: Text, telling: Telling) -> None:
        self.text, self.telling = text, telling
        self.forms = FORMS[telling.pronoun]
        self.out = list(text.tokens)
        self.mark = "\u2019" if "\u2019" in text.text else "'"
        # Whether the pronoun can only mean the protagonist here, and whether the last subject was "I" in the singular
        # form, in the plural form, or somebody else (None).
        self.clear = telling.opening is not None or telling.pronoun == "you"
        self.named = telling.opening is not None
        self.singular: bool | None = None
        self.done: set[int] = set()

    def rewrite(self) -> str:
        """The whole text in the new grammatical person."""
        text = self.text
        for place, word in enumerate(text.lower):
            if place in self.done or not text.plain[place]:
                continue
            if "\n" in word and word.count("\n") > 1:
                self.clear = self.telling.pronoun == "you" or (self.clear and self.telling.name is None)
            elif text.tokens[place] in QUESTIONS:
                self._question(place)
            elif word in _SUBJECTS:
                self._subject(place, _SUBJECTS[word])
            elif word in _FIRST:
                self._other_case(place, word)
            elif word in _WE and text.tokens[place] != "US":
                self.out[place] = self._cased(place, _WE[word]).replace("'", self.mark)
            elif word in ("am", "was", "wasn't", "wasnt"):
                self._separate_be(place, word)
            elif word[0].isalpha() and self.telling.pronoun != "you" and text.rival(place, self.telling.pronoun):
                self.clear = False
        return "".join(self.out)

    def _mention(self, place: int, *, name: bool = False) -> str | None:
        """The name of the protagonist where it is needed at this place; None where the pronoun is clear."""
        if self.telling.pronoun == "you":
            return None
        if self.telling.described and not self.named:
            if name or self.text.lower[place] not in _SUBJECTS:
                raise _UnsureError
            self.named = self.clear = True
            return self.telling.described if self.text.opens(place) else _lowered(self.telling.described)
        needed = name or not self.clear or not self.named
        self.named = self.clear = True
        if needed and self.telling.name is None:
            raise _UnsureError
        return self.telling.name if needed else None

    def _cased(self, place: int, word: str) -> str:
        """A word with the capital that its place needs; in capitals where the old word is."""
        old = self.text.tokens[place]
        if old[0] == "I":  # always a capital, so it says nothing
            capital = self.text.opens(place)
        elif len(old) > 1 and old.isupper():
            return word.upper()
        else:
            capital = old[0].isupper()
        return word[0].upper() + word[1:] if capital else word

    def _other_case(self, place: int, word: str) -> None:
        """Replace "me", "my", "mine" or "myself"."""
        if word == "my" and self._coordinated_subject(place):
            return
        role = _FIRST.index(word)
        before, after = self.text.near(place, -1), self.text.near(place, 1)
        beside = any(near is not None and self.text.lower[near] in ("and", "or") for near in (before, after))
        if word == "myself" and beside:
            raise _UnsureError  # "my wife and myself"
        name = None if word == "myself" else self._mention(place, name=word == "me" and beside)
        if name is None:
            self.out[place] = self._cased(place, self.forms[role])
        else:
            self.out[place] = name + (f"{self.mark}s" if role in (2, 3) else "")

    def _coordinated_subject(self, place: int) -> bool:
        """Write "My sister and I" as "Alex and their sister" where a clause begins with it; whether it does."""
        text, near = self.text, self.text.near
        places = [place]
        while len(places) < 5 and (following := near(places[-1], 1)) is not None:
            places.append(following)
        words = [text.lower[index] for index in places]
        if len(words) == 5 and words[1] in _ADJECTIVES and words[2] in PEOPLE:
            head, joint = 2, 3
        else:
            head, joint = 1, 2
        if len(words) <= joint + 1 or words[head] not in PEOPLE or words[joint] != "and" or words[joint + 1] != "i":
            return False
        before = near(place, -1)
        if not text.opens(place) and (before is None or text.lower[before] not in _CLAUSE_OPENERS):
            return False
        subject = self._mention(places[joint + 1], name=True) or self._cased(place, self.forms[0])
        self.out[place] = subject + " and " + self.forms[2]
        for index in range(places[head] + 1, places[joint + 1] + 1):
            self.out[index] = ""
        self.done.update(places[: joint + 2])
        self.clear = not text.rival(places[head], self.telling.pronoun) if self.telling.pronoun != "you" else True
        self.singular = False
        return True

    def _question(self, place: int) -> None:
        """Replace "AITA" and similar questions: "is Alex the asshole"."""
        if self.telling.described and not self.named:
            raise _UnsureError
        name = self._mention(place)
        subject = name or self.forms[0]
        be = "is" if name or self.telling.pronoun in GENDERED else "are"
        words = f"{be} {subject}" if QUESTIONS[self.text.tokens[place]] == "am" else f"would {subject} be"
        self.out[place] = (words[0].upper() + words[1:] if self.text.opens(place) else words) + " the asshole"

    def _subject(self, place: int, short: str) -> None:
        """Replace "I", "I'm", "I've", "I'd" or "I'll", and the form of its verb."""
        text = self.text
        before = text.near(place, -1)
        joined = before is not None and text.lower[before] in ("and", "or")
        verb = text.verb(place)
        # "My wife and I went" needs the name, "... and I was": the verb says that a clause begins.
        clause = short == "m" or (verb is not None and text.lower[verb] in ("was", "wasn't", "am"))
        joined = joined and not clause and not text.after_clause(place)
        name = self._mention(place, name=joined)
        singular = name is not None or self.telling.pronoun in GENDERED
        word = name or self._cased(place, self.forms[0])
        self.singular = singular
        if short:
            self.out[place] = word + self._ending(place, short, singular, name is not None)
            if singular:
                self._second_verbs(place)
            return
        self.out[place] = word
        if before is not None and text.lower[before] in INVERTED and self._inverted(before, singular):
            return
        if verb is not None:
            self._agree(place, verb, singular, joined)

    def _agree(self, place: int, verb: int, singular: bool, joined: bool) -> None:
        text, word = self.text, self.text.lower[verb]
        if not singular:
            if word in PLURAL:
                self._write_verb(verb, PLURAL[word])
            elif word == "," and any(later in PLURAL for later in text.lower[verb : verb + 12]):
                raise _UnsureError
            return
        if not word[0].isalpha():
            if word not in ".!?…:;)]":
                raise _UnsureError
            return
        if word in _NO_VERB:
            return
        form = third_person(word)
        if form is None:
            raise _UnsureError
        if form != word:
            # "my wife and I live": the verb is a plural's; "she insisted that I leave": no verb in -s.
            wish = {later for later in text.lower[max(0, place - 12) : place] if later.startswith(_WISHES)}
            if joined or (wish and word in BASE):
                raise _UnsureError
            self._write_verb(verb, form)
        self._second_verbs(verb)

    def _write_verb(self, place: int, word: str) -> None:
        old = self.text.tokens[place]
        if old[0].isupper():
            word = word.upper() if old.isupper() else word[0].upper() + word[1:]
        self.out[place] = word.replace("'", self.mark)
        self.done.add(place)

    def _ending(self, place: int, short: str, singular: bool, named: bool) -> str:
        """The ending that replaces a short form after the protagonist."""
        if not singular:
            return self.mark + {"m": "re"}.get(short, short)
        if short == "m":
            return " is"
        if short == "ve":
            return " has"
        if not named:
            return self.mark + short
        if short == "ll":
            return " will"
        verb = self.text.verb(place)
        following = self.text.lower[verb] if verb is not None else ""
        if following in BASE or following == "be":
            return " would"
        if following in ("been", "had", "better", "gone", "done") or following.endswith("ed"):
            return " had"
        raise _UnsureError

    def _inverted(self, before: int, singular: bool) -> bool:
        """Whether the verb is before "I" ("am I", "why did I"); gives that verb its form."""
        text, word = self.text, self.text.lower[before]
        earlier = text.near(before, -1)
        starts = (
            text.opens(before) or earlier is None or text.lower[earlier] in _OPENERS or text.lower[earlier] in ",:;-("
        )
        form = third_person(word) if singular else PLURAL.get(word, word)
        if word == "am" or starts:
            self._write_verb(before, form or word)
            return True
        if singular or word in PLURAL:
            raise _UnsureError
        return False

    def _second_verbs(self, verb: int) -> None:
        """Add -s to a second verb of the same subject, where it needs one: "she loves it and wants more"."""
        text, known = self.text, self.text.lower[verb]
        if known in _MODAL or known in ("i'd", "i'll"):
            return
        present = not is_past(known) and known not in ("was", "were")

        def form(word: str) -> str | None:
            # After a past verb, only what cannot be an infinitive: "decided to go and stay".
            return third_person(word) if word in _AUXILIARY or (present and word in BASE) else None

        later = text.second_verbs(verb, form)
        if later is None:
            raise _UnsureError
        for place, word in later:
            self._write_verb(place, word)

    def _separate_be(self, place: int, word: str) -> None:
        """Replace a form of "be" that is not next to "I", if the protagonist is its subject."""
        text = self.text
        before = text.near(place, -1)
        while before is not None and is_adverb(text.lower[before]):
            before = text.near(before, -1)
        after = text.near(place, 1)
        if after is not None and text.lower[after] == "i":
            return  # the verb of a question, which is replaced with its subject
        if word == "am":
            if before is not None and text.tokens[before][0].isdigit():
                return
            if text.opens(place) and self.singular is None:
                self.singular = self.telling.pronoun in GENDERED
            self._write_verb(place, "is" if self.singular else "are")
            return
        if self.singular or before is None or text.lower[before] not in ("and", "but", "or", "then", ",", "yet", "/"):
            return
        # "I left and was angry", but "he left and was angry": whose verb is it?
        for earlier in range(before - 1, max(before - _FAR, -1), -1):
            known = text.lower[earlier]
            if known in _SUBJECTS:
                self._write_verb(place, PLURAL[word])
                return
            if known in _NOMINATIVE or known in (".", "!", "?", "…") or "\n" in known:
                return
            if known in _SUBORDINATING or known in (",", "and", "but", "or"):
                raise _UnsureError
        if before >= _FAR:
            raise _UnsureError


def _lowered(phrase: str) -> str:
    return phrase[0].lower() + phrase[1:]


def retell(text: Text, telling: Telling) -> str | None:
    """A first-person text, rewritten as ``telling`` says; None where `can_tell` is False or a form is not sure."""
    if not can_tell(text, telling.pronoun):
        return None
    try:
        rewritten = _Retelling(text, telling).rewrite()
    except _UnsureError:
        return None
    return f"{telling.opening} {rewritten}" if telling.opening else rewritten


__all__ = ["retell"]
