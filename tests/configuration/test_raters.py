"""Who rated a claim, in one word."""

import pytest

from redheart.configuration.raters import rated_by


@pytest.mark.parametrize(
    ("sources", "word"),
    [
        (["goemotions"], "people"),
        (["goemotions", "my own letters"], "people"),
        (["cases"], "model"),
        (["cases", "all-MiniLM-L6-v2"], "model"),
        (["derived: probability of remorse"], "derived"),
        (["rows held out of training"], "derived"),
        (["cases", "emobank"], "mixed"),
        (["scruples_anecdotes", "derived: whoever acts badly in a story"], "mixed"),
        ([], ""),
    ],
)
def test_who_rated_is_one_word(sources: list[str], word: str) -> None:
    assert rated_by(sources) == word
