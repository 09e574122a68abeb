"""English verbs as far as a change of grammatical person needs them, and the nouns that a pronoun could refer to.

Notable: what is not in a list is not guessed. `third_person` gives None for a word that may be the present or the past
("put", "read") or is not known as a verb, and the callers then give no variant.

Written by hand, after a comparison with lemminflect 0.2.3 and inflect 7.6.0 on 172 words. lemminflect inflects every
word ("mom", "just", "the"), so that the list of verbs would be needed anyway; on all 340 of them it agrees with
`third_person`. It also takes "saw", "found" and "fell" for present forms: 49 of 54 tenses right, here 51 and 3 refused.
It knows plural nouns better, 48 of 48 (here 37, inflect 32), where an error costs a variant and does not make a wrong
text.
"""

import re

from .wording import listed

BASE = listed("""
    accept accuse act add admire admit adore advise agree aim allow announce annoy answer apologise apologize
    appear appreciate argue arrive ask assume attend avoid babysit bake bear become beg begin believe belong
    blame block borrow bother break breathe bring build bully buy call care carry catch change charge chat cheat
    check choose claim clean climb close collect come comfort complain concern confess confront consider
    continue convince cook cope count cover crash crave cringe criticise criticize cry dance date deal decide
    decline defend delete demand deny depend deserve despise detest dine disagree discover discuss dislike do
    doubt drag draw dread dream drink drive drop earn eat email encourage end enjoy enter envy escape expect
    explain face fail fall fear feed feel fight figure fill find finish fix fly follow forget forgive gain get
    give go grab greet grieve grow guess hang happen hate have hear help hesitate hide hire hold hope host hug
    ignore imagine inform insist insult intend interrupt introduce invite iron join joke judge jump keep kick
    kill kiss know lack laugh lead learn leave lend lie like listen live loan loathe lock long look lose love
    maintain make manage mean meet mention message mind miss move mow need neglect notice object offer open
    order overhear owe own pack panic park participate pass pay perform phone pick plan play pray prefer prepare
    pretend promise propose protect prove provide pull punish push question raise reach react realise realize
    receive recognise recognize recommend refuse regret relate remain remember remind remove rent repeat replace
    reply report request require resent resist respect respond return ride ring risk ruin run rush save say
    scream see seem sell send serve share shop shout show sing sit skip sleep smell smile smoke snap speak spend
    stand stare start stay steal stop struggle study suck suffer suggest suppose suspect swear swim take talk
    teach tell text thank think threaten throw tip touch travel treat trust try turn understand use visit wait
    wake walk wander want warn wash waste watch wear wish witness wonder work worry write yell
""")
_IRREGULAR_PAST = listed("""
    ate babysat became began begot bit bled blew bore bought broke brought built came caught chose did dreamt
    drank drew drove fed fell felt flew forbade forgave forgot fought found froze gave got grew had heard held
    hid hung kept knew laid learnt left lent lost made meant met misunderstood overheard overslept paid proved
    ran rang rode rose said sang sat saw sent shook shot shrank slept slid snuck sneaked sold sought spent spoke
    stole stood stuck stung struck swam swore swung taught thought threw told took tore understood undertook
    went withdrew woke won wore wrote led dug lit spat sank hated loved
""")
_MODALS = listed("""
    could would should might must may can will cannot couldn't wouldn't shouldn't mightn't mustn't can't won't
    couldnt wouldnt shouldnt cant wont didn't didnt had hadn't hadnt did used ought
""")
AMBIGUOUS = listed("""
    put let cut hit hurt read set cost quit shut bet spread beat cast split upset burst shed slit thrust wet bid
    rid bust forecast input output lay wound
""")

PAST = _IRREGULAR_PAST | _MODALS
# Words in -ed that are present forms.
_NOT_PAST = listed("need feed bleed breed speed heed seed proceed succeed exceed shed wed fred jared ahmed mohammed")
_SPECIAL = {
    "am": "is", "have": "has", "haven't": "hasn't", "havent": "hasnt", "do": "does", "don't": "doesn't",
    "dont": "doesnt", "was": "was", "wasn't": "wasn't", "wasnt": "wasnt", "were": "were", "weren't": "weren't",
}  # fmt: skip
# With "you" and "they".
PLURAL = {"am": "are", "was": "were", "wasn't": "weren't", "wasnt": "werent", "amn't": "aren't"}
INVERTED = listed("""
    am was do did have had should would could can will might must may don't didn't haven't hadn't wasn't
    shouldn't wouldn't couldn't can't won't dont didnt havent wasnt shouldnt wouldnt couldnt cant wont were
    weren't
""")
ADVERBS = listed("""
    really just also never always still only even often usually sometimes already now then once ever both kinda
    sorta quite not soon maybe perhaps almost rather very mostly genuinely seldom thus therefore too somehow
    instead barely later again first obviously personally fully
""")
_NOT_ADVERB = listed("""
    reply apply rely supply imply multiply bully rally fly ally comply family assembly ugly lovely lonely likely
    friendly holy silly early only daily butterfly jelly belly billy sally kelly emily molly lily holly shelly polly
    ally beverly kimberly carly wally willy italy july
""")

_NEUTRAL = listed("""
    friend roommate flatmate housemate coworker colleague boss manager neighbor neighbour partner cousin teacher
    someone somebody everyone everybody anyone anybody person kid child baby toddler teen teenager parent
    sibling spouse stranger client customer doctor nurse driver lawyer landlord tenant student professor
    classmate teammate coach ex bestie buddy guest owner worker employee employer supervisor professional
    officer cop therapist fiance fiancé fiancee fiancée relative twin seller clerk cashier barista host dog cat
    puppy pet infant adult minor victim guide priest chef cook resident applicant assistant accountant agent
    president rep patient parent accomplice recipient
""")
_MANY = listed("""
    family team group couple company staff crowd class police people children men women folks kids gang crew
    band school community public management committee store office hospital church government
""")
_MALE = listed("""
    man boy guy dude father dad daddy brother son husband boyfriend uncle nephew grandfather grandpa groom bro
    bf fiance fiancé stepfather stepdad stepbrother stepson gentleman bachelor king prince mr sir father-in-law
    brother-in-law waiter
""")
_FEMALE = listed("""
    woman girl gal lady mother mom mum mommy mummy sister daughter wife girlfriend aunt auntie niece grandmother
    grandma bride gf fiancee fiancée stepmother stepmom stepsister stepdaughter mrs ms miss waitress ma'am queen
    princess
""")
_PLURAL_EXCEPTIONS = listed("""
    was this his is as us its has does yes less unless perhaps always sometimes besides across towards
    afterwards these thus plus news class guess miss dress mess stress boss business process access address
    glass grass lies this's ours hers theirs yours gas bus various previous serious obvious anxious furious
    nervous jealous famous obnoxious christmas he's she's it's that's what's who's there's let's here's alas
    series towards backwards forwards upwards nowadays
""")
_AGENT = re.compile(r"(?:[^aeiou]er|[tsd]or|ist|ian|mate|eer|wright)$")
_NOT_AGENT = listed("""
    after never other her over were under either neither whether however rather together later order number letter
    paper dinner water weather winter summer computer matter offer answer remember consider wonder forever better
    bigger older younger longer earlier sooner faster closer further another whatever whenever ever per corner
    center counter drawer shower door floor color minor error major mirror favor prior exist insist list assist
    resist twist wrist exterior differ suffer enter bother gather lower higher easier harder nicer lighter shorter
    tower power sweater poster filter charger cover discover recover deliver river silver fever butter sugar trigger
    hammer ladder folder border timer december november october september proper super clever bitter sober quarter
    chapter semester trailer calendar elevator motor factor christian vegetarian first sister mother father brother
    daughter stepmother stepfather grandmother grandfather anger danger finger hunger cancer disaster character
    encounter gender burger user
""")

COMPATIBLE = {
    "they": _NEUTRAL | _MANY,
    "he": _NEUTRAL | _MALE,
    "she": _NEUTRAL | _FEMALE,
}
GENDERED = {"he": _MALE, "she": _FEMALE}


def is_adverb(word: str) -> bool:
    """Whether a word (lower case) may be between a subject and its verb: "really", "honestly", ..."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in _NOT_ADVERB)


def is_past(word: str) -> bool:
    """Whether a word (lower case) is surely a past form or a modal verb, the same in every person but for "was"."""
    word = word.replace("\u2019", "'")
    if word in PAST:
        return True
    return word.endswith("ed") and len(word) > 3 and word not in _NOT_PAST and word not in AMBIGUOUS


def third_person(word: str) -> str | None:
    """The form with "he" or a name of a verb (lower case) in its form with "I"; None where that is not sure."""
    plain = word.replace("\u2019", "'")
    if plain in _SPECIAL:
        return _SPECIAL[plain].replace("'", "\u2019" if "\u2019" in word else "'")
    if is_past(plain):
        return word
    if plain not in BASE:
        return None
    if re.search(r"[^aeiou]y$", plain):
        return plain[:-1] + "ies"
    return plain + ("es" if re.search(r"(?:s|x|z|ch|sh|o)$", plain) else "s")


# "Puts" is surely a present form, "put" is not.
_FIRST = {form: base for base in BASE if (form := third_person(base)) is not None} | {
    f"{word}s": word for word in AMBIGUOUS
}


def first_person(word: str) -> str | None:
    """The form with "I" of a verb in its form with "he" or "she"; None where that is not sure."""
    plain = word.replace("\u2019", "'")
    special = {"is": "am", "isn't": "am not", "hasn't": "haven't", "doesn't": "don't", "was": "was", "wasn't": "wasn't"}
    if plain in special:
        return special[plain].replace("'", "\u2019" if "\u2019" in word else "'")
    return word if is_past(plain) else _FIRST.get(plain)


def may_be(word: str, pronoun: str) -> bool:
    """Whether a word may name somebody or something that a pronoun can refer to.

    Knows lists of people and the endings of those who do something, and takes what looks like a plural for "they".

    Args:
        word: The word, in lower case.
        pronoun: "he", "she" or "they".

    Returns:
        Whether it may.
    """
    word = word.replace("\u2019", "'").removesuffix("'s")
    if word in COMPATIBLE[pronoun]:
        return True
    if pronoun == "they" and len(word) > 3 and word[-1] == "s" and word[-2] != "s":
        return word not in _PLURAL_EXCEPTIONS and word not in _FIRST
    return len(word) > 4 and _AGENT.search(word) is not None and word not in _NOT_AGENT and not is_adverb(word)


__all__ = [
    "ADVERBS",
    "AMBIGUOUS",
    "BASE",
    "COMPATIBLE",
    "GENDERED",
    "INVERTED",
    "PLURAL",
    "first_person",
    "is_adverb",
    "is_past",
    "may_be",
    "third_person",
]
