"""English phrases for `risk`: lower case, without apostrophes ("didnt", "hes"); see `risk_rules`.

Notable: the same verbs are used for blows and for chess, for pills and for headaches. So nearly every phrase includes
who does it to whom, or how much of it, and lists what makes it a figure of speech, an accident or a game.
"""

from .risk_english_abuse import ABUSE
from .risk_english_child import CHILD
from .risk_english_self_harm import SELF_HARM
from .risk_rules import Rule

ENGLISH: tuple[Rule, ...] = (*SELF_HARM, *ABUSE, *CHILD)

__all__ = ["ENGLISH"]
