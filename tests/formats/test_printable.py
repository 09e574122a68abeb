"""What commands a terminal is shown, and letters stay letters."""

import re
import unicodedata

import pytest

from redheart.formats.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1bc \x9b1m", "\\x1bc \\x9b1m"),
        ("a\rb\x08\x7f", "a\\x0db\\x08\\x7f"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
        ("a\r\nb\n\tc", "a\nb\n\tc"),
        ("그만 é 👩‍👩‍👧 \u05d0 ㅠㅠ\u00a0\u00ad", "그만 é 👩‍👩‍👧 \u05d0 ㅠㅠ\u00a0\u00ad"),
    ],
)
def test_controls_are_shown(text: str, shown: str) -> None:
    """Of its kind: the terminal's reading, its errors, the tables of `evaluate`, `info` and `push`, the examples."""
    assert printable(text) == shown


def test_no_control_character_is_left() -> None:
    left = printable("".join(map(chr, range(0x3000))))
    assert {char for char in left if unicodedata.category(char) == "Cc"} == {"\n", "\t"}
    assert not re.search("[\u2028\u2029\u202a-\u202e\u2066-\u2069]", left)
