r"""The lexicon of the paraphrases: words, their replacements, and the contexts in which they may be replaced.

Notable: each rule is a regular expression (case is ignored, except in ``(?-i:...)``) and the replacement of its match.
Only neutral words are here, every form is written out, and the contexts in which a word means something else are
excluded: "quite a bit" is not "quite a little", and nobody is "purchased a drink". Written by hand for this library.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from .wording import listed

Replacement: TypeAlias = str | Callable[[re.Match[str]], str]
Rule: TypeAlias = tuple[str, Replacement]

# A clause that begins with one of these has its subject there.
PRONOUN = r"(?:I|he|she|we|they|it|you)(?:['\u2019](?:m|s|re|ve|d|ll))?\b"
# Only before what cannot be an object: "I know it" and "I know my sister" take no "that".
_NOMINATIVE = r"(?:(?:I|he|she|we|they)\b|(?:it|you)['\u2019](?:s|re|ve|d|ll)\b|it (?:is|was|would|will|had|has)\b)"
_OWNER = r"(?:my|his|her|our|your|their)"
_OWNED = rf"(?:{_OWNER}|\w+['\u2019]s)"
_UNOWNED = r"(?<!the )(?<!these )(?<!those )(?<!my )(?<!his )(?<!her )(?<!our )(?<!their )(?<!your )"
_PLURAL = r"(?:\w+[^s\W]s|people|children|men|women|kids)\b"
_PERSON = r"(?:me|him|her|us|them|you|my|his|their|our|your|myself|himself|herself|each|everyone|someone|one|it|that)"
_SUBJECT_BEFORE = r"\b(I|he|she|we|they|who)"
_STARTS = r"(?:^|(?<=[.!?] )|(?<=\n))"

_WORDS = listed("""
    fridge=refrigerator refrigerator=fridge sofa=couch couch=sofa coworker=colleague coworkers=colleagues
    co-worker=colleague co-workers=colleagues colleague=coworker colleagues=coworkers cellphone=mobile_phone
    exam=examination exams=examinations lawyer=attorney lawyers=attorneys began=started begins=starts until=till
    maybe=perhaps perhaps=maybe suddenly=all_of_a_sudden nowadays=these_days someone=somebody somebody=someone
    everyone=everybody everybody=everyone anyone=anybody anybody=anyone nobody=no_one bf=boyfriend gf=girlfriend
    bday=birthday ppl=people bc=because btw=by_the_way tbh=to_be_honest convo=conversation info=information
    regarding=about purchasing=buying purchased=bought frequently=often elevator=lift sidewalk=pavement
    sweater=jumper repaired=fixed whilst=while amongst=among among=amongst towards=toward toward=towards
    cops=police_officers sneakers=trainers highway=motorway airplane=plane faucet=tap flashlight=torch
    dorm=dormitory intentionally=deliberately deliberately=intentionally firstly=first_of_all restroom=bathroom
    supermarket=grocery_store laundromat=launderette yrs=years hrs=hours mins=minutes thru=through tonite=tonight
    alot=a_lot b/c=because diaper=nappy diapers=nappies takeout=takeaway
""")

_FORUM = [
    (r"\b(?-i:AITAH?)\b", "Am I the asshole"),
    (r"\b(?-i:WIBTAH?)\b", "Would I be the asshole"),
    (r"\b(?-i:MIL)\b", "mother-in-law"),
    (r"\b(?-i:FIL)\b", "father-in-law"),
    (r"\b(?-i:SIL)\b", "sister-in-law"),
    (r"\b(?-i:BIL)\b", "brother-in-law"),
    (r"\b(a|the|my|his|her|our|their|watch|watching|watched|on|of|and) (?-i:TV)\b", r"\1 television"),
    (r"(?<!\ba )(?<!\w)ok(?!\w)", "okay"),
    (r"(?<=\w) & (?=\w)", " and "),
    (r"\bw/ (?=\w)", "with "),
    (r"\be\.g\. ", "for example "),
    (r"\bi\.e\. ", "that is, "),
    (r"(?<=\d) ?%(?!\w)", " percent"),
    # Not before a noun: "a $50 gift" is not a "50 dollars gift".
    (
        r"\$(\d+(?:,\d{3})*)(?=[.,;!?)](?!\d)| (?:for|to|on|in|and|per|each|at|from|of|but|because|when|so|or|if)\b|$)",
        r"\1 dollars",
    ),
]

_NOUNS = [
    (r"\b(a|the|this|that|these|my|his|her|our|their|some|of) (?:photo|pic)(s?)\b(?! (?:shoot|album|op))",
     r"\1 picture\2"),
    (rf"\b({_OWNED}) (?:mom|mum)\b(?! and pop)", r"\1 mother"),
    (rf"\b({_OWNED}) dad\b", r"\1 father"),
    (rf"\b({_OWNED}) mother\b(?![- ](?:in|tongue|figure))", r"\1 mom"),
    (rf"\b({_OWNED}) father\b(?![- ](?:in|figure))", r"\1 dad"),
    (rf"\b({_OWNED}) grandma\b", r"\1 grandmother"),
    (rf"\b({_OWNED}) grandpa\b", r"\1 grandfather"),
    (r"\bkids\b(?! (?:menu|meal|show))(?!['\u2019])", "children"),
    (r"\b(a|my|his|her|our|their|the) kid\b(?! (?:brother|sister|you))", r"\1 child"),
    (r"\bchildren\b(?!['\u2019])", "kids"),
    (r"\bcell phone\b", "mobile phone"),
    (r"\b(a|an|the|my|his|her|our|their|this) (?:movie)\b(?! (?:theat|star|night|ticket))", r"\1 film"),
    (rf"\b(the|an|{_OWNER}) apartment\b(?! (?:complex|building|block))", r"\1 flat"),
    (r"\b(birthday|christmas|wedding|anniversary) gift(s?)\b(?! (?:card|cert|list))", r"\1 present\2"),
    (r"\b(birthday|christmas|wedding|anniversary) present(s?)\b", r"\1 gift\2"),
    (r"\bon vacation\b", "on holiday"),
    (r"\bgas station\b", "petrol station"),
    (r"\b(the|my) entire (?=[a-z]+\b)", r"\1 whole "),
    (r"\bmy (brother|sister|friend|boss|roommate|cousin|uncle|aunt|mother|father|mom|dad)['\u2019]s "
     r"(wife|husband|boyfriend|girlfriend|fianc[eé]e?|daughter|son|partner|parents)(?=[ .,;!?])", r"the \2 of my \1"),
    (r"\ba (friend|coworker|colleague|cousin|neighbor|neighbour) of (?:mine)\b", r"one of my \1s"),
    (r"\bone of my (friend|coworker|colleague|cousin|neighbor|neighbour)s\b", r"a \1 of mine"),
    (r"\bolder (brother|sister)\b", r"elder \1"),
    (r"\blittle (brother|sister)\b", r"younger \1"),
    (r"\b(mother|mom) and (father|dad)\b", r"\2 and \1"),
    (r"\b(father|dad) and (mother|mom)\b", r"\2 and \1"),
    (r"\bthe whole (?=(?:day|night|week|month|year|time|house|family|story|thing|class|evening|trip|weekend)\b)",
     "the entire "),
    (r"\bno one\b", "nobody"),
    (r"\bgrocery store\b", "supermarket"),
    (r"\bparking lot\b", "car park"),
    (r"\bmovie theater\b", "cinema"),
    (r"\b(in|into|out of) the trash\b(?! (?:can|bag|bin))", r"\1 the garbage"),
    (r"\b(in|into|out of) the garbage\b(?! (?:can|bag|bin))", r"\1 the trash"),
    (r"\bbig (?=(?:house|dog|group|city|box|bag|room|table|company)\b)", "large "),
    (r"\bthe beginning of\b", "the start of"),
    (r"\bthe start of\b", "the beginning of"),
    (rf"{_UNOWNED}\bseveral (?=[a-z]+s\b)", "a number of "),
]  # fmt: skip

_GOODS = rf"(?!(?:in|into|out|off|up|time|{_PERSON})\b)(?=[a-z\d])"  # "buy him a drink" and "buy time" stay
_ASK = r"(ask(?:s|ed|ing)?(?: me| him| her| us| them)?|wonder(?:s|ed|ing)?|know|sure|see)"


# These take an infinitive of their own: "came back and tried to help", "ran out of time to study".
_BINDS = (
    "and|or|but|who|that|had|tried|wanted|needed|able|going|ready|happy|trying|asked|told|decided|said|time|chance|way|place"
    "|reason|thing|things|close|willing|supposed|want|wanting|in|out"
)
_ERRANDS = "buy|get|see|visit|help|meet|pick|watch|ask|check|find|fetch|tell|talk|return|pay|study|work"


def _turn_up(match: re.Match[str]) -> str:
    return f"turn{match[1].lower().removeprefix('show')} up "


_VERBS: list[Rule] = [
    (r"(?<!get )(?<!got )\bstarted to (?!the\b|a\b|my\b|school\b)(?=[a-z])", "began to "),
    (r"(?<!get )(?<!got )\bstarted (?=[a-z]+ing\b)(?!during|string)", "began "),
    (r"(?<!to )\bbegin\b(?! with)", "start"),
    (r"\bbeginning to (?=[a-z]+\b)(?!the\b)", "starting to "),
    (rf"(?<!a )(?<!good )(?<!great )(?<!best )\bbuy {_GOODS}", "purchase "),
    (rf"{_SUBJECT_BEFORE} bought {_GOODS}", r"\1 purchased "),
    (rf"\bbuying {_GOODS}", "purchasing "),
    (r"\bto purchase\b(?! order)", "to buy"),
    (rf"\b{_ASK} if (?={PRONOUN}|{_OWNER}\b)", r"\1 whether "),
    (rf"\b{_ASK} whether (?={PRONOUN}|{_OWNER}\b)", r"\1 if "),
    (rf"\bfound out (?=(?:that|about|she|he|they|I|we|it|{_OWNER})\b)", "learned "),
    (rf"\b(to|will|would|might|could) find out (?=(?:that|about|she|he|they|I|we|it|{_OWNER})\b)", r"\1 learn "),
    (r"\bcame back\b(?! (?:to bite|around|together))", "returned"),
    (r"\bcoming back\b(?! (?:to bite|around|together))", "returning"),
    (r"\bwent back to (?=(?:my|his|her|our|their|the)\b)(?!the (?:way|same|old))", "returned to "),
    (r"\b(?:gave) (it|them) back\b", r"returned \1"),
    (r"\b(?:give) (it|them) back\b", r"return \1"),
    (rf"{_SUBJECT_BEFORE} talked (to|with)\b", r"\1 spoke \2"),
    (r"\btalking (to|with|about)\b", r"speaking \1"),
    (r"\b(to|can|could|will|would|should|not|n['\u2019]t|never) talk (to|with) (?=(?:me|him|her|us|them|my|his|the)\b)",
     r"\1 speak \2 "),
    (r"\bspoke (to|with)\b", r"talked \1"),
    (r"\bspeaking (to|with)\b", r"talking \1"),
    (r"\bspeak (to|with)\b", r"talk \1"),
    (rf"{_SUBJECT_BEFORE} received\b", r"\1 got"),
    (rf"{_SUBJECT_BEFORE} attended (the|a|an|my|his|her|our|their)\b", r"\1 went to \2"),
    (r"\bto attend (the|a|an|my|his|her|our|their)\b", r"to go to \1"),
    (r"\bdecided (?=(?:not )?to [a-z])", "made the decision "),
    (r"\bdeciding (?=(?:not )?to [a-z])", "making the decision "),
    (r"\bhelp(s|ed|ing|) (me|him|her|us|them) with (?=[a-z])", r"assist\1 \2 with "),
    (r"\bcalled (me|him|us|them) (?=(?:to|from|about|yesterday|last)\b)", r"phoned \1 "),
    (r"\btexted (me|him|her|us|them|my \w+) (?=(?:to|about|that|saying|and)\b)", r"messaged \1 "),
    (r"\bgot married to\b", "married"),
    (r"\bclosed (?=(?:the|my|his|her|their) (?:door|window|book|drawer|laptop|box)\b)", "shut "),
    (r"\b(show|show(?:s|ed|ing)) up (?=(?:late|early|at|to|with|unannounced|drunk)\b)", _turn_up),
    (r"\bhung out with\b", "spent time with"),
    (r"\b(?:hanging) out with\b", "spending time with"),
    (r"\b(to|would|will|could|can|not|n['\u2019]t|never|I|we|they) hang out with\b", r"\1 spend time with"),
    (rf"{_SUBJECT_BEFORE} got home\b", r"\1 arrived home"),
    (rf"{_SUBJECT_BEFORE} headed (?=(?:to|home|back)\b)", r"\1 went "),
    (rf"{_SUBJECT_BEFORE} asked for (?=(?:a|an|the|my|his|her|some)\b)(?!a favor)", r"\1 requested "),
    (rf"\b(went|drove|walked|ran|came|flew) ((?:(?!(?:{_BINDS})\b)[a-z]+ ){{1,5}}?)to (?=(?:{_ERRANDS}) )",
     r"\1 \2in order to "),
    (r"\b(?:letting) (him|her|them|me|us) know (that|about)\b", r"telling \1 \2"),
    (rf"\bfeel like (?={_NOMINATIVE})", "feel as if "),
    (rf"\bfelt like (?={_NOMINATIVE})", "felt as if "),
    (r"\breplied\b(?! (?:to|with|back))", "answered"),
    (r"(?<!it )(?<!it has )\boccurred\b(?! to)", "happened"),
]  # fmt: skip

# With one of these, "so" may express a purpose.
_PURPOSE = "could|can|would|will|may|might|should|don|do|have|has|get|gets|know|knows|need|needs|want|wants|are|is|be"
_EVENT = r"(?:wedding|party|trip|exam|meeting|ceremony|funeral|interview|class)"
_PAST = r"(?:[a-z]+ed|told|took|went|gave|made|found|left|sent|bought|ate)"
# After one of these, "so" is an adverb.
_NOT_SO = (
    r"(?<!\band)(?<!\bor)(?<!\bdo)(?<!\bdid)(?<!think)(?<!thought)(?<!\bnot)(?<!just)(?<!even)(?<!hope)(?<!said)"
    r"(?<!\bis)(?<!\bwas)(?<!\bby)(?<!\bif)"
)
_MANNER = r"(secretly|quietly|accidentally|immediately|eventually|usually|sometimes|occasionally|initially|recently)"


def _fronted(match: re.Match[str]) -> str:
    subject = match[1] if match[1] == "I" else match[1].lower()
    return f"{match[2].capitalize()}, {subject} "


def _unfronted(match: re.Match[str]) -> str:
    return f"{match[2]} {match[1].lower()} "


def _alone(match: re.Match[str]) -> str:
    return f"by {_REFLEXIVE[match[1].lower()]}"


_REFLEXIVE = {
    "my": "myself", "his": "himself", "her": "herself", "their": "themselves", "our": "ourselves", "your": "yourself",
}  # fmt: skip
_ALONE = r"(?<!just )(?<!only )(?<!simply )(?<!not )(?<!is )(?<!was )(?<!s )(?<!partly )"  # before "because"
_FUNCTION_WORDS: list[Rule] = [
    (r"(?<!quite )(?<!such )(?<!not )\ba lot of\b", "lots of"),
    (r"(?<!and )\blots of\b", "a lot of"),
    (r"(?<!quite )(?<!not )(?<!for )\ba bit (?!(?:of|more|less|because|and|but|or|when|if|to|so|as|that|before"
     r"|after)\b)(?=[a-z])", "a little "),
    (r"\ba little bit (?=(?!of\b)[a-z])", "a bit "),
    (r"\beven though\b", "although"),
    (r"\balthough\b(?=,? [a-z])", "even though"),
    (rf"(?<=, )though (?={PRONOUN})", "although "),
    (r"(?<!not )\babout (?=\d)", "around "),
    (r"\bapproximately (?=\w)", "about "),
    (r"\balmost (?!(?:no|never|none|nothing|nobody|any|anything|like|as)\b)(?=[a-z])", "nearly "),
    (r"(?<!not )\bnearly (?=[a-z])(?!as\b)", "almost "),
    (r"(?<!how )(?<!so )(?<!more )(?<!most )(?<!as )(?<!too )(?<!very )(?<!less )(?<!quite )\boften\b(?! than)",
     "frequently"),
    (r"\ball of a sudden\b", "suddenly"),
    (r"\bthese days\b", "nowadays"),
    (r"\bfor example\b", "for instance"),
    (r"\bfor instance\b", "for example"),
    (r"(?<=, )such as (?=\w)", "like "),
    (r"\bin order to\b", "to"),
    (r"\binstead of (?=[a-z]+ing\b)", "rather than "),
    (r"\baside from\b", "apart from"),
    (r"\bapart from\b", "aside from"),
    (r"\bwith regards? to\b", "about"),
    (r"\bdespite (?=\w)", "in spite of "),
    (r"\bin spite of\b", "despite"),
    (r"\beach other\b", "one another"),
    (r"\bone another\b", "each other"),
    (r"\b(?:right|straight) away(?=[.,;!?]| and\b| when\b| because\b)", "immediately"),
    (rf"{_ALONE}\bbecause (?={PRONOUN}|{_OWNER}\b|the\b)", "due to the fact that "),
    (rf"{_ALONE}\bbecause of (?!the fact|it\b|this\b|that\b)", "due to "),
    (r"(?<=\w),? too(?=[.;]| and | but )(?<!me too)", " as well"),
    (r"(?<=\w) as well(?=[.;])", ", too"),
    (r"(?<!love )\bat first\b(?! sight)", "initially"),
    (r"\binitially\b", "at first"),
    (r"\bthe next (day|morning|week|month|year|evening)\b", r"the following \1"),
    (r"\bthe following (day|morning|week|month|year|evening)\b", r"the next \1"),
    (r"\bevery time\b", "each time"),
    (r"\beach time\b", "every time"),
    (r"\bevery (day|week|month|year|morning|night)\b", r"each \1"),
    (r"\bmore than (?=(?:\d+|two|three|four|five|six|ten|twenty) )", "over "),
    (r"\b(once|twice|times) (?:a|each) (day|week|month|year)\b", r"\1 per \2"),
    (r"\bon (my|his|her|their|our|your) own(?=[.,;!?]| because | and | in | at )", _alone),
    (r"\bby accident(?=[.,;!?])", "accidentally"),
    (r"\bon purpose(?=[.,;!?]| because )", "deliberately"),
    (r"\b(?:once in a while|every now and then|from time to time)(?=[.,;!?])", "occasionally"),
    (r"\bfor a while(?=[.,;!?]| and | but | because )", "for some time"),
    (r"\ba while (?:ago|back)\b", "some time ago"),
    (r"\bas if (?=(?:I|he|she|we|they|it|nothing)\b)", "as though "),
    (r"\bas though (?=(?:I|he|she|we|they|it|nothing)\b)", "as if "),
    (r"\bas long as (?=(?:I|he|she|we|they|it|the|my)\b)", "so long as "),
    (r"\bexcept for\b", "apart from"),
    (r"\bas a result of\b", "because of"),
    (r"(?<!is )(?<!was )(?<!are )(?<!were )\bdue to (?=(?:the|a|my|his|her|their|our)\b)(?!the fact)", "because of "),
    (rf"\bbefore (?=(?:the|my|his|her|our) {_EVENT}\b)", "prior to "),
    (rf"\bafter (?=(?:the|my|his|her|our) {_EVENT}\b)", "following "),
    (rf"{_STARTS}(I|He|She|We|They) {_MANNER} (?={_PAST}\b)", _fronted),
    (rf"{_STARTS}{_MANNER}, (I|He|She|We|They) (?={_PAST}\b)", _unfronted),
    (rf"(?<=[a-z]){_NOT_SO} so (?=(?:I|he|she|we|they) (?!(?:{_PURPOSE})\b)[a-z]+\b)", ", which is why "),
    (r"\bnevertheless\b", "nonetheless"),
    (r"\bnonetheless\b", "nevertheless"),
    (r"\bmeanwhile,", "in the meantime,"),
    (r"\bas a result, ", "because of this, "),
    (r"\blong story short, ", "in short, "),
    (rf"{_STARTS}for (?:some )?(?:background|context), ", "by way of background, "),
    (rf"{_STARTS}(?:some )?(?:background|context): ", "by way of background: "),
    (rf"(?<=\w), so (?=(?:I|he|she|we|they) (?!(?:{_PURPOSE})\b)[a-z]+\b)", ", which is why "),
    (rf"{_STARTS}However, (?={PRONOUN})", "But "),
    (rf"{_STARTS}But (?={PRONOUN}(?! for))", "However, "),
    (rf"{_STARTS}(?:Additionally|Furthermore|Moreover|Also), ", "In addition, "),
    (rf"{_STARTS}(?:In addition), ", "Also, "),
    (rf"{_STARTS}(?:Afterwards), ", "After that, "),
    (rf"{_STARTS}(?:After that), ", "Afterwards, "),
    (rf"{_STARTS}(?:Therefore|Thus), ", "So "),
    (rf"{_STARTS}(?:Eventually), ", "In the end, "),
    (rf"{_STARTS}(?:In the end), ", "Eventually, "),
    (rf"{_STARTS}(?:Anyways?), ", "Anyhow, "),
]  # fmt: skip

_THOUGHT = r"(?:thinks?|thought|believes?|believed|realised|realized|knows?|knew|says?|said|admits?|admitted|explained)"
_TOLD = (
    rf"(?:told|tell|telling) (?:me|him|us|them|{_OWNER} (?:mom|mum|dad|mother|father|sister|brother|wife|husband|friend"
    r"|boss|parents|girlfriend|boyfriend|roommate|partner))"
)
_SAYING = (
    rf"(?P<says>(?:{_SUBJECT_BEFORE}|{_OWNER} \w+)(?: really| just| also| still| already)? (?:{_THOUGHT}|{_TOLD}))"
)
_CLAUSE_OPENS = r"(?:^|(?<=[.!?,;] )|(?<=\n)|(?<=\bbut )|(?<=\band )|(?<=\bbecause ))"
_CLAUSES = [
    (rf"{_CLAUSE_OPENS}{_SAYING} (?={_NOMINATIVE})", r"\g<says> that "),
    (rf"{_CLAUSE_OPENS}{_SAYING} that (?={_NOMINATIVE})", r"\g<says> "),
]

_SMALL = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
DIGITS = {word: str(number) for number, word in enumerate(_SMALL, 2)}
_NO_NOUN = "is|was|has|as|this|its|times|plus|us|less|yes|does"
_COUNTED = rf"(?:(?:more|other|different|older|younger|small|little|new|old|long|full) )?(?!(?:{_NO_NOUN})\b){_PLURAL}"
# Not in what is one number, one range or one name: "twenty two", "two or three", "the 2 of us", "room 5".
_NOT_AFTER = (
    r"(?<!ample )(?<!gure )(?<!page )(?<!pter )(?<!tion )(?<!room )(?<!part )(?<!step )(?<!week )(?<!year )(?<!or )"
    r"(?<!to )(?<!and )(?<!between )(?<!hundred )(?<!twenty )(?<!thirty )(?<!forty )(?<!the )"
)
_NUMBERS = [
    (rf"(?<![\w.,:$€£#/\u2019'-])(?<!\d ){_NOT_AFTER}{old}(?= {_COUNTED})", new)
    for word, digit in DIGITS.items()
    for old, new in ((word, digit), (digit, word))
]

_PAIRS = sorted(pair.split("=") for pair in _WORDS)
RULES: list[tuple[re.Pattern[str], Replacement]] = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in [
        *((rf"(?<![\w\u2019'-]){old}(?![\w-])", new.replace("_", " ")) for old, new in _PAIRS),
        *_FORUM, *_NOUNS, *_VERBS, *_FUNCTION_WORDS, *_CLAUSES, *_NUMBERS,
    ]
]  # fmt: skip

__all__ = ["DIGITS", "RULES", "Replacement"]
