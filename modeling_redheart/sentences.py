"""Where the sentences of a text begin and end, in English and Korean as people type them.

Notable: a line break ends a sentence, since many chats and lists have no other sign; a full stop after a title, an
initial or within a number does not. Signs of laughter and tears (ㅋㅋ, ㅠㅠ) and closing quotes belong to the sentence
that they follow.
"""

import re
from collections.abc import Iterator

_ENDS = re.compile(
    r"""[.!?\u2026\u3002\uff01\uff1f]+   # the signs that end a sentence, as many as there are
        [\"'\u201d\u2019\u00bb)\]\u300d\u300f]*  # the closing quotes and brackets
        (?:\s*[ㅋㅎㅠㅜ]{2,}[~!.]*)?  # laughter and tears after it
        (?=\s|$)                  # and never within a word or a number
        |\s*\n\s*""",
    re.VERBOSE,
)
_ABBREVIATED = re.compile(
    r"(?:^|[\s(\"'\u201c\u2018])"
    r"(?:[A-Za-z]|mr|mrs|ms|mx|dr|prof|st|jr|sr|vs|etc|no|approx|dept|[ap]\.m|e\.g|i\.e)\.$",
    re.IGNORECASE,
)
# After these a capital letter, or an end, does begin a new sentence.
_MAY_END = re.compile(r"(?:etc|[ap]\.m|[^A-Za-z]I)\.$", re.IGNORECASE)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Find the sentences of a text.

    What follows the last full stop is a sentence too; one without any letter, digit or pictograph is part of the one
    before.

    Args:
        text: The text.

    Yields:
        Start and end of each sentence, in characters, without the white space around it.
    """
    start, spans = 0, []
    for found in _ENDS.finditer(text):
        if not _ends_here(text, found):
            continue
        spans.append((start, found.end()))
        start = found.end()
    spans.append((start, len(text)))
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and not _has_content(text[begin:end]):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    for begin, end in merged:
        piece = text[begin:end]
        if piece.strip():
            yield begin + len(piece) - len(piece.lstrip()), begin + len(piece.rstrip())


def _ends_here(text: str, found: re.Match[str]) -> bool:
    if "\n" in found[0] or not found[0].startswith(".") or found[0].startswith(".."):
        return True
    before = text[max(0, found.start() - 12) : found.start() + 1]
    if not _ABBREVIATED.search(before):
        return True
    after = text[found.end() :].lstrip()
    return bool(_MAY_END.search(before)) and (not after or after[0].isupper())


def _has_content(piece: str) -> bool:
    return any(char.isalnum() or ord(char) > 0x2190 for char in piece)


__all__ = ["sentences"]
