"""Agreement, worked out by hand; and where a retelling is refused."""

import pytest

from redheart.rewording.persons import Text
from redheart.rewording.point_of_view import retell
from redheart.rewording.tellings import Telling, can_tell

YOU = Telling("you")
ALEX = Telling("they", "Alex")
LAURA = Telling("she", "Laura")
PETER = Telling("he", "Peter")
SOMEONE = Telling("they", None, "Someone I know")
OPENED = Telling("they", "Alex", opening="This is about Alex.")


def rewritten(text: str, telling: Telling) -> str | None:
    return retell(Text(text), telling)


@pytest.mark.parametrize(
    ("text", "telling", "expected"),
    [
        # you
        ("I am late and my boss was mad at me.", YOU, "You are late and your boss was mad at you."),
        ("I was tired, so I left.", YOU, "You were tired, so you left."),
        ("I left and was sorry.", YOU, "You left and were sorry."),
        ("He left and was sorry. I wasn't.", YOU, "He left and was sorry. You weren't."),
        ("I honestly was scared.", YOU, "You honestly were scared."),
        ("Am I wrong? Was I rude? Why did I go?", YOU, "Are you wrong? Were you rude? Why did you go?"),
        ("I'm sorry. I've lied. I'd do it. I'll go.", YOU, "You're sorry. You've lied. You'd do it. You'll go."),
        ("It was mine, I hurt myself.", YOU, "It was yours, you hurt yourself."),
        ("My wife and I were late. Me and my son too.", YOU, "You and your wife were late. You and your son too."),
        ("AITA for telling my mom?", YOU, "Are you the asshole for telling your mom?"),
        ("i told my dad im sick", YOU, "you told your dad you're sick"),
        # they, with a name first
        ("I told my sister that I was leaving.", ALEX, "Alex told their sister that they were leaving."),
        ("My sister hit me.", ALEX, "Alex's sister hit them."),
        ("I think I'm right.", ALEX, "Alex thinks they're right."),
        ("I have a dog. I don't walk it.", ALEX, "Alex has a dog. Alex doesn't walk it."),
        ("My friend said I was rude to my wife.", ALEX, "Alex's friend said Alex was rude to their wife."),
        ("WIBTA if I left?", ALEX, "Would Alex be the asshole if they left?"),
        ("My mom said no, and I was mad.", ALEX, "Alex's mom said no, and they were mad."),
        # she, he
        ("I try to help. I watch my son.", LAURA, "Laura tries to help. She watches her son."),
        ("I've never met him. I'm sad.", LAURA, "Laura has never met him. She is sad."),
        ("I love him and want the house.", LAURA, "Laura loves him and wants the house."),
        ("Do I owe him money? I really do.", LAURA, "Does Laura owe him money? She really does."),
        ("The dog is mine. I fed it myself.", PETER, "The dog is Peter's. He fed it himself."),
        ("My wife and I fought. We never talk.", PETER, "Peter and his wife fought. They never talk."),
        ("My brother thinks I stole MY car.", PETER, "Peter's brother thinks Peter stole HIS car."),
        ("What should I say? I can't lie.", PETER, "What should Peter say? He can't lie."),
        # without a name, and with an opening sentence
        ("Then I told my brother off.", SOMEONE, "Then someone I know told their brother off."),
        ("I lied to my wife. I'm ashamed.", SOMEONE, "Someone I know lied to their wife. They're ashamed."),
        (
            "I hit my brother. I'd do it again.",
            OPENED,
            "This is about Alex. They hit their brother. They'd do it again.",
        ),
        # what is quoted stays
        ("I said 'I hate you' and \"my God\".", LAURA, "Laura said 'I hate you' and \"my God\"."),
        ("Oh my god, I left, i.e. I ran.", LAURA, "Oh my god, Laura left, i.e. she ran."),
        # curved apostrophes
        ("I\u2019m sad; my wife left.", ALEX, "Alex is sad; their wife left."),
        ("I don\u2019t know.", LAURA, "Laura doesn\u2019t know."),
    ],
)
def test_agreement(text: str, telling: Telling, expected: str) -> None:
    assert rewritten(text, telling) == expected


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("I put the keys away.", LAURA),  # put, puts
        ("I want to stay and help the boy.", LAURA),  # help, helps
        ("She insisted that I leave.", PETER),  # leave, not leaves
        ("I frobnicate it.", LAURA),  # no known verb
        ("My sister cried and my dog died and was buried, and I knew, and was sad.", YOU),  # whose "was"
        ("I told her.", LAURA),  # two are called "she"
        ("I told you.", YOU),
        ("I told them.", ALEX),
        ("We left.", YOU),  # "you" would lose the others
        ("My parents called. We left my wife.", PETER),  # "they" could be the parents
        ("I'm a woman and I left.", PETER),
        ("I (25F) left.", PETER),
        ("I'm pregnant.", PETER),
        ("Let me tell it.", LAURA),  # to the reader
        ("Believe me, I left.", LAURA),
        ("Mom said I could go.", LAURA),  # whose mom
        ('I said "no.', LAURA),  # no end of the quotation
        ("He said, I am done.", LAURA),  # who is "I"
        ("I'm a man who knows himself.", YOU),  # himself
        ("I wish.", YOU),  # you wish!
        ("I bet he left.", YOU),
        ("My friend hit me.", SOMEONE),  # nothing to call them by again
    ],
)
def test_unsure_texts_are_not_rewritten(text: str, telling: Telling) -> None:
    assert rewritten(text, telling) is None


def test_names_are_repeated_after_what_the_pronoun_could_mean_and_in_each_paragraph() -> None:
    assert rewritten("I told my friend that I lied.", ALEX) == "Alex told their friend that Alex lied."
    assert rewritten("I told my wife that I lied.", ALEX) == "Alex told their wife that they lied."
    assert rewritten("I lied.\n\nI left.", ALEX) == "Alex lied.\n\nAlex left."
    assert rewritten("I told Tom that I lied.", LAURA) == "Laura told Tom that Laura lied."


def test_which_pronouns_are_free() -> None:
    text = Text("I told him and them.")
    assert [pronoun for pronoun in ("you", "they", "he", "she") if can_tell(text, pronoun)] == ["you", "she"]
    assert not can_tell(Text("He left."), "you")
