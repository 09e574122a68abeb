"""What every variant keeps: negations, words of feeling, numbers; and that enough of them come."""

import re
import time
from collections import Counter

import pytest

from redheart.rewording.synonyms import DIGITS
from redheart.rewording.variants import FAMILIES, variants
from redheart.rewording.wording import is_emotive, is_negation, words

CONFLICTS = [
    "I told my sister's secret to her fiancé, and now the wedding is off.",
    "My roommate ate my food again, so I yelled at him and threw his plate away. I feel bad about it now. Was I wrong?",
    "I didn't invite my brother to my wedding because he owes me $2000. My mom says I'm heartless.",
    "AITA for not letting my girlfriend bring her dog to my apartment? I'm allergic and she knew that.",
    "My boss asked me to work on Sunday and I said no. He told everyone that I was lazy.",
    "I read my daughter's diary because I was worried. She found out last week and she won't talk to me.",
    "I lied to my parents about my grades for two years. They are paying for everything, and I'm so ashamed.",
    "My best friend cheated on her husband. I know him well, and I haven't told him anything.",
    "I kept the money that I found in a taxi. I needed it, but I feel guilty every time I spend it.",
    "WIBTA if I moved out without telling my roommate? She never pays on time and I can't afford it.",
    "My coworker takes credit for my work. Yesterday I told our manager, and now he's furious with me.",
    "I promised my son that I would come to his game. I forgot, and he cried all evening.",
    "I sold my grandmother's ring to pay my rent. My aunt says I betrayed the family.",
    "My husband wants his mother to live with us. I said I would leave if she moves in. Am I being cruel?",
    "I was angry at my neighbor for the noise, so I called the police. He lost his job because of it.",
    "I refused to lend my cousin my car. He missed his exam and he blames me.",
    "My girlfriend gave me a watch for my birthday, but I don't like it. I returned it and bought shoes instead.",
    "I broke my brother's laptop and told him that it was the cat. He believed me.",
    "I hit a parked car last night and drove away. Nobody saw me, but I can't sleep.",
    "My father left us when I was 5. Now he's sick and wants to see me. I don't want to go.",
    "I told a little girl at the store that Santa isn't real. Her mother was livid.",
    "I work in a bakery. I give the old bread to a homeless man, although my boss has forbidden it.",
    "My friend asked if she looked good in her dress. I said no, and she left the party in tears.",
    "I've been hiding my new job from my wife. She thinks I'm still a lawyer.",
    "I don't want to be the maid of honor at my sister's wedding. She cried when I told her.",
    "Last month I found a wallet with 300 dollars. I kept the cash and mailed the wallet back.",
    "My teacher accused me of cheating. I didn't cheat, but my friend copied my answers and I let him.",
    "AITA for telling my brother that his band is terrible? He asked me for my honest opinion.",
    "My wife spent our savings on a horse. I shouted at her in front of our kids. I'm not proud of it.",
    "I stopped talking to my mom after she voted against my marriage. My dad is begging me to forgive her.",
    "I paid a student to write my essay. I was tired and I had three exams in a week.",
    "I gave my dog away because my boyfriend hates animals. I miss her so much.",
    "He took his sister's money and never told her. He's not sorry.",
    "She left her baby in the car while she went to the store.",
    "Martin reads his wife's messages because he thinks she is lying. He feels terrible about it.",
    "Someone stole my bike, so I stole another one. It was not locked.",
    "I told my therapist about my ex's crimes. She had to report it, and he hates me now.",
    "My uncle made a racist joke at dinner. I walked out, and my grandma says I ruined her birthday.",
    "I work from home and my roommate plays the drums at noon. I cut the power once. He never knew why.",
    "My kids are loud and the neighbors complain. I told them that I won't apologize for happy children.",
]
FORUM_NAMES = {"aita": ["asshole"], "wibta": ["asshole"]}
SAME_SPELLING = str.maketrans({"\u2019": "'", "\u2018": "'"})


def negations(text: str) -> int:
    """How many words deny; "no one" and "nobody", "cannot" and "can not" are one each."""
    plain = re.sub(r"\bno one\b", "nobody", text.translate(SAME_SPELLING).lower())
    return sum(map(is_negation, words(re.sub(r"\bcan ?not\b", "can't", plain))))


def feelings(text: str) -> Counter[str]:
    """The beginnings of the words of feeling; a forum's initials stand for theirs."""
    found = Counter(word[:3].lower() for word in words(text) if is_emotive(word))
    for word in words(text):
        found.update(stem[:3] for stem in FORUM_NAMES.get(word.lower(), []))
    return found


def numbers(text: str) -> Counter[str]:
    found = Counter(re.findall(r"\d+", text.replace(",", "")))
    found.update(DIGITS[word.lower()] for word in words(text) if word.lower() in DIGITS)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_variants_are_distinct_and_never_the_text(family: str) -> None:
    for text in CONFLICTS:
        made = variants(text, family, count=12)
        assert len(set(made)) == len(made) <= 12
        assert text not in made


@pytest.mark.parametrize("family", FAMILIES)
def test_variants_keep_negations_feelings_and_numbers(family: str) -> None:
    for text in CONFLICTS:
        for variant in variants(text, family, count=12):
            assert negations(variant) == negations(text), variant
            assert feelings(variant) == feelings(text), variant
            assert numbers(variant) == numbers(text), variant
            assert variant.count("!") == text.count("!"), variant
            assert variant.count("?") == text.count("?"), variant


@pytest.mark.parametrize("family", FAMILIES)
def test_nine_texts_in_ten_have_five_variants(family: str) -> None:
    assert sum(len(variants(text, family)) >= 5 for text in CONFLICTS) >= 0.9 * len(CONFLICTS)


def test_most_texts_are_rewritten_and_not_only_quoted() -> None:
    def rewritten(text: str) -> int:
        return sum(text not in variant for variant in variants(text, "point_of_view"))

    assert sum(rewritten(text) >= 3 for text in CONFLICTS) >= 0.7 * len(CONFLICTS)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_variants(family: str) -> None:
    text = CONFLICTS[1]
    assert variants(text, family, 8, seed=3) == variants(text, family, 8, seed=3)
    assert variants(text, family, 8, seed=3)[:5] == variants(text, family, 5, seed=3)
    assert variants(text, family, 8, seed=3) != variants(text, family, 8, seed=4)


def test_variants_are_the_same_in_every_process() -> None:
    # Python's own hashes of texts differ from process to process; these choices must not.
    assert variants("I didn't tell her, because I was tired.", "surface", 2) == [
        "I didn't tell her, beacuse I was tired. ",
        "i didn\u2019t tell  her, becuase i was tired.",
    ]
    assert variants("I told my boss that I was late.", "point_of_view", 2) == [
        "You told your boss that you were late.",
        "Jordan told their boss that Jordan was late.",
    ]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["", "   \n", "!!!", "12:30", "\U0001f600"])
def test_a_text_without_words_has_no_variants(text: str, family: str) -> None:
    assert variants(text, family) == []


def test_count_is_the_most_that_come() -> None:
    assert variants(CONFLICTS[0], "surface", 0) == []
    assert len(variants(CONFLICTS[0], "surface", 3)) == 3
    assert 0 < len(variants("ok", "surface", 500)) < 500


def test_other_scripts_get_no_english_around_them() -> None:
    assert variants("これは私の話です。", "paraphrase") == variants("これは私の話です。", "point_of_view") == []


def test_errors_name_the_cause_and_the_remedy() -> None:
    with pytest.raises(ValueError, match="did you mean 'paraphrase'"):
        variants("I left.", "paraphrases")
    with pytest.raises(ValueError, match=r"-1.*0 or more"):
        variants("I left.", "surface", -1)


def test_time_is_linear_in_the_length() -> None:
    paragraph = (
        "I told my sister that I didn't want to go, because I was tired; my friend said I was rude. He left.\n\n"
    )
    start = time.process_time()
    for text in (paragraph * 80, "a" * 10_000, "was and " * 1_000):
        for family in FAMILIES:
            variants(text, family, 2)
    assert time.process_time() - start < 10  # takes half a second
