"""Words, sentences, quotations, and which words are left alone."""

import pytest

from redheart.rewording.wording import is_emotive, is_negation, quotations, sentences, share_of_script, words


def test_words_are_without_numbers_and_marks() -> None:
    assert words("I didn't pay 20% (or 3.5).") == ["I", "didn't", "pay", "or"]


def test_sentences_end_at_their_marks_but_not_at_abbreviations() -> None:
    text = 'Mr. Smith left at 5 p.m. and... I did. "Why?" she said.\n\nOk then! Yes'
    assert [text[begin:end] for begin, end in sentences(text)] == [
        "Mr. Smith left at 5 p.m. and...",
        "I did.",
        '"Why?"',
        "she said.",
        "Ok then!",
        "Yes",
    ]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("He said \"no\" and 'yes'.", ['"no"', "'yes'"]),
        ("my parents' house isn't theirs", []),
        ("“a” \u2018b\u2019 c\u2019s", ["“a”", "\u2018b\u2019"]),
        ('I said "I hate you," and left.', ['"I hate you,"']),
        ("the '90s were 'cause", []),
        ('"open', None),
        ("I'm 5'10\" and 6'2\" tall", None),
        ("He said 'my parents' car' and left", None),
        ('She goes "why? "I left" ok', None),
    ],
)
def test_quotations_or_none_where_the_marks_leave_it_open(text: str, quoted: list[str] | None) -> None:
    spans = quotations(text)
    assert (None if spans is None else [text[begin:end] for begin, end in spans]) == quoted


def test_negations_with_either_apostrophe_and_without() -> None:
    assert all(map(is_negation, ["not", "never", "Nobody", "didn't", "won\u2019t", "couldnt"]))
    assert not any(map(is_negation, ["note", "want", "went", "point", "ant"]))


def test_emotive_words_have_many_forms() -> None:
    assert all(map(is_emotive, ["angry", "hated", "unhappy", "dishonest", "Guilt", "betrayed", "stealing"]))
    assert not any(map(is_emotive, ["number", "together", "function", "yesterday", "apartment", "made"]))


def test_share_of_script() -> None:
    assert share_of_script("나는 ok", "HANGUL") == 0.5
    assert share_of_script("123 !", "LATIN") == 0.0
