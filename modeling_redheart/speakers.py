"""How many people speak in a text: chats and dialogues whose lines begin with the name of the speaker.

In such a text `author` is, by definition, the speaker named "me", "I", "나" or "저", or else the first speaker. A model
reads a text as the account of one person unless it was trained otherwise, so the flags of a reading give the number of
speakers.
"""

import re
import unicodedata

_LINE = re.compile(
    r"""^\s*(?:[-*>]\s*)?
        (?:\[[^\]\n]{1,30}\]\s*)?                       # [21:04]
        (?:\d{1,2}[:.]\d{2}(?:\s*[ap]m)?\s*[-\u2013]?\s*)?   # 21:04 -
        (?P<name>[^\W\d_][\w .'\u2019-]{0,23}?)\s*[:\uff1a]\s+\S""",
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
# What begins a line in the same way and is not a speaker.
_HEADINGS = frozenset(
    (
        "edit",
        "update",
        "note",
        "ps",
        "p.s",
        "tldr",
        "tl;dr",
        "subject",
        "re",
        "date",
        "from",
        "to",
        "cc",
        "title",
        "question",
        "answer",
        "context",
        "background",
        "summary",
        "warning",
        "reason",
        "example",
        "info",
        "제목",
        "질문",
        "답변",
        "추가",
        "수정",
        "요약",
        "참고",
        "결론",
        "배경",
        "날짜",
    )
)
_MOST_WORDS = 3


def count_speakers(text: str) -> int:
    """Count the speakers that the lines of a text name.

    At least two lines must begin with a name and a colon, with at least two names in all.

    Args:
        text: The text.

    Returns:
        The number of speakers; 1 where the text is the account of one person.
    """
    names = [
        unicodedata.normalize("NFKC", found["name"]).casefold().strip()
        for found in _LINE.finditer(text)
        if len(found["name"].split()) <= _MOST_WORDS
    ]
    return max(1, len({name for name in names if name not in _HEADINGS}))


__all__ = ["count_speakers"]
